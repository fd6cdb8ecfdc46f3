using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Randomness;

namespace Deterministic.Simulator.Workload;

/// <summary>Draws filters, conditions and rankings that are valid for every namespace of the vocabulary.</summary>
[FloatAllowed("draws numbers from exact ones")]
internal sealed class FilterGenerator(TapeStream tape, Vocabulary vocabulary)
{
    public static ReadOnlySpan<string> Scalars =>
        (string[])["color", "size", "count", "price", "sold", "made", "key"];

    public static ReadOnlySpan<string> Arrays => (string[])["tags", "marks"];

    private static ReadOnlySpan<string> Texts => (string[])["title", "body"];

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

    public Filter Draw(string name, int depth)
    {
        int kind = tape.Below(depth == 0 ? 5 : 8);
        switch (kind)
        {
            case 0 or 1 or 2:
                return Scalar(Scalars[tape.Below(Scalars.Length)]);
            case 3:
                return Array(Arrays[tape.Below(Arrays.Length)]);
            case 4:
                return tape.Boolean() ? Tokens() : Id(name);
            case 5:
                return Filter.Not(Draw(name, depth - 1));
            default:
                Filter[] children = new Filter[tape.Range(1, 3)];
                for (int i = 0; i < children.Length; i++) children[i] = Draw(name, depth - 1);
                return kind == 6 ? Filter.And(children) : Filter.Or(children);
        }
    }

    /// <summary>A condition of a write: compares with a constant or with the row being written.</summary>
    public Filter Condition()
    {
        string attribute = Scalars[tape.Below(Scalars.Length)];
        if (tape.Boolean()) return Scalar(attribute);
        FilterOperator op = ScalarOperators[tape.Below(6)];
        return new Filter { Operator = op, Attribute = attribute, NewRowAttribute = attribute };
    }

    private string Number() => tape.Below(4) switch { 0 => "size", 1 => "count", 2 => "price", _ => "made" };

    private Filter Scalar(string attribute)
    {
        FilterOperator op = ScalarOperators[tape.Below(ScalarOperators.Length)];
        if (op is FilterOperator.In or FilterOperator.NotIn)
        {
            Value[] wanted = new Value[tape.Range(1, 3)];
            for (int i = 0; i < wanted.Length; i++) wanted[i] = vocabulary.Scalar(attribute);
            return Filter.Compare(attribute, op, Value.Of(wanted));
        }
        bool missing = op is FilterOperator.Eq or FilterOperator.NotEq && tape.Below(4) == 0;
        return Filter.Compare(attribute, op, missing ? Value.Null : vocabulary.Scalar(attribute));
    }

    private Filter Array(string attribute)
    {
        FilterOperator op = ArrayOperators[tape.Below(ArrayOperators.Length)];
        if (op is not (FilterOperator.ContainsAny or FilterOperator.NotContainsAny))
            return Filter.Compare(attribute, op, vocabulary.Scalar(attribute));
        Value[] wanted = new Value[tape.Range(1, 3)];
        for (int i = 0; i < wanted.Length; i++) wanted[i] = vocabulary.Scalar(attribute);
        return Filter.Compare(attribute, op, Value.Of(wanted));
    }

    private Filter Tokens()
    {
        FilterOperator op = TokenOperators[tape.Below(TokenOperators.Length)];
        return new Filter
        {
            Operator = op, Attribute = Texts[tape.Below(Texts.Length)], Operand = Value.Of(vocabulary.Text(3)),
            LastAsPrefix = tape.Below(4) == 3,
        };
    }

    private Filter Id(string name)
    {
        FilterOperator op = ScalarOperators[tape.Below(6)];
        return Filter.Compare("id", op, vocabulary.Id(name));
    }

    /// <param name="ordered">Whether ordering by attributes is allowed (fusion wants scores).</param>
    public RankBy Rank(bool ordered)
    {
        int kind = tape.Below(ordered ? 6 : 4);
        if (kind == 0)
            return new RankBy { Kind = RankKind.Knn, Attribute = "vector", Operand = Value.Of(vocabulary.Vector()) };
        if (kind == 1) return RankBy.Ann("vector", vocabulary.Vector());
        if (kind < 4) return Text(2);
        (string, bool)[] order = new (string, bool)[tape.Range(1, 3)];
        for (int i = 0; i < order.Length; i++)
            order[i] = (tape.Below(5) == 0 ? "id" : Scalars[tape.Below(Scalars.Length)], tape.Boolean());
        return RankBy.OrderBy(order);
    }

    private RankBy Text(int depth)
    {
        int kind = tape.Below(depth == 0 ? 3 : 7);
        switch (kind)
        {
            case 0 or 1 or 2:
                return new RankBy
                {
                    Kind = RankKind.Bm25, Attribute = Texts[tape.Below(Texts.Length)],
                    Operand = Value.Of(vocabulary.Word() + " " + vocabulary.Text(4)), LastAsPrefix = tape.Below(4) == 3,
                };
            case 3:
                if (tape.Below(3) == 2) return new RankBy { Kind = RankKind.Attribute, Attribute = Number() };
                return new RankBy { Kind = RankKind.Filter, Filter = Scalar(Scalars[tape.Below(Scalars.Length)]) };
            case 4:
                RankBy weight = new() { Kind = RankKind.Constant, Constant = tape.Range(0, 8) / 2.0 };
                return new RankBy { Kind = RankKind.Product, Children = [weight, Text(depth - 1)] };
            default:
                RankBy[] children = new RankBy[tape.Range(1, 3)];
                for (int i = 0; i < children.Length; i++) children[i] = Text(depth - 1);
                return new RankBy { Kind = kind == 5 ? RankKind.Sum : RankKind.Max, Children = children };
        }
    }
}
