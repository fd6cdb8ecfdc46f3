using System;
using System.CommandLine;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Deterministic.ClusterBenchmark;

/// <summary>`cluster-bench writes`: rate and latency of replicated writes by the number of clients.</summary>
internal static class WritesCommand
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);
    private static readonly Option<string?> Folder = CommonOptions.Folder();
    private static readonly Option<int> Replicas = CommonOptions.Replicas();
    private static readonly Option<int[]> Clients = new("--clients")
    {
        Description = "Numbers of clients, one run each", AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [1, 16, 64],
    };
    private static readonly Option<int> Batch = new("--batch")
        { Description = "Documents in a write", DefaultValueFactory = _ => 1 };
    private static readonly Option<int> ValueSize = new("--value-size")
        { Description = "Bytes of a document's value", DefaultValueFactory = _ => 256 };
    private static readonly Option<int> Documents = new("--documents")
    {
        Description = "Documents of all clients together, which are written over and over",
        DefaultValueFactory = _ => 200_000,
    };
    private static readonly Option<string> StateSize = new("--state-size")
    {
        Description = "How large the state may grow; a file takes four times this and 2.2 GiB",
        DefaultValueFactory = _ => ReplicaGroup.StateSizeDefault,
    };
    private static readonly Option<double> Seconds = new("--seconds")
        { Description = "Time of a run after 5 s of warming up", DefaultValueFactory = _ => 10 };
    private static readonly Option<int> Rounds = new("--rounds")
        { Description = "Runs of each kind, in turns", DefaultValueFactory = _ => 1 };

    public static Command Create()
    {
        Command command = new("writes", "Replicated writes: each is durable on a quorum before its answer.")
        {
            Folder, Replicas, Clients, Batch, Documents, ValueSize, StateSize, Seconds, Rounds,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellation)
    {
        int batch = arguments.GetValue(Batch), valueSize = arguments.GetValue(ValueSize);
        await using ReplicaGroup group = await ReplicaGroup.StartAsync(
            arguments.GetValue(Folder), arguments.GetValue(Replicas), arguments.GetValue(StateSize)!);
        Report.Heading($"{group.Count} replicas, writes of {batch} documents with {valueSize} bytes");
        Report.Line($"clients  writes/s  documents/s  p50 ms  p99 ms  max ms");
        for (int round = 0; round < arguments.GetValue(Rounds); round++)
        {
            foreach (int clients in arguments.GetValue(Clients)!)
            {
                int kept = arguments.GetValue(Documents) / clients;
                await using WriteLoad load = new(group, clients, batch, valueSize, kept);
                await load.StartAsync();
                await load.MeasureAsync(WarmUp);
                await MeasureAsync(group, load, clients, batch, TimeSpan.FromSeconds(arguments.GetValue(Seconds)));
                cancellation.ThrowIfCancellationRequested();
            }
        }
        return 0;
    }

    private static async Task MeasureAsync(ReplicaGroup group, WriteLoad load, int clients, int batch, TimeSpan time)
    {
        int primary = await group.PrimaryAsync();
        int[] processes = [.. Enumerable.Range(0, group.Count).Select(i => group.ProcessId(i)!.Value),
            Environment.ProcessId];
        ProcessFigures[] before = [.. processes.Select(ProcessFigures.Read)];
        long op = (await group.AskAsync())[primary] is { } first ? (long)first.Fields.CommitMax : 0;
        LoadFigures figures = await load.MeasureAsync(time);
        long entries = (await group.AskAsync())[primary] is { } last ? (long)last.Fields.CommitMax - op : 0;
        Report.Line($"{clients,7}  {figures.Rate,8:N0}  {figures.Rate * batch,11:N0}  {figures.Latency.Text(50),6}  " +
            $"{figures.Latency.Text(99),6}  {figures.Latency.Text(100),6}");
        Report.Line($"         {(double)figures.Writes / Math.Max(1, entries):0.00} writes in a log entry");
        for (int i = 0; i < processes.Length; i++)
        {
            ProcessFigures spent = ProcessFigures.Read(processes[i]).Since(before[i]);
            string who = i == group.Count ? "clients" : i == primary ? $"{i} primary" : $"{i} backup";
            double writes = figures.Writes;
            Report.Line($"         {who,-9} a write: {spent.Seconds * 1e6 / writes:0} µs of processor " +
                $"({spent.Threads(figures.Writes)}), {spent.Switches / writes:0.0} switches, " +
                $"{spent.WriteCalls / writes:0.00} write calls with wake-ups, " +
                $"{spent.BytesWritten / writes / 1024:0.0} KiB to disk");
        }
    }
}
