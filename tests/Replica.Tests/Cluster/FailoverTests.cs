using System.Linq;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Tests.Process;
using Xunit;

namespace Deterministic.Replica.Tests.Cluster;

/// <summary>Three real processes on real files: nothing stops for good when one of them does.</summary>
public sealed class FailoverTests
{
    private const int DocumentsPerWrite = 5;

    [Fact]
    public async Task WritesGoOnWithoutThePrimaryAndItCatchesUp()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(3);
        await using DeterministicClient client = cluster.Connect();
        await client.WriteAsync(Documents.Write(1, DocumentsPerWrite));
        int first = Standings.PrimaryOf(await cluster.WaitAsync("a primary", Standings.AgreeOnPrimary));

        await cluster.KillAsync(first);
        for (int version = 2; version < 12; version++)
            await client.WriteAsync(Documents.Write(version, DocumentsPerWrite));
        Assert.Equal((11L, (ulong)DocumentsPerWrite), await Documents.ReadAsync(client));

        cluster.Launch(first);
        await cluster.WaitAsync("the replica that was killed has caught up", standings =>
            Standings.AllAgreeOnPrimary(standings) &&
            standings.All(standing => standing!.Fields.CommitMin == standings[0]!.Fields.CommitMin));

        // It holds what was written without it: with the next primary gone too, it is needed for a quorum.
        int second = Standings.PrimaryOf(await cluster.WaitAsync("a primary", Standings.AgreeOnPrimary));
        await cluster.KillAsync(second);
        await client.WriteAsync(Documents.Write(12, DocumentsPerWrite));
        Assert.Equal((12L, (ulong)DocumentsPerWrite), await Documents.ReadAsync(client));
    }

    [Fact]
    public async Task AReplicaThatWasAwayForLongGoesOnFromACheckpointOfTheOthers()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(3);
        await using DeterministicClient client = cluster.Connect();
        await client.WriteAsync(Documents.Write(1, DocumentsPerWrite));
        int primary = Standings.PrimaryOf(await cluster.WaitAsync("a primary", Standings.AgreeOnPrimary));
        int away = (primary + 1) % 3;
        await cluster.KillAsync(away);
        // Twice as many entries as a journal holds.
        int writes = 2 * Configuration.Production.JournalSlots;
        for (int version = 2; version <= writes; version++) await client.WriteAsync(Documents.Write(version, 1));

        cluster.Launch(away);
        await cluster.LineAsync(away, "no longer reaches back");
        ReplicaStanding?[] standings = await cluster.WaitAsync("it has caught up and lacks no block", standings =>
            Standings.AllAgreeOnPrimary(standings) &&
            standings.All(standing => standing!.Fields.CommitMin == standings[0]!.Fields.CommitMin) &&
            standings[away]!.Fields.SyncOp == 0);
        Assert.True(standings[away]!.Fields.CheckpointOp > (ulong)Configuration.Production.JournalSlots);
    }
}
