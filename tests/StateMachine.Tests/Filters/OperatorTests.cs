using System;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Query;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Filters;

/// <summary>Every filter operator by one example. Documents 1 to 3 have values, document 4 has none.</summary>
public sealed class OperatorTests : IDisposable
{
    private readonly Machine _machine = new();

    public OperatorTests() => _machine.Write(new WriteRequest
    {
        Namespace = "n",
        Schema =
        [
            new AttributeSchema
            {
                Name = "text", Type = AttributeType.String,
                FullText = new FullTextOptions { Tokenizer = Tokenizer.WordV1, Language = Language.None },
                Glob = true, Regex = true, Fuzzy = true,
            },
        ],
        Upserts =
        [
            Document(1, 10, [1, 2], "red fox runs"),
            Document(2, 20, [2, 3], "red dog"),
            Document(3, 30, [], "quick brown fox"),
            Ask.Row(4),
        ],
    });

    public void Dispose() => _machine.Dispose();

    private static Row Document(ulong id, long number, long[] list, string text) => Ask.Row(
        id, ("number", Value.Of(number)), ("list", Numbers(list)), ("text", Value.Of(text)));

    private static Value Numbers(params long[] values) => Value.Of(values.Select(Value.Of).ToArray());

    private string Number(FilterOperator op, Value value) => Find(Filter.Compare("number", op, value));

    private string List(FilterOperator op, Value value) => Find(Filter.Compare("list", op, value));

    private string Text(FilterOperator op, string value) => Find(Filter.Compare("text", op, Value.Of(value)));

    private string Find(Filter filter) => _machine.Ids(Ask.ById, filter);

    [Fact]
    public void Eq() => Assert.Equal("2", Number(FilterOperator.Eq, Value.Of(20L)));

    [Fact]
    public void Eq_null_finds_what_has_no_value() => Assert.Equal("4", Number(FilterOperator.Eq, Value.Null));

    [Fact]
    public void NotEq_matches_what_has_no_value() =>
        Assert.Equal("1,3,4", Number(FilterOperator.NotEq, Value.Of(20L)));

    [Fact]
    public void NotEq_null_finds_what_has_a_value() => Assert.Equal("1,2,3", Number(FilterOperator.NotEq, Value.Null));

    [Fact]
    public void In() => Assert.Equal("1,3", Number(FilterOperator.In, Numbers(10, 30, 40)));

    [Fact]
    public void In_on_an_array_takes_one_value_too() => Assert.Equal("1,2", List(FilterOperator.In, Value.Of(2L)));

    [Fact]
    public void NotIn() => Assert.Equal("2,4", Number(FilterOperator.NotIn, Numbers(10, 30, 40)));

    [Fact]
    public void Lt_matches_what_has_no_value() => Assert.Equal("1,4", Number(FilterOperator.Lt, Value.Of(20L)));

    [Fact]
    public void Lte_matches_what_has_no_value() => Assert.Equal("1,2,4", Number(FilterOperator.Lte, Value.Of(20L)));

    [Fact]
    public void Gt() => Assert.Equal("3", Number(FilterOperator.Gt, Value.Of(20L)));

    [Fact]
    public void Gte() => Assert.Equal("2,3", Number(FilterOperator.Gte, Value.Of(20L)));

    [Fact]
    public void Contains() => Assert.Equal("1,2", List(FilterOperator.Contains, Value.Of(2L)));

    [Fact]
    public void NotContains() => Assert.Equal("2,3,4", List(FilterOperator.NotContains, Value.Of(1L)));

    [Fact]
    public void ContainsAny() => Assert.Equal("1,2", List(FilterOperator.ContainsAny, Numbers(1, 3)));

    [Fact]
    public void NotContainsAny() => Assert.Equal("2,3,4", List(FilterOperator.NotContainsAny, Numbers(1, 9)));

    [Fact]
    public void AnyLt() => Assert.Equal("1", List(FilterOperator.AnyLt, Value.Of(2L)));

    [Fact]
    public void AnyLte() => Assert.Equal("1,2", List(FilterOperator.AnyLte, Value.Of(2L)));

    [Fact]
    public void AnyGt() => Assert.Equal("2", List(FilterOperator.AnyGt, Value.Of(2L)));

    [Fact]
    public void AnyGte() => Assert.Equal("1,2", List(FilterOperator.AnyGte, Value.Of(2L)));

    [Fact]
    public void ContainsAllTokens() => Assert.Equal("1", Text(FilterOperator.ContainsAllTokens, "fox red"));

    [Fact]
    public void ContainsAnyToken() => Assert.Equal("1,2,3", Text(FilterOperator.ContainsAnyToken, "fox dog"));

    [Fact]
    public void ContainsTokenSequence() =>
        Assert.Equal("3", Text(FilterOperator.ContainsTokenSequence, "brown fox"));

    [Fact]
    public void And() => Assert.Equal("1", Find(Filter.And(Below30(), With(1))));

    [Fact]
    public void And_of_nothing_matches_all() => Assert.Equal("1,2,3,4", Find(Filter.And()));

    [Fact]
    public void Or() => Assert.Equal("1,2,4", Find(Filter.Or(Below30(), With(1))));

    [Fact]
    public void Or_of_nothing_matches_none() => Assert.Equal("", Find(Filter.Or()));

    [Fact]
    public void Not() => Assert.Equal("3", Find(Filter.Not(Below30())));

