using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Replica.Hosting;
using Command = System.CommandLine.Command;

namespace Deterministic.ClusterBenchmark;

/// <summary>`cluster-bench fail-over`: for how long nothing is acknowledged after the primary was killed.</summary>
internal static class FailOverCommand
{
    /// <summary>Longer than a replica that has missed a primary stays more patient than before (six seconds at
    /// most).</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(8);
    private static readonly Option<string?> Folder = CommonOptions.Folder();
    private static readonly Option<int> Replicas = CommonOptions.Replicas();
    private static readonly Option<int> Kills = new("--kills")
        { Description = "How often the primary is killed", DefaultValueFactory = _ => 50 };

    private static readonly Option<double> Rate = new("--rate")
        { Description = "Writes in a second, so that the killed replica is soon back", DefaultValueFactory = _ => 200 };

    public static Command Create()
    {
        Command command = new("fail-over", "Kill the primary again and again while a client writes.")
        {
            Folder, Replicas, Kills, Rate,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellation)
    {
        await using ReplicaGroup group =
            await ReplicaGroup.StartAsync(arguments.GetValue(Folder), arguments.GetValue(Replicas));
        int kills = arguments.GetValue(Kills);
        TimeSpan interval = TimeSpan.FromSeconds(1 / arguments.GetValue(Rate));
        Report.Heading($"{group.Count} replicas, a client that writes every {interval.TotalMilliseconds} ms, " +
            $"{kills} times SIGKILL to the primary");
        await using DeterministicClient client = new(group.Options());
        List<double> gaps = [];
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Acknowledgements acknowledgements = new();
        Task writer = Task.Run(() => WriteAsync(client, interval, acknowledgements, stop.Token), cancellation);
        try
        {
            for (int kill = 0; kill < kills; kill++)
                gaps.Add(await KillPrimaryAsync(group, acknowledgements, writer, cancellation));
        }
        catch (OperationCanceledException)
        {
            // What there is so far is worth a table.
        }
        await stop.CancelAsync();
        await writer;
        Percentiles times = new(gaps);
        Report.Line($"kills  median ms  p90 ms  p99 ms  max ms  from the kill to the acknowledgement of a later write");
        Report.Line($"{times.Count,5}  {times.Text(50),9}  {times.Text(90),6}  {times.Text(99),6}  " +
            $"{times.Text(100),6}");
        return 0;
    }

    /// <summary>Milliseconds until a write was acknowledged that began after the kill. The killed replica is back when
    /// it returns.</summary>
    private static async Task<double> KillPrimaryAsync(
        ReplicaGroup group, Acknowledgements acknowledgements, Task writer, CancellationToken cancellation)
    {
        await Task.Delay(Quiet, cancellation);
        int primary = await group.PrimaryAsync();
        long killed = Stopwatch.GetTimestamp();
        Task<long> next = acknowledgements.NextSentAfterAsync(killed);
        await group.KillAsync(primary);
        await Task.WhenAny(next, writer);
        if (writer.IsFaulted) await writer;
        double milliseconds = Stopwatch.GetElapsedTime(killed, await next).TotalMilliseconds;
        group.Launch(primary);
        await group.WaitAsync("the killed replica has caught up", HasCaughtUp);
        return milliseconds;
    }

    private static bool HasCaughtUp(ReplicaStanding?[] standings) =>
        Standings.AllAgreeOnPrimary(standings) && standings.Max(static standing => standing!.Fields.CommitMin) -
        standings.Min(static standing => standing!.Fields.CommitMin) < 64 &&
        standings.All(static standing => standing!.Fields.SyncOp == 0);

    private static async Task WriteAsync(
        DeterministicClient client, TimeSpan interval, Acknowledgements acknowledgements, CancellationToken stop)
    {
        string value = new('x', 256);
        for (ulong number = 0; !stop.IsCancellationRequested; number++)
        {
            WriteRequest request = new()
            {
                Namespace = WriteLoad.Namespace,
                Upserts = [new Row { Id = Value.Of(number % 1000) }.With("value", Value.Of(value))],
            };
            long sent = Stopwatch.GetTimestamp();
            await client.WriteAsync(request, cancellation: CancellationToken.None);
            acknowledgements.Note(sent);
            TimeSpan left = interval - Stopwatch.GetElapsedTime(sent);
            if (left > TimeSpan.Zero) await Task.Delay(left, CancellationToken.None);
        }
    }

    /// <summary>Passes the time of the first acknowledgement of a write that began after some time.</summary>
    private sealed class Acknowledgements
    {
        private readonly object _gate = new();
        private TaskCompletionSource<long>? _waiting;
        private long _after;

        public Task<long> NextSentAfterAsync(long after)
        {
            lock (_gate)
            {
                _waiting = new(TaskCreationOptions.RunContinuationsAsynchronously);
                _after = after;
                return _waiting.Task;
            }
        }

        public void Note(long sent)
        {
            long now = Stopwatch.GetTimestamp();
            lock (_gate)
            {
                if (sent > _after) _waiting?.TrySetResult(now);
            }
        }
    }
}
