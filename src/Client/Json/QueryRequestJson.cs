using System;
using System.Collections.Generic;
using System.Text.Json;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>A query and what only the writing of its answer needs to know.</summary>
public sealed class ParsedQuery
{
    public required QueryRequest Request { get; init; }

    /// <summary>Whether it came as "queries", which answers "results".</summary>
    public bool Multiple { get; init; }
    public VectorEncoding VectorEncoding { get; init; }

    /// <summary>"eventual" consistency was asked for; an answer that is more consistent is always right.</summary>
    public bool Eventual { get; init; }
}

/// <summary>The body of a query: rank_by, filters, top_k or limit, include_attributes, aggregate_by, … or
/// "queries".</summary>
public static class QueryRequestJson
{
    /// <exception cref="JsonRequestException">Names what is wrong and where.</exception>
    public static ParsedQuery Parse(string name, ReadOnlySpan<byte> json)
    {
        JsonCursor cursor = new(json);
        Root root = new();
        Draft single = new();
        ObjectScope scope = cursor.Object("a query (an object)");
        while (cursor.Next(ref scope, out string field))
        {
            if (cursor.IsNull || root.ReadField(ref cursor, field)) continue;
            single.ReadField(ref cursor, field);
        }
        ParsedQuery query = root.Build(ref cursor, name, single);
        cursor.End();
        return query;
    }

    private static Query[] ReadQueries(ref JsonCursor json, ref DistanceMetric metric)
    {
        List<Query> queries = [];
        ArrayScope array = json.Array("an array of queries");
        while (json.Next(ref array))
        {
            Draft draft = new();
            ObjectScope scope = json.Object("a query (an object)");
            while (json.Next(ref scope, out string field))
            {
                if (json.IsNull) continue;
                if (field is "consistency" or "vector_encoding" or "queries" or "rerank_by")
                    throw json.Fail("belongs beside \"queries\", not inside one of them");
                draft.ReadField(ref json, field);
            }
            queries.Add(draft.Build(ref json));
            if (draft.Metric == DistanceMetric.Unspecified) continue;
            if (metric != DistanceMetric.Unspecified && metric != draft.Metric)
                throw json.Fail("all queries of one request are of one distance_metric");
            metric = draft.Metric;
        }
        if (queries.Count is 0 or > Limits.SubqueriesMax)
        {
            throw json.Fail($"{queries.Count} queries; there may be 1 to {Limits.SubqueriesMax}",
                ErrorCode.LimitExceeded);
        }
        return queries.ToArray();
    }

    /// <param name="json">At a number or <c>{"total":n,"per":{"attributes":[…],"limit":n}}</c>.</param>
    /// <param name="per">Attributes of which rows that agree in them are limited.</param>
    /// <param name="perLimit">To this number.</param>
    private static uint ReadLimit(ref JsonCursor json, ref string[] per, ref uint perLimit)
    {
        if (json.Token != JsonTokenType.StartObject) return json.Count(1, Limits.ResultsMax);
        uint total = 0;
        ObjectScope scope = json.Object();
        while (json.Next(ref scope, out string field))
        {
            if (field == "total") total = json.Count(1, Limits.ResultsMax);
            else if (field == "per" && json.IsNull) continue;
            else if (field == "per") ReadLimitPer(ref json, ref per, ref perLimit);
            else throw json.Fail("unknown field; known are total and per");
        }
        return total > 0 ? total : throw json.Missing("total");
    }

    private static void ReadLimitPer(ref JsonCursor json, ref string[] attributes, ref uint limit)
    {
        ObjectScope scope = json.Object("an object such as {\"attributes\":[\"author\"],\"limit\":3}");
        while (json.Next(ref scope, out string field))
        {
            if (field == "attributes") attributes = ReadNames(ref json);
            else if (field == "limit") limit = json.Count(1, Limits.ResultsMax);
            else throw json.Fail("unknown field; known are attributes and limit");
        }
        if (attributes.Length == 0) throw json.Missing("attributes");
        if (limit == 0) throw json.Missing("limit");
        json.CheckCount(attributes.Length, Limits.GroupByAttributesMax, "attributes");
    }

    private static string[] ReadNames(ref JsonCursor json)
    {
        List<string> names = [];
        ArrayScope array = json.Array("an array of attribute names");
        while (json.Next(ref array)) names.Add(json.Name("an attribute name"));
        json.CheckCount(names.Count, Limits.AttributesPerNamespaceMax, "names");
        return names.ToArray();
    }

    /// <summary>What stands once in a request, whether it holds one query or several.</summary>
    private sealed class Root
    {
        private Query[]? _queries;
        private DistanceMetric _metric;
        private VectorEncoding _encoding;
        private bool _eventual;
        private Rerank _rerank;
        private double _constant = QueryRequest.RankConstantDefault;
        private double[] _weights = [];

