using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Aggregates by definition. Floats are summed in the order in which the rows were written.</summary>
[FloatAllowed("sums and means in a stated order")]
internal static class NaiveAggregate
{
    public static QueryResult Run(Query query, List<NaiveRow> rows, NaiveNamespace database)
    {
        rows.Sort(static (left, right) => left.Sequence.CompareTo(right.Sequence));
        if (query.GroupBy.Length == 0)
        {
            QueryResult single = new() { Kind = ResultKind.Aggregates };
            AddAggregates(query, rows, database, single.Aggregates);
            return single;
        }
        SortedDictionary<Value, List<NaiveRow>> groups = new(ValueOrder.Instance);
        foreach (NaiveRow row in rows)
        {
            Value[] key = new Value[query.GroupBy.Length];
            for (int i = 0; i < key.Length; i++) key[i] = row.Get(query.GroupBy[i]);
            Value composite = Value.Of(key);
            if (!groups.TryGetValue(composite, out List<NaiveRow>? members)) groups.Add(composite, members = []);
            members.Add(row);
        }
        QueryResult result = new() { Kind = ResultKind.Groups };
        uint limit = query.Limit == 0 ? Limits.GroupsMax : query.Limit;
        foreach (KeyValuePair<Value, List<NaiveRow>> pair in groups)
        {
            if (result.Groups.Count == limit) break;
            ResultGroup group = new();
            for (int i = 0; i < query.GroupBy.Length; i++)
                group.Keys.Add(new(query.GroupBy[i], pair.Key.AsArray[i]));
            AddAggregates(query, pair.Value, database, group.Aggregates);
            result.Groups.Add(group);
        }
        return result;
    }

    private static void AddAggregates(
        Query query, List<NaiveRow> rows, NaiveNamespace database, List<KeyValuePair<string, Value>> results)
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
                ? AttributeType.None : database.Schema[aggregate.Attribute].Type;
            results.Add(new(aggregate.Label, Compute(aggregate.Function, type, values)));
        }
    }

    /// <summary>Sums of nothing are 0; least, greatest and mean of nothing are null.</summary>
    private static Value Compute(AggregateFunction function, AttributeType type, List<Value> values)
    {
        if (function == AggregateFunction.Count) return Value.Of((ulong)values.Count);
        if (values.Count == 0 && function != AggregateFunction.Sum) return Value.Null;
        Value? best = null;
        Int128 integers = 0;
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
        return function switch
        {
            AggregateFunction.Min or AggregateFunction.Max => best!,
            AggregateFunction.Avg => Value.Of((isFloat ? floats : (double)integers) / values.Count),
            _ when isFloat => Value.Of(floats),
            _ when type == AttributeType.Uint => Value.Of((ulong)integers),
            _ => Value.Of((long)integers),
        };
    }
}
