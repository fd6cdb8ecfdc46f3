using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Routes;
using Deterministic.Gateway.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Deterministic.Gateway;

/// <summary>turbopuffer's HTTP API in front of a cluster: Kestrel, the routes, and the connections behind
/// them.</summary>
public sealed class GatewayServer : IAsyncDisposable
{
    /// <summary>What is printed once it serves; the address follows.</summary>
    public const string ReadyPrefix = "http on ";

    /// <summary>What is said at the start of a server that accepts any token.</summary>
    public const string DevelopmentWarning =
        "WARNING: --development: the HTTP gateway accepts ANY bearer token. Whoever reaches this port can read, " +
        "change and delete everything. Never use it beyond this machine.";

    private readonly WebApplication _application;
    private readonly TimeSpan _drainDelay;
    private readonly GatewayMetrics _metrics;
    private readonly ClusterAccess _cluster;
    private readonly Readiness _readiness;

    private GatewayServer(WebApplication application, GatewayOptions options, ILogger logger)
    {
        _application = application;
        _drainDelay = options.DrainDelay;
        _metrics = new GatewayMetrics(options.OtherMeters);
        _cluster = new ClusterAccess(options, _metrics);
        _readiness = new Readiness(options.Cluster);
        new Router(options, _cluster, _readiness, _metrics, logger).Map(application);
    }

    /// <summary>Such as http://127.0.0.1:8080.</summary>
    public string Url => _application.Urls.First();

    /// <summary>Null if such a gateway may be started, else why not and what to do.</summary>
    public static string? WhyNot(GatewayOptions options)
    {
        if (!IPAddress.IsLoopback(options.Listen.Address))
        {
            return $"--http: {options.Listen} is not on this machine only; without API keys and TLS, which this " +
                "release does not have, the gateway listens on loopback addresses only, such as 127.0.0.1:8080";
        }
        if (options.Development) return null;
        return "--http: this release has no API keys yet, so the gateway can only be started with --development, " +
            "which accepts any bearer token";
    }

    /// <summary>Null and an error text if it may not be started or the address cannot be listened on.</summary>
    public static async Task<(GatewayServer? Server, string Error)> TryStartAsync(
        GatewayOptions options, ILogger logger)
    {
        if (WhyNot(options) is string refused) return (null, refused);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // Bodies are measured where they are read: what is too large is answered, not cut off.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(options.Listen, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainTimeout);
        WebApplication application = builder.Build();
        GatewayServer server = new(application, options, logger);
        try
        {
            await application.StartAsync().ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            await server.DisposeAsync().ConfigureAwait(false);
            return (null, $"--http: cannot listen on {options.Listen}: {exception.Message}");
        }
        return (server, "");
    }

    /// <summary>Says that it is about to stop to those who ask whether it is ready; serves on.</summary>
    public void BeginDrain() => _readiness.Drain();

    /// <summary>Says that it is about to stop, waits for that to be heard, takes no more requests, answers those under
    /// way as far as there is time, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        BeginDrain();
        if (_drainDelay > TimeSpan.Zero) await Task.Delay(_drainDelay).ConfigureAwait(false);
        await _application.StopAsync().ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
        await _cluster.DisposeAsync().ConfigureAwait(false);
        _readiness.Dispose();
        _metrics.Dispose();
    }
}
