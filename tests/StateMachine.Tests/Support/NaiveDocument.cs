using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core.Model;

namespace Deterministic.StateMachine.Tests.Support;

/// <summary>A live document of a test's corpus.</summary>
public sealed class NaiveDocument(ulong id)
{
    public ulong Id { get; } = id;
    public SortedDictionary<string, Value> Values { get; } = new(StringComparer.Ordinal);

    /// <summary>The value as it is stored: -0 as +0.</summary>
    public Value Get(string name)
    {
        if (name == "id") return Value.Of(Id);
        Value value = Values.GetValueOrDefault(name, Value.Null);
        return value.Kind == ValueKind.Float && value.AsFloat == 0 ? Value.Of(0.0) : value;
    }

    public Row ToRow() => new() { Id = Value.Of(Id), Attributes = [.. Values] };
}

/// <summary>A namespace with attributes of every type, written into a machine and kept beside it as plain objects.
/// Document numbers run through several windows with many dead ones; values repeat, so that ties and matches are
/// common.</summary>
public sealed class Corpus : IDisposable
{
    public const int Dimensions = 24;

    public static string[] ScalarNames { get; } = ["s", "i", "u", "f", "b", "x", "d"];
    public static string[] ArrayNames { get; } = [.. ScalarNames.Select(name => name + "s")];
    public static string[] Words { get; } =
        ["red", "re", "redder", "fox", "dog", "do", "runs", "jumps", "blue", "a", "zebra"];

    public Corpus(DistanceMetric metric, int rows = 3000, int seed = 1)
    {
        Random random = new(seed);
        Write(metric, Enumerable.Range(0, rows).Select(i => NewDocument(random, (ulong)i * 3)));
        Write(metric, Enumerable.Range(0, rows / 2).Select(_ => NewDocument(random, (ulong)random.Next(rows) * 3)));
        ulong[] dead = [.. Documents.Keys.Where(id => id % 7 == 0 || id / 3 is > 500 and < 700)];
        foreach (ulong id in dead) Documents.Remove(id);
        Machine.Write(new WriteRequest { Namespace = "n", Deletes = [.. dead.Select(Value.Of)] });
        Patch(metric, random, rows / 10);
    }

    public Machine Machine { get; } = new();
    public SortedDictionary<ulong, NaiveDocument> Documents { get; } = [];

    public void Dispose() => Machine.Dispose();

    public static AttributeSchema[] Schema { get; } =
    [
        .. ScalarNames.Select((name, i) => Scalar(name, (AttributeType)(i + (int)AttributeType.String))),
        .. ArrayNames.Select((name, i) => Scalar(name, (AttributeType)(i + (int)AttributeType.StringArray))),
        new() { Name = "v", Type = AttributeType.VectorF32, Dimensions = Dimensions, Ann = true },
        new() { Name = "h", Type = AttributeType.VectorF16, Dimensions = Dimensions, Ann = true },
        new()
        {
            Name = "t", Type = AttributeType.String, FullText = Text(Tokenizer.WordV1, 8), Glob = true, Regex = true,
            Fuzzy = true,
        },
        new() { Name = "p", Type = AttributeType.StringArray, FullText = Text(Tokenizer.PreTokenizedArray, 2) },
        new() { Name = "sv", Type = AttributeType.SparseF16 },
    ];

    private static AttributeSchema Scalar(string name, AttributeType type) =>
        (type & ~AttributeType.ArrayFlag) == AttributeType.String
            ? new() { Name = name, Type = type, Filterable = true, Regex = true, Fuzzy = true }
            : new() { Name = name, Type = type, Filterable = true };

    private static FullTextOptions Text(Tokenizer tokenizer, float k3) =>
        new() { Tokenizer = tokenizer, Language = Language.None, K3 = k3 };

    private void Write(DistanceMetric metric, IEnumerable<NaiveDocument> documents)
    {
        foreach (NaiveDocument[] chunk in documents.Chunk(500))
        {
            NaiveDocument[] different = [.. chunk.DistinctBy(document => document.Id)];
            foreach (NaiveDocument document in different) Documents[document.Id] = document;
            Machine.Write(new WriteRequest
            {
                Namespace = "n", Metric = metric, Schema = Schema, Upserts = [.. different.Select(d => d.ToRow())],
            });
        }
    }

