using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Routes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
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
    private readonly ClusterAccess _cluster;

    private GatewayServer(WebApplication application, ClusterAccess cluster)
    {
        _application = application;
        _cluster = cluster;
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
        WebApplication application = builder.Build();
        ClusterAccess cluster = new(options);
        GatewayServer server = new(application, cluster);
        new Router(options, cluster, logger).Map(application);
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

    /// <summary>Takes no more requests, answers those under way, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await _application.StopAsync().ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
        await _cluster.DisposeAsync().ConfigureAwait(false);
    }
}
