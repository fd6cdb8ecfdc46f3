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

    [Theory]
    [InlineData(FilterOperator.Glob)]
    [InlineData(FilterOperator.NotGlob)]
    [InlineData(FilterOperator.IGlob)]
    [InlineData(FilterOperator.NotIGlob)]
    [InlineData(FilterOperator.Regex)]
    [InlineData(FilterOperator.Fuzzy)]
    public void Operators_that_are_not_carried_out_are_refused_by_name(FilterOperator op)
    {
        ReplyStatus status = Refused("number", op, Value.Of("x"));
        Assert.Equal(ErrorCode.NotSupported, status.Code);
        Assert.Contains(op.ToString(), status.Message, StringComparison.Ordinal);
    }

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
