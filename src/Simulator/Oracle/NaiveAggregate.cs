using System;
using System.Collections.Generic;
using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Aggregates by definition. Floats are summed in the order in which the rows were written.</summary>
[FloatAllowed("sums and means in a stated order")]
internal static class NaiveAggregate
{
    public static Refusal? Run(Query query, List<NaiveRow> rows, NaiveSchema schema, out QueryResult result)
    {
        rows.Sort(static (left, right) => left.Sequence.CompareTo(right.Sequence));
        result = new() { Kind = query.GroupBy.Length == 0 ? ResultKind.Aggregates : ResultKind.Groups };
        if (query.GroupBy.Length == 0) return Add(query, rows, schema, result.Aggregates);
        SortedDictionary<Value, List<NaiveRow>> groups = new(ValueOrder.Instance);
        foreach (NaiveRow row in rows)
        {
            Value[] key = new Value[query.GroupBy.Length];
            for (int i = 0; i < key.Length; i++) key[i] = row.Get(query.GroupBy[i]);
            Value composite = Value.Of(key);
            if (!groups.TryGetValue(composite, out List<NaiveRow>? members)) groups.Add(composite, members = []);
            members.Add(row);
        }
        uint limit = query.Limit == 0 ? Limits.GroupsMax : query.Limit;
        foreach (KeyValuePair<Value, List<NaiveRow>> pair in groups)
        {
            if (result.Groups.Count == limit) break;
            ResultGroup group = new();
            for (int i = 0; i < query.GroupBy.Length; i++)
                group.Keys.Add(new(query.GroupBy[i], pair.Key.AsArray[i]));
            if (Add(query, pair.Value, schema, group.Aggregates) is Refusal refusal) return refusal;
            result.Groups.Add(group);
        }
        return null;
    }

    private static Refusal? Add(
        Query query, List<NaiveRow> rows, NaiveSchema schema, List<KeyValuePair<string, Value>> results)
    {
        foreach (Aggregate aggregate in query.Aggregates)
        {
            List<Value> values = [];
            foreach (NaiveRow row in rows)
            {
                Value value = aggregate.Attribute.Length == 0 ? Value.True : row.Get(aggregate.Attribute);
                if (!value.IsNull) values.Add(value);
            }
            AttributeType type = aggregate.Attribute.Length == 0
                ? AttributeType.None : schema.Get(aggregate.Attribute).Type;
            if (Compute(aggregate.Function, type, values) is not Value computed)
            {
                return new(ErrorCode.LimitExceeded,
                    $"aggregate `{aggregate.Label}`: the sum does not fit 64 bits");
            }
            results.Add(new(aggregate.Label, computed));
        }
        return null;
    }

    /// <summary>Sums of nothing are 0; least, greatest and mean of nothing are null. Null: the sum is too
    /// great.</summary>
    private static Value? Compute(AggregateFunction function, AttributeType type, List<Value> values)
    {
        if (function == AggregateFunction.Count) return Value.Of((ulong)values.Count);
        if (values.Count == 0 && function != AggregateFunction.Sum) return Value.Null;
        Value? best = null;
        BigInteger integers = 0;
        double floats = 0;
        foreach (Value value in values)
        {
            int order = best is null ? 0 : ValueOrder.Instance.Compare(value, best);
            if (best is null || (function == AggregateFunction.Min ? order < 0 : order > 0)) best = value;
            if (value.Kind == ValueKind.Int) integers += value.AsInt;
            else if (value.Kind == ValueKind.Uint) integers += value.AsUint;
            else if (value.Kind == ValueKind.Float) floats += value.AsFloat;
        }
        bool isFloat = type == AttributeType.Float;
        switch (function)
        {
            case AggregateFunction.Min or AggregateFunction.Max: return best!;
            case AggregateFunction.Avg: return Value.Of((isFloat ? floats : (double)(Int128)integers) / values.Count);
            case AggregateFunction.Sum when isFloat: return Value.Of(floats);
        }
        if (type == AttributeType.Uint) return integers > ulong.MaxValue ? null : Value.Of((ulong)integers);
        return integers > long.MaxValue || integers < long.MinValue ? null : Value.Of((long)integers);
    }
}
