using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Filters;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>Orders and ranking expressions against sorts and against the formulas in plain double arithmetic.</summary>
public sealed class RankProperties : IDisposable
{
    private readonly Corpus _corpus = new(DistanceMetric.CosineDistance);

    public void Dispose() => _corpus.Dispose();

    [Fact]
    public void Orders_by_any_attributes_are_those_of_a_sort()
    {
        Random random = new(31);
        for (int i = 0; i < 150; i++)
        {
            (string Name, bool Descending)[] keys =
            [
                .. Enumerable.Range(0, random.Next(1, 5))
                    .Select(_ => (random.GetItems([.. Corpus.ScalarNames, "id"], 1)[0], random.Next(2) == 0)),
            ];
            Filter? filter = i % 2 == 0 ? null : FilterProperties.Leaf(random);
            int offset = random.Next(50);
            int limit = i % 5 == 0 ? 9_000 : random.Next(1, 80);
            Comparer<NaiveDocument> order = Comparer<NaiveDocument>.Create((left, right) =>
            {
                foreach ((string name, bool descending) in keys)
                {
                    int one = NaiveFilter.Compare(left.Get(name), right.Get(name));
                    if (one != 0) return descending ? -one : one;
                }
                return left.Id.CompareTo(right.Id);
            });
            ulong[] expected =
            [
                .. _corpus.Documents.Values.Where(d => NaiveFilter.Matches(filter, d)).Order(order)
                    .Skip(offset).Take(limit).Select(d => d.Id),
            ];
            List<ResultRow> rows = _corpus.Machine.One(new Core.Model.Query
            {
                RankBy = RankBy.OrderBy(keys), Filter = filter, Limit = (uint)limit, Offset = (uint)offset,
            }).Rows;
            Assert.Equal(expected, rows.Select(row => row.Id.AsUint));
            Assert.All(rows, row => Assert.Null(row.Score));
        }
    }

    [Fact]
    public void Scores_are_those_of_the_formulas_and_rows_without_a_score_stay_out()
    {
        Random random = new(32);
        for (int i = 0; i < 250; i++)
        {
            Filter? filter = i % 3 == 0 ? FilterProperties.Leaf(random) : null;
            AssertRanks(Expression(random, 3), filter, random);
        }
    }

    private void AssertRanks(RankBy rank, Filter? filter, Random random)
    {
        int limit = random.Next(3) == 0 ? 10_000 : random.Next(1, 40);
        NaiveScores scores = new([.. _corpus.Documents.Values]);
        SortedDictionary<ulong, double> expected = [];
        bool keepsZeroes = NaiveScores.KeepsZeroes(rank);
        Func<NaiveDocument, double> score = scores.Of(rank);
        foreach (NaiveDocument document in _corpus.Documents.Values.Where(d => NaiveFilter.Matches(filter, d)))
        {
            double value = score(document);
            if (!double.IsNaN(value) && (value != 0 || keepsZeroes)) expected[document.Id] = value;
        }
        List<ResultRow> rows = _corpus.Machine.One(new Core.Model.Query
        {
            RankBy = rank, Filter = filter, Limit = (uint)limit,
        }).Rows;
        int least = expected.Values.Count(value => keepsZeroes || !MayBeZero(value));
        Assert.InRange(rows.Count, int.Min(limit, least), int.Min(limit, expected.Count));
        double best = double.PositiveInfinity;
        foreach (ResultRow row in rows)
        {
            Assert.True(expected.Remove(row.Id.AsUint, out double value), "a row without a score, or twice");
            Assert.True(IsNear((float)value, row.Score!.Value), $"score {row.Score} where {value} was expected");
            Assert.True(value <= best || IsNear(value, best), "order");
            best = double.Min(best, value);
        }
        Assert.All(expected.Values, left => Assert.True(left <= best || IsNear(left, best) || MayBeZero(left)));
    }

    /// <summary>What is left where contributions cancel, which are exact in the production and rounded here.</summary>
    private static bool MayBeZero(double value) => double.Abs(value) is > 1e-17 and < 1e-14;

    private static bool IsNear(double a, double b) =>
        a == b || double.Abs(a - b) <= 1e-6 * double.Max(1, double.Max(double.Abs(a), double.Abs(b)));

