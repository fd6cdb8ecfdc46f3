using System;
using System.Collections.Generic;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Queries by definition: look at every row, score it, sort everything, cut.</summary>
[FloatAllowed("scores by definition: the operations and the order of the kernels that are checked")]
internal static class NaiveQuery
{
    private static readonly ComputeBackend Scalar = new ScalarBackend();

    /// <summary>The request has passed its rules; only a sum can still be too great.</summary>
    public static Refusal? Run(
        QueryRequest request, NaiveNamespace database, Func<uint, uint> limitOf, out QueryReply reply)
    {
        reply = new() { NamespaceRows = (ulong)database.Rows.Count };
        List<List<ScoredRow>> lists = [];
        foreach (Query query in request.Queries)
        {
            List<NaiveRow> rows = Filtered(query, database);
            if (query.Aggregates.Length > 0)
            {
                Refusal? refusal = NaiveAggregate.Run(query, rows, database.Schema, out QueryResult result);
                if (refusal is not null) return refusal;
                reply.Results.Add(result);
                continue;
            }
            List<ScoredRow> all = Cap(Rank(query.RankBy, rows, database), query);
            List<ScoredRow> ranked = Cut(all, query.Offset, limitOf(query.Limit));
            lists.Add(ranked);
            reply.Results.Add(ToResult(ranked, query, database));
        }
        if (request.Rerank == Rerank.None) return null;
        reply.Results.Clear();
        reply.Results.Add(ToResult(Fuse(request, lists), request.Queries[0], database));
        return null;
    }

    /// <summary>The rows that pass the filter, how many of them the ranking keeps, and how many rows are left in the
    /// end.</summary>
    public static (List<NaiveRow> Candidates, int Scored, int Rows) Trace(
        Query query, NaiveNamespace database, Func<uint, uint> limitOf)
    {
        List<NaiveRow> candidates = Filtered(query, database);
        if (query.Aggregates.Length > 0) return (candidates, candidates.Count, 0);
        List<ScoredRow> ranked = Rank(query.RankBy, candidates, database);
        return (candidates, ranked.Count, Cut(Cap(ranked, query), query.Offset, limitOf(query.Limit)).Count);
    }

    private static List<NaiveRow> Filtered(Query query, NaiveNamespace database)
    {
        List<NaiveRow> rows = [];
        foreach (KeyValuePair<Value, NaiveRow> pair in database.Rows)
        {
            if (query.Filter is null || NaiveFilter.Matches(query.Filter, database.Schema, pair.Value, null))
                rows.Add(pair.Value);
        }
        return rows;
    }

    /// <summary>All rows that the ranking keeps, best first; equal ones by id, the order in which they come.</summary>
    private static List<ScoredRow> Rank(RankBy rankBy, List<NaiveRow> rows, NaiveNamespace database)
    {
        List<ScoredRow> ranked = [];
        switch (rankBy.Kind)
        {
            case RankKind.Ann or RankKind.Knn:
                foreach (NaiveRow row in rows)
                {
                    float distance = Distance(rankBy, row, database);
                    if (!float.IsNaN(distance)) ranked.Add(new ScoredRow(row, -(double)distance, distance));
                }
                break;
            case RankKind.Attributes:
                return OrderBy(rankBy, rows);
            case RankKind.None:
                return OrderBy(RankBy.OrderBy(("id", false)), rows);
            default:
                NaiveRanking expression = new(database);
                foreach (NaiveRow row in rows)
                {
                    double score = expression.Score(rankBy, row);
                    if (!double.IsNaN(score) && (score != 0 || NaiveRanking.KeepsZeroes(rankBy)))
                        ranked.Add(new ScoredRow(row, score, (float)score));
                }
                break;
        }
        InsertionSort(ranked, static (left, right) => right.Order.CompareTo(left.Order));
        return ranked;
    }

    private static float Compute(RankBy score, NaiveRow row, NaiveNamespace database, NaiveRanking expressions) =>
        score.Kind is RankKind.Ann or RankKind.Knn ? Distance(score, row, database)
            : (float)expressions.Score(score, row);

    /// <summary>NaN if the row has no such vector.</summary>
    private static float Distance(RankBy rankBy, NaiveRow row, NaiveNamespace database)
    {
        Value vector = row.Get(rankBy.Attribute);
        if (vector.IsNull) return float.NaN;
        float[] wanted = NaiveValues.ToVector(rankBy.Operand)!;
        for (int i = 0; i < wanted.Length; i++) wanted[i] += 0f;
        return Distance(database.Schema.Metric, wanted, vector.AsVector);
    }

    private static float Distance(DistanceMetric metric, float[] query, float[] row)
    {
        if (metric == DistanceMetric.EuclideanSquared) return ScalarBackend.SquaredL2(query, row);
        float dot = ScalarBackend.Dot(query, row);
        return 1f - dot * Normalisation.InverseNorm(Scalar, query) * Normalisation.InverseNorm(Scalar, row);
    }

