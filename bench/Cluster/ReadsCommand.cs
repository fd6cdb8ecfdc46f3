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
using Command = System.CommandLine.Command;

namespace Deterministic.ClusterBenchmark;

/// <summary>`cluster-bench reads`: one query through the log, strong and stale, in turns, with and without
/// writes.</summary>
internal static class ReadsCommand
{
    private const string Namespace = "reads";
    private const int Documents = 10_000;
    private const int BatchSize = 1_000;
    private const int WritingClients = 16;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);
    private static readonly Option<string?> Folder = CommonOptions.Folder();
    private static readonly Option<int> Replicas = CommonOptions.Replicas();
    private static readonly Option<double[]> Rates = new("--rates")
    {
        Description = "Writes in a second while reading", AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [0, 100, 500],
    };
    private static readonly Option<int[]> Readers = new("--readers")
    {
        Description = "Readers of each kind, one run each", AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [1, 16],
    };
    private static readonly Option<double> Seconds = new("--seconds")
        { Description = "Time of a run", DefaultValueFactory = _ => 4 };

    public static Command Create()
    {
        Command command = new("reads",
            "The same query, ten documents by their ids, through the log, strong, and stale from a backup.")
        {
            Folder, Replicas, Rates, Readers, Seconds,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellation)
    {
        await using ReplicaGroup group =
            await ReplicaGroup.StartAsync(arguments.GetValue(Folder), arguments.GetValue(Replicas));
        await FillAsync(group);
        TimeSpan time = TimeSpan.FromSeconds(arguments.GetValue(Seconds));
        Report.Heading($"{group.Count} replicas; ten of {Documents} documents by id");
        Report.Line($"read       readers  writes/s  reads/s  p50 ms  p99 ms  max ms");
        foreach (double rate in arguments.GetValue(Rates)!)
        {
            await using WriteLoad load = new(group, WritingClients, 1, valueSize: 256, documentsKept: 1000)
                { RateOfClient = rate / WritingClients };
            if (rate > 0)
            {
                await load.StartAsync();
                await load.MeasureAsync(WarmUp);
            }
            foreach (int readers in arguments.GetValue(Readers)!)
            {
                foreach (ReadKind kind in Enum.GetValues<ReadKind>())
                {
                    await MeasureAsync(group, kind, readers, WarmUp);
                    long writes = load.Writes;
                    long started = Stopwatch.GetTimestamp();
                    Percentiles latency = await MeasureAsync(group, kind, readers, time);
                    double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
                    Report.Line($"{kind,-9}  {readers,7}  {(load.Writes - writes) / seconds,8:N0}  " +
                        $"{latency.Count / seconds,7:N0}  {latency.Text(50),6}  {latency.Text(99),6}  " +
                        $"{latency.Text(100),6}");
                    cancellation.ThrowIfCancellationRequested();
                }
            }
        }
        return 0;
    }

    private static async Task FillAsync(ReplicaGroup group)
    {
        await using DeterministicClient client = new(group.Options());
        string value = new('x', 256);
        for (ulong first = 0; first < Documents; first += BatchSize)
        {
            WriteRequest request = new()
            {
                Namespace = Namespace,
                Schema = [new() { Name = "value", Type = AttributeType.String, Filterable = false }],
            };
            for (ulong i = first; i < first + BatchSize; i++)
                request.Upserts.Add(new Row { Id = Value.Of(i) }.With("value", Value.Of(value)));
            await client.WriteAsync(request);
        }
    }

    private static async Task<Percentiles> MeasureAsync(ReplicaGroup group, ReadKind kind, int readers, TimeSpan time)
    {
        int primary = await group.PrimaryAsync();
        List<double>[] latencies = [.. Enumerable.Range(0, readers).Select(static _ => new List<double>())];
        long started = Stopwatch.GetTimestamp();
        await Task.WhenAll(latencies.Select((own, i) => Task.Run(async () =>
        {
            await using DeterministicClient client = new(group.Options());
            using DeterministicReader reader = new(Options(group, kind, primary));
            for (ulong number = (ulong)i; Stopwatch.GetElapsedTime(started) < time; number += (ulong)readers)
            {
                QueryRequest query = Query(number * 10 % Documents);
                long sent = Stopwatch.GetTimestamp();
                if (kind == ReadKind.Logged) await client.QueryAsync(query);
                else await reader.QueryAsync(query, new ReadBounds(
                    kind == ReadKind.Strong ? ReadConsistency.Strong : ReadConsistency.Stale));
                own.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
            }
        })));
        return new Percentiles([.. latencies.SelectMany(static own => own)]);
    }

    /// <summary>Stale reads begin at a backup, strong ones at the primary, as those of a client do that has run for a
    /// while.</summary>
    private static ClientOptions Options(ReplicaGroup group, ReadKind kind, int primary)
    {
        int first = kind == ReadKind.Stale ? (primary + 1) % group.Count : primary;
        ClientOptions options = group.Options();
        return new ClientOptions
        {
            Addresses = [.. options.Addresses.Skip(first), .. options.Addresses.Take(first)],
            Cluster = options.Cluster, RequestTimeout = options.RequestTimeout,
        };
    }

    private static QueryRequest Query(ulong first) => new()
    {
        Namespace = Namespace,
        Queries =
        [
            new Query
            {
                RankBy = RankBy.OrderBy(("id", false)), Limit = 10, Include = IncludeMode.All,
                Filter = Filter.Compare("id", FilterOperator.Gte, Value.Of(first)),
            },
        ],
    };

    private enum ReadKind
    {
        Logged,
        Strong,
        Stale,
    }
}
