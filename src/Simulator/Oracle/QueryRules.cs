using System;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Decides whether a query is answered, in the order of the protocol: namespace, metric, each sub-query
/// (ranking, filter, attributes, aggregates, limits), then the fusion of all.</summary>
[FloatAllowed("bounds of constants and elements, compared only")]
internal sealed class QueryRules(QueryRequest request, NaiveSchema schema)
{
    private const int ResultsMax = 10_000;

    /// <summary>Of the sparse vectors of the sub-query at hand.</summary>
    private int _dimensions;

    /// <param name="atEnd">Whether the request ended where it should.</param>
    public Refusal? Check(bool atEnd)
    {
        if (request.Queries.Length is < 1 or > 16)
        {
            return new(ErrorCode.LimitExceeded,
                $"queries must have between 1 and 16 entries, but has {request.Queries.Length}");
        }
        DistanceMetric metric = request.Metric;
        bool same = metric == DistanceMetric.Unspecified || schema.Metric == DistanceMetric.Unspecified;
        if (!same && metric != schema.Metric)
        {
            return new(ErrorCode.DistanceMetricMismatch,
                $"distance metric mismatch, expected {WriteRules.NameOf(schema.Metric)}");
        }
        Refusal? refusal = null;
        bool aggregates = false;
        foreach (Query query in request.Queries)
        {
            refusal ??= Check(query);
            aggregates |= query.Aggregates.Length > 0;
        }
        refusal ??= CheckFusion();
        if (refusal is null && !atEnd) refusal = Refusal.Malformed("query");
        if (refusal is null && request.Rerank != Rerank.None && aggregates)
            refusal = Refusal.Invalid("rerank_by cannot be combined with aggregate_by");
        return refusal;
    }

    private Refusal? Check(Query query)
    {
        _dimensions = 0;
        return CheckRank(query.RankBy) ?? FilterRules.Check(query.Filter, schema, newRow: false) ??
            CheckInclude(query) ?? CheckAggregates(query) ?? CheckCap(query) ?? CheckComputed(query) ??
            CheckLimits(query);
    }

    private Refusal? CheckRank(RankBy rank)
    {
        switch (rank.Kind)
        {
            case RankKind.Ann or RankKind.Knn: return CheckVector(rank);
            case RankKind.Bm25: return CheckText(rank);
            case RankKind.Attribute: return CheckColumn("rank_by", rank.Attribute, needsNumber: true, noArray: false);
            case RankKind.Constant:
                return double.IsFinite(rank.Constant) ? null
                    : new(ErrorCode.NotFinite, "rank_by constant is not a finite number");
            case RankKind.Filter:
                return rank.Filter is null ? Refusal.Invalid("rank_by filter cannot be empty")
                    : FilterRules.Check(rank.Filter, schema, newRow: false);
            case RankKind.Attributes:
                return CheckOrder(rank);
            case RankKind.Dist: return CheckDistance(rank);
            case RankKind.SparseKnn: return CheckSparse(rank);
            case RankKind.Saturate or RankKind.Decay: return CheckCurve(rank);
        }
        if (rank.Kind is RankKind.Sum or RankKind.Max && rank.Children.Length == 0)
            return Refusal.Invalid("rank_by cannot be empty");
        foreach (RankBy child in rank.Children)
        {
            if (CheckRank(child) is Refusal refusal) return refusal;
        }
        return null;
    }

    private Refusal? CheckDistance(RankBy rank)
    {
        Refusal? refusal = CheckColumn("rank_by", rank.Attribute, needsNumber: true, noArray: false);
        if (refusal is not null) return refusal;
        AttributeType type = schema.Get(rank.Attribute).Type;
        if (type == AttributeType.None || NaiveValues.Convert(rank.Operand, type) is not null) return null;
        return new(ErrorCode.TypeMismatch, $"rank_by: the origin of Dist of `{rank.Attribute}` must be of type " +
            NaiveValues.Describe(type));
    }

