using System;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>Every rank operator by one example, and what aggregates do at their limits.</summary>
public sealed class RankOperatorTests : IDisposable
{
    private readonly Machine _machine = new();

    public RankOperatorTests() => _machine.Write(new WriteRequest
    {
        Namespace = "n",
        Metric = DistanceMetric.EuclideanSquared,
        Schema =
        [
            new AttributeSchema { Name = "vector", Type = AttributeType.VectorF32, Dimensions = 1, Ann = true },
            new AttributeSchema
            {
                Name = "text", Type = AttributeType.String,
                FullText = new FullTextOptions { Tokenizer = Tokenizer.WordV1, Language = Language.None },
            },
            new AttributeSchema
            {
                Name = "tokens", Type = AttributeType.String | AttributeType.ArrayFlag,
                FullText = new FullTextOptions { Tokenizer = Tokenizer.PreTokenizedArray },
            },
        ],
        Upserts =
        [
            Document(1, 3f, 10, "fox", "New York"),
            Document(2, 1f, 30, "dog", "York"),
            Document(3, 2f, 20, "foxes", "new york"),
        ],
    });

    public void Dispose() => _machine.Dispose();

    private static Row Document(ulong id, float x, long number, string text, string token) => Ask.Row(
        id, ("vector", Value.Of(x)), ("number", Value.Of(number)), ("text", Value.Of(text)),
        ("tokens", Value.Of(Value.Of(token))));

    private static RankBy Constant(double value) => new() { Kind = RankKind.Constant, Constant = value };

    private static RankBy Number { get; } = new() { Kind = RankKind.Attribute, Attribute = "number" };

    private static RankBy IsDog { get; } = new()
    {
        Kind = RankKind.Filter, Filter = Filter.Compare("number", FilterOperator.Eq, Value.Of(30L)),
    };

    private static RankBy Of(RankKind kind, params RankBy[] children) => new() { Kind = kind, Children = children };

    /// <summary>"id: score" of each row.</summary>
    private string Scores(RankBy rank, Filter? filter = null)
    {
        QueryResult result = _machine.One(new Core.Model.Query { RankBy = rank, Filter = filter, Limit = 10 });
        return string.Join(", ", result.Rows.Select(row => FormattableString.Invariant($"{row.Id}: {row.Score}")));
    }

    [Fact]
    public void ANN_ranks_by_distance() => Assert.Equal("2: 1, 3: 4, 1: 9", Scores(RankBy.Ann("vector", [0f])));

    [Fact]
    public void KNN_ranks_by_distance_among_the_documents_of_a_filter()
    {
        RankBy rank = new() { Kind = RankKind.Knn, Attribute = "vector", Operand = Value.Of(0f) };
        Assert.Equal("3: 4, 1: 9", Scores(rank, Filter.Compare("number", FilterOperator.Lt, Value.Of(30L))));
    }

    [Fact]
    public void Attributes_order_without_a_score()
    {
        Assert.Equal("1,3,2", _machine.Ids(RankBy.OrderBy(("number", false))));
        Assert.Equal("2,3,1", _machine.Ids(RankBy.OrderBy(("number", true))));
    }

    [Fact]
    public void BM25_finds_words() => Assert.Equal("1", _machine.Ids(RankBy.Bm25("text", "fox")));

    [Fact]
    public void BM25_of_a_prefix_adds_one_for_each_document_that_has_it()
    {
        RankBy prefix = new()
        {
            Kind = RankKind.Bm25, Attribute = "text", Operand = Value.Of("fox"), LastAsPrefix = true,
        };
        Assert.Equal("1: 1, 3: 1", Scores(prefix));
    }

    [Fact]
    public void BM25_of_a_pre_tokenized_attribute_takes_whole_tokens()
    {
        RankBy rank = new()
        {
            Kind = RankKind.Bm25, Attribute = "tokens", Operand = Value.Of(Value.Of("New York")),
        };
        Assert.Equal("1", _machine.Ids(rank));
    }

    [Fact]
    public void BM25_says_which_input_it_expects()
    {
        string Refusal(string name, Value operand) => _machine.Fails(new Core.Model.Query
        {
            RankBy = new() { Kind = RankKind.Bm25, Attribute = name, Operand = operand }, Limit = 1,
        }).Message;
        Assert.Equal("invalid input for rank_by field \"tokens\", expecting []string",
            Refusal("tokens", Value.Of("New York")));
        Assert.Equal("invalid input for rank_by field \"text\", expecting string",
            Refusal("text", Value.Of(Value.Of("fox"))));
    }

    [Fact]
    public void Sum() => Assert.Equal("2: 31, 3: 20, 1: 10", Scores(Of(RankKind.Sum, Number, IsDog)));

    [Fact]
    public void Max() => Assert.Equal("2: 30, 3: 20, 1: 15", Scores(Of(RankKind.Max, Number, Constant(15))));

    [Fact]
    public void Product() => Assert.Equal("2: 60, 3: 40, 1: 20", Scores(Of(RankKind.Product, Constant(2), Number)));

    [Fact]
    public void A_filter_scores_one_and_documents_with_zero_stay_out() => Assert.Equal("2: 1", Scores(IsDog));

    [Fact]
    public void Attribute_scores_by_its_value() => Assert.Equal("2: 30, 3: 20, 1: 10", Scores(Number));

    [Fact]
    public void Saturate_is_half_at_its_midpoint_and_nears_one() =>
        Assert.Equal("2: 0.75, 3: 0.6666667, 1: 0.5", Scores(RankBy.Saturate(Number, 10)));

