using System;
using System.IO;
using System.Linq;
using System.Numerics;
using System.Text.Json;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Tests.Process;
using Xunit;

namespace Deterministic.Replica.Tests.Cluster;

/// <summary>Standbys as real processes.</summary>
public sealed class StandbyTests
{
    private const int DocumentsPerWrite = 5;

    private static async Task WriteAsync(DeterministicClient client, int from, int count)
    {
        for (int version = from; version < from + count; version++)
            await client.WriteAsync(Documents.Write(version, DocumentsPerWrite));
    }

    private static bool AreLevel(ReplicaStanding?[] standings) => Standings.HaveConverged(standings);

    /// <summary>And each replica is connected with all others; a standby with the replicas.</summary>
    private static bool AreLevelAndConnected(ReplicaStanding?[] standings) => AreLevel(standings) &&
        standings.All(standing => BitOperations.PopCount(standing!.Fields.Connected) ==
            (standing.Fields.Role == ReplicaRole.Standby ? standing.Fields.ReplicaCount : standings.Length - 1));

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task AClusterThatRunsGetsAStandbyByARollingRestart(int replicas)
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(replicas);
        await using DeterministicClient client = cluster.Connect();
        await WriteAsync(client, from: 1, count: 10);
        int standby = await cluster.AddStandbyAsync();
        // Those that do not know it yet say so, and do not mind.
        if (replicas > 1) await cluster.LineAsync(0, "it is not the replica that --addresses has there");
        await WriteAsync(client, from: 11, count: 1);
        for (int i = 0; i < replicas; i++)
        {
            await cluster.RestartAsync(i);
            await cluster.WaitAsync(
                "it is back", standings => Standings.AllAgreeOnPrimary([.. standings.Take(replicas)]));
        }
        await cluster.WaitAsync("the standby has caught up", AreLevelAndConnected);
        await cluster.LineAsync(standby, "this standby follows");
        await WriteAsync(client, from: 12, count: 3);
        await cluster.WaitAsync("the standby follows", AreLevel);

        CommandResult status = await CommandResult.RunAsync("status", "--addresses", cluster.AddressText, "--json");
        Assert.True(status.ExitCode == 0, status.All);
        using JsonDocument document = JsonDocument.Parse(status.Output);
        JsonElement row = document.RootElement.GetProperty("replicas")[standby];
        Assert.Equal("standby", row.GetProperty("role").GetString());
        Assert.Equal(standby, row.GetProperty("replica").GetInt32());
        Assert.Equal(replicas, row.GetProperty("connected").GetArrayLength());

