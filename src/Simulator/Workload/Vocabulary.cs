using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;

namespace Deterministic.Simulator.Workload;

/// <summary>The small world that simulated clients write about: few namespaces, few ids, few words, so that requests of
/// different clients meet on the same documents, scores tie and filters match.</summary>
[FloatAllowed("draws values from exact numbers")]
internal sealed class Vocabulary(TapeStream tape, int namespaces, int ids, int dimensions)
{
    private static readonly string[] Words =
    [
        "log", "view", "op", "commit", "replica", "quorum", "journal", "block", "vector", "posting", "centroid",
        "walrus", "tusk", "running", "runs", "runner", "the", "and", "a", "of", "Zürich", "naïve",
        "don't", "3.14", "2026", "日本", "Quorum", "Straße", "ÜBER", "write-ahead", "snake_case", "quickly", "👍",
    ];

    public const int NamespaceKinds = 4;
    public static string AllWords { get; } = string.Join(' ', Words);
    public int Dimensions => dimensions;
    public int Namespaces => namespaces;

    public static string NameOf(int number) => "ns-" + number;

    public string Namespace() => NameOf(tape.Below(namespaces));

    /// <summary>Namespaces differ in metric, vector width and id type, told by the last digit of their names.</summary>
    public static int KindOf(string name) => (name[^1] - '0') % NamespaceKinds;

    public static DistanceMetric MetricOf(string name) =>
        KindOf(name) % 2 == 0 ? DistanceMetric.CosineDistance : DistanceMetric.EuclideanSquared;

    public static bool HasStringIds(string name) => KindOf(name) == 3;

    public AttributeSchema[] SchemaOf(string name) =>
    [
        new() { Name = "vector", Type = KindOf(name) < 2 ? AttributeType.VectorF32 : AttributeType.VectorF16,
            Dimensions = (uint)dimensions, Ann = true },
        new() { Name = "title", Type = AttributeType.String, FullText = new FullTextOptions
            { Stemming = true, RemoveStopwords = true, AsciiFolding = KindOf(name) == 1 } },
        new() { Name = "body", Type = AttributeType.String, Filterable = false, FullText = new FullTextOptions
            { Tokenizer = Tokenizer.WordV1, Language = Language.Porter, Stemming = KindOf(name) == 2 } },
        new() { Name = "color", Type = AttributeType.String },
        new() { Name = "size", Type = AttributeType.Int },
        new() { Name = "count", Type = AttributeType.Uint },
        new() { Name = "price", Type = AttributeType.Float },
        new() { Name = "sold", Type = AttributeType.Bool },
        new() { Name = "made", Type = AttributeType.Datetime },
        new() { Name = "key", Type = AttributeType.Uuid },
        new() { Name = "tags", Type = AttributeType.StringArray },
        new() { Name = "marks", Type = AttributeType.IntArray },
        new() { Name = "note", Type = AttributeType.String, Filterable = false },
    ];

    public Value Id(string name)
    {
        ulong number = tape.Below((ulong)ids);
        return HasStringIds(name) ? Value.Of("doc-" + number) : Value.Of(number);
    }

    public string Word() => Words[tape.Below(Words.Length)];

    public string Text(int wordsMax)
    {
        int words = tape.Range(0, wordsMax);
        string text = "";
        for (int i = 0; i < words; i++) text += (i == 0 ? "" : tape.Below(8) == 0 ? ", " : " ") + Word();
        return text;
    }

    /// <summary>Small numbers with halves, so that distances tie and sums are not always exact in every
    /// order.</summary>
    public float[] Vector()
    {
        float[] vector = new float[dimensions];
        for (int i = 0; i < vector.Length; i++) vector[i] = (tape.Below(64) - 32) * (tape.Below(4) == 0 ? 0.1f : 0.5f);
        return vector;
    }

    /// <summary>A vector that no document has.</summary>
    public float[] Probe()
    {
        float[] vector = new float[dimensions];
        for (int i = 0; i < vector.Length; i++) vector[i] = 1f / (3 + i);
        return vector;
    }

    /// <summary>A value of the filterable attribute <paramref name="attribute"/>, or of one of its elements.</summary>
    public Value Scalar(string attribute) => attribute switch
    {
        "color" => Value.Of(((ReadOnlySpan<string>)["red", "green", "blue", "", "grün"])[tape.Below(5)]),
        "tags" => Value.Of(Word()),
        "size" => Value.Of((long)tape.Range(-3, 12)),
        "marks" => Value.Of((long)tape.Range(-2, 5)),
        "count" => Value.Of((ulong)tape.Below(9)),
        "price" => Value.Of(tape.Range(-20, 60) / 10.0),
        "sold" => Value.Of(tape.Boolean()),
        "made" => Value.OfDatetime(1_700_000_000_000 + 86_400_000L * tape.Below(20)),
        "key" => Value.OfUuid((UInt128)tape.Below(6UL) << 64 | 0x77),
        _ => Value.Of(Text(4)),
    };

    public Value Array(string attribute)
    {
        Value[] elements = new Value[tape.Below(4)];
        for (int i = 0; i < elements.Length; i++) elements[i] = Scalar(attribute);
        return Value.Of(elements);
    }
}