    [Fact]
    public void An_exponent_makes_the_curve_steeper()
    {
        Assert.Equal("2: 0.9, 3: 0.8, 1: 0.5", Scores(RankBy.Saturate(Number, 10, exponent: 2)));
        Assert.Equal("1: 0.5, 3: 0.2, 2: 0.1", Scores(RankBy.Decay(Number, 10, exponent: 2)));
    }

    [Fact]
    public void Dist_is_how_far_an_attribute_is_from_an_origin() =>
        Assert.Equal("1: 9, 2: 11, 3: 1", string.Join(", ", Scores(RankBy.Dist("number", Value.Of(19L)))
            .Split(", ").Order(StringComparer.Ordinal)));

    [Fact]
    public void Decay_of_a_distance_in_time_has_a_duration_as_midpoint()
    {
        _machine.Write(new WriteRequest
        {
            Namespace = "n", Schema = [new AttributeSchema { Name = "made", Type = AttributeType.Datetime }],
            Patches =
            [
                Ask.Row(1, ("made", Value.Of("2026-01-01"))), Ask.Row(2, ("made", Value.Of("2026-01-02T00:00:00Z"))),
            ],
        });
        RankBy age = RankBy.Dist("made", Value.Of("2026-01-01"));
        RankBy decay = new()
        {
            Kind = RankKind.Decay, Children = [age], Midpoint = 86_400_000, MidpointIsDuration = true,
        };
        Assert.Equal("1: 1, 2: 0.5", Scores(decay));
        Assert.Equal("2: 30.5, 3: 20, 1: 11", Scores(Of(RankKind.Sum, decay, Number)));
        Assert.Equal("2: 30, 3: 20, 1: 10", Scores(Of(RankKind.Max, decay, Number)));
        Assert.Equal("1: 2, 2: 1", Scores(Of(RankKind.Product, Constant(2), decay)));
    }

    [Fact]
    public void A_negative_score_saturates_to_nothing_and_does_not_decay()
    {
        RankBy negative = Of(RankKind.Product, Constant(-1), Number);
        Assert.Equal("1: 0, 2: 0, 3: 0", Scores(RankBy.Saturate(negative, 1)));
        Assert.Equal("1: 1, 2: 1, 3: 1", Scores(RankBy.Decay(negative, 1)));
    }

    [Fact]
    public void Curves_say_what_is_wrong_with_them()
    {
        ReplyStatus Refusal(RankBy rank) => _machine.Fails(new Core.Model.Query { RankBy = rank, Limit = 1 });
        foreach (double wrong in (double[])[0, -1, double.NaN, double.PositiveInfinity])
        {
            Assert.Equal("rank_by: midpoint must be finite and above 0",
                Refusal(RankBy.Saturate(Number, wrong)).Message);
            Assert.Equal("rank_by: exponent must be finite and above 0",
                Refusal(RankBy.Decay(Number, 1, wrong)).Message);
        }
        ReplyStatus status = Refusal(RankBy.Dist("number", Value.Of("soon")));
        Assert.Equal((ErrorCode.TypeMismatch, "rank_by: the origin of Dist of `number` must be of type int"),
            (status.Code, status.Message));
        RankBy duration = new()
        {
            Kind = RankKind.Decay, Children = [RankBy.Dist("number", Value.Of(1L))], Midpoint = 1,
            MidpointIsDuration = true,
        };
        Assert.Equal("rank_by: only Dist of a datetime attribute can have a duration as midpoint",
            Refusal(duration).Message);
        Assert.Equal(ErrorCode.AttributeNotFilterable, Refusal(RankBy.Dist("text", Value.Of("a"))).Code);
    }

    [Theory]
    [InlineData(long.MaxValue, 1)]
    [InlineData(long.MinValue, -1)]
    public void A_sum_beyond_64_bits_is_refused_and_the_mean_is_not(long number, long more)
    {
        _machine.Write(new WriteRequest
        {
            Namespace = "sums",
            Upserts = [Ask.Row(1, ("x", Value.Of(number))), Ask.Row(2, ("x", Value.Of(more)))],
        });
        Core.Model.Query sum = new() { Aggregates = [new("total", AggregateFunction.Sum, "x")] };
        ReplyStatus status = _machine.Fails(sum, "sums");
        Assert.Equal(ErrorCode.LimitExceeded, status.Code);
        Assert.Contains("total", status.Message, StringComparison.Ordinal);
        Assert.EndsWith(": the sum does not fit 64 bits", status.Message, StringComparison.Ordinal);
        QueryReply mean = _machine.All(new QueryRequest
        {
            Namespace = "sums",
            Queries = [new Core.Model.Query { Aggregates = [new("mean", AggregateFunction.Avg, "x")] }],
        });
        Assert.Equal(Value.Of(((double)number + more) / 2), mean.Results[0].Aggregates.Single().Value);
    }

    [Fact]
    public void A_sum_of_floats_beyond_the_greatest_is_refused()
    {
        _machine.Write(new WriteRequest
        {
            Namespace = "sums",
            Upserts =
            [
                Ask.Row(1, ("x", Value.Of(double.MaxValue))), Ask.Row(2, ("x", Value.Of(double.MaxValue))),
            ],
        });
        Core.Model.Query sum = new() { Aggregates = [new("total", AggregateFunction.Sum, "x")] };
        Assert.Equal(ErrorCode.LimitExceeded, _machine.Fails(sum, "sums").Code);
    }
}
