using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Http;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Deterministic.Gateway.Telemetry;
using Deterministic.Gateway.Tests.Support;
using Deterministic.TestSupport;
using Xunit;

namespace Deterministic.Gateway.Tests.Telemetry;

/// <summary>/metrics of a gateway of its own. All requests of a test go over one connection: the server takes the next
/// one only when it is done with the one before, its figures included.</summary>
[Collection(RunningGateway.Collection)]
public sealed partial class MetricsPageTests(RunningGateway gateway) : IAsyncLifetime
{
    private const string OfQuery = "method=\"POST\",route=\"/v2/namespaces/{name}/query\"";
    private const string OneRow = """{"upsert_rows":[{"id":1}]}""";
    private const string Limit = """{"limit":1}""";

    private GatewayServer? _server;
    private HttpClient? _client;

    public async Task InitializeAsync()
    {
        _server = await gateway.StartAnotherAsync();
        _client = RunningGateway.Connect(_server);
    }

    [Fact]
    public async Task RequestsAreCountedByRouteAndStatus()
    {
        await SendAsync(HttpMethod.Post, "/v2/namespaces/m-count", OneRow, 200);
        for (int i = 0; i < 3; i++) await SendAsync(HttpMethod.Post, "/v2/namespaces/m-count/query", Limit, 200);
        await SendAsync(HttpMethod.Post, "/v2/namespaces/m-none/query", Limit, 404);
        await SendAsync(HttpMethod.Get, "/gcp-us-central1/v1/namespaces?page_size=0", "", 400);
        await SendAsync(HttpMethod.Get, "/not/a/route", "", 404);
        await SendAsync(new HttpMethod("BREW"), "/coffee", "", 404);
        PrometheusPage page = await PageAsync();
        Assert.Equal(3, page[$"deterministic_http_requests_total{{{OfQuery},status=\"200\"}}"]);
        Assert.Equal(1, page[$"deterministic_http_requests_total{{{OfQuery},status=\"404\"}}"]);
        Assert.Equal(1, page[
            "deterministic_http_requests_total{method=\"GET\",route=\"/v1/namespaces\",status=\"400\"}"]);
        Assert.Equal(1, page["deterministic_http_requests_total{method=\"GET\",route=\"other\",status=\"404\"}"]);
        Assert.Equal(1, page["deterministic_http_requests_total{method=\"other\",route=\"other\",status=\"404\"}"]);
        Assert.Equal(4, page[$"deterministic_http_duration_seconds_count{{{OfQuery}}}"]);
        Assert.True(page[$"deterministic_http_duration_seconds_sum{{{OfQuery}}}"] > 0);
        Assert.Equal(4, page["deterministic_cluster_call_duration_seconds_count{operation=\"read_strong\"}"]);
        Assert.Equal(1, page["deterministic_cluster_call_duration_seconds_count{operation=\"write\"}"]);
        // The request for the page is under way itself.
        Assert.Equal(1, page["deterministic_http_requests_under_way"]);
        Assert.Equal(0, page["deterministic_reads_waiting{consistency=\"strong\"}"]);
        Assert.Equal(0, page["deterministic_http_bodies_bytes"]);
        Assert.Equal(0, page["deterministic_http_answers_bytes"]);
    }

    [Fact]
    public async Task BodiesAreCountedInBytes()
    {
        long sent = (await SendAsync(HttpMethod.Post, "/v2/namespaces/m-bytes", OneRow, 200)).Bytes.Length;
        sent += (await SendAsync(HttpMethod.Post, "/v2/namespaces/m-bytes/query", Limit, 200)).Bytes.Length;
        PrometheusPage page = await PageAsync();
        Assert.Equal(OneRow.Length + Limit.Length, page["deterministic_http_request_body_bytes_total"]);
        Assert.Equal(sent, page["deterministic_http_response_body_bytes_total"]);
    }

    [Fact]
    public async Task ReplicasAreOnThePageAsTheyStand()
    {
        await SendAsync(HttpMethod.Post, "/v2/namespaces/m-cluster", OneRow, 200);
        PrometheusPage page = await PageAsync();
        string label = $"{{address=\"{gateway.ReplicaAddress}\"}}";
        Assert.Equal(1, page[$"deterministic_cluster_replica_up{label}"]);
        Assert.Equal(1, page[$"deterministic_cluster_replica_primary{label}"]);
        Assert.Equal(0, page[$"deterministic_cluster_replica_lag{label}"]);
        Assert.InRange(page[$"deterministic_cluster_replica_commit{label}"], 1, double.MaxValue);
        Assert.Equal(page[$"deterministic_cluster_replica_op{label}"],
            page[$"deterministic_cluster_replica_commit{label}"]);
    }

    [Fact]
    public async Task DotnetItselfIsOnThePage()
    {
        PrometheusPage page = await PageAsync();
        Assert.InRange(page["dotnet_process_memory_working_set_bytes"], 1 << 20, double.MaxValue);
        Assert.InRange(page["dotnet_thread_pool_thread_count"], 1, 1e6);
        Assert.Equal("counter", page.TypeOf("dotnet_gc_collections_total"));
    }

    [Fact]
    public async Task TheDocumentNamesExactlyWhatThePageHas()
    {
        SortedSet<string> documented = new(StringComparer.Ordinal);
        string text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "http.md"));
        foreach (Match name in DocumentedName().Matches(text)) documented.Add(name.Groups[1].Value);
        await SendAsync(HttpMethod.Post, "/v2/namespaces/m-names", OneRow, 200);
        SortedSet<string> there = new(StringComparer.Ordinal);
        foreach (string name in (await PageAsync()).Names)
            if (name.StartsWith("deterministic_", StringComparison.Ordinal)) there.Add(name);
        Assert.Equal(documented, there);
    }

    public async Task DisposeAsync()
    {
        _client!.Dispose();
        await _server!.DisposeAsync();
    }

    private async Task<Reply> SendAsync(HttpMethod method, string path, string body, int status)
    {
        using HttpRequestMessage request = new(method, path);
        if (body.Length > 0) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await _client!.SendAsync(request);
        Reply reply = await Reply.ReadAsync(response);
        Assert.Equal(status, reply.Status);
        return reply;
    }

    private async Task<PrometheusPage> PageAsync()
    {
        Reply reply = await SendAsync(HttpMethod.Get, "/metrics", "", 200);
        Assert.Equal(PrometheusText.ContentType, reply.Headers["content-type"]);
        return new PrometheusPage(reply.Text);
    }

    [GeneratedRegex(@"\| `(deterministic_[a-z_]+)` \|")]
    private static partial Regex DocumentedName();
}
