using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Filters;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>At most so many rows that agree in some attributes.</summary>
public sealed class LimitPerTests
{
    private static Core.Model.Query Of(RankBy rank, uint limit, uint perLimit, params string[] per) =>
        new() { RankBy = rank, Limit = limit, PerLimit = perLimit, LimitPer = per, Include = IncludeMode.All };

    [Fact]
    public void The_best_of_each_author_come_in_the_order_of_all()
    {
        using Machine machine = new();
        machine.Write(new WriteRequest
        {
            Namespace = "n",
            Upserts =
            [
                Author(1, "ann"), Author(2, "ann"), Author(3, "ann"), Author(4, "bob"), Ask.Row(5), Ask.Row(6),
                Ask.Row(7),
            ],
        });
        string Ids(Core.Model.Query query) => string.Join(",", machine.One(query).Rows.Select(row => row.Id));
        Assert.Equal("1,2,4,5,6", Ids(Of(Ask.ById, 9, 2, "author")));
        Assert.Equal("1,4,5", Ids(Of(Ask.ById, 3, 1, "author")));
        Core.Model.Query second = new()
        {
            RankBy = Ask.ById, Limit = 2, Offset = 1, LimitPer = ["author"], PerLimit = 1, Include = IncludeMode.All,
        };
        Assert.Equal("4,5", Ids(second));
        Assert.Equal("7,6,4,3", Ids(Of(RankBy.OrderBy(("id", true)), 4, 2, "author")));
        Assert.Equal("1,2,3", Ids(Of(Ask.ById, 3, 1, "id")));
    }

    private static Row Author(ulong id, string name) => Ask.Row(id, ("author", Value.Of(name)));

    [Fact]
    public void What_is_wrong_is_named()
    {
        using Corpus corpus = new(DistanceMetric.CosineDistance, rows: 20);
        ReplyStatus Refusal(Core.Model.Query query) => corpus.Machine.Fails(query);
        Assert.Equal("limit.per: attribute `i` must be included in the answer", Refusal(new Core.Model.Query
        {
            RankBy = Ask.ById, Limit = 5, LimitPer = ["i"], PerLimit = 1,
        }).Message);
        Assert.Equal("limit.per.limit must be between 1 and limit.total, 5, but is 6",
            Refusal(Of(Ask.ById, 5, 6, "i")).Message);
        Assert.Equal(ErrorCode.LimitExceeded, Refusal(Of(Ask.ById, 5, 0, "i")).Code);
        Assert.Equal(ErrorCode.LimitExceeded, Refusal(Of(Ask.ById, 5, 1, [.. Enumerable.Repeat("i", 9)])).Code);
        Assert.Equal(ErrorCode.TypeMismatch, Refusal(Of(Ask.ById, 5, 1, "is")).Code);
        Assert.Equal(ErrorCode.AttributeNotFound, Refusal(Of(Ask.ById, 5, 1, "absent")).Code);
        Assert.Equal("limit.per requires rank_by", Refusal(new Core.Model.Query
        {
            Aggregates = [new("n", AggregateFunction.Count)], LimitPer = ["i"], PerLimit = 1,
            Include = IncludeMode.All,
        }).Message);
    }

    /// <summary>Against the complete ranking, thinned out by a dictionary.</summary>
    [Fact]
    public void Any_ranking_is_cut_to_the_first_of_each_group()
    {
        using Corpus corpus = new(DistanceMetric.CosineDistance, rows: 5000);
        Random random = new(77);
        for (int i = 0; i < 60; i++)
        {
            RankBy rank = (i % 3) switch
            {
                0 => RankBy.OrderBy((random.GetItems(Corpus.ScalarNames, 1)[0], i % 2 == 0)),
                1 => RankBy.Ann("v", Corpus.Vector(random)),
                _ => RankBy.Saturate(RankBy.OfAttribute("u"), 2),
            };
            Filter? filter = i % 4 == 0 ? FilterProperties.Leaf(random) : null;
            string[] per = random.GetItems(Corpus.ScalarNames, random.Next(1, 4));
            uint limit = (uint)(i % 5 == 0 ? random.Next(1000, 9000) : random.Next(1, 40));
            uint perLimit = (uint)random.Next(1, int.Min((int)limit, 6) + 1);
            uint offset = i % 3 == 0 ? (uint)random.Next(5) : 0;
            Dictionary<string, int> counts = [];
            ulong[] expected =
            [
                .. corpus.Machine.One(new Core.Model.Query { RankBy = rank, Filter = filter, Limit = 10_000 }).Rows
                    .Select(row => row.Id.AsUint)
                    .Where(id => Count(counts, corpus.Documents[id], per) <= perLimit)
                    .Skip((int)offset).Take((int)limit),
            ];
            Core.Model.Query capped = new()
            {
                RankBy = rank, Filter = filter, Limit = limit, Offset = offset, LimitPer = per, PerLimit = perLimit,
                Include = IncludeMode.Listed, IncludeNames = per,
            };
            Assert.Equal(expected, corpus.Machine.One(capped).Rows.Select(row => row.Id.AsUint));
        }
    }

    private static int Count(Dictionary<string, int> counts, NaiveDocument document, string[] per)
    {
        string group = string.Join('|', per.Select(name => $"{document.Get(name).Kind}:{document.Get(name)}"));
        return counts[group] = counts.GetValueOrDefault(group) + 1;
    }
}
