using System;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core.Model;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Copies;
using Deterministic.Gateway.Telemetry;
using Deterministic.Gateway.Tests.Support;
using Xunit;

namespace Deterministic.Gateway.Tests.Copies;

/// <summary>Copies that are begun by one request and asked after by others.</summary>
[Collection(RunningGateway.Collection)]
public sealed class CopyTests(RunningGateway gateway)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private Task FillAsync(string name, int rows)
    {
        string all = string.Join(',', Enumerable.Range(0, rows).Select(i => $$"""{"id":{{i}},"n":{{i}} }"""));
        return gateway.WriteAsync(name, $$"""{"upsert_rows":[{{all}}]}""");
    }

    private static string From(string source) => $$"""{"copy_from_namespace":"{{source}}"}""";

    private Task<Reply> StartAsync(string name, string json) => gateway.PostAsync($"/v2/namespaces/{name}/async", json);

    /// <summary>Asks until the copy has ended.</summary>
    private async Task<JsonNode> OutcomeAsync(string path)
    {
        using CancellationTokenSource patience = new(Patience);
        while (true)
        {
            JsonNode answer = (await gateway.GetAsync(path)).Good;
            if ((string?)answer["status"] == "finished") return answer;
            Assert.Equal("running", (string?)answer["status"]);
            Assert.EndsWith("Z", (string?)answer["start_time"]);
            Assert.EndsWith(" rows copied", (string?)answer["progress"]);
            patience.Token.ThrowIfCancellationRequested();
        }
    }

    [Fact]
    public async Task ATokenTellsTheOutcomeOfACopy()
    {
        await FillAsync("cp-source", 3000);
        Reply started = await StartAsync("cp-target", From("cp-source"));
        string token = (string)started.Good["token"]!;
        Assert.Single(started.Good.AsObject());
        JsonNode outcome = await OutcomeAsync($"/v1/namespaces/cp-target/operations/{token}");
        DateTimeOffset start = DateTimeOffset.Parse((string)outcome["start_time"]!, CultureInfo.InvariantCulture);
        DateTimeOffset finish = DateTimeOffset.Parse((string)outcome["finish_time"]!, CultureInfo.InvariantCulture);
        Assert.InRange(finish, start, DateTimeOffset.UtcNow);
        JsonNode success = outcome["result"]!["success"]!;
        Assert.Equal(3000, (int?)success["rows_upserted"]);
        Assert.Equal("OK", (string?)success["status"]);
        Assert.True((bool)success["one_snapshot"]!);
        Assert.Equal(3000, (int?)(await gateway.QueryAsync("cp-target", """{"aggregate_by":{"n":["Count"]}}"""))
            .Good["aggregations"]!["n"]);
        (await gateway.GetAsync($"/v1/namespaces/cp-source/operations/{token}")).MustBe(404, Unknown);
    }

    private const string Unknown = "operation was not found: this process of the gateway has not begun it. If " +
        "another one has, or this one before it was started again, then ask that one, or look what is in the " +
        "namespace: a copy ends with the process that makes it";

    [Fact]
    public async Task WhoPrefersNotToWaitIsToldWhereToAsk()
    {
        await FillAsync("cp-prefer-source", 10);
        using HttpRequestMessage request = new(HttpMethod.Post, "/v2/namespaces/cp-prefer")
        {
            Content = new StringContent(From("cp-prefer-source"), Encoding.UTF8),
        };
        request.Headers.Add("prefer", "respond-async, wait=0");
        Reply accepted = await gateway.SendAsync(request);
        Assert.Equal(202, accepted.Status);
        Assert.Equal("ACCEPTED", (string?)accepted.Json["status"]);
        Assert.Equal("respond-async", accepted.Headers["preference-applied"]);
        JsonNode outcome = await OutcomeAsync(accepted.Headers["location"]);
        Assert.Equal(10, (int?)outcome["result"]!["success"]!["rows_upserted"]);
    }

    [Fact]
    public async Task WhoPrefersThatGetsAShortCopyAsTheAnswerAllTheSame()
    {
        await FillAsync("cp-short-source", 10);
        using HttpRequestMessage request = new(HttpMethod.Post, "/v2/namespaces/cp-short")
        {
            Content = new StringContent(From("cp-short-source"), Encoding.UTF8),
        };
        request.Headers.Add("prefer", "respond-async");
        JsonNode answer = (await gateway.SendAsync(request)).Good;
        Assert.Equal(10, (int?)answer["rows_upserted"]);
        Assert.True((bool)answer["one_snapshot"]!);
    }

    [Fact]
    public async Task WhatGoesWrongIsTheOutcome()
    {
        Reply started = await StartAsync("cp-wrong", From("cp-nowhere"));
        JsonNode outcome = await OutcomeAsync($"/v1/namespaces/cp-wrong/operations/{started.Good["token"]}");
        Reply.MustEqual("""
            {"error":{"status_code":404,
                      "detail":{"status":"error","error":"🤷 namespace 'cp-nowhere' was not found"} } }
            """, outcome["result"]);
    }

    [Fact]
    public async Task OnlyCopiesAreBegunSo()
    {
        (await StartAsync("cp-other", """{"upsert_rows":[{"id":1}]}"""))
            .MustBe(400, "💔 async is for copy_from_namespace only; other writes are answered at once");
        Assert.Equal(404, (await gateway.GetAsync("/v2/namespaces/cp-other/metadata")).Status);
    }

    [Fact]
    public async Task AnotherProcessSaysThatItHasNotBegunIt()
    {
        await FillAsync("cp-one-source", 1);
        string token = (string)(await StartAsync("cp-one", From("cp-one-source"))).Good["token"]!;
        await using GatewayServer restarted = await gateway.StartAnotherAsync();
        using HttpClient http = RunningGateway.Connect(restarted);
        using HttpResponseMessage response = await http.GetAsync($"/v1/namespaces/cp-one/operations/{token}");
        (await Reply.ReadAsync(response)).MustBe(404, Unknown);
    }

    [Theory]
    [InlineData(KeyScopes.Write, "cp-k-", 403, "this API key has not the scope `read`")]
    [InlineData(KeyScopes.Read, "cp-k-", 403, "this API key has not the scope `write`")]
    [InlineData(KeyScopes.Read | KeyScopes.Write, "cp-k-b", 403, "this API key is not for namespace 'cp-k-a'")]
    public async Task WhoMayNotReadTheSourceBeginsNothing(KeyScopes scopes, string prefix, int status, string error)
    {
        await FillAsync("cp-k-a", 1);
        await using GuardedGateway guarded = await GuardedGateway.StartAsync(gateway);
        (string token, _) = await guarded.CreateKeyAsync(scopes, prefix);
        (await guarded.SendAsync(token, HttpMethod.Post, "/v2/namespaces/cp-k-b/async", From("cp-k-a")))
            .MustBe(status, error);
        Assert.Equal(404, (await gateway.GetAsync("/v2/namespaces/cp-k-b/metadata")).Status);
    }

    [Fact]
    public async Task ACopyOfWhatChangesMeanwhileSaysThatItIsNotOneSnapshot()
    {
        await FillAsync("cp-changes", 1500);
        using GatewayMetrics metrics = new([]);
        GatewayOptions options = new() { Listen = new IPEndPoint(IPAddress.Loopback, 0), Cluster = gateway.Cluster };
        await using ClusterAccess cluster = new(options, metrics);
        CopyOutcome still = await new NamespaceCopy(cluster, "cp-changes", "cp-still")
            .RunAsync(static _ => { }, CancellationToken.None);
        Assert.True(still.IsOneSnapshot);
        WriteRequest late = new() { Namespace = "cp-changes", Deletes = [Value.Of(1499UL)] };
        CopyOutcome changed = await new NamespaceCopy(cluster, "cp-changes", "cp-changed").RunAsync(
            rows => { if (rows == 1000) cluster.WriteAsync(cluster.Encode(late), CancellationToken.None).Wait(); },
            CancellationToken.None);
        Assert.Equal((1499UL, false), (changed.Reply.Upserted, changed.IsOneSnapshot));
    }
}
