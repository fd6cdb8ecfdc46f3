using System.Runtime.InteropServices;
using Deterministic.Core.Model;

namespace Deterministic.StateMachine;

/// <summary>Value of <see cref="TreeId.Namespaces"/>. Times are log timestamps, nanoseconds since 1970.</summary>
[StructLayout(LayoutKind.Explicit, Size = 80)]
public struct NamespaceRecord
{
    /// <summary>Ascending over the life of the cluster, never reused; 1 is the first.</summary>
    [FieldOffset(0)] public ulong Number;
    [FieldOffset(8)] public ulong CreatedAt;
    [FieldOffset(16)] public ulong UpdatedAt;
    [FieldOffset(24)] public ulong LastWriteAt;

    /// <summary>Live documents.</summary>
    [FieldOffset(32)] public ulong Rows;

    /// <summary>Sum over live documents of id, attribute and vector bytes.</summary>
    [FieldOffset(40)] public ulong LogicalBytes;

    /// <summary>Document number that the next version of any document gets; never reused.</summary>
    [FieldOffset(48)] public uint NextDocument;

    /// <summary>Number of the next new attribute; 0 is the id.</summary>
    [FieldOffset(52)] public ushort NextAttribute;
    [FieldOffset(54)] public DistanceMetric Metric;

    /// <summary>Uint, Uuid or String once the first document has been written, else None.</summary>
    [FieldOffset(55)] public AttributeType IdType;
    [FieldOffset(56)] public byte VectorColumns;
    [FieldOffset(57)] public byte Reserved0;
    [FieldOffset(58)] public ushort Reserved1;
    [FieldOffset(60)] public uint Reserved2;
    [FieldOffset(64)] public ulong Reserved3;
    [FieldOffset(72)] public ulong Reserved4;
}

/// <summary>Bits of <see cref="AttributeRecord.Flags"/>.</summary>
[System.Flags]
public enum AttributeFlags : byte
{
    None = 0,

    /// <summary>Has a column: can be filtered on, ordered by, grouped by and aggregated.</summary>
    Filterable = 1,

    /// <summary>Has postings.</summary>
    FullText = 2,

    /// <summary>Takes filters by patterns, which read the column if there is one, else the rows.</summary>
    Glob = 4,
    Regex = 8,
    Fuzzy = 16,

    /// <summary>Those that stand for something that is stored.</summary>
    Indexes = Filterable | FullText,
}

/// <summary>Value of <see cref="TreeId.Attributes"/>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 48)]
public struct AttributeRecord
{
    [FieldOffset(0)] public ushort Number;
    [FieldOffset(2)] public AttributeType Type;
    [FieldOffset(3)] public AttributeFlags Flags;
    [FieldOffset(4)] public uint Dimensions;

    /// <summary>Live documents with a value of this full-text attribute, and the sum of their token counts.</summary>
    [FieldOffset(8)] public ulong TextDocuments;
    [FieldOffset(16)] public ulong TextTokens;
    [FieldOffset(24)] public TextOptions Text;
    [FieldOffset(40)] public ulong Reserved0;

    /// <summary>Whether values stand among the terms and postings: texts, and sparse vectors always.</summary>
    public readonly bool HasPostings => (Flags & AttributeFlags.FullText) != 0 || Type == AttributeType.SparseF16;
}

/// <summary>The 16 bytes of full-text options, as on the wire (<see cref="FullTextOptions"/>).</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
public struct TextOptions
{
    public const byte StemmingFlag = 1;
    public const byte RemoveStopwordsFlag = 2;
    public const byte CaseSensitiveFlag = 4;
    public const byte AsciiFoldingFlag = 8;

    [FieldOffset(0)] public Tokenizer Tokenizer;
    [FieldOffset(1)] public Language Language;
    [FieldOffset(2)] public byte Flags;
    [FieldOffset(3)] public byte TokenSizeMax;
    [FieldOffset(4)] public float K1;
    [FieldOffset(8)] public float B;
    [FieldOffset(12)] public float K3;

    public readonly bool Stemming => (Flags & StemmingFlag) != 0;
    public readonly bool RemoveStopwords => (Flags & RemoveStopwordsFlag) != 0;
    public readonly bool CaseSensitive => (Flags & CaseSensitiveFlag) != 0;
    public readonly bool AsciiFolding => (Flags & AsciiFoldingFlag) != 0;
}