    private void Patch(DistanceMetric metric, Random random, int count)
    {
        NaiveDocument[] patched = [.. random.GetItems(Documents.Values.ToArray(), count).DistinctBy(d => d.Id)];
        WriteRequest request = new() { Namespace = "n", Metric = metric };
        foreach (NaiveDocument document in patched)
        {
            Value number = Scalar(random, "i");
            document.Values["i"] = number;
            document.Values.Remove("s");
            request.Patches.Add(new Row { Id = Value.Of(document.Id) }.With("i", number).With("s", Value.Null));
        }
        Machine.Write(request);
    }

    private static NaiveDocument NewDocument(Random random, ulong id)
    {
        NaiveDocument document = new(id);
        void Maybe(string name, Value value)
        {
            if (random.Next(5) > 0) document.Values[name] = value;
        }
        foreach (string name in ScalarNames) Maybe(name, Scalar(random, name));
        foreach (string name in ArrayNames)
            Maybe(name, Value.Of(Enumerable.Range(0, random.Next(4)).Select(_ => Scalar(random, name[..1])).ToArray()));
        Maybe("v", Value.Of(Vector(random)));
        Maybe("h", Value.Of(Vector(random)));
        Maybe("t", Value.Of(string.Join(' ', Phrase(random, 9))));
        Maybe("p", Value.Of(Phrase(random, 5).Select(Value.Of).ToArray()));
        Maybe("sv", Value.OfSparse(Sparse(random, 6)));
        return document;
    }

    /// <summary>Weights of both signs, most of which f16 rounds.</summary>
    public static SparseDimension[] Sparse(Random random, int max) =>
    [
        .. Phrase(random, max).Distinct().Select(word => new SparseDimension(word, random.Next(-20, 60) / 30.0)),
    ];

    public static string[] Phrase(Random random, int max) => random.GetItems(Words, random.Next(max));

    /// <summary>Few different ones, so that distances tie; all elements are exact in f16.</summary>
    public static float[] Vector(Random random)
    {
        float[] vector = new float[Dimensions];
        int kind = random.Next(40);
        for (int i = 0; i < vector.Length && kind > 0; i++)
            vector[i] = kind < 20 ? (kind * (i + 3) % 7 - 3) * 0.5f : (float)(Half)(random.NextSingle() * 2 - 1);
        return vector;
    }

    /// <summary>A value of the attribute's own type.</summary>
    public static Value Scalar(Random random, string name) => name switch
    {
        "s" => Value.Of(random.GetItems(Texts, 1)[0]),
        "i" => Value.Of(random.GetItems(Integers, 1)[0]),
        "u" => Value.Of(random.GetItems(Unsigned, 1)[0]),
        "f" => Value.Of(random.GetItems(Floats, 1)[0]),
        "b" => Value.Of(random.Next(2) == 0),
        "x" => Value.OfUuid(random.GetItems(Uuids, 1)[0]),
        _ => Value.OfDatetime(random.GetItems(Integers, 1)[0]),
    };

    public static string[] Texts { get; } =
    [
        "", "a", "aa", "ab", "b", "prefix of sixteen", "prefix of sixteen bytes", "prefix of sixteem", "\0", "é", "日本",
    ];

    public static long[] Integers { get; } =
    [
        long.MinValue, -(1L << 53) - 1, -1000, -2, -1, 0, 1, 2, 3, 1000, (1L << 53) + 1, long.MaxValue - 1,
        long.MaxValue,
    ];

    public static ulong[] Unsigned { get; } =
        [0, 1, 2, 3, 1000, (1UL << 53) + 1, 1UL << 63, ulong.MaxValue - 1, ulong.MaxValue];

    public static double[] Floats { get; } =
    [
        -1e300, -9223372036854775808.0, -1000.5, -1, -5e-324, -0.0, 0, 5e-324, 0.5, 1, 2, 2.5, 3, 1000,
        9007199254740992, 9223372036854775808.0, 18446744073709551616.0, 1e300,
    ];

    public static UInt128[] Uuids { get; } =
        [0, 1, UInt128.One << 64, (UInt128.One << 127) - 1, UInt128.One << 127, UInt128.MaxValue - 1, UInt128.MaxValue];
}
