using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Replica.Benchmark;
using Deterministic.Replica.Hosting;
using Spectre.Console;

namespace Deterministic.Replica.Demo;

/// <summary>`deterministic demo`: the main job on real input, in one process tree, with nothing to set up. Loads the
/// API reference of this machine's .NET SDK, asks it questions, kills the replica in the middle of a load and counts
/// what is left.</summary>
internal static class DemoCommand
{
    private const string Namespace = "dotnet-api";
    private const int DocumentsPerWrite = 400;

    public static Command Create()
    {
        Command command = new("demo",
            "Load the .NET API reference, query it, kill the replica, and show that nothing is lost.");
        command.SetAction((_, cancellation) => RunAsync(cancellation));
        return command;
    }

    private static async Task<int> RunAsync(CancellationToken cancellation)
    {
        string? folder = DotnetReference.FindFolder(out string error);
        if (folder is null)
        {
            await Console.Error.WriteLineAsync(error).ConfigureAwait(false);
            return 1;
        }
        Heading("Reading the API reference of the .NET SDK");
        Console.WriteLine(folder);
        long started = Stopwatch.GetTimestamp();
        List<DocumentedMember> members = [.. DotnetReference.Read(folder)];
        float[][] vectors = [.. members.Select(member => HashedNgramEmbedder.Embed($"{member.Name} {member.Text}"))];
        Console.WriteLine($"{members.Count:N0} members; embedded as hashed word and character trigrams, " +
            $"{HashedNgramEmbedder.Dimensions} dimensions, in {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");

        Heading("Starting a replica");
        await using ChildReplica replica = await ChildReplica.FormatAsync(null).ConfigureAwait(false);
        await replica.StartAsync().ConfigureAwait(false);
        Console.WriteLine($"process {replica.ProcessId}, {replica.Address}, data file {replica.DataFile}");

        await using DeterministicClient client = new(new ClientOptions { Addresses = [replica.Address], Cluster = 1 });
        await LoadAsync(client, members, vectors, cancellation).ConfigureAwait(false);
        await DemoQueries.RunAsync(client, Namespace, cancellation).ConfigureAwait(false);
        bool nothingLost = await KillAsync(replica, members, vectors, cancellation).ConfigureAwait(false);

        Heading("Done");
        Console.WriteLine($"peak memory of the replica: {replica.PeakMemory / 1048576.0:0} MiB");
        await replica.KillAsync().ConfigureAwait(false);
        string checksum = await replica.StateChecksumAsync().ConfigureAwait(false);
        Console.WriteLine($"state checksum: {checksum}");
        Console.WriteLine(nothingLost
            ? "Everything that was acknowledged is there: the demo passed."
            : "An acknowledged document is missing: the demo FAILED.");
        return nothingLost ? 0 : 1;
    }

    private static async Task LoadAsync(
        DeterministicClient client, List<DocumentedMember> members, float[][] vectors, CancellationToken cancellation)
    {
        Heading("Loading");
        Latencies latencies = new();
        long started = Stopwatch.GetTimestamp();
        await AnsiConsole.Progress().StartAsync(async context =>
        {
            ProgressTask bar = context.AddTask("documents", maxValue: members.Count);
            for (int first = 0; first < members.Count; first += DocumentsPerWrite)
            {
                int count = Math.Min(DocumentsPerWrite, members.Count - first);
                long sent = Stopwatch.GetTimestamp();
                await client.WriteAsync(Write(members, vectors, first, count, "first"), cancellation: cancellation)
                    .ConfigureAwait(false);
                latencies.Add(Stopwatch.GetElapsedTime(sent));
                bar.Increment(count);
            }
        }).ConfigureAwait(false);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Console.WriteLine(
            $"{members.Count:N0} documents in {seconds:0.00} s: {members.Count / seconds:N0} documents/s, " +
            $"each write durable before its answer; a write of {DocumentsPerWrite}: {latencies}");
    }

