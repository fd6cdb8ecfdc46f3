using System;
using System.Linq;
using System.Net.Http;
using System.Threading.Tasks;
using Deterministic.Gateway.Tests.Support;
using Deterministic.Replica.Hosting;
using Xunit;

namespace Deterministic.Gateway.Tests.Telemetry;

[Collection(RunningGateway.Collection)]
public sealed class TraceExporterTests(RunningGateway gateway)
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";

    [Fact]
    public async Task SpansComeToTheCollector()
    {
        await using Collector collector = await Collector.StartAsync();
        await using (GatewayServer server = await gateway.StartAnotherAsync(collector: collector.Url))
            Assert.Equal(200, await ListAsync(server));
        // A gateway that has ended has sent all it had.
        CollectedSpan[] spans = [.. collector.Spans.Where(static span => span.TraceId == TraceId)];
        Assert.Equal(["read_strong", "GET /v1/namespaces"], spans.Select(static span => span.Name));
        Assert.All(spans, static span => Assert.Equal("deterministic-gateway", span.Service));
        Assert.Equal("00f067aa0ba902b7", spans[1].ParentId);
        Assert.Equal(spans[1].SpanId, spans[0].ParentId);
        Assert.True(TimeSpan.Zero < spans[0].Duration && spans[0].Duration <= spans[1].Duration);
    }

    [Fact]
    public async Task ACollectorThatIsNotThereDisturbsNobody()
    {
        Uri nowhere = new($"http://{LoopbackAddresses.Free(1)[0]}");
        await using GatewayServer server = await gateway.StartAnotherAsync(collector: nowhere);
        Assert.Equal(200, await ListAsync(server));
    }

    private static async Task<int> ListAsync(GatewayServer server)
    {
        using HttpClient client = RunningGateway.Connect(server);
        using HttpRequestMessage request = new(HttpMethod.Get, "/v1/namespaces?prefix=none");
        request.Headers.Add("traceparent", $"00-{TraceId}-00f067aa0ba902b7-01");
        using HttpResponseMessage response = await client.SendAsync(request);
        return (int)response.StatusCode;
    }
}
