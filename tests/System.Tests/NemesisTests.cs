using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Replica.Hosting;
using Deterministic.Simulator.Linearizability;
using Deterministic.SystemTests.Clients;
using Deterministic.SystemTests.Cluster;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.SystemTests;

/// <summary>Real replicas under load and harm: what clients saw is linearizable, nothing acknowledged is lost, and at
/// the end the files are equal block for block. DETERMINISTIC_SYSTEM_SEED repeats a schedule of faults,
/// DETERMINISTIC_SYSTEM_SECONDS makes it longer.</summary>
[Collection("processes")]
public sealed class NemesisTests(ITestOutputHelper output)
{
    private const int ClientCount = 6;
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(120);

    private static ulong Seed => ulong.TryParse(
        Environment.GetEnvironmentVariable("DETERMINISTIC_SYSTEM_SEED"), CultureInfo.InvariantCulture, out ulong seed)
        ? seed : (ulong)Environment.TickCount64;

    private static TimeSpan Time => TimeSpan.FromSeconds(double.TryParse(
        Environment.GetEnvironmentVariable("DETERMINISTIC_SYSTEM_SECONDS"), CultureInfo.InvariantCulture,
        out double seconds) ? seconds : 0);

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public async Task WhatClientsSawIsLinearizableAndAllFilesAreEqual(int replicas)
    {
        ulong seed = Seed;
        output.WriteLine($"seed {seed}");
        await using SystemCluster cluster = await SystemCluster.StartAsync(replicas, seed);
        List<DeterministicClient> connections =
            [.. Enumerable.Range(0, ClientCount).Select(_ => cluster.Connect(RequestTimeout))];
        HistoryRecorder recorder = new();
        DocumentClient[] clients =
            [.. connections.Select((connection, i) => new DocumentClient(connection, i, recorder, seed))];
        await clients[0].PrepareAsync();

        using CancellationTokenSource stop = new();
        Task[] loads = [.. clients.Select(client => client.RunAsync(stop.Token))];
        Nemesis nemesis = new(cluster, seed, output);
        Task harm = nemesis.RunAsync(Time);
        // A load that ends before it is stopped has failed; its exception is the result of the test.
        Task first = await Task.WhenAny([harm, .. loads]);
        await first;
        await stop.CancelAsync();
        await cluster.HealAsync();
        await Task.WhenAll(loads);
        await cluster.WaitAsync("all replicas have the whole log", Standings.HaveConverged);
        await clients[0].ReadAllAsync();

        LinearizabilityReport report = recorder.Judge();
        output.WriteLine($"{report}; {recorder.Unknown} unknown; {cluster.Network.BytesHarmed} bytes harmed");
        output.WriteLine(string.Join(", ", recorder.Counts().Select(pair => $"{pair.Value} {pair.Key}")));
        Assert.True(report.Verdict == Verdict.Linearizable, $"seed {seed}: {report}{cluster.Said()}");
        Assert.True(recorder.Returned > 200, $"only {recorder.Returned} operations returned");
        Assert.True(cluster.Network.BytesHarmed > 0, "the network was never harmed");
        foreach (DeterministicClient connection in connections) await connection.DisposeAsync();
        output.WriteLine((await CheckpointText.CompareAsync(cluster)).ToString());
    }
}