    private Refusal? CheckCurve(RankBy rank)
    {
        foreach ((string name, double value) in (ReadOnlySpan<(string, double)>)
            [("midpoint", rank.Midpoint), ("exponent", rank.Exponent)])
        {
            if (!(value > 0 && value <= double.MaxValue))
                return Refusal.Invalid($"rank_by: {name} must be finite and above 0");
        }
        RankBy child = rank.Children[0];
        if (CheckRank(child) is Refusal refusal) return refusal;
        bool time = child.Kind == RankKind.Dist && schema.Get(child.Attribute).Type == AttributeType.Datetime;
        return time || !rank.MidpointIsDuration ? null
            : Refusal.Invalid("rank_by: only Dist of a datetime attribute can have a duration as midpoint");
    }

    private Refusal? CheckOrder(RankBy rank)
    {
        if (rank.Order.Length == 0) return Refusal.Invalid("rank_by cannot be empty");
        if (rank.Order.Length > 8)
            return new(ErrorCode.LimitExceeded, $"rank_by has {rank.Order.Length} entries, at most 8");
        foreach ((string attribute, _) in rank.Order)
        {
            if (CheckColumn("rank_by", attribute, needsNumber: false, noArray: true) is Refusal refusal) return refusal;
        }
        return null;
    }

    private Refusal? CheckVector(RankBy rank)
    {
        NaiveAttribute? attribute = schema.Find(rank.Attribute);
        if (attribute is null) return Absent("rank_by", rank.Attribute);
        if (!attribute.IsVector) return Mismatch("rank_by", attribute);
        float[]? vector = NaiveValues.ToVector(rank.Operand);
        int dimensions = vector?.Length ?? (rank.Operand.Kind == ValueKind.Array ? rank.Operand.AsArray.Length : -1);
        if (dimensions >= 0 && dimensions != attribute.Dimensions)
        {
            return new(ErrorCode.DimensionMismatch, $"rank_by: vector `{rank.Attribute}` has " +
                $"{attribute.Dimensions} dimensions, but the query has {dimensions}");
        }
        if (vector is null) return Refusal.Invalid("rank_by: operand is no vector");
        foreach (float element in vector)
        {
            if (float.Abs(element) <= 1L << 40) continue;
            return new(ErrorCode.NotFinite,
                $"rank_by: vector `{rank.Attribute}` has an element that is not finite or beyond 2^40");
        }
        return null;
    }

    private Refusal? CheckSparse(RankBy rank)
    {
        NaiveAttribute? attribute = schema.Find(rank.Attribute);
        if (attribute is null) return Absent("rank_by", rank.Attribute);
        if (!attribute.IsSparse) return Mismatch("rank_by", attribute);
        string what = $"rank_by SparseKNN of `{rank.Attribute}`";
        if (rank.Operand.Kind != ValueKind.Sparse)
        {
            return new(ErrorCode.TypeMismatch,
                $"{what} expects a sparse vector, got {NaiveValues.Describe(rank.Operand.Kind)}");
        }
        if (NaiveSparse.Check(what, rank.Operand.AsSparse) is Refusal refusal) return refusal;
        _dimensions += rank.Operand.AsSparse.Length;
        return _dimensions <= 4096 ? null : new(ErrorCode.LimitExceeded,
            $"dimensions of a query has {_dimensions} entries, at most 4096");
    }

    private Refusal? CheckText(RankBy rank)
    {
        NaiveAttribute? attribute = schema.Find(rank.Attribute);
        if (attribute is null) return Absent("rank_by", rank.Attribute);
        if (attribute.FullText is null)
        {
            return new(ErrorCode.AttributeNotFilterable,
                $"rank_by: attribute `{rank.Attribute}` has no full_text_search");
        }
        bool wantsArray = attribute.FullText.Tokenizer == Tokenizer.PreTokenizedArray;
        if (rank.Operand.Kind == (wantsArray ? ValueKind.Array : ValueKind.String)) return null;
        return new(ErrorCode.TypeMismatch, $"invalid input for rank_by field \"{rank.Attribute}\", expecting " +
            (wantsArray ? "[]string" : "string"));
    }

