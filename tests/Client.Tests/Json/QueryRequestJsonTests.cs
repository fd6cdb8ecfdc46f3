using System.Linq;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Model;
using Xunit;

namespace Deterministic.Client.Tests.Json;

public sealed class QueryRequestJsonTests
{
    [Fact]
    public void VectorSearchWithFilters()
    {
        ParsedQuery parsed = JsonText.Query("""
            {"rank_by":["vector","ANN",[0.1,0.2]],"top_k":10,"filters":["And",[["title","Eq","a"],["id","In",[1,2]]]],
             "include_attributes":true,"vector_encoding":"base64","consistency":{"level":"eventual"}}
            """);
        Query query = Assert.Single(parsed.Request.Queries);
        Assert.Equal(RankKind.Ann, query.RankBy.Kind);
        Assert.Equal(Value.Of(0.1f, 0.2f), query.RankBy.Operand);
        Assert.Equal(10u, query.Limit);
        Assert.Equal(IncludeMode.All, query.Include);
        Assert.Equal(Value.Of("a"), query.Filter!.Children[0].Operand);
        Assert.Equal(Value.Of(Value.Of(1UL), Value.Of(2UL)), query.Filter.Children[1].Operand);
        Assert.Equal(VectorEncoding.Base64, parsed.VectorEncoding);
        Assert.True(parsed.Eventual);
        Assert.False(parsed.Multiple);
    }

    [Fact]
    public void SparseVectorsRankAloneAndInsideOfOthers()
    {
        Query query = JsonText.Single("""
            {"rank_by":["Sum",[["sv","SparseKNN",{"walrus":0.5,"é":-2,"7":1e1}],["title","BM25","a"]]],"limit":1,
             "compute_attributes":{"sparse":["sv","SparseKNN",{}]}}
            """);
        RankBy rank = query.RankBy.Children[0];
        Assert.Equal((RankKind.SparseKnn, "sv"), (rank.Kind, rank.Attribute));
        Assert.Equal(
            Value.OfSparse(new SparseDimension("é", -2), new("7", 10), new("walrus", 0.5)), rank.Operand);
        Assert.Equal(Value.OfSparse(), query.Computed.Single().Score.Operand);
    }

    [Theory]
    [InlineData("""{"rank_by":["v","SparseKNN",[1,2]],"limit":1}""",
        "rank_by[2]: expects a sparse vector (an object of weights), but got an array")]
    [InlineData("""{"rank_by":["v","SparseKNN",{"a":"1"}],"limit":1}""",
        "rank_by[2].a: expects a weight (a number), but got \"1\"")]
    [InlineData("""{"rank_by":["v","SparseKNN",{"a":1,"b":2,"a":3}],"limit":1}""",
        "rank_by[2]: dimension \"a\" is given twice")]
    [InlineData("""{"rank_by":["v","SparseKNN",{"":1}],"limit":1}""",
        "rank_by[2].: a dimension's name of 0 bytes, the limit is 1 to 254")]
    [InlineData("""{"rank_by":["v","SparseKNN"],"limit":1}""",
        "rank_by: expects a sparse vector as element 2, but the array ends")]
    public void SparseVectorsNameWhatIsWrong(string json, string message) =>
        JsonText.Fails(() => JsonText.Query(json), message);

    [Fact]
    public void TextRankingsNest()
    {
        RankBy rank = JsonText.Single("""
            {"rank_by":["Sum",[["title","BM25","large tusk",{"last_as_prefix":true}],
              ["Product",2,["body","BM25",["a","b"]]],
              ["Max",[0,["Attribute","boost"]]],["lang","Eq","en"],["Not",["old","Eq",true]]]],"limit":{"total":5}}
            """).RankBy;
        Assert.Equal(RankKind.Sum, rank.Kind);
        Assert.True(rank.Children[0].LastAsPrefix);
        Assert.Equal(2.0, rank.Children[1].Children[0].Constant);
        Assert.Equal(Value.Of(Value.Of("a"), Value.Of("b")), rank.Children[1].Children[1].Operand);
        Assert.Equal(RankKind.Constant, rank.Children[2].Children[0].Kind);
        Assert.Equal("boost", rank.Children[2].Children[1].Attribute);
        Assert.Equal(FilterOperator.Eq, rank.Children[3].Filter!.Operator);
        Assert.Equal(FilterOperator.Not, rank.Children[4].Filter!.Operator);
    }

