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
    [InlineData("", """{"upsert_rows":[{"id":1}]}""")]
    [InlineData("/query", """{"limit":1}""")]
    public async Task ABodyHasItsPlaceUntilItsRequestIsAnswered(string path, string json)
    {
        using TcpListener silent = new(IPAddress.Loopback, 0);
        silent.Start();
        ClientOptions cluster = new() { Addresses = [(IPEndPoint)silent.LocalEndpoint] };
        await using GatewayServer server = await RunningGateway.StartAsync(cluster);
        using HttpClient client = RunningGateway.Connect(server);
        using CancellationTokenSource gone = new();
        string body = json + new string(' ', 100_000);
        Task<HttpResponseMessage> waiting =
            client.PostAsync($"/v2/namespaces/b-place{path}", new StringContent(body), gone.Token);
        // Whoever asks the cluster has read the body.
        using TcpClient asked = await silent.AcceptTcpClientAsync().WaitAsync(Patience);
        Assert.InRange((await PageAsync(client))[Bodies], body.Length, 2 * body.Length);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        using CancellationTokenSource patience = new(Patience);
        while ((await PageAsync(client))[Bodies] > 0) patience.Token.ThrowIfCancellationRequested();
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

    private static async Task<PrometheusPage> PageAsync(HttpClient client) =>
        new(await client.GetStringAsync("/metrics"));
}
