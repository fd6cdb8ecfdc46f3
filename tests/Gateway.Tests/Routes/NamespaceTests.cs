using System;
using System.Linq;
using System.Net.Http;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Deterministic.Gateway.Tests.Support;
using Xunit;

namespace Deterministic.Gateway.Tests.Routes;

[Collection(RunningGateway.Collection)]
public sealed class NamespaceTests(RunningGateway gateway)
{
    private const string TwoRows = """
        {"upsert_rows":[{"id":1,"vector":[1,0],"t":"a","b":true},{"id":2,"vector":[0,1],"t":"b"}],
         "distance_metric":"cosine_distance","schema":{"t":{"type":"string","full_text_search":true}}}
        """;

    private const string FullText = """
        {"k1":1.2,"k3":8,"b":0.75,"language":"english","stemming":false,"max_token_length":39,
         "remove_stopwords":false,"ascii_folding":false,"case_sensitive":false,"tokenizer":"word_v4"}
        """;

    [Fact]
    public async Task NamespacesComeInPages()
    {
        foreach (string name in (string[])["n-page-b", "n-page-a", "n-page-c"])
            await gateway.WriteAsync(name, """{"upsert_rows":[{"id":1}]}""");
        JsonNode first = (await gateway.GetAsync("/v1/namespaces?prefix=n-page-&page_size=2")).Good;
        Reply.MustEqual("""[{"id":"n-page-a"},{"id":"n-page-b"}]""", first["namespaces"]);
        string cursor = Uri.EscapeDataString((string)first["next_cursor"]!);
        JsonNode last = (await gateway.GetAsync($"/v1/namespaces?prefix=n-page-&page_size=2&cursor={cursor}")).Good;
        Reply.MustEqual("""{"namespaces":[{"id":"n-page-c"}],"next_cursor":null}""", last);
    }

    [Theory]
    [InlineData("page_size=0", "page_size must be between 1 and 1000, but got \"0\"")]
    [InlineData("page_size=many", "page_size must be between 1 and 1000, but got \"many\"")]
    [InlineData("cursor=%25", "cursor: \"%\" is not the next_cursor of a list of namespaces")]
    public async Task APageThatMakesNoSenseIsRefused(string query, string error) =>
        (await gateway.GetAsync($"/v1/namespaces?{query}")).MustBe(400, $"💔 {error}");

    [Fact]
    public async Task TheSchemaTellsEveryAttributeWithExplicitNulls()
    {
        await gateway.WriteAsync("n-schema", TwoRows);
        Reply.MustEqual($$"""
            {"id":{"type":"uint","filterable":null,"full_text_search":null},
             "b":{"type":"bool","filterable":true,"full_text_search":null},
             "t":{"type":"string","filterable":false,"full_text_search":{{FullText}} },
             "vector":{"type":"[2]f32","ann":true,"filterable":null,"full_text_search":null} }
            """, (await gateway.GetAsync("/v1/namespaces/n-schema/schema")).Good);
    }

