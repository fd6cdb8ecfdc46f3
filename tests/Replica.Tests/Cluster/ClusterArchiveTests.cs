using System;
using System.IO;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Replica.Tests.Process;
using Xunit;

namespace Deterministic.Replica.Tests.Cluster;

/// <summary>The checkpoints of a cluster in an object store: each replica keeps its own there, and any one of them is
/// the whole state.</summary>
public sealed class ClusterArchiveTests
{
    private const int Replicas = 3;
    private const int DocumentsPerWrite = 3;

    [Fact]
    public async Task AClusterThatLostAllItsFilesGoesOnFromACheckpointOfOneReplica()
    {
        using TemporaryFolder folder = new();
        string store = "dir:" + folder.File("objects");
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(Replicas, "--object-store", store);
        int first = Configuration.Production.CheckpointIntervalOps - 1;
        await using (DeterministicClient client = cluster.Connect())
        {
            for (int version = 1; version <= first + 100; version++)
                await client.WriteAsync(Documents.Write(version, DocumentsPerWrite));
        }
        for (int i = 0; i < Replicas; i++) await cluster.LineAsync(i, $"Checkpoint {first} is in the object store");
        for (int i = 0; i < Replicas; i++)
        {
            await cluster.KillAsync(i);
            File.Delete(cluster.DataFile(i));
        }

        CommandResult beyond = await RecoverAsync($"{store}/replica-1", Replicas, cluster.DataFile(0));
        Assert.Contains($"is of {Replicas} replicas", beyond.Errors, StringComparison.Ordinal);
        for (int i = 0; i < Replicas; i++)
        {
            CommandResult recover = await RecoverAsync($"{store}/replica-1", i, cluster.DataFile(i));
            Assert.Equal("", recover.Errors);
            Assert.Contains($"recovered checkpoint {first}, ", recover.Output, StringComparison.Ordinal);
        }
        for (int i = 0; i < Replicas; i++) cluster.Launch(i);
        await using DeterministicClient after = cluster.Connect();
        // The first entry opens the session, so the last one of the checkpoint has the version before its number.
        Assert.Equal(((long)first - 1, (ulong)DocumentsPerWrite), await Documents.ReadAsync(after));
        await after.WriteAsync(Documents.Write(5000, DocumentsPerWrite));
        Assert.Equal((5000L, (ulong)DocumentsPerWrite), await Documents.ReadAsync(after));
        // Its file is the one that goes on with what is there.
        await cluster.LineAsync(1, $"The newest checkpoint in the object store is {first}");
    }

    [Fact]
    public async Task AReplicaOfAClusterDoesNotWaitForItsObjectStore()
    {
        using TemporaryFolder folder = new();
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(Replicas);
        await cluster.KillAsync(0);
        CommandResult start = await CommandResult.RunAsync("start", "--addresses", cluster.AddressText,
            "--object-store", "dir:" + folder.File("objects"), "--lag-checkpoints", "2", cluster.DataFile(0));
        Assert.NotEqual(0, start.ExitCode);
        Assert.Contains("only a cluster of one waits for its object store", start.Errors, StringComparison.Ordinal);
    }

    private static Task<CommandResult> RecoverAsync(string store, int replica, string path) => CommandResult.RunAsync(
        "recover", "--object-store", store, "--checkpoint", "latest", "--replica", $"{replica}", path);
}