        await cluster.KillAsync(standby);
        await WriteAsync(client, from: 15, count: 3);
        Assert.Equal((17L, (ulong)DocumentsPerWrite), await Documents.ReadAsync(client));
    }

    [Fact]
    public async Task AStandbyAnswersStaleReadsAndNobodyTakesItForThePrimary()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(3);
        int standby = await cluster.AddStandbyAsync();
        for (int i = 0; i < 3; i++) await cluster.RestartAsync(i);
        await cluster.WaitAsync("all know each other", AreLevelAndConnected);

        // It is the first that the client asks.
        ClientOptions all = new() { Addresses = [.. cluster.Addresses.Reverse()], Cluster = 1 };
        await using DeterministicClient client = new(all);
        await WriteAsync(client, from: 1, count: 3);
        ReplicaStanding?[] standings = await cluster.WaitAsync("the standby follows", AreLevel);
        ulong commit = standings[standby]!.Fields.CommitMin;

        using DeterministicReader reader = new(new ClientOptions { Addresses = [cluster.Addresses[standby]] });
        QueryRequest request = new()
        {
            Namespace = Documents.Namespace,
            Queries = [new Query { Aggregates = [new("least", AggregateFunction.Min, "version")] }],
        };
        (QueryReply reply, ReadState state) =
            await reader.QueryAsync(request, new(ReadConsistency.Stale, CommitLeast: commit));
        Assert.Equal(3, reply.Results[0].Aggregates.Single().Value.AsInt);
        Assert.Equal(standby, state.Replica);

        CommandResult alone = await CommandResult.RunAsync(
            "namespaces", "--cluster", "1", "--addresses", ClientOptions.Describe(cluster.Addresses[standby]),
            "--timeout", "2");
        Assert.NotEqual(0, alone.ExitCode);
        Assert.Contains("it is standby 0 of 3", alone.All, StringComparison.Ordinal);
    }

    /// <summary>Its data is at hand, so it needs no checkpoint of the others; and it counts: with it and one other the
    /// cluster goes on.</summary>
    [Fact]
    public async Task AStandbyTakesThePlaceOfAReplicaWhoseMachineIsGone()
    {
        await using ProcessCluster cluster = await ProcessCluster.StartAsync(3);
        int standby = await cluster.AddStandbyAsync();
        for (int i = 0; i < 3; i++) await cluster.RestartAsync(i);
        await using DeterministicClient client = cluster.Connect();
        await WriteAsync(client, from: 1, count: 50);
        ReplicaStanding?[] standings = await cluster.WaitAsync("all know each other", AreLevelAndConnected);
        int gone = Standings.PrimaryOf(standings);
        int other = (gone + 1) % 3;

        await cluster.KillAsync(gone);
        File.Delete(cluster.DataFile(gone));
        await WriteAsync(client, from: 51, count: 1);
        await cluster.KillAsync(standby);
        CommandResult promoted =
            await CommandResult.RunAsync("promote", "--replica", $"{gone}", cluster.DataFile(standby));
        Assert.True(promoted.ExitCode == 0, promoted.All);
        Assert.Contains($"standby 0 of cluster 1 is replica {gone} now", promoted.Output, StringComparison.Ordinal);
        File.Move(cluster.DataFile(standby), cluster.DataFile(gone));
        cluster.Launch(gone);
        await cluster.LineAsync(gone, "waiting for a primary to tell what the log is");
        await cluster.WaitAsync("the promoted one has its place", standings =>
            Standings.HaveConverged([.. standings.Take(3)]));
        Assert.DoesNotContain("going on from their checkpoint", cluster.Replica(gone).Said, StringComparison.Ordinal);

        await cluster.KillAsync(other);
        await WriteAsync(client, from: 52, count: 3);
        Assert.Equal((54L, (ulong)DocumentsPerWrite), await Documents.ReadAsync(client));
    }

    [Fact]
    public async Task WhatCannotBeIsRefusedWithTheFieldTheLimitAndTheValue()
    {
        using TemporaryFolder folder = new();
        string replica = folder.File("replica");
        string standby = folder.File("standby");
        string ofTwo = folder.File("of-two");
        string[] sizes = ["--cluster", "1", "--state-size", "16MiB", "--quick"];
        await RunAsync(0, "", ["format", .. sizes, "--replica", "0", "--replica-count", "3", replica]);
        await RunAsync(0, "", ["format", .. sizes, "--standby", "1", "--replica-count", "3", standby]);
        await RunAsync(0, "", ["format", .. sizes, "--standby", "0", "--replica-count", "2", ofTwo]);

        string none = folder.File("none");
        await RunAsync(2, "give one of them", ["format", .. sizes, "--replica-count", "3", none]);
        await RunAsync(2, "give one of them",
            ["format", .. sizes, "--replica", "0", "--standby", "0", "--replica-count", "3", none]);
        await RunAsync(2, "--standby: 6 is not below 6",
            ["format", .. sizes, "--standby", "6", "--replica-count", "3", none]);
        Assert.False(File.Exists(none));

        await RunAsync(1, "only a standby can be promoted", "promote", "--replica", "1", replica);
        await RunAsync(2, "--replica: 3 is not below 3", "promote", "--replica", "3", standby);
        await RunAsync(1, "the cluster has 2 replicas; it takes 3", "promote", "--replica", "0", ofTwo);
        await RunAsync(1, "nonexistent", "promote", "--replica", "0", "/nonexistent/file");

        const string four = "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:4";
        await RunAsync(1, "4 given, but the data file is standby 1 of a cluster of 3", "start", "--addresses", four,
            standby);
        string ten = string.Join(',', Enumerable.Range(1, 10).Select(port => $"127.0.0.1:{port}"));
        await RunAsync(1, "10 given, but a cluster of 3 has at most 6 standbys", "start", "--addresses", ten, replica);
        await RunAsync(1, "a standby keeps no checkpoints", "start", "--addresses", $"{four},127.0.0.1:5",
            "--object-store", $"dir:{folder.File("objects")}", standby);
        CommandResult inspected = await CommandResult.RunAsync("inspect", standby);
        Assert.Contains("standby 1 of 3", inspected.All, StringComparison.Ordinal);
    }

    private static async Task RunAsync(int exitCode, string says, params string[] arguments)
    {
        CommandResult result = await CommandResult.RunAsync(arguments);
        Assert.True(result.ExitCode == exitCode, result.All);
        Assert.Contains(says, result.All, StringComparison.Ordinal);
    }
}
