using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Deterministic.Gateway.Tests.Support;
using Xunit;

namespace Deterministic.Gateway.Tests.Routes;

/// <summary>Answers that are larger than one message of the cluster (1 MiB).</summary>
[Collection(RunningGateway.Collection)]
public sealed class LargeQueryTests(RunningGateway gateway) : IAsyncLifetime
{
    private const string Name = "large-q";
    private const int Rows = 2_500;
    private const int TextSize = 4_000;
    private const string OneSnapshot = "x-deterministic-one-snapshot";

    public async Task InitializeAsync()
    {
        if ((await gateway.GetAsync($"/v2/namespaces/{Name}/metadata")).Status == 200) return;
        for (int first = 0; first < Rows; first += 500)
        {
            StringBuilder json = new("{\"upsert_rows\":[");
            for (int i = first; i < first + 500; i++)
                json.Append(i == first ? "" : ",").Append($"{{\"id\":{i},\"n\":{i % 7},\"text\":\"{Text(i)}\"}}");
            json.Append("],\"schema\":{\"text\":{\"type\":\"string\",\"filterable\":false}}}");
            Assert.Equal(200, (await gateway.WriteAsync(Name, json.ToString())).Status);
        }
    }

    public Task DisposeAsync() => Task.CompletedTask;

    private static string Text(int id) => $"{id}".PadRight(TextSize, 'x');

    [Fact]
    public async Task AllRowsAndAttributesComeInOrder()
    {
        Reply reply = await gateway.QueryAsync(Name, """
            {"rank_by":["id","desc"],"limit":1500,"include_attributes":["text"]}
            """);
        Assert.Equal(Enumerable.Range(0, 1500).Select(i => Rows - 1 - i), reply.Rows.Select(row => (int)row!["id"]!));
        Assert.All(reply.Rows, row => Assert.Equal(Text((int)row!["id"]!), (string?)row["text"]));
        Assert.All(reply.Rows, row => Assert.False(row!.AsObject().ContainsKey("n")));
        Assert.Equal("true", reply.Headers[OneSnapshot]);
    }

    /// <summary>What was put together is given back when it has been sent.</summary>
    [Fact]
    public async Task NothingIsLeftOfAnAnswer()
    {
        await using GatewayServer server = await gateway.StartAnotherAsync();
        using HttpClient client = RunningGateway.Connect(server);
        using HttpResponseMessage response = await client.PostAsync($"/v2/namespaces/{Name}/query",
            new StringContent("""{"rank_by":["id","desc"],"limit":500,"include_attributes":["text"]}"""));
        Assert.Equal("true", (await Reply.ReadAsync(response)).Headers[OneSnapshot]);
        PrometheusPage page = new(await client.GetStringAsync("/metrics"));
        Assert.Equal(0, page["deterministic_http_bodies_bytes"]);
        Assert.Equal(0, page["deterministic_http_answers_bytes"]);
    }

    [Fact]
    public async Task LimitedRowsAndComputedAttributesAreThereToo()
    {
        Reply reply = await gateway.QueryAsync(Name, """
            {"rank_by":["id","asc"],"limit":{"total":1500,"per":{"attributes":["n"],"limit":100}},
             "include_attributes":["n","text"],"compute_attributes":{"again":["Attribute","id"]}}
            """);
        Assert.Equal("true", reply.Headers[OneSnapshot]);
        Assert.Equal(Enumerable.Range(0, 700), reply.Rows.Select(row => (int)row!["id"]!));
        Assert.All(reply.Rows, row => Assert.Equal((double)row!["id"]!, (double)row["again"]!));
        Assert.All(reply.Rows, row => Assert.Equal(((int)row!["id"]! % 7, Text((int)row["id"]!)),
            ((int)row["n"]!, (string?)row["text"])));
    }

    [Fact]
    public async Task AnAnswerThatFitsIsNotPutTogether() => Assert.False(
        (await gateway.QueryAsync(Name, """{"limit":10,"include_attributes":["text"]}""")).Headers
            .ContainsKey(OneSnapshot));

    [Fact]
    public async Task EachOfSeveralQueriesHasTheAttributesThatItAskedFor()
    {
        Reply reply = await gateway.QueryAsync(Name, """
            {"queries":[{"rank_by":["id","asc"],"limit":400,"include_attributes":["text"]},
                        {"rank_by":["n","desc"],"limit":3,"include_attributes":["n"]},
                        {"aggregate_by":{"rows":["Count"]}},
                        {"rank_by":["id","desc"],"limit":2}]}
            """);
        JsonArray results = reply.Good["results"]!.AsArray();
        Assert.Equal(400, results[0]!["rows"]!.AsArray().Count(row => (string?)row!["text"] == Text((int)row["id"]!)));
        Reply.MustEqual("""[{"id":6,"n":6},{"id":13,"n":6},{"id":20,"n":6}]""", results[1]!["rows"]);
        Reply.MustEqual($$"""{"rows":{{Rows}}}""", results[2]!["aggregations"]);
        Reply.MustEqual($$"""[{"id":{{Rows - 1}}},{"id":{{Rows - 2}}}]""", results[3]!["rows"]);
    }

    [Fact]
    public async Task AFusedListIsTheSameAsASmallOne()
    {
        const string queries = """
            {"queries":[{"rank_by":["n","desc"],"limit":600,"include_attributes":ATTRIBUTES},
                        {"rank_by":["id","desc"],"limit":600}],"rerank_by":["RRF"]}
            """;
        Reply small = await gateway.QueryAsync(Name, queries.Replace("ATTRIBUTES", "[\"n\"]"));
        Reply large = await gateway.QueryAsync(Name, queries.Replace("ATTRIBUTES", "[\"text\"]"));
        Assert.False(small.Headers.ContainsKey(OneSnapshot));
        Assert.Equal("true", large.Headers[OneSnapshot]);
        Assert.Equal(Ranks(small), Ranks(large));

        static IEnumerable<(int, double)> Ranks(Reply reply) => reply.Good["results"]![0]!["rows"]!.AsArray()
            .Select(row => ((int)row!["id"]!, (double)row["$dist"]!));
    }

    [Fact]
    public async Task RowsThatAreWrittenMeanwhileAreWholeAllTheSame()
    {
        const string query = """{"rank_by":["id","asc"],"limit":1000,"include_attributes":["text"]}""";
        Task<Reply> reading = gateway.QueryAsync(Name, query);
        for (int i = 0; !reading.IsCompleted; i++)
            await gateway.WriteAsync(Name, $$"""{"patch_rows":[{"id":{{i % 1000}},"text":"{{Text(i % 1000)}}"}]}""");
        Reply reply = await reading;
        Assert.Equal(1000, reply.Rows.Count(row => (string?)row!["text"] == Text((int)row["id"]!)));
    }

    [Fact]
    public async Task AnAnswerBeyondTheLimitIsRefused() =>
        (await gateway.QueryAsync(Name, """{"rank_by":["id","asc"],"limit":2500,"include_attributes":["text"]}"""))
            .MustBe(400, $"💔 the answer has more than {RunningGateway.BodySizeMax} bytes of attributes; lower top_k " +
                "or limit, or name fewer attributes in include_attributes");
}
