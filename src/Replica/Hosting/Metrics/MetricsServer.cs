using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Deterministic.Gateway.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Deterministic.Replica.Hosting.Metrics;

/// <summary>Serves `/metrics` over HTTP, for Prometheus and whoever reads its text.</summary>
internal sealed class MetricsServer : IAsyncDisposable
{
    /// <summary>What `start` prints once the page is there; the address of the page follows.</summary>
    public const string ReadyPrefix = "metrics on ";
    private readonly WebApplication _application;

    private MetricsServer(WebApplication application) => _application = application;

    /// <summary>Address of the page.</summary>
    public string Page => $"{_application.Urls.First()}/metrics";

    /// <summary>Null and an error text if the address cannot be listened on.</summary>
    public static async Task<(MetricsServer? Server, string Error)> TryStartAsync(
        IPEndPoint endpoint, ReplicaMetrics metrics)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(endpoint));
        WebApplication application = builder.Build();
        application.MapGet("/metrics",
            () => Results.Text(PrometheusText.Of(metrics.Meter), PrometheusText.ContentType));
        try
        {
            await application.StartAsync().ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            await application.DisposeAsync().ConfigureAwait(false);
            return (null, $"--metrics: cannot listen on {endpoint}: {exception.Message}");
        }
        return (new MetricsServer(application), "");
    }

    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync().ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
    }
}