    [Fact]
    public void CurvesOverAttributesAndDistances()
    {
        RankBy rank = JsonText.Single("""
            {"rank_by":["Sum",[["Saturate",["Attribute","clicks"],{"midpoint":100}],
              ["Decay",["Dist",["Attribute","made"],"2026-01-31"],{"midpoint":"1.5h","exponent":2}],
              ["Max",0,["Attribute","boost"]]]],"limit":5}
            """).RankBy;
        RankBy clicks = rank.Children[0];
        Assert.Equal((RankKind.Saturate, 100.0, 1.0), (clicks.Kind, clicks.Midpoint, clicks.Exponent));
        Assert.False(clicks.MidpointIsDuration);
        Assert.Equal("clicks", clicks.Children[0].Attribute);
        RankBy age = rank.Children[1];
        Assert.Equal((RankKind.Decay, 5_400_000.0, 2.0), (age.Kind, age.Midpoint, age.Exponent));
        Assert.True(age.MidpointIsDuration);
        Assert.Equal((RankKind.Dist, "made"), (age.Children[0].Kind, age.Children[0].Attribute));
        Assert.Equal(Value.Of("2026-01-31"), age.Children[0].Operand);
        Assert.Equal(0.0, rank.Children[2].Children[0].Constant);
        Assert.Equal("boost", rank.Children[2].Children[1].Attribute);
    }

    [Theory]
    [InlineData("5ms", 5)]
    [InlineData("2s", 2e3)]
    [InlineData("3m", 180e3)]
    [InlineData("0.5h", 1800e3)]
    [InlineData("2d", 172_800e3)]
    [InlineData("1w", 604_800e3)]
    public void DurationsAreMilliseconds(string duration, double milliseconds)
    {
        string json = $$"""
            {"rank_by":["Decay",["Dist",["Attribute","made"],0],{"midpoint":"{{duration}}"}],"limit":1}
            """;
        Assert.Equal(milliseconds, JsonText.Single(json).RankBy.Midpoint);
    }

    [Theory]
    [InlineData("{}", "rank_by[2]: missing field `midpoint`")]
    [InlineData("{\"midpoint\":0}", "rank_by[2].midpoint: expects a number above 0, but got 0")]
    [InlineData("{\"midpoint\":\"-1h\"}", "rank_by[2].midpoint: expects a number above 0 or a duration such as " +
        "\"6h\" (ms, s, m, h, d, w), but got \"-1h\"")]
    [InlineData("{\"midpoint\":\"6 hours\"}", "rank_by[2].midpoint: expects a number above 0 or a duration such as " +
        "\"6h\" (ms, s, m, h, d, w), but got \"6 hours\"")]
    [InlineData("{\"midpoint\":1,\"exponent\":-2}", "rank_by[2].exponent: expects a number above 0, but got -2")]
    [InlineData("{\"midpoint\":1,\"slope\":2}",
        "rank_by[2].slope: unknown option; known are midpoint and exponent")]
    public void CurvesNameWhatIsWrong(string options, string message) => JsonText.Fails(
        () => JsonText.Query("{\"rank_by\":[\"Decay\",[\"Attribute\",\"a\"]," + options + "],\"limit\":1}"), message);

    [Fact]
    public void DistancesAreThoseOfAttributes() => JsonText.Fails(
        () => JsonText.Query("""{"rank_by":["Dist",["title","BM25","a"],3],"limit":1}"""),
        "rank_by[1][0]: expects \"Attribute\", but got \"title\"");

    [Fact]
    public void ComputedAttributes()
    {
        ComputedAttribute[] computed = JsonText.Single("""
            {"rank_by":["id","asc"],"limit":1,"compute_attributes":{"near":["vector","VectorDist",[1,2]],
              "text":["title","BM25","fox"],"sum":["Sum",[["Attribute","n"],["title","BM25","fox"]]]}}
            """).Computed;
        Assert.Equal(["near", "text", "sum"], computed.Select(attribute => attribute.Label));
        Assert.Equal([RankKind.Ann, RankKind.Bm25, RankKind.Sum], computed.Select(attribute => attribute.Score.Kind));
        Assert.Equal(Value.Of(1f, 2f), computed[0].Score.Operand);
    }

