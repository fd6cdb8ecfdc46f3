using System;
using System.Linq;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Deterministic.Gateway.Tests.Support;
using Xunit;

namespace Deterministic.Gateway.Tests.Routes;

[Collection(RunningGateway.Collection)]
public sealed class WriteTests(RunningGateway gateway)
{
    private const string AllById = """{"rank_by":["id","asc"],"limit":100,"include_attributes":true}""";

    [Fact]
    public async Task AnUpsertAnswersCountsAndWhatItWouldBeBilled()
    {
        Reply reply = await gateway.WriteAsync("w-upsert", """
            {"upsert_rows":[{"id":1,"vector":[0.1,0.2],"title":"one"},{"id":2,"vector":[0.3,0.4],"title":null}],
             "distance_metric":"cosine_distance"}
            """);
        JsonObject body = reply.Good.AsObject();
        Assert.Equal("OK", (string?)body["status"]);
        Assert.Equal("documents committed successfully", (string?)body["message"]);
        Assert.Equal(2, (int?)body["rows_affected"]);
        Assert.Equal(2, (int?)body["rows_upserted"]);
        Assert.True((long?)body["billing"]!["billable_logical_bytes_written"] > 0);
        Assert.True((long?)body["performance"]!["server_total_ms"] >= 0);
        Assert.False(body.ContainsKey("rows_deleted"));
        Assert.Equal("1", reply.Headers["x-deterministic-atomic-units"]);
        Assert.Equal("application/json", reply.Headers["content-type"]);
    }

    [Fact]
    public async Task RowsComeBackAsTheyWereWritten()
    {
        await gateway.WriteAsync("w-exact", """
            {"upsert_rows":[
               {"id":18446744073709551615,"vector":[0.7,0.1],"text":"naïve 💔","none":null,"flag":true,"n":-5},
               {"id":9007199254740993,"vector":[1e-7,16777216],"text":"","many":["a","b"]}],
             "distance_metric":"euclidean_squared"}
            """);
        Reply reply = await gateway.QueryAsync("w-exact", AllById);
        Assert.Contains("\"vector\":[0.7,0.1]", reply.Text, StringComparison.Ordinal);
        Assert.Contains("\"id\":18446744073709551615", reply.Text, StringComparison.Ordinal);
        Reply.MustEqual("""
            [{"id":9007199254740993,"vector":[1E-07,16777216],"text":"","many":["a","b"]},
             {"id":18446744073709551615,"vector":[0.7,0.1],"text":"naïve 💔","flag":true,"n":-5}]
            """, reply.Good["rows"]);
    }

    [Fact]
    public async Task ColumnsAndBase64VectorsAreTheSameAsRows()
    {
        // zczMPc3MTD4= is 0.1, 0.2 as little-endian 32-bit floats.
        Reply written = await gateway.WriteAsync("w-columns", """
            {"upsert_columns":{"id":[1,2],"vector":["zczMPc3MTD4=",[0.3,0.4]],"a":["x",null]},
             "upsert_rows":[{"id":3,"vector":"zczMPc3MTD4="}],"distance_metric":"cosine_distance"}
            """);
        Assert.Equal(3, (int?)written.Good["rows_upserted"]);
        Reply reply = await gateway.QueryAsync("w-columns", AllById);
        Reply.MustEqual("""
            [{"id":1,"vector":[0.1,0.2],"a":"x"},{"id":2,"vector":[0.3,0.4]},{"id":3,"vector":[0.1,0.2]}]
            """, reply.Good["rows"]);
    }

    [Fact]
    public async Task PatchesChangeWhatTheyName()
    {
        await gateway.WriteAsync("w-patch", """{"upsert_rows":[{"id":1,"a":1,"b":2},{"id":2,"a":3,"b":4}]}""");
        Reply reply = await gateway.WriteAsync("w-patch", """
            {"patch_rows":[{"id":1,"a":10},{"id":99,"a":0}],"patch_columns":{"id":[2],"b":[null]}}
            """);
        Assert.Equal(2, (int?)reply.Good["rows_patched"]);
        Reply.MustEqual("""[{"id":1,"a":10,"b":2},{"id":2,"a":3}]""",
            (await gateway.QueryAsync("w-patch", AllById)).Good["rows"]);
    }

    [Fact]
    public async Task AConditionComparesTheOldRowWithTheNew()
    {
        await gateway.WriteAsync("w-condition", """{"upsert_rows":[{"id":1,"v":5},{"id":2,"v":5}]}""");
        Reply reply = await gateway.WriteAsync("w-condition", """
            {"upsert_rows":[{"id":1,"v":4},{"id":2,"v":6},{"id":3,"v":0}],
             "upsert_condition":["v","Lt",{"$ref_new":"v"}],"return_affected_ids":true}
            """);
        Reply.MustEqual("[2,3]", reply.Good["upserted_ids"]);
        reply = await gateway.WriteAsync("w-condition", """
            {"deletes":[1,2],"delete_condition":["v","Gt",5],"return_affected_ids":true}
            """);
        Reply.MustEqual("[2]", reply.Good["deleted_ids"]);
        reply = await gateway.WriteAsync("w-condition", """
            {"patch_rows":[{"id":1,"w":1},{"id":3,"w":1}],"patch_condition":["v","Gt",1],"return_affected_ids":true}
            """);
        Reply.MustEqual("[1]", reply.Good["patched_ids"]);
    }

