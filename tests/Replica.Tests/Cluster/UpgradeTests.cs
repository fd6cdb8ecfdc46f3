using System;
using System.Linq;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Tests.Process;
using Xunit;

namespace Deterministic.Replica.Tests.Cluster;

/// <summary>Real processes get newer software one after the other while clients write.</summary>
public sealed class UpgradeTests
{
    private static readonly string[] Newer = ["--release-max", "2"];

    private static bool AreLevel(ReplicaStanding?[] standings) =>
        Standings.AllAgreeOnPrimary(standings) &&
        standings.All(standing => standing!.Fields.CommitMin == standings[0]!.Fields.CommitMin);

    private static bool Run(ReplicaStanding?[] standings, uint release) =>
        standings.All(standing => standing?.Fields.Release == release);

    [Fact]
    public async Task ARollingRestartTakesTheClusterToTheNextReleaseUnderLoad()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(3);
        await using DeterministicClient client = cluster.Connect();
        using CancellationTokenSource enough = new();
        Task<int> load = WriteAsync(client, enough.Token);
        for (int replica = 0; replica < 3; replica++)
        {
            ReplicaStanding?[] before = await cluster.WaitAsync("all are there", Standings.AllAgreeOnPrimary);
            Assert.True(Run(before, 1));
            await cluster.KillAsync(replica);
            cluster.Launch(replica, Newer);
        }
        await cluster.WaitAsync("all run release 2", standings => Run(standings, 2));
        await cluster.LineAsync(0, "Runs the log as release 2");
        await enough.CancelAsync();
        int version = await load;
        Assert.Equal((version, 5UL), await Documents.ReadAsync(client));

        CommandResult status = await CommandResult.RunAsync("status", "--addresses", cluster.AddressText, "--json");
        using JsonDocument json = JsonDocument.Parse(status.Output);
        Assert.All(json.RootElement.GetProperty("replicas").EnumerateArray(), replica =>
            Assert.Equal(2U, replica.GetProperty("release").GetUInt32()));

        await cluster.KillAsync(1);
        cluster.Launch(1, []);
        await cluster.LineAsync(1, "newer release");
        Assert.NotEqual(0, await cluster.Replica(1).EndAsync());
        cluster.Launch(1, Newer);
        await client.WriteAsync(Documents.Write(version + 1, 5));
        await cluster.WaitAsync("the replica is back", standings => AreLevel(standings) && Run(standings, 2));
    }

    /// <summary>Writes versions from 1 on; returns the last one.</summary>
    private static async Task<int> WriteAsync(DeterministicClient client, CancellationToken enough)
    {
        int version = 0;
        do
        {
            await client.WriteAsync(Documents.Write(++version, 5));
        }
        while (!enough.IsCancellationRequested);
        return version;
    }
}
