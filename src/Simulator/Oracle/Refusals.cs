using System;
using System.Collections.Generic;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Which requests must be refused, and why: the oracle's own reading of the rules that the workload breaks on
/// purpose.</summary>
internal static class Refusals
{
    public static ErrorCode Of(WriteRequest request)
    {
        SortedDictionary<Value, bool> ids = new(ValueOrder.Instance);
        foreach (Row row in request.Upserts)
        {
            if (!ids.TryAdd(row.Id, true)) return ErrorCode.DuplicateId;
            foreach (KeyValuePair<string, Value> pair in row.Attributes)
            {
                ErrorCode refusal = Of(request.Schema, pair.Key, pair.Value);
                if (refusal != ErrorCode.Ok) return refusal;
            }
        }
        return ErrorCode.Ok;
    }

    private static ErrorCode Of(AttributeSchema[] schema, string name, Value value)
    {
        foreach (AttributeSchema attribute in schema)
        {
            if (attribute.Name != name) continue;
            if (attribute.Type == AttributeType.Int && value.Kind == ValueKind.String) return ErrorCode.TypeMismatch;
            if (value.Kind != ValueKind.Vector) return ErrorCode.Ok;
            if (value.AsVector.Length != attribute.Dimensions) return ErrorCode.DimensionMismatch;
            foreach (float element in value.AsVector)
            {
                if (!float.IsFinite(element)) return ErrorCode.NotFinite;
            }
        }
        return ErrorCode.Ok;
    }

    public static ErrorCode Of(QueryRequest request, NaiveNamespace database)
    {
        foreach (Query query in request.Queries)
        {
            if (query.Filter is null) continue;
            ErrorCode refusal = Of(query.Filter, database);
            if (refusal != ErrorCode.Ok) return refusal;
        }
        return ErrorCode.Ok;
    }

    private static ErrorCode Of(Filter filter, NaiveNamespace database)
    {
        foreach (Filter child in filter.Children)
        {
            ErrorCode refusal = Of(child, database);
            if (refusal != ErrorCode.Ok) return refusal;
        }
        if (filter.Children.Length > 0) return ErrorCode.Ok;
        bool known = filter.Attribute == "id" || database.Schema.ContainsKey(filter.Attribute);
        if (!known) return ErrorCode.AttributeNotFound;
        return filter.Operator == FilterOperator.Regex ? ErrorCode.NotSupported : ErrorCode.Ok;
    }
}
