using System;
using System.CommandLine;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Wire;
using Deterministic.Replica.Hosting;
using Command = System.CommandLine.Command;

namespace Deterministic.ClusterBenchmark;

/// <summary>`cluster-bench catch-up`: one replica is away until the others have long left behind what it has, and comes
/// back while the load goes on.</summary>
internal static class CatchUpCommand
{
    private const ulong JournalSlots = 1024;

    /// <summary>Of all clients together; they are written over and over.</summary>
    private const int DocumentsKept = 200_000;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Slice = TimeSpan.FromSeconds(1);
    private static readonly Option<string?> Folder = CommonOptions.Folder();
    private static readonly Option<int> Clients = new("--clients")
        { Description = "Clients that write", DefaultValueFactory = _ => 16 };
    private static readonly Option<int> Batch = new("--batch")
        { Description = "Documents in a write", DefaultValueFactory = _ => 10 };
    private static readonly Option<double> Rate = new("--rate")
        { Description = "Writes in a second of all clients together; 0: as many as go", DefaultValueFactory = _ => 0 };
    private static readonly Option<double> Seconds = new("--seconds")
        { Description = "Time of measuring before and after", DefaultValueFactory = _ => 10 };
    private static readonly Option<int> Wraps = new("--wraps")
        { Description = "Journals that the others write while it is away", DefaultValueFactory = _ => 3 };

    public static Command Create()
    {
        Command command = new("catch-up", "A replica comes back that the log no longer reaches.")
        {
            Folder, Clients, Batch, Rate, Seconds, Wraps,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellation)
    {
        int clients = arguments.GetValue(Clients), batch = arguments.GetValue(Batch);
        TimeSpan time = TimeSpan.FromSeconds(arguments.GetValue(Seconds));
        await using ReplicaGroup group = await ReplicaGroup.StartAsync(arguments.GetValue(Folder), 3);
        Report.Heading($"3 replicas, {clients} clients, writes of {batch} documents with 256 bytes");
        Report.Line($"what                     seconds  writes/s  p50 ms  p99 ms  max ms");
        WriteLoad load = new(group, clients, batch, valueSize: 256, DocumentsKept / clients)
            { RateOfClient = arguments.GetValue(Rate) / clients };
        bool synced;
        await using (load)
        {
            await load.StartAsync();
            await load.MeasureAsync(WarmUp);
            Print("all are there", await load.MeasureAsync(time));
            int away = (await group.PrimaryAsync() + 1) % group.Count;
            await group.KillAsync(away);
            ulong goal = await CommitAsync(group) + JournalSlots * (ulong)arguments.GetValue(Wraps);
            LoadFigures two = await MeasureWhileAsync(load, async () => await CommitAsync(group) < goal);
            Print("one is away", two);
            group.Launch(away);
            long back = Stopwatch.GetTimestamp();
            LoadFigures during = await MeasureWhileAsync(load, async () => !await IsBackAsync(group, away));
            Print("it catches up", during);
            Report.Line($"it was back after {Stopwatch.GetElapsedTime(back).TotalSeconds:0.0} s");
            Print("all are there again", await load.MeasureAsync(time));
            synced = group.Said.Contains("no longer reaches back", StringComparison.Ordinal);
            cancellation.ThrowIfCancellationRequested();
        }
        Report.Line($"{load.Writes * batch:N0} documents; by state sync: {(synced ? "yes" : "NO")}");
        bool equal = await group.CompareFilesAsync();
        Report.Line($"files of all replicas are equal, block for block: {(equal ? "yes" : "NO")}");
        return equal && synced ? 0 : 1;
    }

    /// <summary>How the load goes as long as something lasts, asked each second.</summary>
    private static async Task<LoadFigures> MeasureWhileAsync(WriteLoad load, Func<Task<bool>> lasts)
    {
        using CancellationTokenSource end = new();
        Task<LoadFigures> measured = load.MeasureAsync(Timeout.InfiniteTimeSpan, end.Token);
        while (await lasts() && !measured.IsCompleted) await Task.WhenAny(measured, Task.Delay(Slice));
        await end.CancelAsync();
        return await measured;
    }

    private static async Task<ulong> CommitAsync(ReplicaGroup group) =>
        (await group.AskAsync()).OfType<ReplicaStanding>().Max(static standing => standing.Fields.CommitMin);

    /// <summary>It has all blocks of its checkpoint, and what it has run is what the primary has, but for a
    /// pipeline.</summary>
    private static async Task<bool> IsBackAsync(ReplicaGroup group, int away)
    {
        ReplicaStanding?[] standings = await group.AskAsync();
        return Standings.AllAgreeOnPrimary(standings) && standings[away]!.Fields.SyncOp == 0 &&
            standings.Max(static standing => standing!.Fields.CommitMin) - standings[away]!.Fields.CommitMin < 64;
    }

    private static void Print(string what, LoadFigures figures) =>
        Report.Line($"{what,-23}  {figures.Seconds,7:0.0}  {figures.Rate,8:N0}  {figures.Latency.Text(50),6}  " +
            $"{figures.Latency.Text(99),6}  {figures.Latency.Text(100),6}");
}
