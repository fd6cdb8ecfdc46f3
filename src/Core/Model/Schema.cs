using System;
using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

/// <summary>Type of an attribute. The array forms have bit 4 set; vectors have their dimensions beside them. Append
/// only.</summary>
public enum AttributeType : byte
{
    None = 0,
    String = 1,
    Int = 2,
    Uint = 3,
    Float = 4,
    Bool = 5,
    Uuid = 6,
    Datetime = 7,
    ArrayFlag = 0x10,
    StringArray = 0x11,
    IntArray = 0x12,
    UintArray = 0x13,
    FloatArray = 0x14,
    BoolArray = 0x15,
    UuidArray = 0x16,
    DatetimeArray = 0x17,
    VectorF32 = 0x20,
    VectorF16 = 0x21,

    /// <summary>Weights by the names of dimensions; always ranked by dot products.</summary>
    SparseF16 = 0x22,
}

/// <summary>Distance of all vector columns of a namespace. Append only.</summary>
public enum DistanceMetric : byte
{
    Unspecified = 0,
    CosineDistance = 1,
    EuclideanSquared = 2,
}

/// <summary>How text is cut into tokens; part of the schema, pinned by name. Append only.</summary>
public enum Tokenizer : byte
{
    None = 0,

    /// <summary>Runs of letters and digits.</summary>
    WordV1 = 1,

    /// <summary>UAX #29 word segmentation of Unicode 15.0.</summary>
    WordV3 = 3,

    /// <summary>The same segmentation.</summary>
    WordV4 = 4,

    /// <summary>The value is an array of strings, each one token.</summary>
    PreTokenizedArray = 16,
}

/// <summary>Language of stemming and stop words. Append only.</summary>
public enum Language : byte
{
    None = 0,
    English = 1,

    /// <summary>English with Porter's first stemmer of 1980, the one most published baselines use.</summary>
    Porter = 2,
}

/// <summary>How one attribute is analysed and scored. k1, k3 and b are BM25's.</summary>
[FloatAllowed("constants; nothing is calculated")]
public sealed class FullTextOptions
{
    public Tokenizer Tokenizer { get; init; } = Tokenizer.WordV4;
    public Language Language { get; init; } = Language.English;
    public bool Stemming { get; init; }
    public bool RemoveStopwords { get; init; }
    public bool CaseSensitive { get; init; }
    public bool AsciiFolding { get; init; }
    public byte MaxTokenLength { get; init; } = Limits.TokenSizeDefault;
    public float K1 { get; init; } = 1.2f;
    public float B { get; init; } = 0.75f;
    public float K3 { get; init; } = 8f;

    /// <summary>16 bytes: tokenizer, language, flags (stemming 1, stop words 2, case 4, folding 8), token length, k1,
    /// b, k3.</summary>
    public void Write(ref WireWriter writer)
    {
        writer.U8((byte)Tokenizer);
        writer.U8((byte)Language);
        int flags = (Stemming ? 1 : 0) | (RemoveStopwords ? 2 : 0)
            | (CaseSensitive ? 4 : 0) | (AsciiFolding ? 8 : 0);
        writer.U8((byte)flags);
        writer.U8(MaxTokenLength);
        writer.F32(K1);
        writer.F32(B);
        writer.F32(K3);
    }

    public static FullTextOptions Read(ref WireReader reader)
    {
        Tokenizer tokenizer = (Tokenizer)reader.U8();
        Language language = (Language)reader.U8();
        byte flags = reader.U8();
        return new FullTextOptions
        {
            Tokenizer = tokenizer,
            Language = language,
            Stemming = (flags & 1) != 0,
            RemoveStopwords = (flags & 2) != 0,
            CaseSensitive = (flags & 4) != 0,
            AsciiFolding = (flags & 8) != 0,
            MaxTokenLength = reader.U8(),
            K1 = reader.F32(),
            B = reader.F32(),
            K3 = reader.F32(),
        };
    }
}

/// <summary>What of an <see cref="AttributeSchema"/> was said, so that "not said" and "said false" differ.</summary>
[Flags]
public enum SchemaFlags : byte
{
    None = 0,
    FilterableSaid = 1,
    Filterable = 2,
    FullTextSaid = 4,
    FullText = 8,
    Ann = 16,

    /// <summary>A byte of <see cref="PatternFlags"/> follows.</summary>
    Patterns = 32,

    /// <summary>Every bit that has a meaning; others are refused, so that they can get one later.</summary>
    All = FilterableSaid | Filterable | FullTextSaid | FullText | Ann | Patterns,
}

/// <summary>Which filters by patterns an attribute takes, and about which of them something was said.</summary>
[Flags]
public enum PatternFlags : byte
{
    None = 0,
    Glob = 1,
    Regex = 2,
    Fuzzy = 4,
    GlobSaid = 16,
    RegexSaid = 32,
    FuzzySaid = 64,

