using System;
using System.Threading.Tasks;
using Deterministic.Gateway.Tests.Support;
using Xunit;

namespace Deterministic.Gateway.Tests.Routes;

[Collection(RunningGateway.Collection)]
public sealed class QueryTests(RunningGateway gateway) : IAsyncLifetime
{
    private const string Name = "q";

    public async Task InitializeAsync() => Assert.Equal(200, (await gateway.WriteAsync(Name, """
        {"upsert_rows":[
           {"id":1,"vector":[1,0],"text":"a walrus on ice","color":"red","n":3,"tags":["x","y"]},
           {"id":2,"vector":[0.9,0.1],"text":"ice cold ice","color":"blue","n":1,"tags":["y"]},
           {"id":3,"vector":[0,1],"text":"a fox","color":"red","n":2}],
         "distance_metric":"cosine_distance","schema":{"text":{"type":"string","full_text_search":true}}}
        """)).Status);

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task TheNearestVectorsComeFirst()
    {
        Reply reply = await gateway.QueryAsync(Name, """
            {"rank_by":["vector","ANN",[1,0]],"top_k":2,"filters":["color","Eq","red"],"include_attributes":["n"]}
            """);
        Reply.MustEqual("""[{"id":1,"$dist":0,"n":3},{"id":3,"$dist":1,"n":2}]""", reply.Good["rows"]);
        Reply.MustEqual("""{"billable_logical_bytes_queried":256000000,"billable_logical_bytes_returned":40}""",
            reply.Good["billing"]);
        Assert.Equal(3, (int?)reply.Good["performance"]!["approx_namespace_size"]);
    }

    [Theory]
    [InlineData("""{"rank_by":["text","BM25","ice"],"limit":10}""", "2,1")]
    [InlineData("""{"rank_by":["Sum",[["text","BM25","fox"],["text","BM25","walrus"]]],"limit":10}""", "3,1")]
    [InlineData("""{"rank_by":["n","desc"],"limit":2}""", "1,3")]
    [InlineData("""{"rank_by":["n","desc"],"limit":9,"filters":["color","Glob","r?{d,t}"]}""", "1,3")]
    [InlineData("""{"rank_by":[["color","asc"],["n","asc"]],"limit":{"total":10}}""", "2,3,1")]
    [InlineData("""{"rank_by":["id","asc"],"limit":2,"offset":1}""", "2,3")]
    [InlineData("""{"limit":10,"filters":["Not",["Or",[["n","Lt",2],["tags","Contains","x"]]]]}""", "3")]
    [InlineData("""{"rank_by":["vector","kNN",[0,1]],"limit":1,"filters":["id","In",[1,2]]}""", "2")]
    [InlineData("""{"rank_by":["id","asc"],"limit":10,"consistency":{"level":"strong"}}""", "1,2,3")]
    public async Task RankingsAndFiltersChooseTheRows(string json, string ids) =>
        Assert.Equal(ids, (await gateway.QueryAsync(Name, json)).Ids);

    [Fact]
    public async Task AttributesAreIncludedOrExcluded()
    {
        const string one = "\"rank_by\":[\"id\",\"asc\"],\"limit\":1";
        Reply.MustEqual("""[{"id":1}]""", (await gateway.QueryAsync(Name, $"{{{one}}}")).Good["rows"]);
        Reply.MustEqual("""[{"id":1,"n":3}]""",
            (await gateway.QueryAsync(Name, $"{{{one},\"include_attributes\":[\"id\",\"n\"]}}")).Good["rows"]);
        Reply.MustEqual("""[{"id":1,"n":3,"color":"red","tags":["x","y"]}]""",
            (await gateway.QueryAsync(Name, $"{{{one},\"exclude_attributes\":[\"vector\",\"text\"]}}")).Good["rows"]);
    }

    [Fact]
    public async Task VectorsComeAsBase64IfAskedFor()
    {
        Reply reply = await gateway.QueryAsync(Name, """
            {"rank_by":["id","asc"],"limit":1,"include_attributes":["vector"],"vector_encoding":"base64"}
            """);
        Reply.MustEqual("""[{"id":1,"vector":"AACAPwAAAAA="}]""", reply.Good["rows"]);
    }

    [Fact]
    public async Task AggregatesAreCountedForAllOrByGroup()
    {
        Reply reply = await gateway.QueryAsync(Name, """{"aggregate_by":{"rows":["Count"],"sum":["Sum","n"]}}""");
        Reply.MustEqual("""{"rows":3,"sum":6}""", reply.Good["aggregations"]);
        reply = await gateway.QueryAsync(Name, """
            {"aggregate_by":{"rows":["Count"]},"group_by":["color"],"filters":["n","Gte",1]}
            """);
        Reply.MustEqual("""[{"color":"blue","rows":1},{"color":"red","rows":2}]""", reply.Good["aggregation_groups"]);
    }

    [Fact]
    public async Task SeveralQueriesAreAnsweredInOrder()
    {
        Reply reply = await gateway.PostAsync($"/v2/namespaces/{Name}/query?stainless_overload=multiQuery", """
            {"queries":[{"rank_by":["id","desc"],"limit":1},{"aggregate_by":{"rows":["Count"]}}]}
            """);
        Reply.MustEqual("""[{"rows":[{"id":3}]},{"aggregations":{"rows":3}}]""", reply.Good["results"]);
    }

