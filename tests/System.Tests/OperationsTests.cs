using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Tests.Process;
using Deterministic.Simulator.Linearizability;
using Deterministic.SystemTests.Clients;
using Deterministic.SystemTests.Cluster;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.SystemTests;

/// <summary>What operators do, and what disks do to them, with real processes.</summary>
[Collection("processes")]
public sealed class OperationsTests(ITestOutputHelper output)
{
    private const ulong JournalSlots = 1024;
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task ARollingRestartLosesNothingAndRefusesNobody()
    {
        await using SystemCluster cluster = await SystemCluster.StartAsync(3, seed: 1);
        await using DeterministicClient connection = cluster.Connect(RequestTimeout);
        HistoryRecorder recorder = new();
        DocumentClient client = new(connection, 0, recorder, seed: 1);
        await client.PrepareAsync();
        using CancellationTokenSource stop = new();
        Task load = client.RunAsync(stop.Token);
        for (int i = 0; i < cluster.Count && !load.IsCompleted; i++)
        {
            await cluster.TerminateAsync(i);
            cluster.Launch(i);
            int before = recorder.Returned;
            await cluster.WaitAsync("it is back and has gone on with the others", standings =>
                Standings.AllAgreeOnPrimary(standings) && recorder.Returned > before);
        }
        await stop.CancelAsync();
        await load;
        await client.ReadAllAsync();
        LinearizabilityReport report = recorder.Judge();
        output.WriteLine($"{report}");
        Assert.True(report.Verdict == Verdict.Linearizable, $"{report}{cluster.Said()}");
        Assert.Equal(0, recorder.Unknown);
        await CheckpointText.CompareAsync(cluster);
    }

    /// <summary>The others have written past the end of their journals while it was away, so it needs a checkpoint of
    /// theirs. Afterwards it is worth as much as they are: with one of them gone, nothing is missing.</summary>
    [Fact]
    public async Task AReplicaThatTheLogNoLongerReachesComesBack()
    {
        await using SystemCluster cluster = await SystemCluster.StartAsync(3, seed: 1);
        HistoryRecorder recorder = new();
        List<DeterministicClient> connections =
            [.. Enumerable.Range(0, 8).Select(_ => cluster.Connect(RequestTimeout))];
        DocumentClient[] clients =
            [.. connections.Select((connection, i) => new DocumentClient(connection, i, recorder, seed: 1))];
        await clients[0].PrepareAsync();
        int primary = await cluster.PrimaryAsync() ?? 0;
        int away = (primary + 1) % cluster.Count, third = (primary + 2) % cluster.Count;
        await cluster.KillAsync(away);
        using CancellationTokenSource stop = new();
        Task[] loads = [.. clients.Select(client => client.RunAsync(stop.Token))];
        await cluster.WaitAsync("the journals have come round", standings =>
            loads.Any(load => load.IsFaulted) || standings[primary]?.Fields.CheckpointOp > 2 * JournalSlots);
        cluster.Launch(away);
        await cluster.WaitAsync("it has taken a checkpoint of theirs and caught up", standings =>
            loads.Any(load => load.IsFaulted) || (standings[away] is ReplicaStanding standing &&
            standing.Fields.CheckpointOp > JournalSlots && Standings.AllAgreeOnPrimary(standings)));
        await stop.CancelAsync();
        await Task.WhenAll(loads);
        await cluster.WaitAsync("all replicas have the whole log", Standings.HaveConverged);
        Assert.Contains("no longer reaches back", cluster.Said(away), StringComparison.Ordinal);
        await cluster.KillAsync(third);
        await clients[0].ReadAllAsync();
        cluster.Launch(third);
        LinearizabilityReport report = recorder.Judge();
        output.WriteLine($"{report}");
        Assert.True(report.Verdict == Verdict.Linearizable, $"{report}{cluster.Said()}");
        foreach (DeterministicClient connection in connections) await connection.DisposeAsync();
        output.WriteLine($"{await CheckpointText.CompareAsync(cluster)}");
    }

    /// <summary>A bug on purpose, to see that the judge of these tests would notice: the file as it was some
    /// acknowledged writes ago takes the place of the file.</summary>
    [Fact]
    public async Task AFileThatLostAcknowledgedWritesIsNoticed()
    {
        await using SystemCluster cluster = await SystemCluster.StartAsync(1, seed: 1);
        HistoryRecorder recorder = new();
        await UseAsync(cluster, recorder, number: 0, write: true);
        await cluster.KillAsync(0);
        await CopyAsync(cluster.DataFile(0), cluster.DataFile(0) + ".old");
        cluster.Launch(0);
        await UseAsync(cluster, recorder, number: 1, write: true);
        Assert.Equal(Verdict.Linearizable, recorder.Judge().Verdict);
        await cluster.KillAsync(0);
        File.Move(cluster.DataFile(0) + ".old", cluster.DataFile(0), overwrite: true);
        cluster.Launch(0);
        await UseAsync(cluster, recorder, number: 2, write: false);
        LinearizabilityReport report = recorder.Judge();
        output.WriteLine($"{report}");
        Assert.Equal(Verdict.NotLinearizable, report.Verdict);
        Assert.Equal(DocumentClient.Namespaces * DocumentClient.DocumentsPerNamespace, report.KeysFailed);
    }

    [Fact]
    public async Task AFullDiskRefusesANewFileAndStopsNoReplica()
    {
        await using SmallFileSystem? none = await SmallFileSystem.TryMountAsync(64 << 20);
        if (none is null)
        {
            output.WriteLine("no file system can be mounted here: the full disk was not tried");
            return;
        }
        string path = Path.Combine(none.Folder, "0.deterministic");
        CommandResult format = await CommandResult.RunAsync(
            "format", "--cluster", "7", "--replica", "0", "--replica-count", "1", "--state-size", "16MiB", path);
        output.WriteLine(format.All);
        Assert.NotEqual(0, format.ExitCode);
        Assert.Empty(Directory.GetFiles(none.Folder));

        await using SmallFileSystem? some = await SmallFileSystem.TryMountAsync(2560L << 20);
        await using SystemCluster cluster = await SystemCluster.StartAsync(1, seed: 1, some!.Folder);
        some.Fill();
        HistoryRecorder recorder = new();
        // More than an interval between checkpoints.
        for (int i = 0; i < 60; i++) await UseAsync(cluster, recorder, i, write: true);
        await cluster.TerminateAsync(0);
        cluster.Launch(0);
        await UseAsync(cluster, recorder, number: 60, write: false);
        Assert.Equal(Verdict.Linearizable, recorder.Judge().Verdict);
        Assert.True((await cluster.AskAsync())[0]!.Fields.CheckpointOp > 0);
    }

    /// <summary>A new client writes each document once, or reads each.</summary>
    private static async Task UseAsync(SystemCluster cluster, HistoryRecorder recorder, int number, bool write)
    {
        await using DeterministicClient connection = cluster.Connect(RequestTimeout);
        DocumentClient client = new(connection, number, recorder, seed: 1);
        if (number == 0) await client.PrepareAsync();
        int documents = DocumentClient.Namespaces * DocumentClient.DocumentsPerNamespace;
        for (int key = 0; write && key < documents; key++) await client.WriteAsync(key);
        if (!write) await client.ReadAllAsync();
    }

    private static async Task CopyAsync(string from, string to)
    {
        using Process copy = Process.Start("cp", ["--sparse=always", from, to]);
        await copy.WaitForExitAsync();
        Assert.Equal(0, copy.ExitCode);
    }
}
