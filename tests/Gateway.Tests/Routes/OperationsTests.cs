using System;
using System.Net.Http;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Gateway.Tests.Support;
using Deterministic.Replica.Hosting;
using Xunit;

namespace Deterministic.Gateway.Tests.Routes;

/// <summary>What is asked by those who run a gateway.</summary>
[Collection(RunningGateway.Collection)]
public sealed class OperationsTests(RunningGateway gateway)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(300);

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    public async Task AGatewayThatCanServeSaysSoToAnybody(string path)
    {
        using HttpClient anybody = new();
        Assert.Equal("""{"status":"OK"}""", await anybody.GetStringAsync(gateway.Url + path));
    }

    [Fact]
    public async Task WithoutAClusterAGatewayLivesAndIsNotReady()
    {
        ClientOptions nobody = new()
        {
            Addresses = LoopbackAddresses.Free(1), RequestTimeout = Patience, ConnectTimeout = Patience,
        };
        await using GatewayServer server = await RunningGateway.StartAsync(nobody);
        using HttpClient client = RunningGateway.Connect(server);
        Assert.Equal("""{"status":"OK"}""", await client.GetStringAsync("/healthz"));
        using HttpResponseMessage ready = await client.GetAsync("/readyz");
        (await Reply.ReadAsync(ready)).MustBe(503, "the cluster did not answer a strong read within 0.3 s");
        PrometheusPage page = new(await client.GetStringAsync("/metrics"));
        string label = $"{{address=\"{ClientOptions.Describe(nobody.Addresses[0])}\"}}";
        Assert.True(page.Has($"deterministic_cluster_replica_up{label}"));
        Assert.Equal(0, page[$"deterministic_cluster_replica_up{label}"]);
        Assert.False(page.Has($"deterministic_cluster_replica_view{label}"));
    }

    [Fact]
    public async Task AGatewayThatIsAboutToStopIsNotReadyButServes()
    {
        await using GatewayServer server = await gateway.StartAnotherAsync();
        using HttpClient client = RunningGateway.Connect(server);
        server.BeginDrain();
        using HttpResponseMessage ready = await client.GetAsync("/readyz");
        (await Reply.ReadAsync(ready)).MustBe(503, "the gateway is about to stop");
        Assert.Equal("""{"status":"OK"}""", await client.GetStringAsync("/healthz"));
        using HttpResponseMessage names = await client.GetAsync("/v1/namespaces?prefix=none");
        Assert.Equal(200, (int)names.StatusCode);
        Assert.True(names.Headers.ConnectionClose);
    }

    [Fact]
    public async Task StatusTellsHowTheReplicasStand()
    {
        JsonNode status = (await gateway.GetAsync("/status")).Good;
        Assert.Equal(0, (int?)status["primary"]);
        JsonNode replica = Assert.Single(status["replicas"]!.AsArray())!;
        Assert.Equal(gateway.ReplicaAddress, (string?)replica["address"]);
        Assert.Equal("primary", (string?)replica["role"]);
        Assert.Equal(0, (int?)replica["lag"]);
    }

    [Fact]
    public async Task StatusWantsAToken()
    {
        using HttpClient anybody = new();
        using HttpResponseMessage response = await anybody.GetAsync($"{gateway.Url}/status");
        Assert.Equal(401, (int)response.StatusCode);
    }
}
