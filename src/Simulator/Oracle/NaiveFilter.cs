using System;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Filters by definition: one row at a time, no index.</summary>
internal static class NaiveFilter
{
    /// <param name="newRow">The row being written, for conditions that refer to it.</param>
    public static bool Matches(Filter filter, NaiveNamespace database, NaiveRow row, NaiveRow? newRow)
    {
        switch (filter.Operator)
        {
            case FilterOperator.And:
                foreach (Filter child in filter.Children)
                {
                    if (!Matches(child, database, row, newRow)) return false;
                }
                return true;
            case FilterOperator.Or:
                foreach (Filter child in filter.Children)
                {
                    if (Matches(child, database, row, newRow)) return true;
                }
                return false;
            case FilterOperator.Not:
                return !Matches(filter.Children[0], database, row, newRow);
            case FilterOperator.ContainsAllTokens or FilterOperator.ContainsAnyToken
                or FilterOperator.ContainsTokenSequence:
                return NaiveText.Matches(
                    filter, database.Schema[filter.Attribute].FullText!, row.Get(filter.Attribute));
            default:
                return Compare(filter, database, row.Get(filter.Attribute), Operand(filter, database, newRow));
        }
    }

    private static Value Operand(Filter filter, NaiveNamespace database, NaiveRow? newRow)
    {
        if (filter.NewRowAttribute is not null) return newRow?.Get(filter.NewRowAttribute) ?? Value.Null;
        if (filter.Attribute == "id" || filter.Operand.IsNull) return filter.Operand;
        AttributeType element = database.Schema[filter.Attribute].Type & ~AttributeType.ArrayFlag;
        if (filter.Operand.Kind != ValueKind.Array) return NaiveNamespace.CanonicalScalar(element, filter.Operand);
        Value[] elements = new Value[filter.Operand.AsArray.Length];
        for (int i = 0; i < elements.Length; i++)
            elements[i] = NaiveNamespace.CanonicalScalar(element, filter.Operand.AsArray[i]);
        return Value.Of(elements);
    }

    private static bool Compare(Filter filter, NaiveNamespace database, Value value, Value operand)
    {
        switch (filter.Operator)
        {
            case FilterOperator.Eq: return Same(value, operand);
            case FilterOperator.NotEq: return !Same(value, operand);
            case FilterOperator.In: return In(value, operand);
            case FilterOperator.NotIn: return !In(value, operand);
            case FilterOperator.Contains: return Any(value, operand, 0, orEqual: true);
            case FilterOperator.NotContains: return !Any(value, operand, 0, orEqual: true);
            case FilterOperator.ContainsAny: return In(value, operand);
            case FilterOperator.NotContainsAny: return !In(value, operand);
            case FilterOperator.Lt: return Below(value, operand, orEqual: false);
            case FilterOperator.Lte: return Below(value, operand, orEqual: true);
            case FilterOperator.Gt: return Above(value, operand, orEqual: false);
            case FilterOperator.Gte: return Above(value, operand, orEqual: true);
            case FilterOperator.AnyLt: return Any(value, operand, -1, orEqual: false);
            case FilterOperator.AnyLte: return Any(value, operand, -1, orEqual: true);
            case FilterOperator.AnyGt: return Any(value, operand, 1, orEqual: false);
            case FilterOperator.AnyGte: return Any(value, operand, 1, orEqual: true);
            default:
                Check.Unreachable();
                return false;
        }
    }

    private static bool Same(Value value, Value operand) =>
        value.Kind == operand.Kind && ValueOrder.Instance.Compare(value, operand) == 0;

    private static bool In(Value value, Value operand)
    {
        if (value.IsNull) return false;
        ReadOnlySpan<Value> wanted = operand.Kind == ValueKind.Array ? operand.AsArray : [operand];
        ReadOnlySpan<Value> held = value.Kind == ValueKind.Array ? value.AsArray : [value];
        foreach (Value x in held)
        {
            foreach (Value y in wanted)
            {
                if (Same(x, y)) return true;
            }
        }
        return false;
    }

    /// <summary>A missing value is below everything.</summary>
    private static bool Below(Value value, Value operand, bool orEqual)
    {
        if (operand.IsNull) return orEqual && value.IsNull;
        if (value.IsNull) return true;
        int order = ValueOrder.Instance.Compare(value, operand);
        return order < 0 || (orEqual && order == 0);
    }

    private static bool Above(Value value, Value operand, bool orEqual)
    {
        if (operand.IsNull) return orEqual || !value.IsNull;
        if (value.IsNull) return false;
        int order = ValueOrder.Instance.Compare(value, operand);
        return order > 0 || (orEqual && order == 0);
    }

    /// <summary>Whether an element compares as <paramref name="sign"/> to the operand.</summary>
    private static bool Any(Value value, Value operand, int sign, bool orEqual)
    {
        foreach (Value element in value.AsArray)
        {
            int order = ValueOrder.Instance.Compare(element, operand);
            if ((order == 0 && orEqual) || (order != 0 && int.Sign(order) == sign)) return true;
        }
        return false;
    }
}
