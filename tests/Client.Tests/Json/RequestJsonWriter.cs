using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Deterministic.Client.Json;
using Deterministic.Core.Model;

namespace Deterministic.Client.Tests.Json;

/// <summary>Says a model in JSON the plain way, to be read back.</summary>
internal static class RequestJsonWriter
{
    public static byte[] Write(WriteRequest request)
    {
        JsonObject root = [];
        if (request.Upserts.Count > 0) root["upsert_rows"] = Rows(request.Upserts);
        if (request.Patches.Count > 0) root["patch_rows"] = Rows(request.Patches);
        if (request.Deletes.Count > 0) root["deletes"] = new JsonArray(request.Deletes.Select(Node).ToArray());
        if (request.UpsertCondition is not null) root["upsert_condition"] = Node(request.UpsertCondition);
        if (request.DeleteByFilter is not null) root["delete_by_filter"] = Node(request.DeleteByFilter);
        if (request.PatchByFilter is not null)
        {
            JsonObject patch = [];
            foreach (KeyValuePair<string, Value> pair in request.PatchByFilterValues)
                patch[pair.Key] = Node(pair.Value);
            root["patch_by_filter"] = new JsonObject { ["filters"] = Node(request.PatchByFilter), ["patch"] = patch };
        }
        root["return_affected_ids"] = (request.Flags & WriteFlags.ReturnAffectedIds) != 0;
        root["patch_by_filter_allow_partial"] = (request.Flags & WriteFlags.PatchByFilterAllowPartial) != 0;
        root["delete_by_filter_allow_partial"] = (request.Flags & WriteFlags.DeleteByFilterAllowPartial) != 0;
        if (request.Metric != DistanceMetric.Unspecified)
            root["distance_metric"] = SchemaJson.MetricName(request.Metric);
        JsonObject schema = [];
        foreach (AttributeSchema attribute in request.Schema) schema[attribute.Name] = SchemaJson.TypeName(attribute);
        root["schema"] = schema;
        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }

    public static byte[] Write(QueryRequest request)
    {
        JsonObject root = [];
        JsonArray queries = [];
        foreach (Query query in request.Queries) queries.Add(Node(query, request.Metric));
        root["queries"] = queries;
        if (request.Rerank != Rerank.None)
        {
            JsonObject options = new() { ["rank_constant"] = request.RankConstant };
            if (request.Weights.Length > 0)
                options["weights"] = new JsonArray(request.Weights.Select(weight => (JsonNode)weight).ToArray());
            root["rerank_by"] = new JsonArray("RRF", options);
            if (request.FusedLimit > 0) root["limit"] = request.FusedLimit;
        }
        return Encoding.UTF8.GetBytes(root.ToJsonString());
    }

    private static JsonObject Node(Query query, DistanceMetric metric)
    {
        JsonObject node = [];
        if (query.RankBy.Kind != RankKind.None) node["rank_by"] = Node(query.RankBy);
        if (query.Filter is not null) node["filters"] = Node(query.Filter);
        if (query.LimitPer.Length > 0)
        {
            JsonObject per = new() { ["attributes"] = Strings(query.LimitPer), ["limit"] = query.PerLimit };
            node["limit"] = new JsonObject { ["total"] = query.Limit, ["per"] = per };
        }
        else if (query.Limit > 0) node["top_k"] = query.Limit;
        if (query.Offset > 0) node["offset"] = query.Offset;
        if (metric != DistanceMetric.Unspecified) node["distance_metric"] = SchemaJson.MetricName(metric);
        if (query.Include == IncludeMode.All) node["include_attributes"] = true;
        if (query.Include == IncludeMode.Listed) node["include_attributes"] = Strings(query.IncludeNames);
        if (query.Include == IncludeMode.AllExcept) node["exclude_attributes"] = Strings(query.IncludeNames);
        JsonObject aggregates = [];
        foreach (Aggregate aggregate in query.Aggregates)
        {
            JsonArray call = new(aggregate.Function.ToString());
            if (aggregate.Attribute.Length > 0) call.Add(aggregate.Attribute);
            aggregates[aggregate.Label] = call;
        }
        if (aggregates.Count > 0) node["aggregate_by"] = aggregates;
        JsonObject computed = [];
        foreach (ComputedAttribute attribute in query.Computed)
        {
            JsonNode expression = Node(attribute.Score);
            if (attribute.Score.Kind == RankKind.Ann) expression[1] = "VectorDist";
            computed[attribute.Label] = expression;
        }
        if (computed.Count > 0) node["compute_attributes"] = computed;
        if (query.GroupBy.Length > 0) node["group_by"] = Strings(query.GroupBy);
        return node;
    }

