using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>compute_attributes: scores and distances that do not rank.</summary>
public sealed class ComputedTests
{
    private static ComputedAttribute Of(string label, RankBy score) => new() { Label = label, Score = score };

    private static string Show(ResultRow row) => $"{row.Id}: " + string.Join(", ",
        row.Computed.Select(pair => FormattableString.Invariant($"{pair.Key} {pair.Value}")));

    [Fact]
    public void Rows_carry_scores_and_distances_under_labels()
    {
        using Machine machine = new();
        machine.Write(new WriteRequest
        {
            Namespace = "n", Metric = DistanceMetric.EuclideanSquared,
            Schema =
            [
                new AttributeSchema { Name = "v", Type = AttributeType.VectorF32, Dimensions = 2, Ann = true },
                new AttributeSchema { Name = "made", Type = AttributeType.Datetime },
            ],
            Upserts =
            [
                Ask.Row(1, ("v", Value.Of(3f, 4f)), ("size", Value.Of(30L)), ("made", Value.OfDatetime(1000))),
                Ask.Row(2, ("v", Value.Of(0f, 1f)), ("size", Value.Of(10L))), Ask.Row(3),
            ],
        });
        QueryResult result = machine.One(new Core.Model.Query
        {
            RankBy = Ask.ById, Limit = 9,
            Computed =
            [
                Of("near", RankBy.Ann("v", [0f, 0f])), Of("big", RankBy.Saturate(RankBy.OfAttribute("size"), 10)),
                Of("age", RankBy.Dist("made", Value.OfDatetime(250))),
            ],
        });
        Assert.Equal(ResultKind.RowsWithComputed, result.Kind);
        Assert.Equal(["1: near 25, big 0.75, age 750", "2: near 1, big 0.5", "3: big 0"], result.Rows.Select(Show));
    }

    [Fact]
    public void What_is_wrong_is_named()
    {
        using Corpus corpus = new(DistanceMetric.CosineDistance, rows: 20);
        ReplyStatus Refusal(params ComputedAttribute[] computed) => corpus.Machine.Fails(
            new Core.Model.Query { RankBy = Ask.ById, Limit = 1, Computed = computed });
        RankBy number = RankBy.OfAttribute("i");
        Assert.Equal("computed attribute `i` needs a name that no attribute has", Refusal(Of("i", number)).Message);
        Assert.Equal("computed attribute `$dist` needs a name that no attribute has",
            Refusal(Of("$dist", number)).Message);
        Assert.Equal("computed attribute `` needs a name that no attribute has", Refusal(Of("", number)).Message);
        Assert.Equal("computed attribute `c`: rank_by: attribute `absent` not found in schema",
            Refusal(Of("w", number), Of("c", RankBy.OfAttribute("absent"))).Message);
        Assert.Equal("computed attribute `c`: an order is no value", Refusal(Of("c", Ask.ById)).Message);
        Assert.Equal(ErrorCode.DimensionMismatch, Refusal(Of("c", RankBy.Ann("v", [1f]))).Code);
        ComputedAttribute[] many = [.. Enumerable.Range(0, 257).Select(i => Of("x" + i, number))];
        Assert.Equal("compute_attributes has 257 entries, at most 256", Refusal(many).Message);
        Assert.Equal(256, corpus.Machine.One(new Core.Model.Query
            { RankBy = Ask.ById, Limit = 1, Computed = many[..256] }).Rows[0].Computed.Count);
        ComputedAttribute[] vectors =
            [.. Enumerable.Range(0, 17).Select(i => Of("x" + i, RankBy.Ann("v", new float[Corpus.Dimensions])))];
        Assert.Equal("computed attribute `x16`: vectors of a query has 17 entries, at most 16",
            Refusal(vectors).Message);
        Assert.Equal("aggregate_by cannot be combined with compute_attributes", corpus.Machine.Fails(
            new Core.Model.Query { Aggregates = [new("n", AggregateFunction.Count)], Computed = many[..1] }).Message);
    }

    /// <summary>A value under a label is what the same expression gives as a ranking.</summary>
    [Fact]
    public void Values_are_those_of_the_same_ranking()
    {
        using Corpus corpus = new(DistanceMetric.CosineDistance, rows: 6000);
        Random random = new(8);
        for (int i = 0; i < 40; i++)
        {
            RankBy[] expressions =
            [
                RankBy.Ann(i % 2 == 0 ? "v" : "h", Corpus.Vector(random)),
                RankBy.Bm25("t", string.Join(' ', Corpus.Phrase(random, 4))),
                RankBy.Decay(RankBy.Dist("i", Corpus.Scalar(random, "i")), 3, 1.5),
                new()
                {
                    Kind = RankKind.Sum,
                    Children = [RankBy.Saturate(RankBy.OfAttribute("u"), 2), RankBy.Bm25("t", "red fox")],
                },
            ];
            Dictionary<ulong, float>[] expected =
            [
                .. expressions.Select(rank => corpus.Machine.One(new() { RankBy = rank, Limit = 10_000 })
                    .Rows.ToDictionary(row => row.Id.AsUint, row => row.Score!.Value)),
            ];
            List<ResultRow> rows = corpus.Machine.One(new Core.Model.Query
            {
                RankBy = RankBy.OrderBy((random.GetItems(Corpus.ScalarNames, 1)[0], i % 3 == 0)),
                Limit = (uint)random.Next(1, i % 4 == 0 ? 4000 : 40), Offset = (uint)random.Next(5),
                Computed = [.. expressions.Select((rank, n) => Of("c" + n, rank))],
            }).Rows;
            foreach (ResultRow row in rows)
            {
                Dictionary<string, float> computed = row.Computed.ToDictionary();
                for (int n = 0; n < expressions.Length; n++)
                {
                    bool ranked = expected[n].TryGetValue(row.Id.AsUint, out float score);
                    bool has = computed.TryGetValue("c" + n, out float value);
                    // Rows that a text does not match have a score of zero and are not ranked.
                    Assert.Equal(ranked, has && (value != 0 || n != 1));
                    if (ranked) Assert.Equal(score, value);
                }
            }
        }
    }

    [Fact]
    public void Fused_rows_carry_those_of_the_first_query()
    {
        using Corpus corpus = new(DistanceMetric.CosineDistance, rows: 50);
        QueryReply reply = corpus.Machine.All(new QueryRequest
        {
            Namespace = "n", Rerank = Rerank.ReciprocalRankFusion,
            Queries =
            [
                new() { RankBy = Ask.ById, Limit = 3, Computed = [Of("id again", RankBy.OfAttribute("id"))] },
                new() { RankBy = RankBy.OrderBy(("id", true)), Limit = 3 },
            ],
        });
        Assert.All(reply.Results.Single().Rows, row => Assert.Equal(row.Id.AsUint, row.Computed.Single().Value));
    }
}
