using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>A document as the oracle keeps it: canonical values by name, vectors among them.</summary>
internal sealed class NaiveRow(Value id, ulong sequence)
{
    public Value Id { get; } = id;

    /// <summary>Rises with every version of any row of the namespace: the order in which rows were written.</summary>
    public ulong Sequence { get; } = sequence;
    public SortedDictionary<string, Value> Values { get; } = new(StringComparer.Ordinal);

    public Value Get(string name) =>
        name == "id" ? Id : Values.TryGetValue(name, out Value? value) ? value : Value.Null;

    public NaiveRow Copy(ulong sequence)
    {
        NaiveRow copy = new(Id, sequence);
        foreach (KeyValuePair<string, Value> pair in Values) copy.Values.Add(pair.Key, pair.Value);
        return copy;
    }
}

/// <summary>One namespace of the oracle: a schema and a sorted list of rows, nothing else.</summary>
[FloatAllowed("rounds vectors to the width of their column")]
internal sealed class NaiveNamespace
{
    private ulong _sequence;

    public ulong NextSequence() => ++_sequence;

    public SortedDictionary<string, AttributeSchema> Schema { get; } = new(StringComparer.Ordinal);
    public SortedDictionary<Value, NaiveRow> Rows { get; } = new(ValueOrder.Instance);
    public DistanceMetric Metric { get; set; }

    /// <summary>The value as the schema's type holds it: numbers widened, vectors rounded to the column's
    /// width.</summary>
    public Value Canonical(string name, Value value)
    {
        if (value.IsNull) return value;
        AttributeSchema attribute = Schema[name];
        if (attribute.Type is AttributeType.VectorF32 or AttributeType.VectorF16)
            return CanonicalVector(value, attribute.Type == AttributeType.VectorF16);
        if ((attribute.Type & AttributeType.ArrayFlag) == 0) return CanonicalScalar(attribute.Type, value);
        Value[] elements = new Value[value.AsArray.Length];
        for (int i = 0; i < elements.Length; i++)
            elements[i] = CanonicalScalar(attribute.Type & ~AttributeType.ArrayFlag, value.AsArray[i]);
        return Value.Of(elements);
    }

    public static Value CanonicalScalar(AttributeType type, Value value) => (type, value.Kind) switch
    {
        (AttributeType.Uint, ValueKind.Int) => Value.Of((ulong)value.AsInt),
        (AttributeType.Int, ValueKind.Uint) => Value.Of((long)value.AsUint),
        (AttributeType.Float, ValueKind.Int) => Value.Of((double)value.AsInt),
        (AttributeType.Float, ValueKind.Uint) => Value.Of((double)value.AsUint),
        (AttributeType.Float, ValueKind.Float) => Value.Of(value.AsFloat + 0.0),
        (AttributeType.Datetime, ValueKind.Int) => Value.OfDatetime(value.AsInt),
        _ => value,
    };

    private static Value CanonicalVector(Value value, bool half)
    {
        float[] canonical = new float[value.AsVector.Length];
        for (int i = 0; i < canonical.Length; i++)
        {
            float x = value.AsVector[i] + 0f;
            canonical[i] = half ? (float)(Half)x : x;
        }
        return Value.Of(canonical);
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
