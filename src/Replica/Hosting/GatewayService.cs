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
    : IHostedService, IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private Task<GatewayServer?> _server = Task.FromResult<GatewayServer?>(null);

    public int ExitCode { get; private set; }

    /// <summary>The gateway may have to wait for the replica, and for somebody to create a key.</summary>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _server = RunAsync();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        if (await _server.ConfigureAwait(false) is GatewayServer server)
            await server.DisposeAsync().ConfigureAwait(false);
    }

    public void Dispose() => _stop.Dispose();

    private async Task<GatewayServer?> RunAsync()
    {
        try
        {
            GatewayOptions all = options with { OtherMeters = [metrics.Meter] };
            (GatewayServer? server, string error) =
                await HttpOptions.StartAsync(all, loggers, _stop.Token).ConfigureAwait(false);
            if (server is not null) return server;
            await FailAsync(error).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The replica ends before the gateway serves.
        }
        catch (Exception exception)
        {
            await FailAsync($"the HTTP gateway could not start: {exception}").ConfigureAwait(false);
        }
        return null;
    }

    private async Task FailAsync(string error)
    {
        await Console.Error.WriteLineAsync(error).ConfigureAwait(false);
        ExitCode = 1;
        lifetime.StopApplication();
    }
}