    [Theory]
    [InlineData("3", "compute_attributes.x: expects an expression such as [\"vector\",\"VectorDist\",[…]], but got 3")]
    [InlineData("[\"id\",\"asc\"]", "compute_attributes.x: expects VectorDist, Highlight or a ranking by scores")]
    [InlineData("[\"v\",\"ANN\",[1]]", "compute_attributes.x: expects VectorDist, Highlight or a ranking by scores")]
    [InlineData("[\"v\",\"VectorDist\"]",
        "compute_attributes.x: expects a vector as element 2, but the array ends")]
    public void ComputedAttributesNameWhatIsWrong(string expression, string message) => JsonText.Fails(
        () => JsonText.Query("{\"compute_attributes\":{\"x\":" + expression + "},\"limit\":1}"), message);

    [Fact]
    public void Highlights()
    {
        Query query = JsonText.Single("""
            {"compute_attributes":{"a":["Highlight","text"],"b":["Highlight","text",{"fragment_by":"word",
              "fragment_limit":7,"include_offsets":"utf-16","rank_fragments_by":["Sum",[["$fragment","BM25","fox"],
              ["Product",2,["$fragment","BM25","do",{"last_as_prefix":true}]]]]}]},
             "rank_by":["Sum",[["text","BM25","red fox"],["title","BM25","dog"]]],"limit":1}
            """);
        Highlight inferred = query.Computed[0].Highlight!;
        Assert.Equal(("text", FragmentUnit.Sentence, 3u, OffsetUnit.None),
            (inferred.Attribute, inferred.FragmentBy, inferred.FragmentLimit, inferred.Offsets));
        Assert.Equal(new HighlightClause("red fox"), Assert.Single(inferred.Clauses));
        Highlight said = query.Computed[1].Highlight!;
        Assert.Equal((FragmentUnit.Word, 7u, OffsetUnit.Utf16), (said.FragmentBy, said.FragmentLimit, said.Offsets));
        Assert.Equal(
            [new HighlightClause("fox"), new HighlightClause("do", lastAsPrefix: true, weight: 2)], said.Clauses);
    }

    [Theory]
    [InlineData("", "computed attribute `h`: cannot infer `rank_fragments_by` because the query `rank_by` has no " +
        "BM25 clause over `text`; provide `rank_fragments_by` explicitly")]
    [InlineData(",{\"fragment_by\":\"line\"}",
        "compute_attributes.h[2].fragment_by: expects none, sentence, paragraph or word, but got \"line\"")]
    [InlineData(",{\"fragment_limit\":1025}",
        "compute_attributes.h[2].fragment_limit: must be between 1 and 1024, but got 1025")]
    [InlineData(",{\"color\":1}", "compute_attributes.h[2].color: unknown option; known are fragment_by, " +
        "fragment_limit, include_offsets and rank_fragments_by")]
    public void HighlightsNameWhatIsWrong(string options, string message) => JsonText.Fails(() => JsonText.Query(
        "{\"compute_attributes\":{\"h\":[\"Highlight\",\"text\"" + options + "]},\"limit\":1}"), message);

    [Fact]
    public void ALimitPerAttribute()
    {
        Query query = JsonText.Single("""
            {"rank_by":["id","asc"],"limit":{"total":9,"per":{"attributes":["author","year"],"limit":2}}}
            """);
        Assert.Equal((9u, 2u), (query.Limit, query.PerLimit));
        Assert.Equal(["author", "year"], query.LimitPer);
        Assert.Empty(JsonText.Single("""{"rank_by":["id","asc"],"limit":{"total":1,"per":null}}""").LimitPer);
    }

    [Theory]
    [InlineData("{}", "limit.per: missing field `attributes`")]
    [InlineData("{\"attributes\":[\"a\"]}", "limit.per: missing field `limit`")]
    [InlineData("{\"attributes\":[\"a\"],\"limit\":0}", "limit.per.limit: must be between 1 and 10000, but got 0")]
    [InlineData("{\"by\":1}", "limit.per.by: unknown field; known are attributes and limit")]
    public void ALimitPerAttributeNamesWhatIsWrong(string per, string message) => JsonText.Fails(
        () => JsonText.Query("{\"rank_by\":[\"id\",\"asc\"],\"limit\":{\"total\":5,\"per\":" + per + "}}"), message);

    [Fact]
    public void OrderByOneOrSeveralAttributes()
    {
        Assert.Equal([("price", true)], JsonText.Single("""{"rank_by":["price","desc"],"limit":1}""").RankBy.Order);
        Assert.Equal([("a", false), ("b", true)],
            JsonText.Single("""{"rank_by":[["a","asc"],["b","desc"]],"limit":1,"offset":3}""").RankBy.Order);
        Assert.Equal([("id", false)], JsonText.Single("""{"filters":["a","Eq",1],"limit":1}""").RankBy.Order);
    }