        public bool ReadField(ref JsonCursor json, string field)
        {
            switch (field)
            {
                case "queries": _queries = ReadQueries(ref json, ref _metric); return true;
                case "consistency": ReadConsistency(ref json); return true;
                case "rerank_by": ReadRerank(ref json); return true;
                case "disable_cache": json.Bool(); return true;
                case "vector_encoding":
                    _encoding = json.String() switch
                    {
                        "float" => VectorEncoding.Float,
                        "base64" => VectorEncoding.Base64,
                        _ => throw json.UnknownVariant("\"float\" or \"base64\"", "`float` or `base64`"),
                    };
                    return true;
                default: return false;
            }
        }

        public ParsedQuery Build(ref JsonCursor json, string name, Draft single)
        {
            DistanceMetric metric = _metric == DistanceMetric.Unspecified ? single.Metric : _metric;
            uint fused = 0;
            if (_queries is null)
            {
                if (_rerank != Rerank.None) throw json.Fail("rerank_by needs \"queries\"");
                _queries = [single.Build(ref json)];
                return Finish(name, metric, fused, multiple: false);
            }
            single.OnlyLimit(ref json, ref fused);
            if (_weights.Length > 0 && _weights.Length != _queries.Length)
                throw json.Fail($"rerank_by has {_weights.Length} weights for {_queries.Length} queries");
            if (_rerank != Rerank.None && _queries.Length < 2) throw json.Fail("rerank_by needs at least 2 queries");
            return Finish(name, metric, fused, multiple: true);
        }

        private ParsedQuery Finish(string name, DistanceMetric metric, uint fused, bool multiple) => new()
        {
            Multiple = multiple, VectorEncoding = _encoding, Eventual = _eventual,
            Request = new QueryRequest
            {
                Namespace = name, Metric = metric, Queries = _queries!, Rerank = _rerank,
                RankConstant = _constant, Weights = _weights, FusedLimit = _rerank == Rerank.None ? 0 : fused,
            },
        };

        private void ReadConsistency(ref JsonCursor json)
        {
            bool said = false;
            ObjectScope scope = json.Object("an object such as {\"level\":\"strong\"}", "struct Consistency");
            while (json.Next(ref scope, out string field))
            {
                if (field != "level") throw json.Fail("unknown field; known is level");
                _eventual = json.String() switch
                {
                    "strong" => false,
                    "eventual" => true,
                    _ => throw json.UnknownVariant("\"strong\" or \"eventual\"", "`strong` or `eventual`"),
                };
                said = true;
            }
            if (!said) throw json.Missing("level");
        }

        private void ReadRerank(ref JsonCursor json)
        {
            ArrayScope array = json.Array("[\"RRF\"] or [\"RRF\", {…}]");
            json.Element(ref array, "\"RRF\"");
            string kind = json.String("\"RRF\"");
            if (kind != "RRF") throw json.NotSupported($"rerank_by {kind}");
            _rerank = Rerank.ReciprocalRankFusion;
            if (!json.Next(ref array)) return;
            ObjectScope scope = json.Object("an object of options");
            while (json.Next(ref scope, out string field))
            {
                if (field == "rank_constant") _constant = json.Double();
                else if (field == "weights") ReadWeights(ref json);
                else throw json.Fail("unknown option; known are rank_constant and weights");
            }
            json.EndArray(ref array, "the options");
        }

        private void ReadWeights(ref JsonCursor json)
        {
            List<double> weights = [];
            ArrayScope array = json.Array("an array of numbers");
            while (json.Next(ref array)) weights.Add(json.Double());
            json.CheckCount(weights.Count, Limits.SubqueriesMax, "weights");
            _weights = weights.ToArray();
        }
    }

    /// <summary>One query while its fields come in any order.</summary>
    private sealed class Draft
    {
        private readonly List<Aggregate> _aggregates = [];
        private RankBy? _rankBy;
        private Filter? _filter;
        private uint _limit, _offset, _perLimit;
        private string[] _per = [];
        private ComputedAttribute[] _computed = [];
        private string[]? _included, _excluded;
        private bool _includeSaid, _all;
        private string[] _groupBy = [];
        private string? _first;

        public DistanceMetric Metric { get; private set; }

        public void ReadField(ref JsonCursor json, string field)
        {
            if (field is not ("top_k" or "limit" or "distance_metric")) _first ??= field;
            switch (field)
            {
                case "rank_by": _rankBy = RankJson.Read(ref json); break;
                case "filters": _filter = FilterJson.Read(ref json); break;
                case "top_k": SetLimit(ref json, json.Count(1, Limits.ResultsMax)); break;
                case "limit": SetLimit(ref json, ReadLimit(ref json, ref _per, ref _perLimit)); break;
                case "offset": _offset = json.Count(0, Limits.ResultsMax); break;
                case "include_attributes": ReadInclude(ref json); break;
                case "exclude_attributes": _excluded = ReadNames(ref json); break;
                case "aggregate_by": ReadAggregates(ref json); break;
                case "group_by": ReadGroups(ref json); break;
                case "distance_metric": Metric = SchemaJson.ReadMetric(ref json); break;
                case "compute_attributes": _computed = ComputedJson.Read(ref json); break;
                default: throw json.Fail("unknown field of a query");
            }
        }

