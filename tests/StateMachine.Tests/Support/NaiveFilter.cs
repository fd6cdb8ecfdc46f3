using System;
using System.Linq;
using System.Numerics;
using System.Text.RegularExpressions;
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
            FilterOperator.NotGlob => !Holds(FilterOperator.Glob, value, filter),
            FilterOperator.NotIGlob => !Holds(FilterOperator.IGlob, value, filter),
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
            case >= FilterOperator.Glob and <= FilterOperator.Fuzzy:
                return Elements(value).Any(one => IsLike(op, one.AsString, filter));
            default: return HasTokens(op, value, filter);
        }
    }

    /// <summary>Globs of stars and question marks alone.</summary>
    private static bool IsLike(FilterOperator op, string text, Filter filter)
    {
        string wanted = filter.Operand.AsString;
        if (op == FilterOperator.Fuzzy) return IsNear(text, wanted, filter.Fuzzy!);
        if (op == FilterOperator.Regex)
        {
            string translated = wanted.Replace("$", "\\z", StringComparison.Ordinal);
            return Regex.IsMatch(text, translated, RegexOptions.CultureInvariant);
        }
        string glob = Regex.Escape(wanted).Replace("\\*", ".*", StringComparison.Ordinal)
            .Replace("\\?", ".", StringComparison.Ordinal);
        RegexOptions options = RegexOptions.Singleline | RegexOptions.CultureInvariant;
        if (op == FilterOperator.IGlob) options |= RegexOptions.IgnoreCase;
        return Regex.IsMatch(text, $"^(?:{glob})\\z", options);
    }

    /// <summary>Every part of the text against the wanted one.</summary>
    private static bool IsNear(string text, string wanted, FuzzyOptions options)
    {
        FuzzyDistance[] reached = [.. options.Distances.Where(one => one.CharactersMin <= wanted.Length)];
        if (reached.Length == 0) return false;
        int most = reached.MaxBy(one => one.CharactersMin).Distance;
        if (!options.CaseSensitive) (text, wanted) = (text.ToUpperInvariant(), wanted.ToUpperInvariant());
        return Enumerable.Range(0, text.Length + 1).Any(start => Enumerable.Range(0, text.Length - start + 1)
            .Any(size => Edits(text.Substring(start, size), wanted) <= most));
    }

    private static int Edits(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 0; i < left.Length; i++)
        {
            int[] next = [i + 1, .. new int[right.Length]];
            for (int k = 0; k < right.Length; k++)
                next[k + 1] = int.Min(row[k] + (left[i] == right[k] ? 0 : 1), 1 + int.Min(row[k + 1], next[k]));
            row = next;
        }
        return row[^1];
    }

    /// <summary>A text as a regular expression; both dialects read it so.</summary>
    public static string Escape(string text) => Regex.Escape(text).Replace("\\ ", " ", StringComparison.Ordinal)
        .Replace("\0", "\\x00", StringComparison.Ordinal);

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
