using System;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Replica.Hosting.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Deterministic.Replica.Hosting;

/// <summary>Ties the replica's one thread to the life of the host: a start that fails ends the host with an error, a
/// stop lets the loop finish its round, and a failed check ends the process at once.</summary>
internal sealed class ReplicaService(
    StartOptions options, ReplicaMetrics metrics, IHostApplicationLifetime lifetime, ILoggerFactory loggers)
    : IHostedService
{
    private readonly ILogger _logger = loggers.CreateLogger("replica");
    private readonly CancellationTokenSource _stopping = new();
    private Thread? _thread;

    public int ExitCode { get; private set; }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _thread = new Thread(Run) { Name = "replica" };
        _thread.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        _stopping.Cancel();
        _thread?.Join();
        return Task.CompletedTask;
    }

    private void Run()
    {
        try
        {
            LoopEnd? end = null;
            string error = "";
            while (end is null or LoopEnd.Outdated)
            {
                using EventLoop? loop = EventLoop.TryCreate(options, metrics, loggers, out error);
                if (end == LoopEnd.Outdated) loop?.GoOn();
                end = loop?.Run(_stopping.Token, out error) ?? LoopEnd.Failed;
            }
            if (end == LoopEnd.Failed)
            {
                ReplicaLog.Failed(_logger, error);
                Console.Error.WriteLine(error);
                ExitCode = 1;
            }
        }
        catch (Exception exception)
        {
            // Nothing in the core is thrown but broken invariants: going on could answer wrongly.
            ReplicaLog.Broken(_logger, exception);
            Environment.FailFast(exception.Message, exception);
        }
        lifetime.StopApplication();
    }
}

internal static partial class ReplicaLog
{
    [LoggerMessage(10, LogLevel.Critical, "{Error}")]
    public static partial void Failed(ILogger logger, string error);

    [LoggerMessage(11, LogLevel.Critical, "An invariant is broken; the process ends to protect its data")]
    public static partial void Broken(ILogger logger, Exception exception);

    [LoggerMessage(12, LogLevel.Information,
        "Opening {File}: cluster {Cluster}, replica {Replica}, state up to {StateSize}, kernels {Backend}, " +
        "disk {Disk}")]
    public static partial void Opening(
        ILogger logger, string file, UInt128 cluster, int replica, string stateSize, string backend, string disk);

    [LoggerMessage(13, LogLevel.Information, "Serving from op {Op}, view {View}; recovery took {Seconds} s")]
    public static partial void Serving(ILogger logger, ulong op, uint view, double seconds);

    [LoggerMessage(15, LogLevel.Warning,
        "The log of the others no longer reaches back to what this replica has; going on from their checkpoint {Op}")]
    public static partial void Outdated(ILogger logger, ulong op);

    [LoggerMessage(14, LogLevel.Information, "Stopped at op {Op}")]
    public static partial void Stopped(ILogger logger, ulong op);
}
