using System;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

public sealed class QueryTests : IDisposable
{
    private readonly Machine _machine = new();

    public QueryTests() => _machine.Write(new WriteRequest
    {
        Namespace = "n",
        Metric = DistanceMetric.EuclideanSquared,
        Schema =
        [
            new AttributeSchema { Name = "v", Type = AttributeType.VectorF32, Dimensions = 2, Ann = true },
            new AttributeSchema
            {
                Name = "text", Type = AttributeType.String,
                FullText = new FullTextOptions { Tokenizer = Tokenizer.WordV1, Language = Language.None },
            },
        ],
        Upserts =
        [
            Ask.Row(1, ("v", Value.Of(0f, 0f)), ("a", Value.Of(5L)), ("tags", Strings("x", "y")),
                ("text", Value.Of("red fox runs"))),
            Ask.Row(2, ("v", Value.Of(1f, 0f)), ("a", Value.Of(-3L)), ("tags", Strings("y")),
                ("text", Value.Of("red red dog"))),
            Ask.Row(3, ("v", Value.Of(0f, 1f)), ("tags", Strings("z")), ("text", Value.Of("the quick brown fox runs"))),
            Ask.Row(4, ("a", Value.Of(5L)), ("s", Value.Of("b"))),
        ],
    });

    public void Dispose() => _machine.Dispose();

    private static Value Strings(params string[] values) => Value.Of(values.Select(Value.Of).ToArray());

    private static Filter Is(string name, FilterOperator op, Value value) => Filter.Compare(name, op, value);

    private string Where(string name, FilterOperator op, Value value) => _machine.Ids(Ask.ById, Is(name, op, value));

    [Fact]
    public void Vectors_rank_by_distance_then_id_and_documents_without_one_stay_out()
    {
        QueryResult result = _machine.One(new Core.Model.Query { RankBy = RankBy.Ann("v", [0f, 0f]), Limit = 10 });
        Assert.Equal([1UL, 2UL, 3UL], result.Rows.Select(row => row.Id.AsUint));
        Assert.Equal([0f, 1f, 1f], result.Rows.Select(row => row.Score!.Value));
        Assert.Equal("2", _machine.Ids(RankBy.Ann("v", [0f, 0f]), Is("a", FilterOperator.Eq, Value.Of(-3L))));
    }

    [Fact]
    public void Order_puts_null_first_ascending_and_last_descending_and_breaks_ties_by_id()
    {
        Assert.Equal("3,2,1,4", _machine.Ids(RankBy.OrderBy(("a", false))));
        Assert.Equal("1,4,2,3", _machine.Ids(RankBy.OrderBy(("a", true))));
        Assert.Equal("4,1,2,3", _machine.Ids(RankBy.OrderBy(("a", true), ("s", true))));
    }

    [Fact]
    public void Comparisons_are_exact_across_number_types_and_null_is_below_every_value()
    {
        Assert.Equal("1,4", Where("a", FilterOperator.Eq, Value.Of(5.0)));
        Assert.Equal("", Where("a", FilterOperator.Eq, Value.Of(5.5)));
        Assert.Equal("2,3", Where("a", FilterOperator.Lt, Value.Of(4.5)));
        Assert.Equal("1,4", Where("a", FilterOperator.Gt, Value.Of(-3.0)));
        Assert.Equal("1,2,4", Where("a", FilterOperator.Gte, Value.Of(-3L)));
        Assert.Equal("3", Where("a", FilterOperator.Eq, Value.Null));
        Assert.Equal("1,2,4", Where("a", FilterOperator.NotEq, Value.Null));
        Assert.Equal("2,3", Where("a", FilterOperator.NotEq, Value.Of(5UL)));
        Assert.Equal("1,2,3,4", Where("a", FilterOperator.Lte, Value.Of(ulong.MaxValue)));
    }

    [Fact]
    public void Sets_and_arrays()
    {
        Assert.Equal("1,2", Where("tags", FilterOperator.Contains, Value.Of("y")));
        Assert.Equal("3,4", Where("tags", FilterOperator.NotContains, Value.Of("y")));
        Assert.Equal("1,3", Where("tags", FilterOperator.ContainsAny, Strings("z", "x")));
        Assert.Equal("2", Where("tags", FilterOperator.Eq, Strings("y")));
        Assert.Equal("1,3", Where("tags", FilterOperator.NotEq, Strings("y"))[..3]);
        Assert.Equal("1,2,3", Where("tags", FilterOperator.AnyGt, Value.Of("x")));
        Assert.Equal("2,4", Where("id", FilterOperator.In, Value.Of(Value.Of(4L), Value.Of(2UL), Value.Of(9L))));
        Assert.Equal("1,3", Where("id", FilterOperator.NotIn, Value.Of(Value.Of(4L), Value.Of(2UL))));
    }

