using System.IO;
using System.Linq;
using System.Net;
using System.Numerics;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Replica.Tests.Process;
using Xunit;

namespace Deterministic.Replica.Tests.Cluster;

/// <summary>Replicas move to other machines while clients write, in the order that the manual gives.</summary>
public sealed class MembershipTests
{
    private const int DocumentsPerWrite = 5;

    /// <summary>Under load nobody is quite level.</summary>
    private const ulong LagMax = 64;

    private static bool AreTogether(ReplicaStanding?[] all)
    {
        if (all.Any(standing => standing is null || standing.Fields.SyncOp != 0)) return false;
        ulong newest = all.Max(standing => standing!.Fields.CommitMin);
        return all.All(standing => standing!.Fields.CommitMin + LagMax >= newest && standing.View == all[0]!.View &&
            BitOperations.PopCount(standing.Fields.Connected) == all.Length - 1);
    }

    /// <summary>It is the one that the others call, and they still look for it where it was.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AReplicaMovesToAnotherMachineUnderLoad(bool itsFileIsLost)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(3);
        EndPoint[] before = cluster.Addresses.ToArray();
        cluster.Move(0);
        await using DeterministicClient client = new(
            new ClientOptions { Addresses = [.. before, cluster.Addresses[0]], Cluster = 1 });
        using CancellationTokenSource enough = new();
        Task<int> load = WriteAsync(client, enough.Token);

        await cluster.KillAsync(0);
        if (itsFileIsLost) await ReplaceAsync(cluster, 0);
        cluster.Launch(0);
        await cluster.WaitAsync("0 is there, at its new place, and has called the others", AreTogether);
        await cluster.RestartAsync(1);
        await cluster.WaitAsync("1 is back", AreTogether);
        await cluster.RestartAsync(2);
        await cluster.WaitAsync("2 is back", AreTogether);

        await enough.CancelAsync();
        int version = await load;
        await cluster.KillAsync(1);
        await client.WriteAsync(Documents.Write(version + 1, DocumentsPerWrite));
        Assert.Equal((version + 1, (ulong)DocumentsPerWrite), await Documents.ReadAsync(client));
    }

    private static async Task ReplaceAsync(ProcessCluster cluster, int replica)
    {
        File.Delete(cluster.DataFile(replica));
        CommandResult replaced = await CommandResult.RunAsync("replace", "--cluster", "1", "--replica", $"{replica}",
            "--replica-count", "3", "--state-size", "16MiB", "--quick", cluster.DataFile(replica));
        Assert.True(replaced.ExitCode == 0, replaced.All);
    }

    /// <summary>Writes versions from 1 on; returns the last one.</summary>
    private static async Task<int> WriteAsync(DeterministicClient client, CancellationToken enough)
    {
        int version = 0;
        do
        {
            await client.WriteAsync(Documents.Write(++version, DocumentsPerWrite));
        }
        while (!enough.IsCancellationRequested);
        return version;
    }
}
