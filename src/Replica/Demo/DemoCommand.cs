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
/// API reference of this machine's .NET SDK into three replicas, asks questions, kills the primary in the middle of a
/// load and counts what is there.</summary>
internal static class DemoCommand
{
    private const string Namespace = "dotnet-api";
    private const int DocumentsPerWrite = 400;

    public static Command Create()
    {
        Command command = new("demo",
            "Load the .NET API reference into three replicas, query it, kill the primary, show that nothing is lost.");
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

        Heading("Starting three replicas");
        await using ChildCluster cluster = await ChildCluster.StartAsync(3, "512MiB", "--cache", "256MiB")
            .ConfigureAwait(false);
        for (int i = 0; i < cluster.Replicas.Count; i++)
        {
            Console.WriteLine($"replica {i}: process {cluster.Replicas[i].ProcessId}, " +
                $"{ClientOptions.Describe(cluster.Addresses[i])}, data file {cluster.Replicas[i].DataFile}");
        }

        await using DeterministicClient client = cluster.Connect();
        await LoadAsync(client, members, vectors, cancellation).ConfigureAwait(false);
        await DemoQueries.RunAsync(client, Namespace, cancellation).ConfigureAwait(false);
        bool nothingLost = await KillPrimaryAsync(cluster, client, members, vectors, cancellation)
            .ConfigureAwait(false);

        Heading("Done");
        double peak = cluster.Replicas.Where(replica => replica.Runs).Max(replica => replica.PeakMemory / 1048576.0);
        Console.WriteLine($"peak memory of a replica: {peak:0} MiB");
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

    /// <summary>Loads again with a mark and kills the primary on the way: the load goes on with the next one. Then
    /// starts the killed one again, and kills the second primary too. True if every marked document is there.</summary>
    private static async Task<bool> KillPrimaryAsync(
        ChildCluster cluster, DeterministicClient client, List<DocumentedMember> members, float[][] vectors,
        CancellationToken cancellation)
    {
        Heading("Killing the primary in the middle of a second load");
        TimeSpan longest = TimeSpan.Zero;
        int first = await cluster.PrimaryAsync(cancellation).ConfigureAwait(false);
        int killed = 0;
        for (int written = 0; written < members.Count; written += DocumentsPerWrite)
        {
            if (killed == 0 && written >= members.Count / 3)
            {
                killed = written;
                await cluster.Replicas[first].KillAsync().ConfigureAwait(false);
                Console.WriteLine($"SIGKILL to replica {first} after {killed:N0} acknowledged documents");
            }
            int count = Math.Min(DocumentsPerWrite, members.Count - written);
            long sent = Stopwatch.GetTimestamp();
            await client.WriteAsync(Write(members, vectors, written, count, "second"), cancellation: cancellation)
                .ConfigureAwait(false);
            TimeSpan taken = Stopwatch.GetElapsedTime(sent);
            if (killed > 0 && taken > longest) longest = taken;
        }
        int second = await cluster.PrimaryAsync(cancellation).ConfigureAwait(false);
        Console.WriteLine($"replica {second} took over; the load went on and no write waited longer than " +
            $"{longest.TotalSeconds:0.00} s");

        await cluster.StartReplicaAsync(first).ConfigureAwait(false);
        TimeSpan level = await cluster.LevelAsync(cancellation).ConfigureAwait(false);
        Console.WriteLine($"replica {first} is back and has caught up {level.TotalSeconds:0.00} s after it was ready");
        await cluster.Replicas[second].KillAsync().ConfigureAwait(false);
        Console.WriteLine($"SIGKILL to replica {second}; what replica {first} missed has to be in it now");
        return await CountAsync(client, members.Count, cancellation).ConfigureAwait(false);
    }

    private static async Task<bool> CountAsync(DeterministicClient client, int expected, CancellationToken cancellation)
    {
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
            ],
        }, cancellation: cancellation).ConfigureAwait(false);
        ulong total = reply.Results[0].Aggregates[0].Value.AsUint;
        ulong marked = reply.Results[1].Aggregates[0].Value.AsUint;
        Console.WriteLine($"{total:N0} documents in all, {marked:N0} of {expected:N0} acknowledged second versions");
        return total == (ulong)expected && marked == (ulong)expected;
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
