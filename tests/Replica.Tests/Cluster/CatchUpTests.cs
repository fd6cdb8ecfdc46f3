using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Tests.Process;
using Xunit;

namespace Deterministic.Replica.Tests.Cluster;

/// <summary>Real processes that the log does not reach any more.</summary>
public sealed class CatchUpTests
{
    private const int DocumentsPerWrite = 5;

    private static async Task WriteAsync(DeterministicClient client, int from, int count)
    {
        for (int version = from; version < from + count; version++)
            await client.WriteAsync(Documents.Write(version, DocumentsPerWrite));
    }

    private static bool AreLevel(ReplicaStanding?[] standings) =>
        Standings.AllAgreeOnPrimary(standings) &&
        standings.All(standing => standing!.Fields.CommitMin == standings[0]!.Fields.CommitMin);

    /// <summary>The journals of the others have been overwritten since, so it takes their checkpoint and their
    /// blocks.</summary>
    [Fact]
    public async Task AReplicaThatWasAwayForLongTakesACheckpointOfTheOthers()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(3);
        await using DeterministicClient client = cluster.Connect();
        await WriteAsync(client, from: 1, count: 1);
        int primary = Standings.PrimaryOf(await cluster.WaitAsync("a primary", Standings.AgreeOnPrimary));
        int away = (primary + 1) % 3;
        await cluster.KillAsync(away);
        int last = Configuration.Production.JournalSlots + 200;
        await WriteAsync(client, from: 2, count: last - 1);

        cluster.Launch(away);
        await cluster.WaitAsync("the replica that was away has caught up", AreLevel);
        Assert.Contains("going on from their checkpoint", cluster.Replica(away).Said, StringComparison.Ordinal);

        await cluster.KillAsync(primary);
        await WriteAsync(client, from: last + 1, count: 1);
        Assert.Equal(((long)last + 1, (ulong)DocumentsPerWrite), await Documents.ReadAsync(client));
    }

    /// <summary>Its file is gone for good: `replace` makes one that asks the others for everything.</summary>
    [Fact]
    public async Task AReplicaThatLostItsFileIsReplaced()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(3);
        await using DeterministicClient client = cluster.Connect();
        await WriteAsync(client, from: 1, count: 20);
        int primary = Standings.PrimaryOf(await cluster.WaitAsync("a primary", Standings.AgreeOnPrimary));
        await cluster.KillAsync(primary);
        File.Delete(cluster.DataFile(primary));
        await WriteAsync(client, from: 21, count: 1);

        CommandResult replaced = await CommandResult.RunAsync(
            "replace", "--cluster", "1", "--replica", $"{primary}", "--replica-count", "3", "--state-size", "16MiB",
            "--quick", cluster.DataFile(primary));
        Assert.True(replaced.ExitCode == 0, replaced.All);
        cluster.Launch(primary);
        await cluster.WaitAsync("the replaced replica has caught up", AreLevel);

        await cluster.KillAsync((primary + 1) % 3);
        await WriteAsync(client, from: 22, count: 1);
        Assert.Equal((22L, (ulong)DocumentsPerWrite), await Documents.ReadAsync(client));
    }
}
