using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Aggregates by definition. Floats are summed in the order of the rows given.</summary>
internal static class NaiveAggregate
{
    public static QueryResult Run(Query query, List<NaiveRow> rows)
    {
        if (query.GroupBy.Length == 0)
        {
            QueryResult single = new() { Kind = ResultKind.Aggregates };
            AddAggregates(query, rows, single.Aggregates);
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
            AddAggregates(query, pair.Value, group.Aggregates);
            result.Groups.Add(group);
        }
        return result;
    }

    private static void AddAggregates(Query query, List<NaiveRow> rows, List<KeyValuePair<string, Value>> results)
    {
        foreach (Aggregate aggregate in query.Aggregates)
        {
            List<Value> values = [];
            foreach (NaiveRow row in rows)
            {
                Value value = aggregate.Attribute.Length == 0 ? Value.True : row.Get(aggregate.Attribute);
                if (!value.IsNull) values.Add(value);
            }
            results.Add(new(aggregate.Label, Compute(aggregate.Function, values)));
        }
    }

    private static Value Compute(AggregateFunction function, List<Value> values)
    {
        if (function == AggregateFunction.Count) return Value.Of((ulong)values.Count);
        if (values.Count == 0) return Value.Null;
        Value best = values[0];
        Int128 integers = 0;
        double floats = 0;
        foreach (Value value in values)
        {
            int order = ValueOrder.Instance.Compare(value, best);
            if (function == AggregateFunction.Min ? order < 0 : order > 0) best = value;
            if (value.Kind == ValueKind.Int) integers += value.AsInt;
            else if (value.Kind == ValueKind.Uint) integers += value.AsUint;
            else if (value.Kind == ValueKind.Float) floats += value.AsFloat;
        }
        bool isFloat = values[0].Kind == ValueKind.Float;
        return function switch
        {
            AggregateFunction.Min or AggregateFunction.Max => best,
            AggregateFunction.Avg => Value.Of((isFloat ? floats : (double)integers) / values.Count),
            _ when isFloat => Value.Of(floats),
            _ when values[0].Kind == ValueKind.Uint => Value.Of((ulong)integers),
            _ => Value.Of((long)integers),
        };
    }
}