    /// <summary>A missing value comes first ascending and last descending.</summary>
    private static List<ScoredRow> OrderBy(RankBy rankBy, List<NaiveRow> rows)
    {
        List<ScoredRow> ordered = [];
        foreach (NaiveRow row in rows) ordered.Add(new ScoredRow(row, 0, null));
        InsertionSort(ordered, (left, right) =>
        {
            foreach ((string attribute, bool descending) in rankBy.Order)
            {
                int order = ValueOrder.Instance.Compare(left.Row.Get(attribute), right.Row.Get(attribute));
                if (order != 0) return descending ? -order : order;
            }
            return 0;
        });
        return ordered;
    }

    /// <summary>Without the rows that have enough better ones with the same values before them.</summary>
    private static List<ScoredRow> Cap(List<ScoredRow> ranked, Query query)
    {
        if (query.LimitPer.Length == 0) return ranked;
        SortedDictionary<Value, uint> counts = new(ValueOrder.Instance);
        List<ScoredRow> kept = [];
        foreach (ScoredRow scored in ranked)
        {
            Value[] values = new Value[query.LimitPer.Length];
            for (int i = 0; i < values.Length; i++) values[i] = scored.Row.Get(query.LimitPer[i]);
            Value group = Value.Of(values);
            counts.TryGetValue(group, out uint count);
            if (count == query.PerLimit) continue;
            counts[group] = count + 1;
            kept.Add(scored);
        }
        return kept;
    }

    private static List<ScoredRow> Cut(List<ScoredRow> ranked, uint offset, uint limit)
    {
        int start = (int)ulong.Min(offset, (ulong)ranked.Count);
        int count = (int)ulong.Min(limit, (ulong)(ranked.Count - start));
        return ranked.GetRange(start, count);
    }

    private static List<ScoredRow> Fuse(QueryRequest request, List<List<ScoredRow>> lists)
    {
        SortedDictionary<Value, ScoredRow> fused = new(ValueOrder.Instance);
        for (int list = 0; list < lists.Count; list++)
        {
            double weight = request.Weights.Length == 0 ? 1 : request.Weights[list];
            for (int rank = 0; rank < lists[list].Count; rank++)
            {
                NaiveRow row = lists[list][rank].Row;
                double score = weight / (request.RankConstant + (rank + 1));
                if (fused.TryGetValue(row.Id, out ScoredRow before)) score = before.Order + score;
                fused[row.Id] = new ScoredRow(row, score, (float)score);
            }
        }
        List<ScoredRow> ranked = new(fused.Values);
        InsertionSort(ranked, static (left, right) => right.Order.CompareTo(left.Order));
        uint limit = request.FusedLimit;
        foreach (Query query in request.Queries)
        {
            if (request.FusedLimit == 0) limit = uint.Max(limit, query.Limit);
        }
        return Cut(ranked, 0, limit);
    }

    private static QueryResult ToResult(List<ScoredRow> ranked, Query query, NaiveNamespace database)
    {
        NaiveRanking expressions = new(database);
        bool computed = query.Computed.Length > 0;
        QueryResult result = new() { Kind = computed ? ResultKind.RowsWithComputed : ResultKind.Rows };
        foreach (ScoredRow scored in ranked)
        {
            ResultRow row = new() { Id = scored.Row.Id, Score = scored.Score };
            foreach (KeyValuePair<string, Value> pair in scored.Row.Values)
            {
                if (NaiveReply.Includes(query, pair.Key)) row.Attributes.Add(pair);
            }
            foreach (ComputedAttribute attribute in query.Computed)
            {
                if (attribute.Highlight is Highlight highlight)
                {
                    FullTextOptions options = database.Schema.Get(highlight.Attribute).FullText!;
                    row.Highlights.Add(new(attribute.Label,
                        NaiveHighlight.Of(highlight, options, scored.Row.Get(highlight.Attribute))));
                    continue;
                }
                float value = Compute(attribute.Score, scored.Row, database, expressions);
                if (!float.IsNaN(value)) row.Computed.Add(new(attribute.Label, value));
            }
            result.Rows.Add(row);
        }
        return result;
    }

    /// <summary>Stable, obviously right, and slow: just what an oracle needs.</summary>
    private static void InsertionSort(List<ScoredRow> rows, Comparison<ScoredRow> compare)
    {
        for (int i = 1; i < rows.Count; i++)
        {
            ScoredRow row = rows[i];
            int at = i;
            for (; at > 0 && compare(rows[at - 1], row) > 0; at--) rows[at] = rows[at - 1];
            rows[at] = row;
        }
    }

    /// <summary>A row, the exact number it is ranked by (greater is better), and the score that is reported.</summary>
    private readonly struct ScoredRow(NaiveRow row, double order, float? score)
    {
        public NaiveRow Row { get; } = row;
        public double Order { get; } = order;
        public float? Score { get; } = score;
    }
}