        public Query Build(ref JsonCursor json)
        {
            if (_includeSaid && _excluded is not null)
                throw json.Fail("cannot specify both include_attributes and exclude_attributes");
            if (_aggregates.Count > 0 && (_rankBy is not null || _includeSaid || _excluded is not null))
                throw json.Fail("aggregate_by excludes rank_by, include_attributes and exclude_attributes");
            if (_aggregates.Count > 0 && _groupBy.Length == 0 && _limit > 0)
                throw json.Fail("an aggregation without group_by takes no top_k or limit");
            if (_groupBy.Length > 0 && _aggregates.Count == 0) throw json.Fail("group_by needs aggregate_by");
            CheckLabels(ref json);
            if (_aggregates.Count == 0 && _limit == 0) throw json.Fail("rank_by queries must specify top_k or limit");
            ComputedJson.Infer(ref json, _computed, _rankBy);
            RankBy none = new() { Kind = RankKind.None };
            return new Query
            {
                // A query that says only which rows comes in the order of their ids.
                RankBy = _rankBy ?? (_aggregates.Count > 0 ? none : RankBy.OrderBy((ValueJson.IdName, false))),
                Filter = _filter, Limit = _limit, Offset = _offset, Include = IncludeMode(),
                IncludeNames = _excluded ?? _included ?? [], Aggregates = _aggregates.ToArray(), GroupBy = _groupBy,
                LimitPer = _per, PerLimit = _perLimit, Computed = _computed,
            };
        }

        /// <summary>A group of the answer has its attributes and its aggregates in one object.</summary>
        private void CheckLabels(ref JsonCursor json)
        {
            for (int i = 0; i < _groupBy.Length; i++)
            {
                string name = _groupBy[i];
                if (Array.IndexOf(_groupBy, name) < i) throw json.Fail($"group_by has \"{name}\" more than once");
                if (_aggregates.Exists(aggregate => aggregate.Label == name))
                    throw json.Fail($"\"{name}\" is in group_by and the label of an aggregate");
            }
        }

        /// <summary>Beside "queries" only the limit of a fused list may stand.</summary>
        public void OnlyLimit(ref JsonCursor json, ref uint limit)
        {
            if (_first is not null) throw json.Fail($"\"{_first}\" cannot stand beside \"queries\", only inside them");
            if (_per.Length > 0) throw json.Fail("limit.per cannot stand beside \"queries\", only inside them");
            limit = _limit;
        }

        private IncludeMode IncludeMode()
        {
            if (_excluded is not null) return Core.Model.IncludeMode.AllExcept;
            if (_all) return Core.Model.IncludeMode.All;
            return _included is { Length: > 0 } ? Core.Model.IncludeMode.Listed : Core.Model.IncludeMode.IdOnly;
        }

        private void SetLimit(ref JsonCursor json, uint limit)
        {
            if (_limit > 0) throw json.Fail("top_k and limit mean the same; give one of them");
            _limit = limit;
        }

        private void ReadInclude(ref JsonCursor json)
        {
            _includeSaid = true;
            if (json.Token is JsonTokenType.True or JsonTokenType.False) _all = json.Bool();
            else _included = ReadNames(ref json);
        }

        private void ReadAggregates(ref JsonCursor json)
        {
            ObjectScope scope = json.Object("an object such as {\"count\":[\"Count\"]}");
            while (json.Next(ref scope, out string label)) _aggregates.Add(ReadAggregate(ref json, label));
            if (_aggregates.Count is 0 or > Limits.AggregatesMax)
            {
                throw json.Fail($"{_aggregates.Count} aggregates; there may be 1 to {Limits.AggregatesMax}",
                    ErrorCode.LimitExceeded);
            }
        }

        private static Aggregate ReadAggregate(ref JsonCursor json, string label)
        {
            json.CheckName(label);
            ArrayScope array = json.Array("an aggregate such as [\"Count\"] or [\"Sum\",\"price\"]");
            json.Element(ref array, "Count, Sum, Min, Max or Avg");
            AggregateFunction function = json.String() switch
            {
                "Count" => AggregateFunction.Count,
                "Sum" => AggregateFunction.Sum,
                "Min" => AggregateFunction.Min,
                "Max" => AggregateFunction.Max,
                "Avg" => AggregateFunction.Avg,
                _ => throw json.Expected("Count, Sum, Min, Max or Avg"),
            };
            string attribute = "";
            if (json.Next(ref array))
            {
                attribute = json.Name("an attribute");
                json.EndArray(ref array, "the attribute");
            }
            else if (function != AggregateFunction.Count)
            {
                throw json.Fail($"{function} needs an attribute");
            }
            return new Aggregate(label, function, attribute);
        }

        private void ReadGroups(ref JsonCursor json)
        {
            List<string> names = [];
            ArrayScope array = json.Array("an array of attribute names");
            while (json.Next(ref array))
            {
                if (json.Token == JsonTokenType.StartObject) throw json.NotSupported("grouping by ForEachUnique");
                names.Add(json.Name("an attribute name"));
            }
            if (names.Count > Limits.GroupByAttributesMax)
            {
                throw json.Fail($"groups by {names.Count} attributes, the limit is {Limits.GroupByAttributesMax}",
                    ErrorCode.LimitExceeded);
            }
            _groupBy = names.ToArray();
        }
    }
}
