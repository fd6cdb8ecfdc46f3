using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Copies;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Routes;
using Deterministic.Gateway.Security;
using Deterministic.Gateway.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Https;
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

    /// <summary>For one reading of the keys.</summary>
    private static readonly TimeSpan KeyPatience = TimeSpan.FromSeconds(5);

    private readonly WebApplication _application;
    private readonly TimeSpan _drainDelay;
    private readonly TimeSpan _drainTimeout;
    private readonly GatewayMetrics _metrics;
    private readonly ClusterAccess _cluster;
    private readonly Readiness _readiness;
    private readonly CopyRegistry _copies;
    private readonly KeyReader _keyReader;
    private readonly TraceExporter? _traces;
    private bool _isOpen;

    private GatewayServer(WebApplication application, GatewayOptions options, ILogger logger)
    {
        _application = application;
        _drainDelay = options.DrainDelay;
        _drainTimeout = options.DrainTimeout;
        _traces = TraceExporter.TryStart(options.TraceEndpoint);
        _metrics = new GatewayMetrics(options.OtherMeters);
        _cluster = new ClusterAccess(options, _metrics);
        _readiness = new Readiness(options.Cluster);
        TimeSpan patience = options.Cluster.RequestTimeout < KeyPatience ? options.Cluster.RequestTimeout : KeyPatience;
        _keyReader = new KeyReader(options.Cluster with { RequestTimeout = patience });
        if (!options.Development) Keys = new KeyRing(_keyReader.ReadAsync, options.Time, logger);
        _metrics.Gauge("deterministic.api_keys", "API keys that are known", () => Keys?.Count ?? 0);
        _metrics.Gauge("deterministic.api_keys.age_seconds", "Since they were read",
            () => (long)(Keys?.Age.TotalSeconds ?? 0));
        _copies = new CopyRegistry(options.Time, logger);
        _metrics.Gauge("deterministic.copies.under_way", "Copies of namespaces that are being made",
            () => _copies.UnderWay);
        new Router(options, _cluster, _copies, Keys, _readiness, _metrics, logger).Map(application);
    }

    /// <summary>Such as http://127.0.0.1:8080.</summary>
    public string Url => _application.Urls.First();

    /// <summary>All that it serves.</summary>
    internal IEnumerable<RouteEndpoint> Routes => ((IEndpointRouteBuilder)_application).DataSources
        .SelectMany(static source => source.Endpoints).OfType<RouteEndpoint>();

    /// <summary>Null in development.</summary>
    internal KeyRing? Keys { get; }

    /// <summary>Null if such a gateway may be started, else why not and what to do.</summary>
    public static string? WhyNot(GatewayOptions options)
    {
        bool hasTls = options.CertificateFile is not null;
        if (hasTls != options.CertificateKeyFile is not null)
            return "--tls-certificate and --tls-key belong together";
        if (hasTls && options.InsecureHttp)
            return "--insecure-http says that there is no TLS, --tls-certificate that there is";
        if (!options.IsOpenToOthers) return null;
        if (options.Development)
        {
            return $"--http: {options.Listen} is not on this machine only; --development, which accepts any bearer " +
                "token, listens on loopback addresses only, such as 127.0.0.1:8080";
        }
        if (hasTls || options.InsecureHttp) return null;
        return $"--http: {options.Listen} is not on this machine only, and keys would cross the network readable by " +
            "all; give --tls-certificate and --tls-key, or --insecure-http if a proxy in front of it ends TLS";
    }

    /// <summary>Null and an error text if it may not be started or the address cannot be listened on. Beyond loopback
    /// it first waits until the cluster has a key.</summary>
    /// <exception cref="OperationCanceledException">Told to stop while it waited.</exception>
    public static async Task<(GatewayServer? Server, string Error)> TryStartAsync(
        GatewayOptions options, ILogger logger, CancellationToken stop = default)
    {
        if (WhyNot(options) is string refused) return (null, refused);
        CertificateFiles? certificate = null;
        string error = "";
        if (options.CertificateFile is not null)
        {
            certificate =
                CertificateFiles.TryOpen(options.CertificateFile, options.CertificateKeyFile!, logger, out error);
        }
        if (error.Length > 0) return (null, error);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, BlockPool.Factory>();
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel, options, certificate));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainTimeout);
        WebApplication application = builder.Build();
        GatewayServer server = new(application, options, logger);
        try
        {
            await server.OpenAsync(options, logger, stop).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            await server.DisposeAsync().ConfigureAwait(false);
            return (null, $"--http: cannot listen on {options.Listen}: {exception.Message}");
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        return (server, "");
    }

    /// <summary>Says that it is about to stop to those who ask whether it is ready; serves on.</summary>
    public void BeginDrain()
    {
        _readiness.Drain();
        _copies.Close();
    }

    /// <summary>Says that it is about to stop, waits for that to be heard, takes no more requests, answers those under
    /// way and ends copies as far as there is time, and ends. Nobody has to hear of one that never served.</summary>
    public async ValueTask DisposeAsync()
    {
        BeginDrain();
        if (_isOpen && _drainDelay > TimeSpan.Zero) await Task.Delay(_drainDelay).ConfigureAwait(false);
        await Task.WhenAll(_application.StopAsync(), _copies.EndAsync(_drainTimeout)).ConfigureAwait(false);
        await _application.DisposeAsync().ConfigureAwait(false);
        if (Keys is not null) await Keys.DisposeAsync().ConfigureAwait(false);
        _keyReader.Dispose();
        await _cluster.DisposeAsync().ConfigureAwait(false);
        _readiness.Dispose();
        _metrics.Dispose();
        _traces?.Dispose();
    }

    private static void Configure(KestrelServerOptions kestrel, GatewayOptions options, CertificateFiles? certificate)
    {
        kestrel.AddServerHeader = false;
        ConnectionLimits limits = options.Connections;
        MinDataRate rate = new(limits.RateMin, limits.Grace);
        kestrel.Limits.MaxConcurrentConnections = limits.ConnectionsMax + ConnectionLimits.RefusalsMax;
        kestrel.Limits.MaxRequestLineSize = ConnectionLimits.RequestLineSizeMax;
        kestrel.Limits.MaxRequestHeaderCount = ConnectionLimits.HeadersMax;
        kestrel.Limits.MaxRequestHeadersTotalSize = ConnectionLimits.HeadersSizeMax;
        kestrel.Limits.RequestHeadersTimeout = limits.HeadersTimeout;
        kestrel.Limits.MaxRequestBufferSize = ConnectionLimits.BufferSizeMax;
        kestrel.Limits.MinRequestBodyDataRate = rate;
        kestrel.Limits.MinResponseDataRate = rate;
        // Bodies are measured where they are read: what is too large is answered, not cut off.
        kestrel.Limits.MaxRequestBodySize = null;
        ConnectionGate gate = new(limits);
        kestrel.Listen(options.Listen, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            if (certificate is not null)
            {
                listen.UseHttps(new TlsHandshakeCallbackOptions
                {
                    OnConnection = _ => ValueTask.FromResult(certificate.Current()),
                    HandshakeTimeout = limits.HandshakeTimeout,
                });
            }
            listen.Use(serve => connection => gate.EnterAsync(connection, serve));
        });
    }

    private async Task OpenAsync(GatewayOptions options, ILogger logger, CancellationToken stop)
    {
        if (Keys is not null)
        {
            await Keys.RefreshAsync().ConfigureAwait(false);
            Keys.Start();
            if (options.WaitsForKeys && !Keys.HasKeys.IsCompleted)
            {
                KeyLog.Waits(logger, options.Listen.ToString());
                await Keys.HasKeys.WaitAsync(stop).ConfigureAwait(false);
            }
        }
        await _application.StartAsync(stop).ConfigureAwait(false);
        _isOpen = true;
    }
}
