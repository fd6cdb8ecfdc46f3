using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Text.Json;
using Deterministic.Client.Json;
using Deterministic.Core.Model;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Client.Tests.Json;

/// <summary>Vectors as arrays of numbers: most of them are not read by the general reader of JSON, which nobody may
/// notice.</summary>
public sealed class VectorJsonTests
{
    [Theory]
    [InlineData("[]", new float[0])]
    [InlineData("[1]", new float[] { 1 })]
    [InlineData("[1,2.5,-0.25,4]", new[] { 1, 2.5f, -0.25f, 4 })]
    [InlineData("[ 1 ,\n\t2.5 , -0.25,\r\n4 ]", new[] { 1, 2.5f, -0.25f, 4 })]
    [InlineData("[1,2,3e-2,4,5E1,6,7]", new[] { 1, 2, 0.03f, 4, 50, 6, 7 })]
    [InlineData("[0.123456789,0.1234567,12345678.5,0.000000059604645]",
        new[] { 0.123456789f, 0.1234567f, 12345678.5f, 0.000000059604645f })]
    public void NumbersInAnyForm(string json, float[] expected)
    {
        Assert.Equal(expected, Vector(json));
    }

    [Theory]
    [InlineData("[1,2,]", "byte 52: The JSON array contains a trailing comma at the end")]
    [InlineData("[1,2,,3]", "byte 52: ',' is an invalid start of a value.")]
    [InlineData("[1,2,03]", "byte 53: Invalid leading zero before '3'.")]
    [InlineData("[1,2,3.]", "byte 54: ']' is invalid within a number")]
    [InlineData("[1,2,.5]", "byte 52: '.' is an invalid start of a value.")]
    [InlineData("[1,2,-]", "byte 53: ']' is invalid within a number")]
    [InlineData("[1,2,3x]", "byte 53: 'x' is an invalid end of a number.")]
    [InlineData("[1,2,3 4]", "byte 54: '4' is invalid after a value.")]
    [InlineData("[1,\n2,\n3,,4]", "line 3, byte 3: ',' is an invalid start of a value.")]
    [InlineData("[1,2,3}", "byte 53: '}' is invalid")]
    public void WhatIsNotJsonIsShownAtItsPlace(string json, string problem)
    {
        JsonRequestException exception = Assert.Throws<JsonRequestException>(() => Vector(json));
        Assert.StartsWith("not valid JSON at " + problem, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[1,2,\"3\"]", "upsert_rows[0].vector[2]: expects a number, but got \"3\"")]
    [InlineData("[1,null]", "upsert_rows[0].vector[1]: expects a number, but got null")]
    [InlineData("[1,2,3,1e39,5]", "upsert_rows[0].vector[3]: 1e39 is not a finite 32-bit float")]
    [InlineData("[1,2,3,[4]]", "upsert_rows[0].vector[3]: expects a number, but got an array")]
    public void WhatIsNoVectorIsNamedByItsElement(string json, string message) =>
        JsonText.Fails(() => Vector(json), message);

    [Fact]
    public void EveryArrayIsReadAsTheGeneralReaderReadsIt()
    {
        int read = 0, refused = 0;
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            string json = Request(RandomArray(new Random(seed)));
            float[]? expected = Reference(json, out string? place);
            if (expected is null)
            {
                JsonRequestException exception = Assert.Throws<JsonRequestException>(() => JsonText.Write(json));
                Assert.True(place is null || exception.Message.Contains(place, StringComparison.Ordinal),
                    $"{json}: {exception.Message}, expected {place}");
                refused++;
                return;
            }
            Assert.Equal(
                expected.Select(BitConverter.SingleToUInt32Bits),
                VectorOf(JsonText.Write(json)).Select(BitConverter.SingleToUInt32Bits));
            read++;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(3000));
        Assert.True(read > 500 && refused > 500, $"{read} read, {refused} refused");
    }

    private static string Request(string vector) => $$"""{"upsert_rows":[{"id":1,"n":2,"x":[],"vector":{{vector}}}]}""";

    private static float[] Vector(string json) => VectorOf(JsonText.Write(Request(json)));

    private static float[] VectorOf(WriteRequest write) =>
        Assert.Single(write.Upserts).Attributes.Single(static pair => pair.Key == "vector").Value.AsVector;

    /// <summary>Numbers in many spellings and, in every second array, something wrong somewhere.</summary>
    private static string RandomArray(Random random)
    {
        List<string> elements = [.. Enumerable.Range(0, random.Next(40)).Select(_ => RandomNumber(random))];
        if (elements.Count > 0 && random.Next(2) == 0)
        {
            string[] wrong = ["", "01", "-", "1.", ".5", "1e", "+1", "NaN", "1x", "1 2", "1e60", "]", "\"1", "\n,"];
            elements[random.Next(elements.Count)] = wrong[random.Next(wrong.Length)];
        }
        string[] separators = [",", ", ", " ,", ",\n", "\t,\r\n "];
        string separator = separators[random.Next(separators.Length)];
        return "[" + string.Join(separator, elements) + "]";
    }

    private static string RandomNumber(Random random) => random.Next(6) switch
    {
        0 => random.Next(-100, 100).ToString(CultureInfo.InvariantCulture),
        1 => random.NextDouble().ToString("R", CultureInfo.InvariantCulture),
        2 => (random.NextSingle() * 1e-4f).ToString("E4", CultureInfo.InvariantCulture),
        3 => random.NextInt64().ToString(CultureInfo.InvariantCulture),
        _ => (random.NextSingle() - 0.5f).ToString("R", CultureInfo.InvariantCulture),
    };

    /// <summary>What the vector is, by the reader of .NET alone; null if it is none. If the text is not JSON, where
    /// that shows.</summary>
    private static float[]? Reference(string json, out string? place)
    {
        place = null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            float[] vector = [.. document.RootElement.GetProperty("upsert_rows")[0].GetProperty("vector")
                .EnumerateArray().Select(static element => element.GetSingle())];
            return vector.All(float.IsFinite) ? vector : null;
        }
        catch (JsonException exception)
        {
            string line = exception.LineNumber > 0 ? $"line {exception.LineNumber + 1}, " : "";
            place = $"{line}byte {exception.BytePositionInLine + 1}";
            return null;
        }
    }
}
