using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.Replica.Commands;
using Deterministic.Replica.Commands.Data;
using Deterministic.Replica.Commands.Evaluation;
using Xunit;

namespace Deterministic.Client.Tests.Commands;

public sealed class FileFormatTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("v.fvecs")]
    [InlineData("v.fvecs.gz")]
    public void Fvecs(string name)
    {
        byte[] bytes = [.. Bytes(2), .. Bytes(1.5f), .. Bytes(-2f), .. Bytes(2), .. Bytes(0f), .. Bytes(3f)];
        AssertVectors(_folder.Write(name, bytes), AttributeType.VectorF32, [1.5f, -2f], [0f, 3f]);
    }

    [Fact]
    public void Bvecs() => AssertVectors(
        _folder.Write("v.bvecs", [.. Bytes(3), 0, 7, 255, .. Bytes(3), 1, 2, 3]),
        AttributeType.VectorF32, [0, 7, 255], [1, 2, 3]);

    [Fact]
    public void F16bin()
    {
        byte[] halves = new[] { 0.5f, -2f, 1f, 65504f }.SelectMany(f => BitConverter.GetBytes((Half)f)).ToArray();
        AssertVectors(_folder.Write("v.f16bin.gz", [.. Bytes(2), .. Bytes(2), .. halves]),
            AttributeType.VectorF16, [0.5f, -2f], [1f, 65504f]);
    }

    [Fact]
    public void Ivecs()
    {
        using InputFile file = new(_folder.Write("t.ivecs", [.. Bytes(2), .. Bytes(9), .. Bytes(4)]));
        VectorReader reader = new(file);
        Assert.Equal([9, 4], reader.ReadIntegers()!);
        Assert.Null(reader.ReadIntegers());
    }

    [Theory]
    [InlineData("cut.fvecs", new byte[] { 2, 0, 0, 0, 1, 2, 3 }, "it is cut off")]
    [InlineData("zero.fvecs", new byte[] { 0, 0, 0, 0 }, "0 dimensions, there may be 1 to 10752")]
    [InlineData("mixed.bvecs", new byte[] { 1, 0, 0, 0, 5, 2, 0, 0, 0, 5, 5 }, "2 dimensions after vectors of 1")]
    [InlineData("empty.f16bin", new byte[0], "it is empty")]
    public void DamagedVectorFilesAreNamed(string name, byte[] bytes, string why)
    {
        string path = _folder.Write(name, bytes);
        CommandException exception = Assert.Throws<CommandException>(() => Rows(path).Count);
        Assert.Contains(why, exception.Message);
        Assert.Contains(name, exception.Message);
    }

    [Fact]
    public void JsonLinesTakeUnderscoreIdIfTheFirstLineHasIt()
    {
        string path = _folder.Write(
            "d.jsonl.gz", "{\"_id\":\"42\",\"title\":\"a\",\"vector\":[1,2]}\r\n\n{\"_id\":\"x\",\"n\":1}");
        List<Row> rows = Rows(path);
        Assert.Equal([Value.Of("42"), Value.Of("x")], rows.Select(row => row.Id));
        Assert.Equal([new("title", Value.Of("a")), new("vector", Value.Of(1f, 2f))], rows[0].Attributes);
    }

    [Fact]
    public void TextIdsBecomeNumbersOnDemand()
    {
        string path = _folder.Write("d.jsonl", "{\"id\":\"42\"}\n{\"id\":7}\n{\"id\":\"x\"}");
        using DocumentSource source = new(path, new DocumentOptions { NumberIds = true });
        using IEnumerator<Row> rows = source.Read(0).GetEnumerator();
        Assert.True(rows.MoveNext());
        Assert.Equal(Value.Of(42UL), rows.Current.Id);
        Assert.True(rows.MoveNext());
        Assert.Equal(Value.Of(7UL), rows.Current.Id);
        CommandException exception = Assert.Throws<CommandException>(() => rows.MoveNext());
        Assert.EndsWith("d.jsonl, line 3: id: \"x\" is not an unsigned 64-bit integer", exception.Message);
    }

    [Fact]
    public void RowsCanBeNumberedAndGetTheirVectorsFromAnotherFile()
    {
        string path = _folder.Write("d.jsonl", "{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\"}\n{\"id\":\"c\"}");
        using InputFile file = new(_folder.Write("v.bvecs", [.. Bytes(1), 5, .. Bytes(1), 6]));
        DocumentOptions options = new() { RowIds = true, Vectors = new VectorReader(file) };
        using DocumentSource source = new(path, options);
        using IEnumerator<Row> rows = source.Read(10).GetEnumerator();
        Assert.True(rows.MoveNext());
        Assert.Equal(Value.Of(10UL), rows.Current.Id);
        Assert.Equal([new("_id", Value.Of("a")), new("n", Value.Of(1L)), new("vector", Value.Of(5f))],
            rows.Current.Attributes);
        Assert.True(rows.MoveNext());
        Assert.Equal([new("_id", Value.Of("b")), new("vector", Value.Of(6f))], rows.Current.Attributes);
        CommandException exception = Assert.Throws<CommandException>(() => rows.MoveNext());
        Assert.EndsWith("line 3: --vectors has only 2, each document needs one", exception.Message);
    }

    [Fact]
    public void ABadLineIsNamed()
    {
        string path = _folder.Write("d.jsonl", "{\"id\":1}\n{\"id\":2,\"a\":}\n");
        Assert.Contains("line 2: not valid JSON at byte 13", Assert.Throws<CommandException>(() => Rows(path)).Message);
    }

    [Fact]
    public void LongLinesAreWhole()
    {
        string text = new('x', 200_000);
        string path = _folder.Write("d.jsonl", $"{{\"id\":1,\"a\":\"{text}\"}}\n{{\"id\":2,\"a\":\"{text}\"}}");
        Assert.Equal([text, text], Rows(path).Select(row => row.Attributes[0].Value.AsString));
    }

    [Fact]
    public void UnknownAndMissingFilesAreNamed()
    {
        string path = _folder.Write("d.csv", "a");
        Assert.Contains("no known format", Assert.Throws<CommandException>(() => Rows(path)).Message);
        Assert.Contains("does not exist", Assert.Throws<CommandException>(() => Rows("/nowhere/d.jsonl")).Message);
    }

    [Fact]
    public void QrelsWithAndWithoutHeader()
    {
        string beir = _folder.Write("a.tsv", "query-id\tcorpus-id\tscore\n1\td1\t2\n1\td2\t0\n2\td1\t1\n");
        string trec = _folder.Write("b.tsv", "1 0 d1 2\n1 0 d2 0\n2 0 d1 1\n");
        foreach (string path in new[] { beir, trec })
        {
            Dictionary<string, Dictionary<string, int>> qrels = Judgements.ReadQrels(path);
            Assert.Equal(2, qrels.Count);
            Assert.Equal((2, 0), (qrels["1"]["d1"], qrels["1"]["d2"]));
        }
        Assert.Throws<CommandException>(() => Judgements.ReadQrels(_folder.Write("c.tsv", "1\td\t1\n1\td\tx\n")));
    }

    private static byte[] Bytes(int value) => BitConverter.GetBytes(value);

    private static byte[] Bytes(float value) => BitConverter.GetBytes(value);

    private static List<Row> Rows(string path)
    {
        using DocumentSource source = new(path, new DocumentOptions());
        return source.Read(0).ToList();
    }

    private static void AssertVectors(string path, AttributeType type, params float[][] expected)
    {
        using DocumentSource source = new(path, new DocumentOptions());
        AttributeSchema schema = source.DefaultSchema!;
        Assert.Equal((type, (uint)expected[0].Length), (schema.Type, schema.Dimensions));
        List<Row> rows = source.Read(5).ToList();
        Assert.Equal(Enumerable.Range(5, expected.Length).Select(i => Value.Of((ulong)i)), rows.Select(row => row.Id));
        Assert.Equal(expected, rows.Select(row => row.Attributes.Single().Value.AsVector));
    }
}
