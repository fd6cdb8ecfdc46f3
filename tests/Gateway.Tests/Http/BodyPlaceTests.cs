using System;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Gateway.Tests.Support;
using Xunit;

namespace Deterministic.Gateway.Tests.Http;

/// <summary>How much memory requests may take together.</summary>
[Collection(RunningGateway.Collection)]
public sealed class BodyPlaceTests(RunningGateway gateway)
{
    private const string Bodies = "deterministic_http_bodies_bytes";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>What was made of a body takes memory until the cluster has answered, however long that takes.</summary>
    [Theory]
    [InlineData("", """{"upsert_rows":[{"id":1,"a":"TEXT"}]}""")]
    [InlineData("/query", """{"limit":1,"filters":["a","Eq","TEXT"]}""")]
    public async Task ABodyHasItsPlaceUntilItsRequestIsAnswered(string path, string json)
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        ClientOptions cluster = new() { Addresses = [(IPEndPoint)silent.LocalEndpoint] };
        await using GatewayServer server = await RunningGateway.StartAsync(cluster);
        using HttpClient client = RunningGateway.Connect(server);
        using CancellationTokenSource gone = new();
        string body = json.Replace("TEXT", new string('x', 100_000), StringComparison.Ordinal);
        Task<HttpResponseMessage> waiting =
            client.PostAsync($"/v2/namespaces/b-place{path}", new StringContent(body), gone.Token);
        // Whoever asks the cluster has read the body.
        using TcpClient asked = await silent.AcceptTcpClientAsync().WaitAsync(Patience);
        Assert.InRange((await PageAsync(client))[Bodies], 100_000, 200_000);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        using CancellationTokenSource patience = new(Patience);
        while ((await PageAsync(client))[Bodies] > 0) patience.Token.ThrowIfCancellationRequested();
    }

    /// <summary>Who comes when there is no room is told so, and there is room again when others have gone.</summary>
    [Fact]
    public async Task BodiesOfAllRequestsTogetherHaveALimit()
    {
        await using GatewayServer server = await RunningGateway.StartAsync(
            gateway.Cluster, change: static options => options with { BodiesSizeMax = 100_000 });
        using HttpClient client = RunningGateway.Connect(server);
        const string row = """{"upsert_rows":[{"id":1}]}""";
        // An array of 32 KiB, and while it is filled one of 16 KiB.
        string body = row + new string(' ', 30_000);
        using RawConnection first = await RawConnection.OpenAsync(server.Url);
        await first.SendAsync("POST /v2/namespaces/b-room HTTP/1.1\r\nauthorization: Bearer any\r\nhost: a\r\n" +
            $"content-length: {2 * body.Length}\r\n\r\n{body}");
        using CancellationTokenSource patience = new(Patience);
        while ((await PageAsync(client))[Bodies] < 32 << 10) patience.Token.ThrowIfCancellationRequested();
        for (int i = 0; i < 3; i++)
        {
            Reply refused = await PostAsync(client, "/v2/namespaces/b-room", row + new string(' ', 60_000));
            refused.MustBe(429, "too many large requests at once; try again later");
            Assert.Equal("1", refused.Headers["retry-after"]);
        }
        Assert.Equal(200, (await PostAsync(client, "/v2/namespaces/b-room", row)).Status);
        first.Dispose();
        while ((await PageAsync(client))[Bodies] > 0) patience.Token.ThrowIfCancellationRequested();
        Assert.Equal(200, (await PostAsync(client, "/v2/namespaces/b-room", body)).Status);
    }

    [Fact]
    public async Task AnswersOfAllQueriesTogetherHaveALimit()
    {
        await gateway.WriteAsync("b-answers", $$"""{"upsert_rows":[{"id":1,"a":"{{new string('x', 3000)}}"}]}""");
        await using GatewayServer server = await RunningGateway.StartAsync(
            gateway.Cluster, change: static options => options with { AnswersSizeMax = 2000 });
        using HttpClient client = RunningGateway.Connect(server);
        const string path = "/v2/namespaces/b-answers/query";
        (await PostAsync(client, path, """{"limit":1,"include_attributes":true}"""))
            .MustBe(429, "too many answers are being sent; try again later");
        for (int i = 0; i < 10; i++)
            Assert.Equal("1", (await PostAsync(client, path, """{"limit":1}""")).Ids);
    }

    /// <summary>A body that says that it is too large is not waited for.</summary>
    [Fact]
    public async Task WhatWillBeTooLargeIsRefusedBeforeItComes()
    {
        using RawConnection client = await RawConnection.OpenAsync(gateway.Url);
        await client.SendAsync("POST /v2/namespaces/b-told HTTP/1.1\r\nauthorization: Bearer any\r\nhost: a\r\n" +
            $"content-length: {RunningGateway.BodySizeMax + 1}\r\n\r\n");
        (await client.ReadAsync()).MustBe(
            413, "the body is larger than this server takes; send it in several requests");
    }

    [Fact]
    public async Task AWriteOfTooManyIdsIsRefusedWithTheirNumber()
    {
        string ids = string.Join(',', Enumerable.Range(0, Limits.WriteRowsMax + 1));
        string json = $"{{\"deletes\":[{ids}]}}";
        (await gateway.WriteAsync("b-many", json))
            .MustBe(400, "💔 deletes: 1000001 rows and ids in one request, the limit is 1000000");
        Assert.Equal(404, (await gateway.GetAsync("/v2/namespaces/b-many/metadata")).Status);
    }

    private static async Task<Reply> PostAsync(HttpClient client, string path, string json)
    {
        using HttpResponseMessage response = await client.PostAsync(path, new StringContent(json));
        return await Reply.ReadAsync(response);
    }

    private static async Task<PrometheusPage> PageAsync(HttpClient client) =>
        new(await client.GetStringAsync("/metrics"));
}
