using System;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Gateway.Tests.Support;
using Xunit;

namespace Deterministic.Gateway.Tests.Routes;

[Collection(RunningGateway.Collection)]
public sealed class ExplainTests(RunningGateway gateway) : IAsyncLifetime
{
    private const string Name = "explained";

    public async Task InitializeAsync() => Assert.Equal(200, (await gateway.WriteAsync(Name, """
        {"upsert_rows":[
           {"id":1,"vector":[1,0],"text":"a walrus on ice","color":"red","n":3},
           {"id":2,"vector":[0.9,0.1],"text":"ice cold ice","color":"blue","n":1},
           {"id":3,"text":"a fox","color":"red","n":2}],
         "distance_metric":"cosine_distance","schema":{"text":{"type":"string","full_text_search":true}}}
        """)).Status);

    public Task DisposeAsync() => Task.CompletedTask;

    private Task<Reply> AskAsync(string json, string name = Name) => gateway.SendAsync(
        HttpMethod.Post, $"/v2/namespaces/{name}/explain_query", new StringContent(json, Encoding.UTF8));

    private async Task<string> TextAsync(string json) => (string)(await AskAsync(json)).Good["plan_text"]!;

    private static string Between(string text, string first, string last) => string.Join('\n', text.Split('\n')
        .SkipWhile(line => line != first).TakeWhile(line => !line.StartsWith(last, StringComparison.Ordinal)));

    [Fact]
    public async Task AFilteredVectorSearchSaysWhatEachFilterLeavesAndHowItRanks()
    {
        string text = await TextAsync("""
            {"rank_by":["vector","ANN",[1,0]],"top_k":2,
             "filters":["And",[["color","Eq","red"],["text","ContainsAnyToken","fox ice"],["n","Gt",9]]]}
            """);
        Assert.Equal("""
            query
              filter: 3 documents in 1 window -> 0 candidates in 0 windows
                And: 3 -> 0
                  `color` Eq, scan of the column: 3 -> 2
                  `text` ContainsAnyToken, full-text index, 2 words: 2 -> 2
                  `n` Gt, scan of the column: 2 -> 0
              rank by distance, exact: computed for the 0 of 0 candidates with a vector
                `vector` ANN, scan of the vectors
              rows: 0
            """, Between(text, "query", "  read:"));
        Assert.StartsWith("read: strong, outside of the log, from replica 0", text);
    }

    [Fact]
    public async Task SeveralQueriesAndTheirFusionAreToldInOrder()
    {
        string text = await TextAsync("""
            {"queries":[{"rank_by":["Sum",[["text","BM25","ice"],["Product",2,["color","Eq","red"]]]],"limit":5},
                        {"rank_by":["n","desc"],"limit":5}],"rerank_by":["RRF"]}
            """);
        Assert.Equal("""
            query 1 of 2
              no filter: 3 documents in 1 window, all of them candidates
              rank by score, exact: evaluated for 3 candidates, 3 of them have one
                Sum
                  `text` BM25, full-text index, 1 word
                  Product
                    Constant, the same for every document
                    Filter
                      `color` Eq, scan of the column: 3 -> 2
              rows: 3
            """, Between(text, "query 1 of 2", "  read:"));
        Assert.Contains("rank by values, exact: 3 candidates compared\n    `n` desc, scan of the column", text);
        Assert.Contains("\nfusion: ", text);
    }

    [Fact]
    public async Task ARankingBySparseVectorsSaysHowManyDimensionsItLooksUp()
    {
        Assert.Equal(200, (await gateway.WriteAsync("explained-sparse", """
            {"upsert_rows":[{"id":1,"sv":{"walrus":1.5,"ice":2}},{"id":2,"sv":{"ice":1}},{"id":3,"n":7}],
             "schema":{"sv":"{}f16"}}
            """)).Status);
        Reply reply = await AskAsync("""
            {"rank_by":["Sum",[["sv","SparseKNN",{"walrus":1,"ice":0.5,"unheard":9}],["sv","SparseKNN",{"ice":1}]]],
             "limit":5}
            """, "explained-sparse");
        Assert.Equal("""
            query
              no filter: 3 documents in 1 window, all of them candidates
              rank by score, exact: evaluated for 3 candidates, 2 of them have one
                Sum
                  `sv` SparseKNN, inverted index, 2 dimensions
                  `sv` SparseKNN, inverted index, 1 dimension
              rows: 2
            """, Between((string)reply.Good["plan_text"]!, "query", "  read:"));
    }