    [Fact]
    public async Task SeveralRankingsAreFusedByTheirRanks()
    {
        // Ranks 1 and 2 of the texts, 2 and 1 of the vectors, with weights 3 and 1: 3/61 + 1/62 > 3/62 + 1/61.
        Reply reply = await gateway.QueryAsync(Name, """
            {"queries":[{"rank_by":["text","BM25","ice"],"limit":2},{"rank_by":["vector","ANN",[1,0]],"limit":2}],
             "rerank_by":["RRF",{"rank_constant":60,"weights":[3,1]}],"limit":1}
            """);
        Reply.MustEqual("""[2]""", new System.Text.Json.Nodes.JsonArray(
            reply.Good["results"]![0]!["rows"]![0]!["id"]!.DeepClone()));
        Assert.Equal(3.0 / 61 + 1.0 / 62, (double)reply.Good["results"]![0]!["rows"]![0]!["$dist"]!, 6);
        Assert.Single(reply.Good["results"]![0]!["rows"]!.AsArray());
    }

    [Fact]
    public async Task AnEventualReadComesFromAnyReplicaWithoutTheLog()
    {
        const string eventual = """{"limit":10,"consistency":{"level":"eventual"}}""";
        Assert.Equal("1,2,3", (await gateway.QueryAsync(Name, eventual)).Ids);
    }

    [Theory]
    [InlineData("""{"limit":1,"consistency":"eventual"}""",
        "consistency: invalid type: string \"eventual\", expected struct Consistency")]
    [InlineData("""{"limit":1,"consistency":{"level":"weak"}}""",
        "consistency.level: unknown variant `weak`, expected `strong` or `eventual`")]
    [InlineData("""{"limit":1,"consistency":{}}""", "consistency: missing field `level`")]
    [InlineData("""{"limit":1,"vector_encoding":"hex"}""",
        "vector_encoding: unknown variant `hex`, expected `float` or `base64`")]
    public async Task AValueOfTheWrongShapeIsToldAsTurbopufferDoes(string json, string error) =>
        (await gateway.QueryAsync(Name, json))
            .MustBe(422, $"Failed to deserialize the JSON body into the target type: {error}");

    [Theory]
    [InlineData("""{"rank_by":["id","asc"]}""", "rank_by queries must specify top_k or limit")]
    [InlineData("""{"rank_by":["id","asc"],"top_k":0}""", "top_k: must be between 1 and 10000, but got 0")]
    [InlineData("""{"limit":1,"include_attributes":["n"],"exclude_attributes":["n"]}""",
        "cannot specify both include_attributes and exclude_attributes")]
    [InlineData("""{"limit":1,"compute_attributes":{"h":["Highlight","color"]}}""",
        "computed attribute `h`: cannot infer `rank_fragments_by` because the query `rank_by` has no BM25 clause " +
        "over `color`; provide `rank_fragments_by` explicitly")]
    [InlineData("""{"limit":1,"filters":["color","Glob","[r"]}""",
        "filter error in key `color`: Glob has at byte 0 a [ without a ]")]
    [InlineData("""{"limit":1,"rank_by":["color","SparseKNN",{}]}""",
        "rank_by: attribute `color` has type string, which cannot be used there")]
    public async Task WhatCannotBeMeantOrDoneIsABadRequest(string json, string error) =>
        (await gateway.QueryAsync(Name, json)).MustBe(400, $"💔 {error}");

    [Theory]
    [InlineData("""{"limit":1,"filters":["tags","ContainsAny","x"]}""",
        "filter error in key `tags`: type mismatch, ContainsAny expects []string, but got")]
    [InlineData("""{"limit":1,"filters":["tags","Contains",["x"]]}""",
        "filter error in key `tags`: type mismatch, Contains expects string, but got")]
    [InlineData("""{"limit":1,"filters":["nothing","Eq",1]}""", "nothing")]
    [InlineData("""{"limit":1,"filters":["color","Regex","r"]}""",
        "filter error in key `color`: attribute has no regex")]
    [InlineData("""{"limit":1,"filters":["n","IGlob","r"]}""",
        "filter error in key `n`: type mismatch, IGlob is for strings, but the attribute is int")]
    [InlineData("""{"limit":1,"include_attributes":["nothing"]}""",
        "💔 attribute \"nothing\" not found in schema, cannot be part of `include_attributes`")]
    [InlineData("""{"limit":1,"rank_by":["vector","ANN",[1,2,3]]}""", "rank_by: vector")]
    public async Task WhatDoesNotFitTheSchemaIsABadRequest(string json, string part)
    {
        Reply reply = await gateway.QueryAsync(Name, json);
        Assert.Equal(400, reply.Status);
        Assert.Contains(part, (string?)reply.Json["error"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task ANamespaceThatIsNotThereIsNotFound() =>
        (await gateway.QueryAsync("q-none", """{"limit":1}""")).MustBe(404, "🤷 namespace 'q-none' was not found");
}