    [Fact]
    public void Trees_of_filters()
    {
        Filter a = Is("a", FilterOperator.Eq, Value.Of(5L));
        Filter y = Is("tags", FilterOperator.Contains, Value.Of("y"));
        Assert.Equal("1", _machine.Ids(Ask.ById, Filter.And(a, y)));
        Assert.Equal("1,2,4", _machine.Ids(Ask.ById, Filter.Or(a, y)));
        Assert.Equal("3", _machine.Ids(Ask.ById, Filter.Not(Filter.Or(a, y))));
    }

    [Fact]
    public void Token_filters_use_the_attributes_analyzer()
    {
        Assert.Equal("1,3", Where("text", FilterOperator.ContainsAllTokens, Value.Of("Fox RUNS")));
        Assert.Equal("1,2,3", Where("text", FilterOperator.ContainsAnyToken, Value.Of("dog fox")));
        Assert.Equal("3", Where("text", FilterOperator.ContainsTokenSequence, Value.Of("brown fox")));
        Assert.Equal("", Where("text", FilterOperator.ContainsTokenSequence, Value.Of("fox brown")));
        Filter prefix = new()
        {
            Operator = FilterOperator.ContainsAllTokens, Attribute = "text", Operand = Value.Of("quick br"),
            LastAsPrefix = true,
        };
        Assert.Equal("3", _machine.Ids(Ask.ById, prefix));
    }

    [Fact]
    public void Text_is_scored_by_bm25_over_documents_that_have_the_attribute()
    {
        QueryResult result = _machine.One(new Core.Model.Query { RankBy = RankBy.Bm25("text", "red"), Limit = 10 });
        Assert.Equal([2UL, 1UL], result.Rows.Select(row => row.Id.AsUint));
        double idf = Math.Log(1 + (3 - 2 + 0.5) / (2 + 0.5));
        double norm = 1.2f * (1 - 0.75 + 0.75 * 3 / (11 / 3.0));
        Assert.Equal(idf * 2 / (2 + norm), result.Rows[0].Score!.Value, 6);
        Assert.Equal(idf * 1 / (1 + norm), result.Rows[1].Score!.Value, 6);
    }

    [Fact]
    public void Expressions_combine_text_filters_numbers_and_attributes()
    {
        RankBy fox = RankBy.Bm25("text", "fox");
        RankBy isFive = new() { Kind = RankKind.Filter, Filter = Is("a", FilterOperator.Eq, Value.Of(5L)) };
        RankBy ten = new() { Kind = RankKind.Constant, Constant = 10 };
        RankBy weighted = new() { Kind = RankKind.Product, Children = [ten, isFive] };
        Assert.Equal("1,4,3", _machine.Ids(new RankBy { Kind = RankKind.Sum, Children = [fox, weighted] }));
        Assert.Equal("1,4", _machine.Ids(isFive));
        RankBy a = new() { Kind = RankKind.Attribute, Attribute = "a" };
        Assert.Equal("1,4,3,2", _machine.Ids(a));
        RankBy zero = new() { Kind = RankKind.Constant, Constant = 0 };
        Assert.Equal("1,4,2,3", _machine.Ids(new RankBy { Kind = RankKind.Max, Children = [zero, a] }));
    }

    [Fact]
    public void Rows_carry_what_is_asked_for_and_leave_out_what_is_absent()
    {
        ResultRow all = _machine.One(new Core.Model.Query
        {
            RankBy = Ask.ById, Limit = 1, Offset = 3, Include = IncludeMode.All,
        }).Rows.Single();
        Assert.Null(all.Score);
        Assert.Equal(["a", "s"], all.Attributes.Select(pair => pair.Key).Order());
        ResultRow vector = _machine.One(new Core.Model.Query
        {
            RankBy = Ask.ById, Limit = 1, Include = IncludeMode.Listed, IncludeNames = ["v"],
        }).Rows.Single();
        Assert.Equal(Value.Of(0f, 0f), vector.Attributes.Single().Value);
    }