    [Fact]
    public void AnAttributeMayBeCalledLikeAnOperator()
    {
        Assert.Equal("And", JsonText.Single("""{"filters":["And","Eq",1],"limit":1}""").Filter!.Attribute);
        Assert.Equal([("Attribute", false)],
            JsonText.Single("""{"rank_by":["Attribute","asc"],"limit":1}""").RankBy.Order);
        Assert.Equal("Sum", JsonText.Single("""{"rank_by":["Sum","BM25","x"],"limit":1}""").RankBy.Attribute);
    }

    [Fact]
    public void FiltersByPatterns()
    {
        Filter glob = JsonText.Single("""{"filters":["path","NotIGlob","*.{JPG,png}"],"limit":1}""").Filter!;
        Assert.Equal((FilterOperator.NotIGlob, "*.{JPG,png}"), (glob.Operator, glob.Operand.AsString));
        Filter fuzzy = JsonText.Single("""
            {"filters":["title","Fuzzy","walrus",{"case_sensitive":false,
              "max_edit_distance":[{"min_query_chars":6,"distance":1},{"distance":2,"min_query_chars":9}]}],"limit":1}
            """).Filter!;
        Assert.Equal(FilterOperator.Fuzzy, fuzzy.Operator);
        Assert.False(fuzzy.Fuzzy!.CaseSensitive);
        Assert.Equal([(6, 1), (9, 2)],
            fuzzy.Fuzzy.Distances.Select(one => ((int)one.CharactersMin, (int)one.Distance)));
    }

    [Fact]
    public void AggregatesAndGroups()
    {
        Query query = JsonText.Single("""
            {"aggregate_by":{"n":["Count"],"total":["Sum","price"]},"group_by":["color"],"top_k":7}
            """);
        Assert.Equal(RankKind.None, query.RankBy.Kind);
        Assert.Equal(("n", AggregateFunction.Count, ""),
            (query.Aggregates[0].Label, query.Aggregates[0].Function, query.Aggregates[0].Attribute));
        Assert.Equal(("total", AggregateFunction.Sum, "price"),
            (query.Aggregates[1].Label, query.Aggregates[1].Function, query.Aggregates[1].Attribute));
        Assert.Equal(["color"], query.GroupBy);
        Assert.Equal(7u, query.Limit);
    }

    [Fact]
    public void SeveralQueriesFused()
    {
        ParsedQuery parsed = JsonText.Query("""
            {"queries":[{"rank_by":["vector","kNN",[1]],"limit":5,"distance_metric":"euclidean_squared"},
              {"rank_by":["title","BM25","a"],"top_k":5,"exclude_attributes":["x"]}],
             "rerank_by":["RRF",{"rank_constant":30,"weights":[1,2]}],"limit":4}
            """);
        Assert.True(parsed.Multiple);
        QueryRequest request = parsed.Request;
        Assert.Equal(RankKind.Knn, request.Queries[0].RankBy.Kind);
        Assert.Equal(IncludeMode.AllExcept, request.Queries[1].Include);
        Assert.Equal(Rerank.ReciprocalRankFusion, request.Rerank);
        Assert.Equal((30.0, 4u), (request.RankConstant, request.FusedLimit));
        Assert.Equal([1.0, 2.0], request.Weights);
        Assert.Equal(DistanceMetric.EuclideanSquared, request.Metric);
    }

    [Theory]
    [InlineData("""{"rank_by":["v","ANN",["Embed","text"]],"limit":1}""",
        "rank_by[2]: embedding of text (\"Embed\") is not supported by this release")]
    [InlineData("""{"compute_attributes":{"h":["Highlight","t",{"rank_fragments_by":["t","BM25","a"]}]},"limit":1}""",
        "compute_attributes.h[2].rank_fragments_by: rank_fragments_by with anything but Sum, Product and BM25 of " +
        "$fragment is not supported by this release")]
    [InlineData("""{"aggregate_by":{"n":["Count"]},"group_by":[{"t":["ForEachUnique","tags"]}]}""",
        "group_by[0]: grouping by ForEachUnique is not supported by this release")]
    public void WhatIsNotSupportedIsNamed(string json, string message)
    {
        JsonRequestException exception = JsonText.Fails(() => JsonText.Query(json), message);
        Assert.Equal(ErrorCode.NotSupported, exception.Code);
    }