    private Refusal? CheckInclude(Query query)
    {
        if (query.Include != IncludeMode.Listed) return null;
        foreach (string name in query.IncludeNames)
        {
            if (schema.Find(name) is not null) continue;
            return new(ErrorCode.AttributeNotFound,
                $"attribute \"{name}\" not found in schema, cannot be part of `include_attributes`");
        }
        return null;
    }

    private Refusal? CheckAggregates(Query query)
    {
        foreach (Aggregate aggregate in query.Aggregates)
        {
            bool counts = aggregate.Function == AggregateFunction.Count;
            if (aggregate.Attribute.Length == 0 && counts) continue;
            if (aggregate.Attribute.Length == 0) return Refusal.Invalid("aggregate function needs an attribute");
            Refusal? refusal = CheckColumn("aggregate_by", aggregate.Attribute, !counts, noArray: false);
            if (refusal is not null) return refusal;
            NaiveAttribute attribute = schema.Get(aggregate.Attribute);
            bool sum = aggregate.Function is AggregateFunction.Sum or AggregateFunction.Avg;
            if (sum && attribute.Type == AttributeType.Datetime) return Mismatch("aggregate_by", attribute);
        }
        foreach (string name in query.GroupBy)
        {
            if (CheckColumn("group_by", name, needsNumber: false, noArray: true) is Refusal refusal) return refusal;
        }
        return null;
    }

    private Refusal? CheckCap(Query query)
    {
        if (query.LimitPer.Length > 8)
            return new(ErrorCode.LimitExceeded, $"limit.per has {query.LimitPer.Length} entries, at most 8");
        foreach (string name in query.LimitPer)
        {
            if (CheckColumn("limit.per", name, needsNumber: false, noArray: true) is Refusal refusal) return refusal;
            if (name != "id" && !NaiveReply.Includes(query, name))
                return Refusal.Invalid($"limit.per: attribute `{name}` must be included in the answer");
        }
        return null;
    }

    private Refusal? CheckComputed(Query query)
    {
        if (query.Computed.Length > 256)
            return new(ErrorCode.LimitExceeded, $"compute_attributes has {query.Computed.Length} entries, at most 256");
        foreach (ComputedAttribute computed in query.Computed)
        {
            string name = $"computed attribute `{computed.Label}`";
            if (computed.Label.Length == 0 || computed.Label[0] == '$' || schema.Find(computed.Label) is not null)
                return Refusal.Invalid(name + " needs a name that no attribute has");
            if (computed.Highlight is not null)
            {
                if (CheckHighlight(name, computed.Highlight) is Refusal wrong) return wrong;
                continue;
            }
            if (CheckRank(computed.Score) is Refusal refusal) return new(refusal.Code, $"{name}: {refusal.Text}");
            if (computed.Score.Kind is RankKind.None or RankKind.Attributes)
                return Refusal.Invalid(name + ": an order is no value");
        }
        return null;
    }

    private Refusal? CheckHighlight(string name, Highlight highlight)
    {
        NaiveAttribute? attribute = schema.Find(highlight.Attribute);
        if (attribute is null)
            return new(ErrorCode.AttributeNotFound, $"{name}: attribute `{highlight.Attribute}` not found in schema");
        if (attribute.FullText is null)
        {
            return new(ErrorCode.AttributeNotFilterable, $"{name} references `{highlight.Attribute}`, which is not " +
                "enabled for full-text search; this requires a schema update");
        }
        if (attribute.FullText.Tokenizer == Tokenizer.PreTokenizedArray)
        {
            return new(ErrorCode.TypeMismatch, $"{name} references `{highlight.Attribute}`, which uses a " +
                "pre-tokenized tokenizer that does not support highlighting");
        }
        if (highlight.FragmentLimit is 0 or > 1024)
            return new(ErrorCode.LimitExceeded, name + ": `fragment_limit` must be between 1 and 1024");
        if (highlight.Clauses.Length is 0 or > 64)
            return new(ErrorCode.LimitExceeded, name + ": clauses of all highlights must be between 1 and 64");
        foreach (HighlightClause clause in highlight.Clauses)
        {
            if (!(clause.Weight >= 0 && clause.Weight <= 1e9))
                return Refusal.Invalid(name + ": weights must be between 0 and 1e9");
        }
        return null;
    }

