using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;

namespace Deterministic.Simulator.Workload;

/// <summary>Draws filters and conditions. Most are valid for most namespaces of the vocabulary; a schema that
/// has changed, or a draw out of many, makes one of them wrong.</summary>
[FloatAllowed("draws numbers from exact ones")]
internal sealed class FilterGenerator(TapeStream tape, Vocabulary vocabulary)
{
    public static ReadOnlySpan<string> Scalars =>
        (string[])["color", "size", "count", "price", "sold", "made", "key"];

    public static ReadOnlySpan<string> Arrays =>
        (string[])["tags", "marks", "counts", "prices", "flags", "keys", "dates"];

    private static ReadOnlySpan<string> Texts => (string[])["title", "body"];

    /// <summary>Attributes that have text only after a change of schema.</summary>
    private static ReadOnlySpan<string> RareTexts => (string[])["color", "tags", "note"];

    private static readonly FilterOperator[] ScalarOperators =
    [
        FilterOperator.Eq, FilterOperator.NotEq, FilterOperator.Lt, FilterOperator.Lte, FilterOperator.Gt,
        FilterOperator.Gte, FilterOperator.In, FilterOperator.NotIn,
    ];

    private static readonly FilterOperator[] ArrayOperators =
    [
        FilterOperator.Contains, FilterOperator.NotContains, FilterOperator.ContainsAny, FilterOperator.NotContainsAny,
        FilterOperator.AnyLt, FilterOperator.AnyLte, FilterOperator.AnyGt, FilterOperator.AnyGte,
    ];

    private static readonly FilterOperator[] TokenOperators =
    [
        FilterOperator.ContainsAllTokens, FilterOperator.ContainsAnyToken, FilterOperator.ContainsTokenSequence,
    ];

    private readonly PatternGenerator _patterns = new(tape, vocabulary);

    public Filter Draw(string name, int depth)
    {
        if (tape.Below(200) == 199) return Unusual();
        if (tape.Below(8) == 7) return _patterns.Draw(name);
        int kind = tape.Below(depth == 0 ? 5 : 8);
        switch (kind)
        {
            case 0 or 1 or 2:
                return Scalar(Scalars[tape.Below(Scalars.Length)]);
            case 3:
                // The first two are there in every namespace; the others only where they are declared.
                return Array(Arrays[tape.Below(Vocabulary.IsInferred(name) ? 2 : Arrays.Length)]);
            case 4:
                return tape.Boolean() && !Vocabulary.IsInferred(name) ? Tokens() : Id(name);
            case 5:
                return Filter.Not(Draw(name, depth - 1));
            default:
                Filter[] children = new Filter[tape.Range(1, 3)];
                for (int i = 0; i < children.Length; i++) children[i] = Draw(name, depth - 1);
                return kind == 6 ? Filter.And(children) : Filter.Or(children);
        }
    }

    /// <summary>A condition of a write: compares with a constant or with the row being written.</summary>
    /// <param name="name">Of the namespace.</param>
    public Filter Condition(string name)
    {
        if (tape.Below(8) == 7) return _patterns.Draw(name);
        string attribute = Scalars[tape.Below(Scalars.Length)];
        if (tape.Boolean()) return Scalar(attribute);
        FilterOperator op = ScalarOperators[tape.Below(6)];
        bool other = attribute is "size" or "count" or "price" && tape.Below(4) == 3;
        return new Filter { Operator = op, Attribute = attribute, NewRowAttribute = other ? "made" : attribute };
    }

    /// <summary>One comparison of an attribute that is no array.</summary>
    public Filter Scalar(string attribute)
    {
        FilterOperator op = ScalarOperators[tape.Below(ScalarOperators.Length)];
        if (op is FilterOperator.In or FilterOperator.NotIn) return Filter.Compare(attribute, op, List(attribute));
        bool missing = tape.Below(10) == 9;
        return Filter.Compare(attribute, op, missing ? Value.Null : Operand(attribute));
    }

    /// <summary>Numbers compare with numbers of other types, also with those that the attribute cannot have.</summary>
    private Value Operand(string attribute)
    {
        bool number = attribute is "size" or "count" or "price" or "made" or "marks" or "counts" or "prices" or "dates";
        if (!number || tape.Below(6) != 5) return vocabulary.Scalar(attribute);
        return tape.Below(5) switch
        {
            0 => Value.Of(tape.Range(-3, 20) / 2.0),
            1 => Value.Of((long)tape.Range(-3, 12)),
            2 => Value.Of(ulong.MaxValue - (ulong)tape.Below(3)),
            3 => Value.Of(tape.Boolean() ? 1e300 : -1e300),
            _ => Value.OfDatetime(1_699_920_000_000 + 43_200_000L * tape.Below(40)),
        };
    }

    private Value List(string attribute)
    {
        Value[] wanted = new Value[tape.Below(4)];
        for (int i = 0; i < wanted.Length; i++) wanted[i] = Operand(attribute);
        return Value.Of(wanted);
    }

    private Filter Array(string attribute)
    {
        int other = tape.Below(6);
        if (other == 5)
        {
            FilterOperator whole = tape.Boolean() ? FilterOperator.Eq : FilterOperator.NotEq;
            return Filter.Compare(attribute, whole, tape.Below(4) == 3 ? Value.Null : List(attribute));
        }
        if (other == 4)
        {
            FilterOperator among = tape.Boolean() ? FilterOperator.In : FilterOperator.NotIn;
            return Filter.Compare(attribute, among, List(attribute));
        }
        FilterOperator op = ArrayOperators[tape.Below(ArrayOperators.Length)];
        bool list = op is FilterOperator.ContainsAny or FilterOperator.NotContainsAny;
        return Filter.Compare(attribute, op, list ? List(attribute) : Operand(attribute));
    }

    /// <summary>Any operator on any attribute with any operand: nearly always wrong.</summary>
    public Filter Unusual()
    {
        ReadOnlySpan<string> names =
            (string[])["id", "absent", "vector", "color", "size", "sold", "tags", "note", "made"];
        FilterOperator op = (FilterOperator)tape.Range(
            (int)FilterOperator.Eq, (int)FilterOperator.ContainsTokenSequence);
        string name = names[tape.Below(names.Length)];
        if (tape.Below(8) == 7) return new Filter { Operator = op, Attribute = name, NewRowAttribute = "price" };
        return Filter.Compare(name, op, tape.Below(8) switch
        {
            0 => Value.Null,
            1 => Value.True,
            2 => Value.Of(3L),
            3 => Value.Of(double.NaN),
            4 => Value.Of("word"),
            5 => Value.Of(Value.Of("word"), Value.Of(1L)),
            6 => Value.Of(System.Array.Empty<Value>()),
            _ => Value.Of(1f, 2f),
        });
    }

    private Filter Tokens()
    {
        FilterOperator op = TokenOperators[tape.Below(TokenOperators.Length)];
        return new Filter
        {
            Operator = op, Attribute = TextAttribute(), Operand = Value.Of(vocabulary.Text(3)),
            LastAsPrefix = tape.Below(4) == 3,
        };
    }

    /// <summary>An attribute that has text to search, most often.</summary>
    public string TextAttribute() =>
        tape.Below(24) == 23 ? RareTexts[tape.Below(RareTexts.Length)] : Texts[tape.Below(Texts.Length)];

    private Filter Id(string name)
    {
        FilterOperator op = ScalarOperators[tape.Below(6)];
        return Filter.Compare("id", op, vocabulary.Id(name));
    }
}
