using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>A document as the oracle keeps it: canonical values by name, vectors among them. As a patch it has nulls
/// for what it clears.</summary>
internal sealed class NaiveRow(Value id, ulong sequence)
{
    private readonly SortedDictionary<string, (FullTextOptions Options, List<NaiveToken> Tokens)> _tokens =
        new(StringComparer.Ordinal);

    public Value Id { get; } = id;

    /// <summary>Rises with every version of any row of the namespace: the order in which rows were written.</summary>
    public ulong Sequence { get; } = sequence;
    public SortedDictionary<string, Value> Values { get; } = new(StringComparer.Ordinal);

    public Value Get(string name) =>
        name == "id" ? Id : Values.TryGetValue(name, out Value? value) ? value : Value.Null;

    /// <summary>The row as it is written for the first time, or again.</summary>
    public NaiveRow Copy(ulong sequence)
    {
        NaiveRow copy = new(Id, sequence);
        foreach (KeyValuePair<string, Value> pair in Values) copy.Values.Add(pair.Key, pair.Value);
        return copy;
    }

    /// <summary>Tokens of a text of the row, remembered as long as the text is cut in the same way.</summary>
    public List<NaiveToken> Tokens(string name, FullTextOptions options)
    {
        bool known = _tokens.TryGetValue(name, out (FullTextOptions Options, List<NaiveToken> Tokens) kept);
        if (!known || kept.Options != options)
            _tokens[name] = kept = (options, NaiveText.Analyze(options, Get(name)));
        return kept.Tokens;
    }

    public NaiveRow Patched(NaiveRow patch, ulong sequence)
    {
        NaiveRow patched = Copy(sequence);
        foreach (KeyValuePair<string, Value> pair in patch.Values)
        {
            if (pair.Value.IsNull) patched.Values.Remove(pair.Key);
            else patched.Values[pair.Key] = pair.Value;
        }
        return patched;
    }

    /// <summary>Bytes of id and values, vectors left out: id, count, and a number before each value.</summary>
    public int RowBytes
    {
        get
        {
            int bytes = NaiveValues.SizeOf(Id) + 2;
            foreach (KeyValuePair<string, Value> pair in Values)
                bytes += pair.Value.Kind == ValueKind.Vector ? 0 : 2 + NaiveValues.SizeOf(pair.Value);
            return bytes;
        }
    }

    /// <summary>Bytes of all of it, vectors in the width of their columns.</summary>
    public int LogicalBytes(NaiveSchema schema)
    {
        int bytes = RowBytes;
        foreach (KeyValuePair<string, Value> pair in Values)
        {
            if (pair.Value.Kind != ValueKind.Vector) continue;
            int width = schema.Get(pair.Key).Type == AttributeType.VectorF16 ? 2 : 4;
            bytes += width * pair.Value.AsVector.Length;
        }
        return bytes;
    }
}

/// <summary>One namespace of the oracle: a schema and a sorted list of rows, nothing else.</summary>
internal sealed class NaiveNamespace
{
    private ulong _sequence;

    public ulong NextSequence() => ++_sequence;

    /// <summary>The same under another name, from this moment on its own. Rows never change, so both may have
    /// them.</summary>
    public NaiveNamespace Branch(ulong timestamp)
    {
        NaiveNamespace branch = new()
        {
            Schema = Schema.Copy(), CreatedAt = timestamp, UpdatedAt = timestamp, LastWriteAt = LastWriteAt,
            _sequence = _sequence,
        };
        foreach (KeyValuePair<Value, NaiveRow> pair in Rows) branch.Rows.Add(pair.Key, pair.Value);
        return branch;
    }

    public NaiveSchema Schema { get; set; } = new();
    public SortedDictionary<Value, NaiveRow> Rows { get; } = new(ValueOrder.Instance);
    public ulong CreatedAt { get; init; }
    public ulong UpdatedAt { get; set; }
    public ulong LastWriteAt { get; set; }

    public ulong LogicalBytes
    {
        get
        {
            ulong bytes = 0;
            foreach (KeyValuePair<Value, NaiveRow> pair in Rows) bytes += (ulong)pair.Value.LogicalBytes(Schema);
            return bytes;
        }
    }
}

/// <summary>The total order of scalar values of one type: numbers by size, text and UUIDs by bytes, false before
/// true.</summary>
internal sealed class ValueOrder : IComparer<Value>
{
    public static ValueOrder Instance { get; } = new();

    public int Compare(Value? left, Value? right)
    {
        Check.That(left is not null);
        Check.That(right is not null);
        if (left.Kind == right.Kind)
        {
            switch (left.Kind)
            {
                case ValueKind.Null or ValueKind.False or ValueKind.True: return 0;
                case ValueKind.Int: return left.AsInt.CompareTo(right.AsInt);
                case ValueKind.Uint: return left.AsUint.CompareTo(right.AsUint);
                case ValueKind.Float: return left.AsFloat.CompareTo(right.AsFloat);
                case ValueKind.Datetime: return left.AsDatetime.CompareTo(right.AsDatetime);
                case ValueKind.Uuid: return left.AsUuid.CompareTo(right.AsUuid);
                case ValueKind.String: return left.AsUtf8.SequenceCompareTo(right.AsUtf8);
                case ValueKind.Array: return CompareArrays(left.AsArray, right.AsArray);
            }
        }
        return left.Kind.CompareTo(right.Kind);
    }

    private int CompareArrays(Value[] left, Value[] right)
    {
        for (int i = 0; i < left.Length && i < right.Length; i++)
        {
            int order = Compare(left[i], right[i]);
            if (order != 0) return order;
        }
        return left.Length.CompareTo(right.Length);
    }
}