    private static Refusal? CheckLimits(Query query)
    {
        bool aggregates = query.Aggregates.Length > 0;
        if (aggregates && query.RankBy.Kind != RankKind.None)
            return Refusal.Invalid("aggregate_by cannot be combined with rank_by");
        if (!aggregates && query.GroupBy.Length > 0) return Refusal.Invalid("group_by needs aggregate_by");
        if (!aggregates && query.Limit == 0) return Refusal.Invalid("rank_by queries must specify top_k or limit");
        uint limit = query.Limit == 0 ? ResultsMax : query.Limit;
        if (limit > ResultsMax || query.Offset > ResultsMax - limit)
        {
            return new(ErrorCode.LimitExceeded, $"top_k must be between 1 and {ResultsMax}, offset included, " +
                $"but is {limit} with offset {query.Offset}");
        }
        if (aggregates && query.Computed.Length > 0)
            return Refusal.Invalid("aggregate_by cannot be combined with compute_attributes");
        if (query.LimitPer.Length > 0)
        {
            if (aggregates) return Refusal.Invalid("limit.per requires rank_by");
            if (query.PerLimit == 0 || query.PerLimit > limit)
            {
                return new(ErrorCode.LimitExceeded, $"limit.per.limit must be between 1 and limit.total, {limit}, " +
                    $"but is {query.PerLimit}");
            }
        }
        return aggregates && query.Offset > 0 ? Refusal.Invalid("offset requires rank_by") : null;
    }

    private Refusal? CheckFusion()
    {
        if (request.Rerank == Rerank.None) return null;
        if (!(request.RankConstant > 0 && request.RankConstant <= 1e9))
            return Refusal.Invalid("rank_constant must be above 0 and at most 1e9");
        if (request.Queries.Length < 2) return Refusal.Invalid("rerank_by needs at least two queries");
        if (request.Weights.Length != 0 && request.Weights.Length != request.Queries.Length)
            return Refusal.Invalid("rerank_by needs one weight per query");
        foreach (double weight in request.Weights)
        {
            if (!(weight >= 0 && weight <= 1e9))
                return Refusal.Invalid("rerank_by weights must be between 0 and 1e9");
        }
        return request.FusedLimit > ResultsMax
            ? Refusal.Invalid("limit of the fused list must be at most 10000") : null;
    }

    private Refusal? CheckColumn(string field, string name, bool needsNumber, bool noArray)
    {
        NaiveAttribute? attribute = schema.Find(name);
        if (attribute is null) return Absent(field, name);
        if (!attribute.Filterable)
        {
            return new(ErrorCode.AttributeNotFilterable,
                $"{field}: attribute `{name}` is not filterable");
        }
        bool number = NaiveValues.IsNumber(attribute.Type) || attribute.Type == AttributeType.None;
        bool wrong = (needsNumber && !number) || (noArray && attribute.IsArray);
        return wrong ? Mismatch(field, attribute) : null;
    }

    private static Refusal Absent(string field, string name) =>
        new(ErrorCode.AttributeNotFound, $"{field}: attribute `{name}` not found in schema");

    private static Refusal Mismatch(string field, NaiveAttribute attribute) => new(ErrorCode.TypeMismatch,
        $"{field}: attribute `{attribute.Name}` has type {attribute.Describe()}, which cannot be used there");
}
