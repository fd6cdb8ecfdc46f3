using System;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Telemetry;

namespace Deterministic.Gateway.Routes;

/// <summary>What those ask who run the gateway, not those who use it.</summary>
internal sealed class OperationsRoutes
{
    /// <summary>How long each replica may take to tell how it stands.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>However often it is asked, the replicas are asked no more often.</summary>
    private static readonly TimeSpan AgeMax = TimeSpan.FromMilliseconds(500);

    private readonly Readiness _readiness;
    private readonly GatewayMetrics _metrics;
    private readonly Fresh<ClusterStanding> _cluster;
    private ClusterStanding _latest = new([]);

    public OperationsRoutes(GatewayOptions options, Readiness readiness, GatewayMetrics metrics)
    {
        _readiness = readiness;
        _metrics = metrics;
        _cluster = new Fresh<ClusterStanding>(AgeMax, async () =>
        {
            ClusterStanding standing =
                await ClusterStanding.AskAsync(options.Cluster.Addresses, Patience).ConfigureAwait(false);
            Volatile.Write(ref _latest, standing);
            return standing;
        });
        metrics.Watch(() => Volatile.Read(ref _latest));
    }

    /// <summary>The process lives.</summary>
    public Task HealthAsync(Exchange exchange) => exchange.AnswerAsync(static writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("status", "OK");
        writer.WriteEndObject();
    });

    /// <summary>Requests can be served.</summary>
    public async Task ReadyAsync(Exchange exchange)
    {
        if (await _readiness.ProblemAsync().ConfigureAwait(false) is string problem)
            throw new RequestException(503, problem);
        await HealthAsync(exchange).ConfigureAwait(false);
    }

    /// <summary>All instruments, in Prometheus' text.</summary>
    public async Task MetricsAsync(Exchange exchange)
    {
        await _cluster.GetAsync().ConfigureAwait(false);
        byte[] text = Encoding.UTF8.GetBytes(PrometheusText.Of(_metrics.Reading));
        await exchange.AnswerAsync(PrometheusText.ContentType, text).ConfigureAwait(false);
    }

    /// <summary>How the replicas stand.</summary>
    public async Task StatusAsync(Exchange exchange)
    {
        ClusterStanding cluster = await _cluster.GetAsync().ConfigureAwait(false);
        await exchange.AnswerAsync(writer => StatusJson.Write(writer, cluster)).ConfigureAwait(false);
    }
}
