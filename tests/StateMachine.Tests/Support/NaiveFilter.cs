using System;
using System.Linq;
using System.Numerics;
using Deterministic.Core.Model;

namespace Deterministic.StateMachine.Tests.Support;

/// <summary>Filters by their definition, one document and one value at a time.</summary>
public static class NaiveFilter
{
    public static bool Matches(Filter? filter, NaiveDocument document)
    {
        if (filter is null) return true;
        switch (filter.Operator)
        {
            case FilterOperator.And: return filter.Children.All(child => Matches(child, document));
            case FilterOperator.Or: return filter.Children.Any(child => Matches(child, document));
            case FilterOperator.Not: return !Matches(filter.Children[0], document);
        }
        Value value = document.Get(filter.Attribute);
        return filter.Operator switch
        {
            FilterOperator.NotEq => !Holds(FilterOperator.Eq, value, filter),
            FilterOperator.NotIn => !Holds(FilterOperator.In, value, filter),
            FilterOperator.NotContains => !Holds(FilterOperator.Contains, value, filter),
            FilterOperator.NotContainsAny => !Holds(FilterOperator.ContainsAny, value, filter),
            _ => Holds(filter.Operator, value, filter),
        };
    }

    private static bool Holds(FilterOperator op, Value value, Filter filter)
    {
        Value operand = filter.Operand;
        switch (op)
        {
            case FilterOperator.Eq when operand.Kind == ValueKind.Array:
                return value.Kind == ValueKind.Array && value.AsArray.Length == operand.AsArray.Length
                    && value.AsArray.Zip(operand.AsArray).All(pair => Compare(pair.First, pair.Second) == 0);
            case FilterOperator.Eq: return Compare(value, operand) == 0;
            case FilterOperator.Lt: return Compare(value, operand) < 0;
            case FilterOperator.Lte: return Compare(value, operand) <= 0;
            case FilterOperator.Gt: return Compare(value, operand) > 0;
            case FilterOperator.Gte: return Compare(value, operand) >= 0;
            case FilterOperator.In or FilterOperator.Contains or FilterOperator.ContainsAny:
                return Elements(value).Any(one => Elements(operand).Any(other => Compare(one, other) == 0));
            case FilterOperator.AnyLt: return Elements(value).Any(one => Compare(one, operand) < 0);
            case FilterOperator.AnyLte: return Elements(value).Any(one => Compare(one, operand) <= 0);
            case FilterOperator.AnyGt: return Elements(value).Any(one => Compare(one, operand) > 0);
            case FilterOperator.AnyGte: return Elements(value).Any(one => Compare(one, operand) >= 0);
            default: return HasTokens(op, value, filter);
        }
    }

    private static Value[] Elements(Value value) => value.Kind switch
    {
        ValueKind.Null => [],
        ValueKind.Array => value.AsArray,
        _ => [value],
    };

    /// <summary>Tokens of texts that consist of lower-case words and single spaces.</summary>
    public static string[] Tokens(Value text) => text.Kind switch
    {
        ValueKind.Null => [],
        ValueKind.Array => text.AsArray.Select(element => element.AsString).ToArray(),
        _ => text.AsString.Split(' ', StringSplitOptions.RemoveEmptyEntries),
    };

    private static bool HasTokens(FilterOperator op, Value value, Filter filter)
    {
        string[] text = Tokens(value);
        string[] wanted = Tokens(filter.Operand);
        bool Is(int at, int i) => filter.LastAsPrefix && i == wanted.Length - 1
            ? text[at].StartsWith(wanted[i], StringComparison.Ordinal) : text[at] == wanted[i];
        bool Has(int i) => Enumerable.Range(0, text.Length).Any(at => Is(at, i));
        return wanted.Length > 0 && op switch
        {
            FilterOperator.ContainsAllTokens => Enumerable.Range(0, wanted.Length).All(Has),
            FilterOperator.ContainsAnyToken => Enumerable.Range(0, wanted.Length).Any(Has),
            FilterOperator.ContainsTokenSequence => Enumerable.Range(0, 1 + int.Max(-1, text.Length - wanted.Length))
                .Any(start => Enumerable.Range(0, wanted.Length).All(i => Is(start + i, i))),
            _ => throw new InvalidOperationException("operator"),
        };
    }

    /// <summary>Null is below every value and equal to null. Numbers compare by value, whatever their types.</summary>
    public static int Compare(Value left, Value right)
    {
        if (left.IsNull || right.IsNull) return right.IsNull.CompareTo(left.IsNull);
        if (left.Kind == ValueKind.String && right.Kind == ValueKind.String)
            return left.AsUtf8.SequenceCompareTo(right.AsUtf8);
        if (left.Kind == ValueKind.Uuid) return left.AsUuid.CompareTo(right.AsUuid);
        if (left.Kind is ValueKind.True or ValueKind.False) return left.Kind.CompareTo(right.Kind);
        if (left.Kind == ValueKind.Float && right.Kind == ValueKind.Float)
            return left.AsFloat < right.AsFloat ? -1 : left.AsFloat > right.AsFloat ? 1 : 0;
        return left.Kind != ValueKind.Float && right.Kind != ValueKind.Float
            ? Integer(left).CompareTo(Integer(right)) : Scaled(left).CompareTo(Scaled(right));
    }

    public static Int128 Integer(Value value) => value.Kind switch
    {
        ValueKind.Uint => value.AsUint,
        ValueKind.Datetime => value.AsDatetime,
        _ => value.AsInt,
    };

    /// <summary>The number times 2^1074, which makes every finite double whole.</summary>
    private static BigInteger Scaled(Value value)
    {
        if (value.Kind != ValueKind.Float) return (BigInteger)Integer(value) << 1074;
        long bits = BitConverter.DoubleToInt64Bits(value.AsFloat);
        int exponent = (int)(bits >> 52 & 0x7FF);
        BigInteger mantissa = bits & 0xF_FFFF_FFFF_FFFF;
        if (exponent > 0) mantissa = mantissa + (1L << 52) << exponent - 1;
        return bits < 0 ? -mantissa : mantissa;
    }
}