    [Theory]
    [InlineData("""{"rank_by":["id","asc"]}""", "rank_by queries must specify top_k or limit")]
    [InlineData("""{"rank_by":["id","asc"],"top_k":10001}""", "top_k: must be between 1 and 10000, but got 10001")]
    [InlineData("""{"rank_by":["id","asc"],"top_k":1,"limit":1}""",
        "limit: top_k and limit mean the same; give one of them")]
    [InlineData("""{"rank_by":["id","asc"],"top_k":1,"rank":1}""", "rank: unknown field of a query")]
    [InlineData("""{"filters":["a","Eq"],"limit":1}""",
        "filters: expects a value as element 2, but the array ends")]
    [InlineData("""{"filters":["a","Equals",1],"limit":1}""",
        "filters[1]: \"Equals\" is not an operator; known are Eq, NotEq, In, NotIn, Contains, NotContains, " +
        "ContainsAny, NotContainsAny, Lt, Lte, Gt, Gte, AnyLt, AnyLte, AnyGt, AnyGte, " +
        "Glob, NotGlob, IGlob, NotIGlob, Regex, Fuzzy, ContainsAllTokens, ContainsAnyToken, ContainsTokenSequence")]
    [InlineData("""{"filters":["a","Glob","x*",{}],"limit":1}""",
        "filters[3]: expects nothing more after the value of Glob")]
    [InlineData("""{"filters":["a","Fuzzy","walrus"],"limit":1}""",
        "filters: Fuzzy expects {\"max_edit_distance\":[…]} after its value")]
    [InlineData("""{"filters":["a","Fuzzy","walrus",{"case_sensitive":true}],"limit":1}""",
        "filters[3]: missing field `max_edit_distance`")]
    [InlineData("""{"filters":["a","Fuzzy","walrus",{"max_edit_distance":[{"distance":1}]}],"limit":1}""",
        "filters[3].max_edit_distance[0]: missing field `min_query_chars`")]
    [InlineData("""{"filters":["a","Fuzzy","walrus",{"max_edit_distance":[],"fuzziness":1}],"limit":1}""",
        "filters[3].fuzziness: unknown option; known are max_edit_distance, case_sensitive")]
    [InlineData("""{"filters":["a","Eq",1,2],"limit":1}""", "filters[3]: expects nothing more after the value of Eq")]
    [InlineData("""{"filters":["And",[["a","Eq",1],["b"]]],"limit":1}""",
        "filters[1][1]: expects an operator as element 1, but the array ends")]
    [InlineData("""{"consistency":"eventual"}""",
        "consistency: expects an object such as {\"level\":\"strong\"}, but got \"eventual\"")]
    [InlineData("""{"include_attributes":["a"],"exclude_attributes":["b"],"limit":1}""",
        "cannot specify both include_attributes and exclude_attributes")]
    [InlineData("""{"queries":[],"limit":1}""", "queries: 0 queries; there may be 1 to 16")]
    [InlineData("""{"queries":[{"rank_by":["id","asc"],"limit":1}],"filters":["a","Eq",1]}""",
        "\"filters\" cannot stand beside \"queries\", only inside them")]
    [InlineData("""{"queries":[{"rank_by":["id","asc"],"limit":1,"consistency":{}}]}""",
        "queries[0].consistency: belongs beside \"queries\", not inside one of them")]
    [InlineData("""{"aggregate_by":{"n":["Count"]},"group_by":["color","n"]}""",
        "\"n\" is in group_by and the label of an aggregate")]
    [InlineData("""{"aggregate_by":{"n":["Count"]},"group_by":["color","color"]}""",
        "group_by has \"color\" more than once")]
    [InlineData("""{"aggregate_by":{"n":["Median","x"]}}""",
        "aggregate_by.n[0]: expects Count, Sum, Min, Max or Avg, but got \"Median\"")]
    public void ErrorsNameThePlace(string json, string message) => JsonText.Fails(() => JsonText.Query(json), message);

    [Fact]
    public void NestingIsBounded()
    {
        string deep = "[\"a\",\"Eq\",1]";
        for (int i = 0; i < Limits.FilterDepthMax; i++) deep = "[\"Not\"," + deep + "]";
        DeterministicException exception = Assert.ThrowsAny<DeterministicException>(
            () => JsonText.Query("{\"limit\":1,\"filters\":" + deep + "}"));
        Assert.Equal(ErrorCode.LimitExceeded, exception.Code);
        Assert.Equal(ErrorCode.Malformed, Assert.ThrowsAny<DeterministicException>(
            () => JsonText.Write("{\"schema\":null,\"x\":" + new string('[', 100_000))).Code);
    }
}
