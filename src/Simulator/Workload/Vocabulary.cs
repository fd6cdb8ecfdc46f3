using System;
using System.Runtime.InteropServices;
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

    /// <summary>Dimensions of sparse vectors.</summary>
    public static ReadOnlySpan<string> SparseNames =>
        (string[])["log", "7", "walrus", "Zürich", "a b", "7\0", "of", "a-dimension-of-a-longer-name", "👍"];

    public const int NamespaceKinds = 5;
    public static string AllWords { get; } = string.Join(' ', Words);

    /// <summary>Too long for several rows to fit into a small message.</summary>
    private static readonly string LongText = string.Join(", ", AllWords, AllWords, AllWords, AllWords, AllWords);
    public int Dimensions => dimensions;
    public int Namespaces => namespaces;

    public static string NameOf(int number) => "ns-" + number;

    public string Namespace() => NameOf(tape.Below(namespaces));

    /// <summary>Name of a branch, which is of the kind of what it is made from.</summary>
    public static string BranchOf(string name) => "branch-" + name[^1];

    /// <summary>Namespaces differ in metric, vector widths, text options and id type, told by the last digit of their
    /// names. The last kind declares only its vector: the other types are inferred.</summary>
    public static int KindOf(string name) => (name[^1] - '0') % NamespaceKinds;

    public static bool IsInferred(string name) => KindOf(name) == NamespaceKinds - 1;

    public static DistanceMetric MetricOf(string name) =>
        KindOf(name) % 2 == 0 ? DistanceMetric.CosineDistance : DistanceMetric.EuclideanSquared;

    /// <summary>Width of a vector column; "image" has half the dimensions of "vector", and elements of the other
    /// size.</summary>
    public int DimensionsOf(string column) => column == "image" ? (dimensions + 1) / 2 : dimensions;

    public AttributeSchema[] SchemaOf(string name)
    {
        bool wide = KindOf(name) < 2;
        AttributeSchema vector = new()
        {
            Name = "vector", Type = wide ? AttributeType.VectorF32 : AttributeType.VectorF16,
            Dimensions = (uint)dimensions, Ann = true,
        };
        if (IsInferred(name)) return [vector];
        AttributeSchema image = new()
        {
            Name = "image", Type = wide ? AttributeType.VectorF16 : AttributeType.VectorF32,
            Dimensions = (uint)DimensionsOf("image"), Ann = true,
        };
        return
        [
            vector, image,
            new() { Name = "title", Type = AttributeType.String, FullText = new FullTextOptions
                { Stemming = true, RemoveStopwords = true, AsciiFolding = KindOf(name) == 1 },
                Glob = true, Regex = true },
            new() { Name = "body", Type = AttributeType.String, Filterable = false, FullText = new FullTextOptions
                { Tokenizer = Tokenizer.WordV1, Language = Language.Porter, Stemming = KindOf(name) == 2 } },
            new() { Name = "color", Type = AttributeType.String, Filterable = true, Regex = true, Fuzzy = true },
            new() { Name = "size", Type = AttributeType.Int, Filterable = true },
            new() { Name = "count", Type = AttributeType.Uint, Filterable = true },
            new() { Name = "price", Type = AttributeType.Float, Filterable = true },
            new() { Name = "sold", Type = AttributeType.Bool, Filterable = true },
            new() { Name = "made", Type = AttributeType.Datetime, Filterable = true },
            new() { Name = "key", Type = AttributeType.Uuid, Filterable = true },
            new() { Name = "tags", Type = AttributeType.StringArray, Filterable = true, Glob = true, Regex = true,
                Fuzzy = true },
            new() { Name = "marks", Type = AttributeType.IntArray, Filterable = true },
            new() { Name = "counts", Type = AttributeType.UintArray },
            new() { Name = "prices", Type = AttributeType.FloatArray },
            new() { Name = "flags", Type = AttributeType.BoolArray },
            new() { Name = "keys", Type = AttributeType.UuidArray },
            new() { Name = "dates", Type = AttributeType.DatetimeArray },
            new() { Name = "note", Type = AttributeType.String, Glob = true, Fuzzy = true },
            new() { Name = "weights", Type = AttributeType.SparseF16 },
        ];
    }

    /// <summary>The schema without what can be changed later: names and types.</summary>
    public AttributeSchema[] TypesOf(string name)
    {
        AttributeSchema[] schema = SchemaOf(name);
        for (int i = 0; i < schema.Length; i++)
        {
            schema[i] = new AttributeSchema
            {
                Name = schema[i].Name, Type = schema[i].Type, Dimensions = schema[i].Dimensions, Ann = schema[i].Ann,
            };
        }
        return schema;
    }

    public Value Id(string name)
    {
        ulong number = tape.Below((ulong)ids);
        return KindOf(name) switch
        {
            2 => tape.Below(4) == 3
                ? Value.Of($"0000000000000077-{number:x16}".Remove(16, 1)) : Value.OfUuid((UInt128)0x77 << 64 | number),
            3 => Value.Of("doc-of-a-long-name-" + number),
            _ => tape.Below(4) == 3 ? Value.Of((long)number) : Value.Of(number),
        };
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
    public float[] Vector(string column)
    {
        float[] vector = new float[DimensionsOf(column)];
        for (int i = 0; i < vector.Length; i++) vector[i] = (tape.Below(64) - 32) * (tape.Below(4) == 0 ? 0.1f : 0.5f);
        return vector;
    }

    /// <summary>A vector in one of its forms: elements, an array of numbers, base64 text.</summary>
    public Value VectorValue(string column)
    {
        float[] vector = Vector(column);
        int form = tape.Below(8);
        if (form < 6) return Value.Of(vector);
        if (form == 7) return Value.Of(Convert.ToBase64String(MemoryMarshal.AsBytes<float>(vector)));
        Value[] elements = new Value[vector.Length];
        for (int i = 0; i < elements.Length; i++) elements[i] = Value.Of((double)vector[i]);
        return Value.Of(elements);
    }

    /// <summary>A vector that no document has.</summary>
    public static float[] Probe(int width)
    {
        float[] vector = new float[width];
        for (int i = 0; i < vector.Length; i++) vector[i] = 1f / (3 + i);
        return vector;
    }

    /// <summary>Few dimensions, so that rows have some in common. Weights that f16 has not, of both signs: sums are not
    /// exact in every order, and some are zero.</summary>
    public SparseDimension[] Sparse(int dimensionsMax)
    {
        SparseDimension[] dimensions = new SparseDimension[tape.Range(0, dimensionsMax)];
        int count = 0;
        foreach (string name in SparseNames)
        {
            if (count == dimensions.Length) break;
            if (tape.Below(SparseNames.Length) > dimensionsMax) continue;
            double weight = tape.Below(32) == 31 ? tape.Range(-65504, 65504) : tape.Range(-6, 20) / 10.0;
            dimensions[count++] = new SparseDimension(name, weight);
        }
        return dimensions[..count];
    }

    public static SparseDimension Unit(string name) => new(name, 1);

    /// <summary>A value of the attribute, or of one of its elements, as the type stores it or in another form that it
    /// takes.</summary>
    public Value Scalar(string attribute)
    {
        switch (attribute)
        {
            case "color": return Value.Of(Colors[tape.Below(Colors.Length)]);
            case "tags": return Value.Of(Word());
            case "size" or "marks": return Size();
            case "count" or "counts":
                int count = tape.Below(9);
                if (tape.Below(8) == 7) return Value.Of((long)count);
                return Value.Of(tape.Below(64) == 63 ? ulong.MaxValue - (ulong)count : (ulong)count);
            case "price" or "prices": return tape.Below(8) == 7 ? Value.Of(3L) : Value.Of(tape.Range(-20, 60) / 10.0);
            case "sold" or "flags": return Value.Of(tape.Boolean());
            case "made" or "dates": return Datetime();
            case "key" or "keys": return Uuid();
            case "note": return Value.Of(tape.Below(8) == 7 ? LongText : Text(4));
            default: return Value.Of(Text(4));
        }
    }

    /// <summary>A value whose kind alone tells the type of a new attribute.</summary>
    public Value Plain(string attribute) => attribute switch
    {
        "size" => Value.Of((long)tape.Range(-3, 12)),
        "count" => Value.Of((ulong)tape.Below(9)),
        "price" => Value.Of(tape.Range(-20, 60) / 10.0),
        "made" => Value.OfDatetime(1_699_920_000_000 + 86_400_000L * tape.Below(20)),
        "key" => Value.OfUuid((UInt128)tape.Below(6UL) << 64 | 0x77),
        _ => Scalar(attribute),
    };

    private static readonly string[] Colors = ["red", "green", "blue", "", "grün"];

    private Value Size()
    {
        long size = tape.Range(-3, 12);
        if (tape.Below(64) == 63) size += tape.Boolean() ? long.MaxValue - 12 : long.MinValue + 3;
        return size >= 0 && tape.Below(8) == 7 ? Value.Of((ulong)size) : Value.Of(size);
    }

    private Value Datetime()
    {
        int day = tape.Below(20);
        long milliseconds = 1_699_920_000_000 + 86_400_000L * day;
        int form = tape.Below(8);
        if (form == 6) return Value.Of(milliseconds);
        if (form < 6) return Value.OfDatetime(milliseconds);
        // 2023-11-14 is the first of the days.
        return Value.Of(day < 17 ? $"2023-11-{14 + day:00}T00:00:00Z" : $"2023-12-{day - 16:00}T00:00:00Z");
    }

    private Value Uuid()
    {
        ulong number = tape.Below(6UL);
        if (tape.Below(8) != 7) return Value.OfUuid((UInt128)number << 64 | 0x77);
        return Value.Of($"00000000-0000-000{number}-0000-000000000077");
    }

    public Value Array(string attribute)
    {
        Value[] elements = new Value[tape.Below(4)];
        for (int i = 0; i < elements.Length; i++) elements[i] = Scalar(attribute);
        return Value.Of(elements);
    }

    /// <summary>Ways to analyse text that a schema change may ask for.</summary>
    public FullTextOptions TextOptions(bool array) => new()
    {
        Tokenizer = tape.Below(array ? 4 : 3) switch
        {
            0 => Tokenizer.WordV4,
            1 => Tokenizer.WordV1,
            2 => Tokenizer.WordV3,
            _ => Tokenizer.PreTokenizedArray,
        },
        Language = (Language)tape.Below(3), Stemming = tape.Boolean(), RemoveStopwords = tape.Boolean(),
        CaseSensitive = tape.Boolean(), AsciiFolding = tape.Boolean(),
        MaxTokenLength = (byte)(tape.Below(4) == 3 ? 5 : 39), K1 = 1 + tape.Below(3) / 2f, B = tape.Below(3) / 2f,
        K3 = 1 + tape.Below(8),
    };
}
