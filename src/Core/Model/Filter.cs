using System;
using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

/// <summary>Filter operators as on the wire; 0 is "no filter". Append only.</summary>
public enum FilterOperator : byte
{
    None = 0,
    And = 1,
    Or = 2,
    Not = 3,
    Eq = 10,
    NotEq = 11,
    In = 12,
    NotIn = 13,
    Contains = 14,
    NotContains = 15,
    ContainsAny = 16,
    NotContainsAny = 17,
    Lt = 18,
    Lte = 19,
    Gt = 20,
    Gte = 21,
    AnyLt = 22,
    AnyLte = 23,
    AnyGt = 24,
    AnyGte = 25,
    Glob = 26,
    NotGlob = 27,
    IGlob = 28,
    NotIGlob = 29,
    Regex = 30,
    Fuzzy = 31,
    ContainsAllTokens = 32,
    ContainsAnyToken = 33,
    ContainsTokenSequence = 34,
}

/// <summary>From so many characters of the text on, so many edits are allowed.</summary>
public readonly struct FuzzyDistance(ushort charactersMin, byte distance)
{
    public ushort CharactersMin { get; } = charactersMin;
    public byte Distance { get; } = distance;
}

/// <summary>How near a fuzzy filter has to come: case_sensitive u8, u8 count of (characters u16, edits u8).</summary>
public sealed class FuzzyOptions
{
    /// <summary>Bytes of one distance on the wire.</summary>
    public const int DistanceSize = 3;

    public bool CaseSensitive { get; init; } = true;
    public FuzzyDistance[] Distances { get; init; } = [];

    public void Write(ref WireWriter writer)
    {
        writer.U8(CaseSensitive ? (byte)1 : (byte)0);
        writer.U8(checked((byte)Distances.Length));
        foreach (FuzzyDistance distance in Distances)
        {
            writer.U16(distance.CharactersMin);
            writer.U8(distance.Distance);
        }
    }

    public static FuzzyOptions Read(ref WireReader reader)
    {
        bool caseSensitive = reader.U8() != 0;
        FuzzyDistance[] distances = new FuzzyDistance[reader.U8()];
        for (int i = 0; i < distances.Length; i++) distances[i] = new((ushort)reader.U16(), (byte)reader.U8());
        return new FuzzyOptions { CaseSensitive = caseSensitive, Distances = distances };
    }
}

/// <summary>A filter tree. Node on the wire: operator u8; And/Or: u16 count and children; Not: one child; else
/// attribute name, flags u8 (1: the last token is a prefix, 2: the operand names an attribute of the new row), and the
/// operand: a value, or that name; behind the operand of Fuzzy its options.</summary>
public sealed class Filter
{
    public const byte LastAsPrefixFlag = 1;
    public const byte NewRowFlag = 2;

    public required FilterOperator Operator { get; init; }
    public Filter[] Children { get; init; } = [];
    public string Attribute { get; init; } = "";
    public Value Operand { get; init; } = Value.Null;

    /// <summary>Compare with this attribute of the row being written, instead of <see cref="Operand"/>.</summary>
    public string? NewRowAttribute { get; init; }
    public bool LastAsPrefix { get; init; }

    /// <summary>Of the operator Fuzzy alone; null is the default.</summary>
    public FuzzyOptions? Fuzzy { get; init; }

    public static Filter And(params Filter[] children) => new() { Operator = FilterOperator.And, Children = children };
    public static Filter Or(params Filter[] children) => new() { Operator = FilterOperator.Or, Children = children };
    public static Filter Not(Filter child) => new() { Operator = FilterOperator.Not, Children = [child] };
    public static Filter Compare(string attribute, FilterOperator op, Value operand) =>
        new() { Operator = op, Attribute = attribute, Operand = operand };

    public static void WriteOptional(ref WireWriter writer, Filter? filter)
    {
        if (filter is null) writer.U8((byte)FilterOperator.None);
        else filter.Write(ref writer);
    }

    public void Write(ref WireWriter writer)
    {
        writer.U8((byte)Operator);
        switch (Operator)
        {
            case FilterOperator.And or FilterOperator.Or:
                writer.U16(Children.Length);
                foreach (Filter child in Children) child.Write(ref writer);
                break;
            case FilterOperator.Not:
                Children[0].Write(ref writer);
                break;
            default:
                writer.Name(Encoding.UTF8.GetBytes(Attribute));
                int flags = (LastAsPrefix ? LastAsPrefixFlag : 0) | (NewRowAttribute is null ? 0 : NewRowFlag);
                writer.U8((byte)flags);
                if (NewRowAttribute is null) Operand.Write(ref writer);
                else writer.Name(Encoding.UTF8.GetBytes(NewRowAttribute));
                if (Operator == FilterOperator.Fuzzy) (Fuzzy ?? new FuzzyOptions()).Write(ref writer);
                break;
        }
    }

    public static Filter? ReadOptional(ref WireReader reader, int depth = 0)
    {
        FilterOperator op = (FilterOperator)reader.U8();
        if (op == FilterOperator.None || reader.Failed) return null;
        if (depth >= Limits.FilterDepthMax)
        {
            reader.Fail();
            return null;
        }
        if (op is FilterOperator.And or FilterOperator.Or or FilterOperator.Not)
        {
            int count = op == FilterOperator.Not ? 1 : reader.U16();
            if (count > reader.Remaining) reader.Fail();
            if (reader.Failed) return null;
            Filter[] children = new Filter[count];
            for (int i = 0; i < count; i++)
            {
                Filter? child = ReadOptional(ref reader, depth + 1);
                if (child is null) reader.Fail();
                if (reader.Failed) return null;
                children[i] = child!;
            }
            return new Filter { Operator = op, Children = children };
        }
        string attribute = Encoding.UTF8.GetString(reader.Name());
        byte flags = reader.U8();
        bool newRow = (flags & NewRowFlag) != 0;
        return new Filter
        {
            Operator = op,
            Attribute = attribute,
            LastAsPrefix = (flags & LastAsPrefixFlag) != 0,
            NewRowAttribute = newRow ? Encoding.UTF8.GetString(reader.Name()) : null,
            Operand = newRow ? Value.Null : Value.Read(ref reader),
            Fuzzy = op == FilterOperator.Fuzzy ? FuzzyOptions.Read(ref reader) : null,
        };
    }
}