    private static JsonNode Node(RankBy rank)
    {
        switch (rank.Kind)
        {
            case RankKind.Ann: return new JsonArray(rank.Attribute, "ANN", Node(rank.Operand));
            case RankKind.Knn: return new JsonArray(rank.Attribute, "kNN", Node(rank.Operand));
            case RankKind.SparseKnn: return new JsonArray(rank.Attribute, "SparseKNN", Node(rank.Operand));
            case RankKind.Bm25:
                JsonArray text = new(rank.Attribute, "BM25", Node(rank.Operand));
                if (rank.LastAsPrefix) text.Add(new JsonObject { ["last_as_prefix"] = true });
                return text;
            case RankKind.Sum or RankKind.Max:
                return new JsonArray(rank.Kind.ToString(), new JsonArray(rank.Children.Select(Node).ToArray()));
            case RankKind.Product: return new JsonArray("Product", Node(rank.Children[0]), Node(rank.Children[1]));
            case RankKind.Filter: return Node(rank.Filter!);
            case RankKind.Attribute: return new JsonArray("Attribute", rank.Attribute);
            case RankKind.Dist:
                return new JsonArray("Dist", new JsonArray("Attribute", rank.Attribute), Node(rank.Operand));
            case RankKind.Saturate or RankKind.Decay:
                JsonNode midpoint = rank.MidpointIsDuration
                    ? FormattableString.Invariant($"{rank.Midpoint}ms") : rank.Midpoint;
                return new JsonArray(rank.Kind.ToString(), Node(rank.Children[0]),
                    new JsonObject { ["midpoint"] = midpoint, ["exponent"] = rank.Exponent });
            case RankKind.Constant: return rank.Constant;
            default:
                return new JsonArray(rank.Order.Select(order =>
                    (JsonNode)new JsonArray(order.Attribute, order.Descending ? "desc" : "asc")).ToArray());
        }
    }

    private static JsonNode Node(Filter filter)
    {
        if (filter.Operator == FilterOperator.Not) return new JsonArray("Not", Node(filter.Children[0]));
        if (filter.Operator is FilterOperator.And or FilterOperator.Or)
            return new JsonArray(filter.Operator.ToString(), new JsonArray(filter.Children.Select(Node).ToArray()));
        JsonNode? operand = filter.NewRowAttribute is null
            ? Node(filter.Operand) : new JsonObject { ["$ref_new"] = filter.NewRowAttribute };
        JsonArray node = new(filter.Attribute, filter.Operator.ToString(), operand);
        if (filter.LastAsPrefix) node.Add(new JsonObject { ["last_as_prefix"] = true });
        if (filter.Fuzzy is not null) node.Add(Node(filter.Fuzzy));
        return node;
    }

    private static JsonObject Node(FuzzyOptions options)
    {
        JsonNode[] distances = options.Distances.Select(distance => (JsonNode)new JsonObject
            { ["distance"] = distance.Distance, ["min_query_chars"] = distance.CharactersMin }).ToArray();
        JsonObject node = new() { ["max_edit_distance"] = new JsonArray(distances) };
        // Case makes a difference unless it is said that it does not.
        if (!options.CaseSensitive) node["case_sensitive"] = false;
        return node;
    }

    private static JsonArray Rows(List<Row> rows)
    {
        JsonArray array = [];
        foreach (Row row in rows)
        {
            JsonObject node = new() { ["id"] = Node(row.Id) };
            foreach (KeyValuePair<string, Value> pair in row.Attributes) node[pair.Key] = Node(pair.Value);
            array.Add(node);
        }
        return array;
    }

    private static JsonArray Strings(string[] names) => new(names.Select(name => (JsonNode)name).ToArray());

    /// <summary>Values are printed by the code under test: reading them back checks both directions.</summary>
    private static JsonNode? Node(Value value) => JsonNode.Parse(JsonText.Print(writer =>
    {
        ResultRow row = new() { Id = Value.Of(0UL) };
        row.Attributes.Add(new("v", value));
        ReplyJson.WriteRow(writer, row);
    }))!["v"]?.DeepClone();
}