    [Fact]
    public async Task ComputedAttributesAreCountedAndEachQueryTellsItsOwnBytes()
    {
        string text = await TextAsync("""
            {"queries":[{"rank_by":["text","BM25","ice"],"limit":5},{"rank_by":["text","BM25","ice"],"limit":5},
                        {"rank_by":["id","asc"],"limit":5,
                         "compute_attributes":{"near":["vector","VectorDist",[1,0]],"words":["text","BM25","ice"]}}]}
            """);
        string[] lines = [.. text.Split('\n')];
        Assert.Single(lines, static line => line == "  computed for each of these rows: 2 attributes");
        string[] read = [.. lines.Where(static line => line.StartsWith("  read: ", StringComparison.Ordinal))];
        Assert.Matches("^  read: [1-9][0-9]* bytes of columns, postings and vectors$", read[0]);
        Assert.Equal(read[0], read[1]);
    }

    [Fact]
    public async Task AggregatesAreCountedAndNotRanked()
    {
        string text = await TextAsync("""{"aggregate_by":{"rows":["Count"],"sum":["Sum","n"]},"group_by":["color"]}""");
        Assert.Contains("  no ranking: 3 candidates counted and summed up\n  aggregate: `n` Sum, scan of the column\n" +
            "  group by: `color`, scan of the column\n", text);
    }

    [Fact]
    public async Task EventualQueriesSayWhichWayTheyTook()
    {
        string text = await TextAsync("""
            {"rank_by":["id","asc"],"limit":1,"consistency":{"level":"eventual"}}
            """);
        Assert.Matches(@"^read: (eventual, from replica 0, which had run the log up to entry [1-9]\d*; its state was " +
            "the newest at most 60 s ago|eventual was asked for, but)\n?", text);
    }

    /// <summary>No replica is new enough, so the primary is asked, and that is what is said.</summary>
    [Fact]
    public async Task AnEventualQueryOfOldReplicasIsAStrongOne()
    {
        await using OldReplica old = new(gateway.Cluster);
        await using GatewayServer server = await RunningGateway.StartAsync(old.Cluster);
        using HttpClient client = RunningGateway.Connect(server);
        const string eventual = """{"rank_by":["id","asc"],"limit":1,"consistency":{"level":"eventual"}}""";
        using HttpResponseMessage plan = await client.PostAsync(
            $"/v2/namespaces/{Name}/explain_query", new StringContent(eventual));
        string text = (string)(await Reply.ReadAsync(plan)).Good["plan_text"]!;
        Assert.StartsWith("read: eventual was asked for, but no replica's state was new enough; strong, outside of " +
            "the log, from replica 0, which had run the log up to entry ", text, StringComparison.Ordinal);
        Assert.Contains(" and made sure that it was still the primary\n", text);
        using HttpResponseMessage rows = await client.PostAsync(
            $"/v2/namespaces/{Name}/query", new StringContent(eventual));
        Assert.Equal("1", (await Reply.ReadAsync(rows)).Ids);
        Assert.Equal(2, old.Refused);
    }

    [Fact]
    public async Task AnAnswerOfOneMessageIsOneReadAndALargerOneIsSeveral()
    {
        Assert.Contains("one message of the cluster: one read, one snapshot",
            await TextAsync("""{"rank_by":["id","asc"],"limit":1}"""));
        StringBuilder json = new("{\"upsert_rows\":[");
        for (int i = 0; i < 300; i++)
            json.Append(i == 0 ? "" : ",").Append($"{{\"id\":{i},\"t\":\"{new string('x', 4000)}\"}}");
        await gateway.WriteAsync("explained-large", json.Append("]}").ToString());
        Reply reply = await AskAsync(
            """{"rank_by":["id","asc"],"limit":300,"include_attributes":true}""", "explained-large");
        Assert.Contains("answer: more than one message of the cluster holds", (string?)reply.Good["plan_text"]);
    }

    [Fact]
    public async Task WhatIsWrongIsSaidAsOfAQuery()
    {
        (await AskAsync("""{"rank_by":["id","asc"],"limit":1}""", "nowhere"))
            .MustBe(404, "🤷 namespace 'nowhere' was not found");
        Reply query = await gateway.QueryAsync(Name, """{"rank_by":["color","BM25","x"],"limit":1}""");
        (await AskAsync("""{"rank_by":["color","BM25","x"],"limit":1}""")).MustBe(400, (string)query.Json["error"]!);
    }
}