    [Fact]
    public async Task ChangesByFilterComeBeforeTheRows()
    {
        await gateway.WriteAsync("w-filter", """{"upsert_rows":[{"id":1,"a":1},{"id":2,"a":2},{"id":3,"a":3}]}""");
        Reply reply = await gateway.WriteAsync("w-filter", """
            {"delete_by_filter":["a","Eq",1],"patch_by_filter":{"filters":["a","Gte",2],"patch":{"b":"x"}},
             "upsert_rows":[{"id":1,"a":7}],"patch_by_filter_allow_partial":true,"delete_by_filter_allow_partial":true}
            """);
        Assert.Equal(1, (int?)reply.Good["rows_deleted"]);
        Assert.Equal(2, (int?)reply.Good["rows_patched"]);
        Assert.Equal(1, (int?)reply.Good["rows_upserted"]);
        Assert.Equal(4, (int?)reply.Good["rows_affected"]);
        Reply.MustEqual("""[{"id":1,"a":7},{"id":2,"a":2,"b":"x"},{"id":3,"a":3,"b":"x"}]""",
            (await gateway.QueryAsync("w-filter", AllById)).Good["rows"]);
    }

    [Fact]
    public async Task AWriteLargerThanOneMessageIsSplitAndSaysSo()
    {
        const int rows = 3000;
        StringBuilder json = new("{\"return_affected_ids\":true,\"upsert_rows\":[");
        for (int i = 0; i < rows; i++)
            json.Append(i == 0 ? "" : ",").Append($"{{\"id\":{i},\"text\":\"{new string('x', 1000)}\"}}");
        json.Append("],\"schema\":{\"text\":{\"type\":\"string\",\"filterable\":false}}}");
        Reply reply = await gateway.WriteAsync("w-large", json.ToString());
        Assert.Equal(rows, (int?)reply.Good["rows_upserted"]);
        Assert.Equal(3, (int?)reply.Good["atomic_units"]);
        Assert.Equal("3", reply.Headers["x-deterministic-atomic-units"]);
        Assert.Equal(Enumerable.Range(0, rows), reply.Good["upserted_ids"]!.AsArray().Select(id => (int)id!));
        Reply count = await gateway.QueryAsync("w-large", """{"aggregate_by":{"n":["Count"]}}""");
        Assert.Equal(rows, (int?)count.Good["aggregations"]!["n"]);
    }

    [Fact]
    public async Task AnIdThatIsTwiceInALargeWriteIsRefusedBeforeAnythingIsWritten()
    {
        string text = new('x', 700_000);
        Reply reply = await gateway.WriteAsync("w-twice", $$"""
            {"upsert_rows":[{"id":1,"a":"{{text}}"},{"id":2,"a":"{{text}}"}],"deletes":[1],
             "schema":{"a":{"type":"string","filterable":false} } }
            """);
        reply.MustBe(400, "💔 id 1 is in this request more than once");
        Assert.Equal(404, (await gateway.QueryAsync("w-twice", AllById)).Status);
    }

    [Fact]
    public async Task WhereALargeWriteStopsIsTold()
    {
        string text = new('x', 700_000);
        Reply reply = await gateway.WriteAsync("w-stops", $$"""
            {"upsert_rows":[{"id":1,"a":"{{text}}","b":1},{"id":2,"a":"{{text}}","b":"no int"}],
             "schema":{"a":{"type":"string","filterable":false} } }
            """);
        Assert.Equal(400, reply.Status);
        Assert.EndsWith("(this was unit 2 of 2 of a large write; the units before it were applied, those after it " +
            "were not)", (string?)reply.Json["error"], StringComparison.Ordinal);
        Assert.Equal("1", (await gateway.QueryAsync("w-stops", """{"limit":10}""")).Ids);
    }

