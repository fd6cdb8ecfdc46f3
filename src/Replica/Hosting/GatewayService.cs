using System;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Gateway;
using Deterministic.Replica.Hosting.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Deterministic.Replica.Hosting;

/// <summary>A gateway in the process of a replica, which it reaches over loopback like any client: the replica's own
/// thread knows nothing of it. It is stopped before the replica.</summary>
internal sealed class GatewayService(
    GatewayOptions options, ReplicaMetrics metrics, IHostApplicationLifetime lifetime, ILoggerFactory loggers)
    : IHostedService
{
    private GatewayServer? _server;

    public int ExitCode { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        (_server, string error) = await HttpOptions
            .StartAsync(options with { OtherMeters = [metrics.Meter] }, loggers).ConfigureAwait(false);
        if (_server is not null) return;
        await Console.Error.WriteLineAsync(error).ConfigureAwait(false);
        ExitCode = 1;
        lifetime.StopApplication();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_server is not null) await _server.DisposeAsync().ConfigureAwait(false);
    }
}
