using System;
using System.Globalization;
using System.Text;
using Deterministic.Client.Json;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Client.Tests.Json;

public sealed class FloatTextTests
{
    [Theory]
    [InlineData("0")]
    [InlineData("-0.0")]
    [InlineData("0.1")]
    [InlineData("-16777217.5")]
    [InlineData("0.000000059604645")]
    [InlineData("123456789012345678")]
    [InlineData("9007199254740993")]
    [InlineData("1.00000017881393432617")]
    [InlineData("1.00000017881393421514")]
    public void AgreesWithTheLongWay(string text) => Agrees(text);

    [Theory]
    [InlineData("1e5")]
    [InlineData("1.2345678901234567890")]
    [InlineData("16777217")]
    public void LeavesToTheLongWayWhatItCannotBeSureOf(string text) =>
        Assert.False(FloatText.TryParse(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void AgreesWithTheLongWayOnAnyNumber()
    {
        int shortWay = 0;
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            Random random = new(seed);
            float near = BitConverter.UInt32BitsToSingle((uint)random.NextInt64(1L << 32));
            double between = ((double)near + MathF.BitIncrement(near)) / 2;
            string digits = random.NextInt64(1L << random.Next(1, 60)).ToString(CultureInfo.InvariantCulture);
            string[] texts =
            [
                near.ToString("R", CultureInfo.InvariantCulture), between.ToString("F9", CultureInfo.InvariantCulture),
                random.NextSingle().ToString("R", CultureInfo.InvariantCulture), digits,
                "-" + digits.Insert(random.Next(1, digits.Length + 1), ".") + "5",
            ];
            foreach (string text in texts) shortWay += Agrees(text) ? 1 : 0;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
        Assert.True(shortWay > 5000, $"only {shortWay} went the short way");
    }

    /// <summary>Whether it went the short way; if it did, the bits must be the same.</summary>
    private static bool Agrees(string text)
    {
        if (!FloatText.TryParse(Encoding.UTF8.GetBytes(text), out float value)) return false;
        float expected = float.Parse(text, CultureInfo.InvariantCulture);
        Assert.True(BitConverter.SingleToUInt32Bits(expected) == BitConverter.SingleToUInt32Bits(value), text);
        return true;
    }
}
