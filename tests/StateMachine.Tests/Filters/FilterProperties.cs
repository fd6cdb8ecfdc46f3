using System;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Query;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Filters;

/// <summary>Random filters over a corpus of all types, through the state machine and by the definition.</summary>
public sealed class FilterProperties : IDisposable
{
    private static readonly FilterOperator[] _comparisons =
    [
        FilterOperator.Eq, FilterOperator.NotEq, FilterOperator.Lt, FilterOperator.Lte, FilterOperator.Gt,
        FilterOperator.Gte,
    ];

    private static readonly FilterOperator[] _lists = [FilterOperator.In, FilterOperator.NotIn];

    private static readonly FilterOperator[] _arrayLists =
    [
        FilterOperator.ContainsAny, FilterOperator.NotContainsAny, FilterOperator.In, FilterOperator.NotIn,
    ];

    private static readonly FilterOperator[] _elements =
    [
        FilterOperator.Contains, FilterOperator.NotContains, FilterOperator.AnyLt, FilterOperator.AnyLte,
        FilterOperator.AnyGt, FilterOperator.AnyGte,
    ];

    private static readonly FilterOperator[] _tokens =
    [
        FilterOperator.ContainsAllTokens, FilterOperator.ContainsAnyToken, FilterOperator.ContainsTokenSequence,
    ];

    private static readonly FilterOperator[] _globs =
        [FilterOperator.Glob, FilterOperator.NotGlob, FilterOperator.IGlob, FilterOperator.NotIGlob];

    private readonly Corpus _corpus = new(DistanceMetric.EuclideanSquared);

    public void Dispose() => _corpus.Dispose();

    [Fact]
    public void Every_operator_on_every_type_agrees_with_its_definition()
    {
        Random random = new(11);
        for (int i = 0; i < 700; i++) AssertAgrees(Leaf(random), i);
    }

    [Fact]
    public void Trees_of_filters_agree_with_their_definition()
    {
        Random random = new(12);
        for (int i = 0; i < 400; i++) AssertAgrees(Tree(random, 4), i);
    }

    private void AssertAgrees(Filter filter, int number)
    {
        ulong[] expected = [.. _corpus.Documents.Values.Where(d => NaiveFilter.Matches(filter, d)).Select(d => d.Id)];
        Core.Model.Query query = new() { RankBy = Ask.ById, Filter = filter, Limit = 10_000 };
        ulong[] found = [.. _corpus.Machine.One(query).Rows.Select(row => row.Id.AsUint)];
        bool same = expected.SequenceEqual(found);
        Assert.True(same, $"{number}: {Describe(filter)}: {expected.Length} match, {found.Length} were found");
    }

    public static string Describe(Filter filter) => filter.Operator <= FilterOperator.Not
        ? $"{filter.Operator}({string.Join(", ", filter.Children.Select(Describe))})"
        : $"{filter.Attribute} {filter.Operator} {filter.Operand}{(filter.LastAsPrefix ? "*" : "")}";

    public static Filter Tree(Random random, int depth)
    {
        int kind = depth == 0 ? 3 : random.Next(5);
        if (kind > 2) return Leaf(random);
        if (kind == 2) return Filter.Not(Tree(random, depth - 1));
        Filter[] children = [.. Enumerable.Range(0, random.Next(4)).Select(_ => Tree(random, depth - 1))];
        return kind == 0 ? Filter.And(children) : Filter.Or(children);
    }

    public static Filter Leaf(Random random)
    {
        switch (random.Next(9))
        {
            case 0: return Tokens(random);
            case 8: return Patterns(random);
            case 1:
                FilterOperator idOperator = Pick(random, [.. _comparisons, .. _lists]);
                Value id() => Pick(random, [Value.Of((ulong)random.Next(9000)), Value.Of((long)random.Next(-5, 900)),
                    Value.Of(random.Next(9000) / 2.0)]);
                return Filter.Compare("id", idOperator, _lists.Contains(idOperator) ? List(random, id, 50) : id());
            case < 5:
                string name = Pick(random, Corpus.ScalarNames);
                FilterOperator op = Pick(random, [.. _comparisons, .. _lists]);
                if (_lists.Contains(op)) return Filter.Compare(name, op, List(random, () => Operand(random, name), 5));
                return Filter.Compare(name, op, random.Next(8) == 0 ? Value.Null : Operand(random, name));
            default:
                return OnArray(random, Pick(random, Corpus.ArrayNames));
        }
    }

    private static Filter OnArray(Random random, string name)
    {
        string element = name[..1];
        switch (random.Next(3))
        {
            case 0:
                FilterOperator equality = random.Next(2) == 0 ? FilterOperator.Eq : FilterOperator.NotEq;
                Value whole = random.Next(6) == 0 ? Value.Null : List(random, () => Operand(random, element), 2);
                return Filter.Compare(name, equality, whole);
            case 1:
                return Filter.Compare(name, Pick(random, _arrayLists), List(random, () => Operand(random, element), 4));
            default:
                return Filter.Compare(name, Pick(random, _elements), Operand(random, element));
        }
    }

    private static Filter Tokens(Random random)
    {
        FilterOperator op = Pick(random, _tokens);
        string[] words = Corpus.Phrase(random, 4);
        bool array = random.Next(2) == 0;
        return new Filter
        {
            Operator = op, Attribute = array ? "p" : "t", LastAsPrefix = random.Next(2) == 0,
            Operand = array ? Value.Of(words.Select(Value.Of).ToArray()) : Value.Of(string.Join(' ', words)),
        };
    }

    /// <summary>On strings with a column, on arrays, and on text that has none.</summary>
    private static Filter Patterns(Random random)
    {
        string name = Pick(random, ["s", "ss", "t"]);
        string word = name == "t" ? Pick(random, Corpus.Words) : Pick(random, Corpus.Texts);
        switch (random.Next(3))
        {
            case 0:
                string glob = Pick(random, ["*", "?", "", word, word + "*", "*" + word + "*", word.ToUpperInvariant()]);
                return Filter.Compare(name, Pick(random, _globs), Value.Of(glob));
            case 1:
                string end = Pick(random, ["", "$", ".", "\\b", "s?\\w"]);
                string regex = Pick(random, ["", "^", "[^e]", "(?i)A|"]) + NaiveFilter.Escape(word) + end;
                return Filter.Compare(name, FilterOperator.Regex, Value.Of(regex));
            default:
                string text = name == "t" ? string.Join(' ', Corpus.Phrase(random, 4)) : word;
                bool upper = random.Next(4) == 0;
                return new Filter
                {
                    Operator = FilterOperator.Fuzzy, Attribute = name,
                    Operand = Value.Of(upper ? text.ToUpperInvariant() : text),
                    Fuzzy = new FuzzyOptions
                    {
                        CaseSensitive = random.Next(2) == 0,
                        Distances = [new(6, 1), new((ushort)random.Next(9, 12), 2)],
                    },
                };
        }
    }

    /// <summary>A value that the attribute can be compared with: for numbers, of any number type.</summary>
    private static Value Operand(Random random, string name) => name switch
    {
        "i" or "u" or "f" or "d" => Corpus.Scalar(random, Pick(random, ["i", "u", "f", "d"])),
        _ => Corpus.Scalar(random, name),
    };

    private static Value List(Random random, Func<Value> element, int max) =>
        Value.Of(Enumerable.Range(0, random.Next(max + 1)).Select(_ => element()).ToArray());

    private static T Pick<T>(Random random, T[] from) => from[random.Next(from.Length)];
}
