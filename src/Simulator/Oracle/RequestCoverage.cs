using System.Collections.Generic;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Counts what accepted requests use.</summary>
internal static class RequestCoverage
{
    public static void Count(Coverage coverage, WriteRequest request, NaiveSchema schema)
    {
        Count(coverage, request.DeleteByFilter);
        Count(coverage, request.PatchByFilter);
        Count(coverage, request.UpsertCondition);
        Count(coverage, request.PatchCondition);
        Count(coverage, request.DeleteCondition);
        coverage.Hit("id", schema.IdType.ToString());
        if ((request.Flags & WriteFlags.ReturnAffectedIds) != 0) coverage.Hit("path", "ids returned");
        if ((request.Flags & WriteFlags.DeleteByFilterAllowPartial) != 0 && request.DeleteByFilter is not null)
            coverage.Hit("path", "partial delete allowed");
        if ((request.Flags & WriteFlags.PatchByFilterAllowPartial) != 0 && request.PatchByFilter is not null)
            coverage.Hit("path", "partial patch allowed");
        foreach (Row row in request.Upserts)
        {
            foreach (KeyValuePair<string, Value> pair in row.Attributes)
            {
                NaiveAttribute? attribute = schema.Find(pair.Key);
                if (attribute is null || pair.Value.IsNull) continue;
                coverage.Hit("type", attribute.Type.ToString());
                coverage.Hit("value", pair.Value.Kind.ToString());
            }
        }
    }

    public static void Count(Coverage coverage, QueryRequest request)
    {
        foreach (Query query in request.Queries)
        {
            Count(coverage, query.Filter);
            Count(coverage, query.RankBy);
            coverage.Hit("include", query.Include.ToString());
            foreach (Aggregate aggregate in query.Aggregates) coverage.Hit("aggregate", aggregate.Function.ToString());
            if (query.GroupBy.Length > 0) coverage.Hit("path", "grouped");
            if (query.Offset > 0) coverage.Hit("path", "offset");
            foreach (ComputedAttribute computed in query.Computed)
            {
                bool distance = computed.Score.Kind is RankKind.Ann or RankKind.Knn;
                bool score = computed.Highlight is null;
                coverage.Hit("path", distance ? "computed distance" : score ? "computed score" : "highlight");
            }
            if (query.LimitPer.Length > 0) coverage.Hit("path", "limit per attribute");
        }
        if (request.Queries.Length > 1) coverage.Hit("path", "several queries");
        if (request.Rerank != Rerank.None) coverage.Hit("path", "fusion");
        if (request.Weights.Length > 0) coverage.Hit("path", "weighted fusion");
    }

    private static void Count(Coverage coverage, Filter? filter)
    {
        if (filter is null) return;
        coverage.Hit("filter", filter.Operator.ToString());
        if (filter.NewRowAttribute is not null) coverage.Hit("path", "compared with the new row");
        if (filter.LastAsPrefix) coverage.Hit("path", "last token as prefix");
        if (filter.Fuzzy is { CaseSensitive: false }) coverage.Hit("path", "fuzzy in any case");
        foreach (Filter child in filter.Children) Count(coverage, child);
    }

    private static void Count(Coverage coverage, RankBy rank)
    {
        coverage.Hit("rank", rank.Kind.ToString());
        if (rank.Order.Length > 1) coverage.Hit("path", "ordered by several attributes");
        if (rank.LastAsPrefix) coverage.Hit("path", "ranked by a prefix");
        if (rank.MidpointIsDuration) coverage.Hit("path", "duration as midpoint");
        Count(coverage, rank.Filter);
        foreach (RankBy child in rank.Children) Count(coverage, child);
    }
}
