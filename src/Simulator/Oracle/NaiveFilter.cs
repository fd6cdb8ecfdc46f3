using System;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Filters by definition: one row at a time, no index. The filter has passed
/// <see cref="FilterRules"/>.</summary>
internal static class NaiveFilter
{
    /// <param name="newRow">The row being written, for conditions that refer to it.</param>
    public static bool Matches(Filter filter, NaiveSchema schema, NaiveRow row, NaiveRow? newRow)
    {
        switch (filter.Operator)
        {
            case FilterOperator.And:
                foreach (Filter child in filter.Children)
                {
                    if (!Matches(child, schema, row, newRow)) return false;
                }
                return true;
            case FilterOperator.Or:
                foreach (Filter child in filter.Children)
                {
                    if (Matches(child, schema, row, newRow)) return true;
                }
                return false;
            case FilterOperator.Not:
                return !Matches(filter.Children[0], schema, row, newRow);
        }
        NaiveAttribute attribute = schema.Get(filter.Attribute);
        Value value = row.Get(filter.Attribute);
        if (filter.Operator >= FilterOperator.ContainsAllTokens)
            return NaiveText.Matches(filter, attribute.FullText!, row);
        if (filter.Operator is >= FilterOperator.Glob and <= FilterOperator.Fuzzy)
        {
            bool negated = filter.Operator is FilterOperator.NotGlob or FilterOperator.NotIGlob;
            return IsLike(filter, value) != negated;
        }
        if (filter.NewRowAttribute is null) return Compare(filter.Operator, attribute, value, filter.Operand);
        Value other = newRow?.Get(filter.NewRowAttribute) ?? Value.Null;
        return FilterRules.CheckOperand(filter.Operator, attribute, other) is null &&
            Compare(filter.Operator, attribute, value, other);
    }

    /// <summary>Whether the value, or any element of it, is like a pattern.</summary>
    private static bool IsLike(Filter filter, Value value)
    {
        if (value.IsNull || value.Kind is not (ValueKind.String or ValueKind.Array)) return false;
        string wanted = filter.Operand.AsString;
        ReadOnlySpan<Value> held = value.Kind == ValueKind.Array ? value.AsArray : [value];
        foreach (Value text in held)
        {
            bool like = filter.Operator == FilterOperator.Fuzzy
                ? NaivePattern.IsNear(wanted, text.AsString, filter.Fuzzy!)
                : NaivePattern.Matches(filter.Operator, wanted, text.AsString);
            if (like) return true;
        }
        return false;
    }

    private static bool Compare(FilterOperator op, NaiveAttribute attribute, Value value, Value operand)
    {
        switch (op)
        {
            case FilterOperator.Eq: return Same(attribute, value, operand);
            case FilterOperator.NotEq: return !Same(attribute, value, operand);
            case FilterOperator.In or FilterOperator.ContainsAny: return In(attribute, value, operand);
            case FilterOperator.NotIn or FilterOperator.NotContainsAny: return !In(attribute, value, operand);
            case FilterOperator.Contains: return Any(attribute, value, operand, 0, orEqual: true);
            case FilterOperator.NotContains: return !Any(attribute, value, operand, 0, orEqual: true);
            case FilterOperator.Lt: return Below(attribute, value, operand, orEqual: false);
            case FilterOperator.Lte: return Below(attribute, value, operand, orEqual: true);
            case FilterOperator.Gt: return Above(attribute, value, operand, orEqual: false);
            case FilterOperator.Gte: return Above(attribute, value, operand, orEqual: true);
            case FilterOperator.AnyLt: return Any(attribute, value, operand, -1, orEqual: false);
            case FilterOperator.AnyLte: return Any(attribute, value, operand, -1, orEqual: true);
            case FilterOperator.AnyGt: return Any(attribute, value, operand, 1, orEqual: false);
            case FilterOperator.AnyGte: return Any(attribute, value, operand, 1, orEqual: true);
            default:
                Check.Unreachable();
                return false;
        }
    }

    /// <summary>Of two values that are there; neither is an array.</summary>
    private static int Order(NaiveAttribute attribute, Value value, Value operand)
    {
        AttributeType element = NaiveValues.Element(attribute.Type);
        if (NaiveValues.IsNumber(element) && NaiveValues.IsNumber(operand))
            return NaiveValues.CompareNumbers(value, operand);
        Value? converted = NaiveValues.Convert(operand, element);
        Check.That(converted is not null);
        // The order of the values is that of false before true, whatever their kinds' numbers are.
        return ValueOrder.Instance.Compare(value, converted);
    }

    private static bool Same(NaiveAttribute attribute, Value value, Value operand)
    {
        if (value.IsNull || operand.IsNull) return value.IsNull && operand.IsNull;
        if (!attribute.IsArray) return Order(attribute, value, operand) == 0;
        if (value.AsArray.Length != operand.AsArray.Length) return false;
        for (int i = 0; i < value.AsArray.Length; i++)
        {
            if (Order(attribute, value.AsArray[i], operand.AsArray[i]) != 0) return false;
        }
        return true;
    }

    private static bool In(NaiveAttribute attribute, Value value, Value operand)
    {
        if (value.IsNull) return false;
        ReadOnlySpan<Value> wanted = operand.Kind == ValueKind.Array ? operand.AsArray : [operand];
        ReadOnlySpan<Value> held = value.Kind == ValueKind.Array ? value.AsArray : [value];
        foreach (Value x in held)
        {
            foreach (Value y in wanted)
            {
                if (Order(attribute, x, y) == 0) return true;
            }
        }
        return false;
    }

    /// <summary>A missing value is below everything.</summary>
    private static bool Below(NaiveAttribute attribute, Value value, Value operand, bool orEqual)
    {
        if (operand.IsNull) return orEqual && value.IsNull;
        if (value.IsNull) return true;
        int order = Order(attribute, value, operand);
        return order < 0 || (orEqual && order == 0);
    }

    private static bool Above(NaiveAttribute attribute, Value value, Value operand, bool orEqual)
    {
        if (operand.IsNull) return orEqual || !value.IsNull;
        if (value.IsNull) return false;
        int order = Order(attribute, value, operand);
        return order > 0 || (orEqual && order == 0);
    }

    /// <summary>Whether an element compares as <paramref name="sign"/> to the operand.</summary>
    private static bool Any(NaiveAttribute attribute, Value value, Value operand, int sign, bool orEqual)
    {
        foreach (Value element in value.AsArray)
        {
            int order = Order(attribute, element, operand);
            if ((order == 0 && orEqual) || (order != 0 && int.Sign(order) == sign)) return true;
        }
        return false;
    }
}