    /// <summary>Every bit that has a meaning.</summary>
    All = Glob | Regex | Fuzzy | GlobSaid | RegexSaid | FuzzySaid,
}

/// <summary>One attribute of a schema: name, type u8, dimensions u32 (vectors, else 0), flags u8, the full-text
/// options if <see cref="SchemaFlags.FullText"/> is set, pattern flags u8 if <see cref="SchemaFlags.Patterns"/>
/// is.</summary>
public sealed class AttributeSchema
{
    public required string Name { get; init; }
    public required AttributeType Type { get; init; }
    public uint Dimensions { get; init; }
    public bool? Filterable { get; init; }

    /// <summary>Null: not said. Use <see cref="FullTextOff"/> to say that it is off.</summary>
    public FullTextOptions? FullText { get; init; }
    public bool FullTextOff { get; init; }
    public bool Ann { get; init; }

    /// <summary>Whether Glob, Regex and Fuzzy are taken. Null: not said.</summary>
    public bool? Glob { get; init; }
    public bool? Regex { get; init; }
    public bool? Fuzzy { get; init; }

    private PatternFlags Patterns => Flags(Glob, PatternFlags.Glob, PatternFlags.GlobSaid)
        | Flags(Regex, PatternFlags.Regex, PatternFlags.RegexSaid)
        | Flags(Fuzzy, PatternFlags.Fuzzy, PatternFlags.FuzzySaid);

    private static PatternFlags Flags(bool? said, PatternFlags on, PatternFlags about) =>
        said is null ? PatternFlags.None : said.Value ? on | about : about;

    private static bool? Said(PatternFlags flags, PatternFlags on, PatternFlags about) =>
        (flags & about) == 0 ? null : (flags & on) != 0;

    public void Write(ref WireWriter writer)
    {
        writer.Name(Encoding.UTF8.GetBytes(Name));
        writer.U8((byte)Type);
        writer.U32(Dimensions);
        SchemaFlags flags = Filterable is null ? SchemaFlags.None : SchemaFlags.FilterableSaid;
        if (Filterable == true) flags |= SchemaFlags.Filterable;
        if (FullText is not null) flags |= SchemaFlags.FullTextSaid | SchemaFlags.FullText;
        else if (FullTextOff) flags |= SchemaFlags.FullTextSaid;
        if (Ann) flags |= SchemaFlags.Ann;
        PatternFlags patterns = Patterns;
        if (patterns != PatternFlags.None) flags |= SchemaFlags.Patterns;
        writer.U8((byte)flags);
        FullText?.Write(ref writer);
        if (patterns != PatternFlags.None) writer.U8((byte)patterns);
    }

    public static AttributeSchema Read(ref WireReader reader)
    {
        string name = Encoding.UTF8.GetString(reader.Name());
        AttributeType type = (AttributeType)reader.U8();
        uint dimensions = reader.U32();
        SchemaFlags flags = (SchemaFlags)reader.U8();
        FullTextOptions? text = (flags & SchemaFlags.FullText) != 0 ? FullTextOptions.Read(ref reader) : null;
        PatternFlags patterns = (flags & SchemaFlags.Patterns) != 0 ? (PatternFlags)reader.U8() : PatternFlags.None;
        return new AttributeSchema
        {
            Name = name,
            Type = type,
            Dimensions = dimensions,
            Filterable = (flags & SchemaFlags.FilterableSaid) == 0 ? null : (flags & SchemaFlags.Filterable) != 0,
            FullText = text,
            FullTextOff = (flags & (SchemaFlags.FullTextSaid | SchemaFlags.FullText)) == SchemaFlags.FullTextSaid,
            Ann = (flags & SchemaFlags.Ann) != 0,
            Glob = Said(patterns, PatternFlags.Glob, PatternFlags.GlobSaid),
            Regex = Said(patterns, PatternFlags.Regex, PatternFlags.RegexSaid),
            Fuzzy = Said(patterns, PatternFlags.Fuzzy, PatternFlags.FuzzySaid),
        };
    }

    public static void WriteAll(ref WireWriter writer, ReadOnlySpan<AttributeSchema> schema)
    {
        writer.U16(schema.Length);
        foreach (AttributeSchema attribute in schema) attribute.Write(ref writer);
    }

    public static AttributeSchema[] ReadAll(ref WireReader reader)
    {
        int count = reader.U16();
        if (count > reader.Remaining) reader.Fail();
        if (reader.Failed) return [];
        AttributeSchema[] schema = new AttributeSchema[count];
        for (int i = 0; i < count; i++) schema[i] = Read(ref reader);
        return schema;
    }
}