    /// <summary>Loads again with a mark, kills the replica on the way, restarts it and looks for every marked document
    /// that had been acknowledged. True if all are there.</summary>
    private static async Task<bool> KillAsync(
        ChildReplica replica, List<DocumentedMember> members, float[][] vectors, CancellationToken cancellation)
    {
        Heading("Killing the replica in the middle of a second load");
        int acknowledged = 0;
        using CancellationTokenSource killed = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using (DeterministicClient writer = new(new ClientOptions { Addresses = [replica.Address], Cluster = 1 }))
        {
            Task load = Task.Run(async () =>
            {
                for (int first = 0; first + DocumentsPerWrite <= members.Count; first += DocumentsPerWrite)
                {
                    await writer.WriteAsync(
                        Write(members, vectors, first, DocumentsPerWrite, "second"), cancellation: killed.Token)
                        .ConfigureAwait(false);
                    Volatile.Write(ref acknowledged, first + DocumentsPerWrite);
                }
            }, CancellationToken.None);
            while (Volatile.Read(ref acknowledged) < members.Count / 3 && !load.IsCompleted) await Task.Yield();
            await replica.KillAsync().ConfigureAwait(false);
            await killed.CancelAsync().ConfigureAwait(false);
            await load.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        Console.WriteLine($"SIGKILL after {acknowledged:N0} acknowledged documents of the second load");

        long started = Stopwatch.GetTimestamp();
        await replica.StartAsync().ConfigureAwait(false);
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Console.WriteLine($"restarted as process {replica.ProcessId} in {seconds:0.00} s, the log replayed");
        await using DeterministicClient client = new(new ClientOptions { Addresses = [replica.Address], Cluster = 1 });
        QueryReply reply = await client.QueryAsync(new QueryRequest
        {
            Namespace = Namespace,
            Queries =
            [
                new Query { Aggregates = [new("documents", AggregateFunction.Count)] },
                new Query
                {
                    Filter = Filter.Compare("load", FilterOperator.Eq, Value.Of("second")),
                    Aggregates = [new("documents", AggregateFunction.Count)],
                },
                new Query
                {
                    Filter = Filter.And(
                        Filter.Compare("load", FilterOperator.Eq, Value.Of("second")),
                        Filter.Compare("id", FilterOperator.Lte, Value.Of((ulong)acknowledged))),
                    Aggregates = [new("documents", AggregateFunction.Count)],
                },
            ],
        }, cancellation: cancellation).ConfigureAwait(false);
        ulong total = reply.Results[0].Aggregates[0].Value.AsUint;
        ulong second = reply.Results[1].Aggregates[0].Value.AsUint;
        ulong kept = reply.Results[2].Aggregates[0].Value.AsUint;
        Console.WriteLine(
            $"{total:N0} documents in all; {kept:N0} of {acknowledged:N0} acknowledged second versions are there, " +
            $"and {second - kept:N0} whose answer was still on its way");
        bool whole = (second - kept) % DocumentsPerWrite == 0;
        return total == (ulong)members.Count && kept == (ulong)acknowledged && whole;
    }

    private static WriteRequest Write(List<DocumentedMember> members, float[][] vectors, int first, int count,
        string load)
    {
        WriteRequest request = new()
        {
            Namespace = Namespace,
            Metric = DistanceMetric.CosineDistance,
            Schema =
            [
                new()
                {
                    Name = "vector", Type = AttributeType.VectorF32, Dimensions = HashedNgramEmbedder.Dimensions,
                    Ann = true,
                },
                new()
                {
                    Name = "text", Type = AttributeType.String,
                    FullText = new FullTextOptions { Stemming = true, RemoveStopwords = true },
                },
                new()
                {
                    Name = "name", Type = AttributeType.String,
                    FullText = new FullTextOptions { Tokenizer = Tokenizer.WordV1 },
                },
                new() { Name = "kind", Type = AttributeType.String },
                new() { Name = "namespace", Type = AttributeType.String },
                new() { Name = "assembly", Type = AttributeType.String },
                new() { Name = "load", Type = AttributeType.String },
            ],
        };
        for (int i = first; i < first + count; i++)
        {
            DocumentedMember member = members[i];
            request.Upserts.Add(new Row { Id = Value.Of(member.Id) }
                .With("vector", Value.Of(vectors[i])).With("text", Value.Of(member.Text))
                .With("name", Value.Of(member.Name)).With("kind", Value.Of(member.Kind))
                .With("namespace", Value.Of(member.Namespace)).With("assembly", Value.Of(member.Assembly))
                .With("load", Value.Of(load)));
        }
        return request;
    }

    internal static void Heading(string text)
    {
        AnsiConsole.WriteLine();
        AnsiConsole.MarkupLineInterpolated($"[bold]{text}[/]");
    }
}