    private static Filter Below30() => Filter.Compare("number", FilterOperator.Lt, Value.Of(30L));

    private static Filter With(long element) => Filter.Compare("list", FilterOperator.Contains, Value.Of(element));

    [Fact]
    public void Glob() => Assert.Equal("1,2", Text(FilterOperator.Glob, "red*"));

    [Fact]
    public void NotGlob_matches_what_has_no_value() => Assert.Equal("3,4", Text(FilterOperator.NotGlob, "red*"));

    [Fact]
    public void IGlob() => Assert.Equal("3", Text(FilterOperator.IGlob, "*BROWN*"));

    [Fact]
    public void NotIGlob_matches_what_has_no_value() =>
        Assert.Equal("1,2,4", Text(FilterOperator.NotIGlob, "*BROWN*"));

    [Fact]
    public void Regex() => Assert.Equal("1,3", Text(FilterOperator.Regex, "\\bfox\\b"));

    [Fact]
    public void Fuzzy_takes_the_distance_of_the_greatest_length_reached()
    {
        Assert.Equal("1", Find(Fuzzy("wed fox", (6, 1), (9, 2))));
        Assert.Equal("1", Find(Fuzzy("wed fox rus", (9, 2), (6, 1))));
        Assert.Equal("", Find(Fuzzy("wed fox rus", (6, 1), (12, 2))));
        Assert.Equal("", Find(Fuzzy("wed fox", (8, 1))));
    }

    private static Filter Fuzzy(string text, params (int Characters, int Edits)[] distances) => new()
    {
        Operator = FilterOperator.Fuzzy, Attribute = "text", Operand = Value.Of(text),
        Fuzzy = new FuzzyOptions
        {
            Distances = [.. distances.Select(one => new FuzzyDistance((ushort)one.Characters, (byte)one.Edits))],
        },
    };

    [Fact]
    public void Patterns_are_for_strings_that_allow_them()
    {
        Assert.Equal("filter error in key `number`: type mismatch, Glob is for strings, but the attribute is int",
            Refused("number", FilterOperator.Glob, Value.Of("x")).Message);
        Assert.Equal("filter error in key `number`: attribute has no regex",
            Refused("number", FilterOperator.Regex, Value.Of("x")).Message);
        Assert.Equal("filter error in key `number`: attribute has no fuzzy", RefusedBy(new Filter
            { Operator = FilterOperator.Fuzzy, Attribute = "number", Operand = Value.Of("x") }));
        Assert.Equal("filter error in key `text`: type mismatch, IGlob expects string, but got int",
            Refused("text", FilterOperator.IGlob, Value.Of(3L)).Message);
    }

    [Fact]
    public void Patterns_that_are_none_are_refused_with_the_place()
    {
        Assert.Equal("filter error in key `text`: Regex has at byte 2 a ( without a )",
            Refused("text", FilterOperator.Regex, Value.Of("ab(")).Message);
        Assert.Equal("filter error in key `text`: NotGlob has at byte 0 a [ without a ]",
            Refused("text", FilterOperator.NotGlob, Value.Of("[")).Message);
        Assert.Equal("filter error in key `text`: Regex is too complex: it, or all of the request, needs more steps " +
            "than the limit of 8192", Refused("text", FilterOperator.Regex, Value.Of("(a{100}){100}")).Message);
        Assert.Equal("filter error in key `text`: Glob has 2049 bytes, limit is 2048",
            Refused("text", FilterOperator.Glob, Value.Of(new string('a', 2049))).Message);
        Assert.Equal("request has too many filters by patterns, at most 256", RefusedBy(Filter.Or([.. Enumerable
            .Range(0, 257).Select(_ => Filter.Compare("text", FilterOperator.Glob, Value.Of("a")))])));
    }

    [Theory]
    [InlineData(5, 1)]
    [InlineData(8, 2)]
    [InlineData(12, 3)]
    [InlineData(6, 0)]
    public void Fuzzy_wants_three_characters_for_each_edit_and_one_more(int characters, int edits) => Assert.Equal(
        "filter error in key `text`: max_edit_distance needs at least one entry, each with a distance of 1 or 2 and " +
        "min_query_chars of at least 3 * (distance + 1)",
        RefusedBy(Fuzzy("a text of some length", (characters, edits))));

    private string RefusedBy(Filter filter) =>
        _machine.Fails(new Core.Model.Query { RankBy = Ask.ById, Limit = 1, Filter = filter }).Message;

    [Fact]
    public void Array_operators_say_what_they_expect()
    {
        Assert.Equal("filter error in key `list`: type mismatch, NotContains expects int, but got []int",
            Refused("list", FilterOperator.NotContains, Numbers(1)).Message);
        Assert.Equal("filter error in key `list`: type mismatch, NotContainsAny expects []int, but got int",
            Refused("list", FilterOperator.NotContainsAny, Value.Of(1L)).Message);
        Assert.Equal(
            "filter error in key `number`: type mismatch, NotContains is for arrays, but the attribute is int",
            Refused("number", FilterOperator.NotContains, Value.Of(1L)).Message);
        Assert.Equal("filter error in key `list`: type mismatch, Gt is for scalars, but the attribute is []int",
            Refused("list", FilterOperator.Gt, Value.Of(1L)).Message);
    }

    private ReplyStatus Refused(string name, FilterOperator op, Value value) => _machine.Fails(
        new Core.Model.Query { RankBy = Ask.ById, Limit = 1, Filter = Filter.Compare(name, op, value) });
}