    [Fact]
    public void Aggregates_count_and_sum_exactly_and_groups_come_in_the_order_of_their_keys()
    {
        Aggregate[] aggregates =
        [
            new("n", AggregateFunction.Count), new("sum", AggregateFunction.Sum, "a"),
            new("min", AggregateFunction.Min, "a"), new("max", AggregateFunction.Max, "a"),
            new("avg", AggregateFunction.Avg, "a"), new("having", AggregateFunction.Count, "a"),
        ];
        QueryResult flat = _machine.One(new Core.Model.Query { Aggregates = aggregates });
        Assert.Equal(
            [Value.Of(4UL), Value.Of(7L), Value.Of(-3L), Value.Of(5L), Value.Of(7.0 / 3), Value.Of(3UL)],
            flat.Aggregates.Select(pair => pair.Value));
        QueryResult grouped = _machine.One(new Core.Model.Query { Aggregates = aggregates[..1], GroupBy = ["a"] });
        Assert.Equal(["null", "-3", "5"], grouped.Groups.Select(group => group.Keys.Single().Value.ToString()));
        Assert.Equal([1UL, 1UL, 2UL], grouped.Groups.Select(group => group.Aggregates.Single().Value.AsUint));
        Core.Model.Query one = new() { Aggregates = aggregates[..1], GroupBy = ["a"], Limit = 1 };
        QueryResult first = _machine.One(one);
        Assert.Equal("null", first.Groups.Single().Keys.Single().Value.ToString());
    }

    [Fact]
    public void Reciprocal_rank_fusion_adds_weight_over_constant_plus_rank()
    {
        QueryReply reply = _machine.All(new QueryRequest
        {
            Namespace = "n", Rerank = Rerank.ReciprocalRankFusion, Weights = [1, 2],
            Queries =
            [
                new Core.Model.Query { RankBy = RankBy.Ann("v", [0f, 0f]), Limit = 3 },
                new Core.Model.Query { RankBy = RankBy.Bm25("text", "red"), Limit = 3 },
            ],
        });
        ResultRow[] rows = reply.Results.Single().Rows.ToArray();
        Assert.Equal([2UL, 1UL, 3UL], rows.Select(row => row.Id.AsUint));
        Assert.Equal((float)(1 / 62.0 + 2 / 61.0), rows[0].Score);
        Assert.Equal(3UL + 1, reply.NamespaceRows);
    }

    [Fact]
    public void Errors_name_the_field_and_what_was_expected()
    {
        ReplyStatus Where(string name, FilterOperator op, Value value) =>
            _machine.Fails(new Core.Model.Query { RankBy = Ask.ById, Limit = 1, Filter = Is(name, op, value) });
        Assert.Equal("filter error in key `tags`: type mismatch, ContainsAny expects []string, but got string",
            Where("tags", FilterOperator.ContainsAny, Value.Of("x")).Message);
        Assert.Equal("filter error in key `tags`: type mismatch, Contains expects string, but got []string",
            Where("tags", FilterOperator.Contains, Strings("x")).Message);
        Assert.Equal(ErrorCode.AttributeNotFound, Where("none", FilterOperator.Eq, Value.Of("x")).Code);
        Assert.Equal(ErrorCode.AttributeNotFilterable, Where("text", FilterOperator.Eq, Value.Of("x")).Code);
        Assert.Equal(ErrorCode.AttributeNotFilterable, Where("text", FilterOperator.Regex, Value.Of("x")).Code);
        Assert.Equal(ErrorCode.NamespaceNotFound,
            _machine.Fails(new Core.Model.Query { RankBy = Ask.ById, Limit = 1 }, "absent").Code);
        Assert.Equal(ErrorCode.InvalidArgument, _machine.Fails(new Core.Model.Query { RankBy = Ask.ById }).Code);
        Assert.Equal(ErrorCode.DimensionMismatch,
            _machine.Fails(new Core.Model.Query { RankBy = RankBy.Ann("v", [1f]), Limit = 1 }).Code);
    }

    [Fact]
    public void Queries_allocate_nothing()
    {
        byte[] body = new byte[4096];
        WireWriter writer = new(body);
        new QueryRequest
        {
            Namespace = "n",
            Queries =
            [
                new Core.Model.Query { RankBy = RankBy.Ann("v", [0f, 0f]), Limit = 3, Include = IncludeMode.All },
                new Core.Model.Query
                {
                    RankBy = RankBy.Bm25("text", "red fox"), Limit = 10_000,
                    Filter = Is("tags", FilterOperator.ContainsAny, Strings("x", "y")),
                },
                new Core.Model.Query { Aggregates = [new("n", AggregateFunction.Sum, "a")], GroupBy = ["s"] },
                new Core.Model.Query { RankBy = RankBy.OrderBy(("a", true)), Limit = 3 },
            ],
        }.Write(ref writer);
        _machine.Guarded = false;
        _machine.Commit(Core.Wire.Operation.Query, writer.Written);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) _machine.Commit(Core.Wire.Operation.Query, writer.Written);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
