using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

/// <summary>What a text is cut into for highlighting. Append only.</summary>
public enum FragmentUnit : byte
{
    None = 0,
    Sentence = 1,
    Paragraph = 2,
    Word = 3,
}

/// <summary>What the places of fragments and matches are counted in; None leaves them out. Append only.</summary>
public enum OffsetUnit : byte
{
    None = 0,
    Utf8 = 1,
    Utf16 = 2,
    Codepoints = 3,
}

/// <summary>BM25 of a text over the fragments, times a weight.</summary>
public readonly struct HighlightClause(string text, bool lastAsPrefix = false, double weight = 1)
{
    public string Text { get; } = text;
    public bool LastAsPrefix { get; } = lastAsPrefix;
    public double Weight { get; } = weight;
}

/// <summary>The best fragments of a text. On the wire: attribute name, unit u8, limit u32, offsets u8, u8 count of
/// clauses (last-is-prefix u8, weight f64, text value).</summary>
public sealed class Highlight
{
    public const uint FragmentLimitDefault = 3;

    public required string Attribute { get; init; }
    public FragmentUnit FragmentBy { get; init; } = FragmentUnit.Sentence;
    public uint FragmentLimit { get; init; } = FragmentLimitDefault;
    public OffsetUnit Offsets { get; init; }

    /// <summary>The score of a fragment is the sum of all.</summary>
    public HighlightClause[] Clauses { get; init; } = [];

    public void Write(ref WireWriter writer)
    {
        writer.Name(Encoding.UTF8.GetBytes(Attribute));
        writer.U8((byte)FragmentBy);
        writer.U32(FragmentLimit);
        writer.U8((byte)Offsets);
        writer.U8((byte)Clauses.Length);
        foreach (HighlightClause clause in Clauses)
        {
            writer.U8(clause.LastAsPrefix ? (byte)1 : (byte)0);
            writer.F64(clause.Weight);
            Value.Of(clause.Text).Write(ref writer);
        }
    }

    public static Highlight Read(ref WireReader reader)
    {
        string attribute = Encoding.UTF8.GetString(reader.Name());
        FragmentUnit unit = (FragmentUnit)reader.U8();
        uint limit = reader.U32();
        OffsetUnit offsets = (OffsetUnit)reader.U8();
        HighlightClause[] clauses = new HighlightClause[reader.U8()];
        for (int i = 0; i < clauses.Length; i++)
        {
            bool lastAsPrefix = reader.U8() != 0;
            double weight = reader.F64();
            Value text = Value.Read(ref reader);
            if (text.Kind != ValueKind.String) reader.Fail();
            clauses[i] = new HighlightClause(reader.Failed ? "" : text.AsString, lastAsPrefix, weight);
        }
        return new Highlight
        {
            Attribute = attribute, FragmentBy = unit, FragmentLimit = limit, Offsets = offsets, Clauses = clauses,
        };
    }
}

/// <summary>One fragment of an answer. On the wire: flags u8 (1: offsets follow, 2: an array index follows), text (u32
/// size, UTF-8), start u32, end u32, u32 count of matches (start u32, end u32), array index u32.</summary>
public sealed class HighlightFragment
{
    public const byte OffsetsFlag = 1;
    public const byte ArrayIndexFlag = 2;

    public required string Text { get; init; }

    /// <summary>Where it lies in the text; null if that was not asked for.</summary>
    public (uint Start, uint End)? Range { get; init; }
    public (uint Start, uint End)[] Matches { get; init; } = [];

    /// <summary>Which element of an array the text is.</summary>
    public uint? ArrayIndex { get; init; }

    public void Write(ref WireWriter writer)
    {
        byte[] text = Encoding.UTF8.GetBytes(Text);
        writer.U8((byte)((Range is null ? 0 : OffsetsFlag) | (ArrayIndex is null ? 0 : ArrayIndexFlag)));
        writer.U32((uint)text.Length);
        writer.Bytes(text);
        if (Range is (uint start, uint end))
        {
            writer.U32(start);
            writer.U32(end);
            writer.U32((uint)Matches.Length);
            foreach ((uint from, uint to) in Matches)
            {
                writer.U32(from);
                writer.U32(to);
            }
        }
        if (ArrayIndex is uint index) writer.U32(index);
    }

    public static HighlightFragment Read(ref WireReader reader)
    {
        byte flags = reader.U8();
        string text = Encoding.UTF8.GetString(reader.Bytes(reader.U32()));
        (uint, uint)? range = null;
        (uint, uint)[] matches = [];
        if ((flags & OffsetsFlag) != 0)
        {
            range = (reader.U32(), reader.U32());
            uint count = reader.U32();
            if (count > reader.Remaining) reader.Fail();
            matches = new (uint, uint)[reader.Failed ? 0 : count];
            for (int i = 0; i < matches.Length; i++) matches[i] = (reader.U32(), reader.U32());
        }
        return new HighlightFragment
        {
            Text = text, Range = range, Matches = matches,
            ArrayIndex = (flags & ArrayIndexFlag) != 0 ? reader.U32() : null,
        };
    }
}