    [Fact]
    public async Task AnUpdateOfTheSchemaAnswersTheWholeSchema()
    {
        await gateway.WriteAsync("n-update", TwoRows);
        JsonNode schema = (await gateway.PostAsync("/v1/namespaces/n-update/schema",
            """{"b":{"type":"bool","filterable":false},"t":{"type":"string","filterable":true},"new":"int"}""")).Good;
        Assert.False((bool)schema["b"]!["filterable"]!);
        Assert.True((bool)schema["t"]!["filterable"]!);
        Assert.Equal("int", (string?)schema["new"]!["type"]);
        Assert.Equal(5, schema.AsObject().Count);
        Reply refused = await gateway.PostAsync("/v1/namespaces/n-update/schema", """{"b":"string"}""");
        Assert.Equal(400, refused.Status);
        Assert.Contains("attribute `b` has type bool", (string?)refused.Json["error"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task MetadataHasTwoForms()
    {
        await gateway.WriteAsync("n-meta", TwoRows);
        JsonObject second = (await gateway.GetAsync("/v2/namespaces/n-meta/metadata")).Good.AsObject();
        Assert.Equal(
            "approx_logical_bytes,approx_row_count,created_at,encryption,index,last_write_at,schema,updated_at",
            string.Join(",", second.Select(pair => pair.Key).Order(StringComparer.Ordinal)));
        Assert.Equal(2, (int?)second["approx_row_count"]);
        Reply.MustEqual("""{"mode":"default"}""", second["encryption"]);
        Reply.MustEqual("""{"status":"up-to-date"}""", second["index"]);
        Reply.MustEqual($$"""
            {"id":{"type":"uint"},"b":{"type":"bool","filterable":true},
             "t":{"type":"string","filterable":false,"full_text_search":{{FullText}} },
             "vector":{"type":"[2]f32","ann":{"distance_metric":"cosine_distance"} } }
            """, second["schema"]);
        JsonObject first = (await gateway.GetAsync("/v1/namespaces/n-meta/metadata")).Good.AsObject();
        Reply.MustEqual("""{"sse":true}""", first["encryption"]);
        Reply.MustEqual((await gateway.GetAsync("/v1/namespaces/n-meta/schema")).Text, first["schema"]);
    }

    [Fact]
    public async Task ADeletedNamespaceIsGone()
    {
        await gateway.WriteAsync("n-delete", TwoRows);
        Reply.MustEqual("""{"status":"OK"}""", (await gateway.DeleteAsync("n-delete")).Good);
        (await gateway.DeleteAsync("n-delete")).MustBe(404, "🤷 namespace 'n-delete' was not found");
        Assert.Equal(404, (await gateway.GetAsync("/v1/namespaces/n-delete/schema")).Status);
        Assert.Equal(200, (await gateway.WriteAsync("n-delete", """{"upsert_rows":[{"id":"text"}]}""")).Status);
    }

    [Fact]
    public async Task AHintIsAccepted()
    {
        await gateway.WriteAsync("n-hint", TwoRows);
        Reply reply = await gateway.GetAsync("/v1/namespaces/n-hint/hint_cache_warm");
        Assert.Equal(202, reply.Status);
        Assert.Equal("ACCEPTED", (string?)reply.Json["status"]);
        Assert.Equal(404, (await gateway.GetAsync("/v1/namespaces/n-hint-none/hint_cache_warm")).Status);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"pinning":null}""")]
    [InlineData("""{"pinning":false,"read_only":false}""")]
    public async Task ThatANamespaceIsNeitherPinnedNorReadOnlyIsGranted(string json)
    {
        await gateway.WriteAsync("n-update", TwoRows);
        Reply reply = await PatchAsync("n-update", json);
        Assert.Equal((await gateway.GetAsync("/v1/namespaces/n-update/metadata")).Text, reply.Good.ToJsonString());
        (await PatchAsync("n-update-none", json)).MustBe(404, "🤷 namespace 'n-update-none' was not found");
    }

    [Theory]
    [InlineData("""{"pinning":true}""", 400, "💔 pinning: pinning is not supported by this release")]
    [InlineData("""{"pinning":{"replicas":2}}""", 400, "💔 pinning: pinning is not supported by this release")]
    [InlineData("""{"read_only":true}""", 400, "💔 read_only: read_only is not supported by this release")]
    [InlineData("""{"color":"red"}""", 400, "💔 color: unknown field; known are pinning and read_only")]
    [InlineData("[]", 422, "Failed to deserialize the JSON body into the target type: " +
        "invalid type: sequence, expected a map")]
    public async Task OtherChangesOfMetadataAreRefused(string json, int status, string error)
    {
        await gateway.WriteAsync("n-update", TwoRows);
        (await PatchAsync("n-update", json)).MustBe(status, error);
    }

    private Task<Reply> PatchAsync(string name, string json) => gateway.SendAsync(
        HttpMethod.Patch, $"/v1/namespaces/{name}/metadata", new StringContent(json));

    [Theory]
    [InlineData("euclidean_squared")]
    [InlineData("cosine_distance")]
    public async Task ACopyHasTheSameRowsAndSchema(string metric)
    {
        string source = $"n-source-{metric}";
        string copy = $"n-copy-{metric}";
        string rows = string.Join(",",
            Enumerable.Range(0, 2500).Select(i => $$"""{"id":{{i}},"v":[{{i}},1],"s":"{{i}}"}"""));
        await gateway.WriteAsync(source, $$"""
            {"upsert_rows":[{{rows}}],"distance_metric":"{{metric}}",
             "schema":{"v":{"type":"[2]f16","ann":true},"s":{"type":"string","full_text_search":true} } }
            """);
        Reply copied = await gateway.WriteAsync(copy, $$"""{"copy_from_namespace":"{{source}}"}""");
        Assert.Equal(2500, (int?)copied.Good["rows_upserted"]);
        Assert.Equal("2", copied.Headers["x-deterministic-atomic-units"]);
        const string all = """{"rank_by":["id","asc"],"limit":10000,"include_attributes":true}""";
        Assert.Equal((await gateway.QueryAsync(source, all)).Rows.ToJsonString(),
            (await gateway.QueryAsync(copy, all)).Rows.ToJsonString());
        const string nearest = """{"rank_by":["v","ANN",[7,3]],"limit":9}""";
        Assert.Equal((await gateway.QueryAsync(source, nearest)).Rows.ToJsonString(),
            (await gateway.QueryAsync(copy, nearest)).Rows.ToJsonString());
        Assert.Equal((await gateway.GetAsync($"/v1/namespaces/{source}/schema")).Text,
            (await gateway.GetAsync($"/v1/namespaces/{copy}/schema")).Text);
        (await gateway.WriteAsync(copy, $$"""{"copy_from_namespace":{"source_namespace":"{{source}}"} }"""))
            .MustBe(400, $"💔 copy_from_namespace needs an empty destination, but '{copy}' has documents");
    }

    [Theory]
    [InlineData("""{"copy_from_namespace":"n-nowhere"}""", 404, "🤷 namespace 'n-nowhere' was not found")]
    [InlineData("""{"copy_from_namespace":"no name"}""", 404, "🤷 namespace 'no name' was not found")]
    [InlineData("""{"copy_from_namespace":"x","deletes":[1]}""", 400,
        "💔 copy_from_namespace cannot be combined with `deletes`")]
    [InlineData("""{"copy_from_namespace":{"source_namespace":"x","source_region":"y"}}""", 400,
        "💔 copy_from_namespace.source_region: source_region is not supported by this release")]
    public async Task ACopyThatCannotBeMadeIsRefused(string json, int status, string error) =>
        (await gateway.WriteAsync("n-copy-none", json)).MustBe(status, error);

    [Fact]
    public async Task ABranchIsTheSourceAtOneMomentAndThenItsOwn()
    {
        await gateway.WriteAsync("n-trunk", """
            {"upsert_rows":[{"id":1,"v":[1,1],"s":"a fox"},{"id":2,"v":[2,1],"s":"a dog"}],
             "distance_metric":"euclidean_squared","schema":{"s":{"type":"string","full_text_search":true} } }
            """);
        Reply branch = await gateway.WriteAsync("n-branch", """{"branch_from_namespace":"n-trunk"}""");
        Assert.Equal(2, (int?)branch.Good["rows_affected"]);
        Assert.True((bool)branch.Good["one_snapshot"]!);
        Assert.Equal("1", branch.Headers["x-deterministic-atomic-units"]);
        JsonNode trunk = (await gateway.GetAsync("/v2/namespaces/n-trunk/metadata")).Good;
        Assert.Equal((int?)trunk["approx_logical_bytes"],
            (int?)branch.Good["billing"]!["billable_logical_bytes_written"]);
        Assert.Equal((await gateway.GetAsync("/v1/namespaces/n-trunk/schema")).Text,
            (await gateway.GetAsync("/v1/namespaces/n-branch/schema")).Text);
        await gateway.WriteAsync("n-trunk", """{"deletes":[1]}""");
        await gateway.WriteAsync("n-branch", """{"upsert_rows":[{"id":3,"s":"another fox"}]}""");
        const string foxes = """{"rank_by":["s","BM25","fox"],"limit":9}""";
        Assert.Equal("1,3", (await gateway.QueryAsync("n-branch", foxes)).Ids);
        Assert.Equal("", (await gateway.QueryAsync("n-trunk", foxes)).Ids);
        foreach (string source in (string[])["n-none", "no name"])
        {
            (await gateway.WriteAsync("n-twig", $$"""{"branch_from_namespace":"{{source}}"}"""))
                .MustBe(404, $"🤷 namespace '{source}' was not found");
        }
        (await gateway.WriteAsync("n-branch", """{"branch_from_namespace":{"source_namespace":"n-trunk"}}"""))
            .MustBe(400, "💔 namespace `n-branch` exists; a branch makes a new one");
    }

    [Fact]
    public async Task RecallIsMeasuredAgainstLookingAtAll()
    {
        await gateway.WriteAsync("n-recall", TwoRows);
        const string path = "/v1/namespaces/n-recall/_debug/recall";
        Reply.MustEqual("""{"avg_recall":1,"avg_exhaustive_count":2,"avg_ann_count":2}""",
            (await gateway.SendAsync(HttpMethod.Post, path)).Good);
        JsonNode truth = (await gateway.PostAsync(path,
            """{"num":1,"top_k":1,"include_ground_truth":true,"filters":["id","Eq",2]}""")).Good["ground_truth"]!;
        Reply.MustEqual("""[{"query_vector":[0,1],"nearest_neighbors":[{"id":2,"$dist":0}]}]""", truth);
        (await gateway.PostAsync(path, """{"queries":[[1,2]]}"""))
            .MustBe(400, "💔 queries: queries is not supported by this release");
        await gateway.WriteAsync("n-recall-none", """{"upsert_rows":[{"id":1}]}""");
        (await gateway.PostAsync("/v1/namespaces/n-recall-none/_debug/recall", "{}"))
            .MustBe(400, "💔 the namespace has no vectors whose recall could be measured");
    }
}