    [Fact]
    public async Task ARowThatFitsIntoNoUnitIsRefused()
    {
        string text = new('x', 1 << 20);
        Reply reply = await gateway.WriteAsync("w-row", $$"""{"upsert_rows":[{"id":1,"a":"{{text}}"}]}""");
        Assert.Equal(400, reply.Status);
        Assert.StartsWith("💔 upserted row 0 takes 1048", (string?)reply.Json["error"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"upsert_rows":{}}""", 422, "upsert_rows: invalid type: map, expected a sequence")]
    [InlineData("""{"upsert_rows":[{"a":1}]}""", 422, "upsert_rows[0]: missing field `id`")]
    [InlineData("""{"upsert_rows":[{"id":[]}]}""", 422,
        "upsert_rows[0].id: data did not match any variant of untagged enum Id")]
    [InlineData("""{"deletes":7}""", 422, "deletes: data did not match any variant of untagged enum IdVec")]
    [InlineData("""{"distance_metric":"bad"}""", 422,
        "distance_metric: unknown variant `bad`, expected one of `euclidean_squared`, `cosine_distance`")]
    [InlineData("""{"schema":{"a":{"filterable":true}}}""", 422, "schema.a: missing field `type`")]
    [InlineData("""{"return_affected_ids":1}""", 422,
        "return_affected_ids: invalid type: integer `1`, expected a boolean")]
    public async Task AValueOfTheWrongShapeIsToldAsTurbopufferDoes(string json, int status, string error) =>
        (await gateway.WriteAsync("w-shape", json))
            .MustBe(status, $"Failed to deserialize the JSON body into the target type: {error}");

    [Theory]
    [InlineData("", "not valid JSON at byte 1: The input does not contain any JSON tokens. Expected the input to " +
        "start with a valid JSON token, when isFinalBlock is true.")]
    [InlineData("{\"upsert_rows\":[", "not valid JSON at byte 17: Expected depth to be zero at the end of the JSON " +
        "payload. There is an open JSON object or array that should be closed.")]
    public async Task TextThatIsNotJsonIsRefused(string json, string error) =>
        (await gateway.WriteAsync("w-text", json)).MustBe(400, $"Failed to parse the request body as JSON: {error}");

    [Theory]
    [InlineData("""{"upsert_rows":[{"id":1,"vector":[1,2]}]}""",
        "💔 distance_metric must be specified for write to namespace with a vector")]
    [InlineData("""{"upsert_rows":[{"id":1},{"id":1}]}""", "💔 id 1 is in this request more than once")]
    [InlineData("""{"upsert_rows":[],"branch_from_namespace":"x"}""",
        "💔 branch_from_namespace cannot be combined with `upsert_rows`")]
    [InlineData("""{"copy_from_namespace":"x","branch_from_namespace":"x"}""",
        "💔 copy_from_namespace cannot be combined with `branch_from_namespace`")]
    [InlineData("""{"upsert_rows":[],"encryption":{"mode":"customer-managed","key_name":"mykey"}}""",
        "💔 encryption: encryption is not supported by this release")]
    [InlineData("""{"upsert_rows":[],"encryption":{"mode":"default","key_name":"mykey"}}""",
        "💔 encryption: encryption is not supported by this release")]
    [InlineData("""{"upsert_rows":[],"sharding":{"num_shards":2}}""",
        "💔 sharding: sharding is not supported by this release")]
    [InlineData("""{"what":1}""", "💔 what: unknown field of a write")]
    [InlineData("""{"schema":{"v":{"type":"[2]f32","ann":{"distance_metric":"cosine_distance"}}}}""",
        "💔 schema.v.ann.distance_metric: `distance_metric` must be specified as a field at the top level of the " +
        "write request, not in the `ann` configuration for an attribute")]
    public async Task WhatCannotBeMeantIsABadRequest(string json, string error) =>
        (await gateway.WriteAsync("w-meaning", json)).MustBe(400, error);

    [Fact]
    public async Task TheDefaultOfEncryptionIsWhatThereIs()
    {
        const string write = """{"upsert_rows":[{"id":1}],"encryption":{"mode":"default"}}""";
        Assert.Equal(200, (await gateway.WriteAsync("w-encryption", write)).Status);
        Reply.MustEqual("""{"mode":"default"}""",
            (await gateway.GetAsync("/v2/namespaces/w-encryption/metadata")).Good["encryption"]);
        const string copy = """{"copy_from_namespace":"w-encryption","encryption":{"mode":"default"}}""";
        Assert.Equal(1, (int?)(await gateway.WriteAsync("w-encryption-copy", copy)).Good["rows_upserted"]);
    }

    [Fact]
    public async Task TheMetricOfANamespaceStays()
    {
        const string first = """{"upsert_rows":[{"id":1,"vector":[1]}],"distance_metric":"cosine_distance"}""";
        Assert.Equal(200, (await gateway.WriteAsync("w-metric", first)).Status);
        const string other = """{"upsert_rows":[{"id":2,"vector":[1]}],"distance_metric":"euclidean_squared"}""";
        (await gateway.WriteAsync("w-metric", other))
            .MustBe(400, "💔 distance metric mismatch, expected cosine_distance, got euclidean_squared");
        Assert.Equal(200, (await gateway.WriteAsync("w-metric", """{"upsert_rows":[{"id":2,"vector":[2]}]}""")).Status);
    }

    [Fact]
    public async Task DeletesOfANamespaceThatIsNotThereAreRefused() =>
        (await gateway.WriteAsync("w-none", """{"deletes":[1]}""")).MustBe(404, "🤷 namespace 'w-none' was not found");
}