    private static RankBy Expression(Random random, int depth)
    {
        switch (depth == 0 ? random.Next(3) : random.Next(12))
        {
            case 0: return Text(random, "t");
            case 1: return Text(random, "p");
            case 2: return new RankBy { Kind = RankKind.Filter, Filter = FilterProperties.Leaf(random) };
            case 3:
                RankBy factor = new() { Kind = RankKind.Constant, Constant = random.Next(-2, 5) / 2.0 };
                RankBy other = Expression(random, depth - 1);
                RankBy[] factors = random.Next(2) == 0 ? [factor, other] : [other, factor];
                return new RankBy { Kind = RankKind.Product, Children = factors };
            case 4:
                string name = random.GetItems(["i", "u", "f", "d", "id"], 1)[0];
                return new RankBy { Kind = RankKind.Attribute, Attribute = name };
            case 5: return Distance(random);
            case 7: return RankBy.SparseKnn("sv", Corpus.Sparse(random, 8));
            case 6:
                RankBy bent = random.Next(2) == 0 ? Distance(random) : Expression(random, depth - 1);
                double midpoint = Math.Pow(10, random.Next(-3, 20)), exponent = random.Next(1, 13) / 4.0;
                return random.Next(2) == 0 ? RankBy.Saturate(bent, midpoint, exponent)
                    : RankBy.Decay(bent, midpoint, exponent);
            default:
                int count = random.Next(1, 4);
                RankBy[] children = [.. Enumerable.Range(0, count).Select(_ => Expression(random, depth - 1))];
                return new RankBy { Kind = random.Next(3) == 0 ? RankKind.Max : RankKind.Sum, Children = children };
        }
    }

    private static RankBy Distance(Random random)
    {
        string name = random.GetItems(["i", "u", "f", "d"], 1)[0];
        return RankBy.Dist(name, Corpus.Scalar(random, name));
    }

    private static RankBy Text(Random random, string name)
    {
        string[] words = Corpus.Phrase(random, 6);
        return new RankBy
        {
            Kind = RankKind.Bm25, Attribute = name, LastAsPrefix = random.Next(3) == 0,
            Operand = name == "t" ? Value.Of(string.Join(", ", words).ToUpperInvariant())
                : Value.Of(words.Select(Value.Of).ToArray()),
        };
    }

    [Fact]
    public void Fused_scores_add_weight_over_constant_plus_rank()
    {
        Random random = new(33);
        for (int i = 0; i < 40; i++)
        {
            Core.Model.Query[] queries =
            [
                .. Enumerable.Range(0, random.Next(2, 6)).Select(q => new Core.Model.Query
                {
                    RankBy = q % 2 == 0 ? Text(random, "t") : RankBy.Ann("v", Corpus.Vector(random)),
                    Limit = (uint)random.Next(1, 200), Offset = (uint)random.Next(3),
                }),
            ];
            double[] weights = i % 2 == 0 ? [] : [.. queries.Select(_ => random.Next(0, 5) / 2.0)];
            SortedDictionary<ulong, double> fused = [];
            for (int q = 0; q < queries.Length; q++)
            {
                ResultRow[] rows = [.. _corpus.Machine.One(queries[q]).Rows];
                for (int rank = 1; rank <= rows.Length; rank++)
                {
                    ulong id = rows[rank - 1].Id.AsUint;
                    fused[id] = fused.GetValueOrDefault(id) + (weights.Length > 0 ? weights[q] : 1) / (60.0 + rank);
                }
            }
            uint limit = i % 3 == 0 ? 7u : 0u;
            int cut = limit > 0 ? (int)limit : (int)queries.Max(query => query.Limit);
            (float, ulong)[] expected =
                [.. fused.OrderByDescending(p => p.Value).Take(cut).Select(p => ((float)p.Value, p.Key))];
            QueryReply reply = _corpus.Machine.All(new QueryRequest
            {
                Namespace = "n", Queries = queries, Rerank = Rerank.ReciprocalRankFusion, Weights = weights,
                FusedLimit = limit,
            });
            Assert.Equal(expected, reply.Results.Single().Rows.Select(row => (row.Score!.Value, row.Id.AsUint)));
        }
    }
}
