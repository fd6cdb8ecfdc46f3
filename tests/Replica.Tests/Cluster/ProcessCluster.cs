using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Wire;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Tests.Process;
using Xunit;

namespace Deterministic.Replica.Tests.Cluster;

/// <summary>Replicas of one cluster as processes of their own, with data files of their own.</summary>
internal sealed class ProcessCluster : IAsyncDisposable
{
    /// <summary>Within it everything that a test waits for has come about, or never will.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(90);

    private readonly string _folder = Directory.CreateTempSubdirectory("deterministic-cluster-").FullName;
    private readonly int _count;

    /// <summary>And, after them, standbys.</summary>
    private readonly List<ReplicaProcess?> _replicas = [];
    private readonly string[] _options;
    private readonly List<EndPoint> _addresses = [];

    private ProcessCluster(int count, string[] options)
    {
        _count = count;
        _options = options;
        _replicas.AddRange(new ReplicaProcess?[count]);
        _addresses.AddRange(LoopbackAddresses.Free(count));
    }

    /// <summary>Where each replica is, as those are told that are launched from now on.</summary>
    public IReadOnlyList<EndPoint> Addresses => _addresses;
    public string AddressText => string.Join(',', Addresses.Select(ClientOptions.Describe));

    public string DataFile(int replica) =>
        Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{replica}.deterministic"));

    /// <summary>Formats and starts all of them, and waits until one is the primary and the others follow.</summary>
    /// <param name="count">Replicas.</param>
    /// <param name="options">Further options of `start`.</param>
    public static async Task<ProcessCluster> StartAsync(int count, params string[] options)
    {
        ProcessCluster cluster = new(count, options);
        for (int i = 0; i < count; i++) await cluster.FormatAsync(i);
        for (int i = 0; i < count; i++) cluster.Launch(i);
        await cluster.WaitAsync("all replicas are in one view", Standings.AllAgreeOnPrimary);
        return cluster;
    }

    public async Task FormatAsync(int replica)
    {
        string[] whose = replica < _count ? ["--replica", $"{replica}"] : ["--standby", $"{replica - _count}"];
        CommandResult format = await CommandResult.RunAsync(
            ["format", "--cluster", "1", .. whose, "--replica-count", $"{_count}", "--state-size", "16MiB", "--quick",
                DataFile(replica)]);
        Assert.True(format.ExitCode == 0, format.All);
    }

    /// <summary>Makes the file of one more standby, and starts it: only those know of it that are launched after
    /// it.</summary>
    public async Task<int> AddStandbyAsync()
    {
        int standby = _replicas.Count;
        _replicas.Add(null);
        _addresses.Add(LoopbackAddresses.Free(1)[0]);
        await FormatAsync(standby);
        Launch(standby);
        return standby;
    }

    /// <summary>Stops a replica cleanly, and starts it with the addresses of now.</summary>
    public async Task RestartAsync(int replica)
    {
        Assert.Equal(0, await Replica(replica).TerminateAsync());
        await KillAsync(replica);
        Launch(replica);
    }

    /// <summary>Starts a replica and does not wait.</summary>
    /// <param name="replica">Its index.</param>
    /// <param name="options">Of `start`, instead of those that all have.</param>
    public void Launch(int replica, string[]? options = null) => _replicas[replica] = ReplicaProcess.Launch(
        DataFile(replica), AddressText, ["--cache", "64MiB", .. options ?? _options]);

    /// <summary>The replica is to be found somewhere else from now on; a process of it that runs stays where it
    /// is.</summary>
    public void Move(int replica) => _addresses[replica] = LoopbackAddresses.Free(1)[0];

    public ReplicaProcess Replica(int replica) => _replicas[replica]!;

    /// <summary>Waits until the replica has said it.</summary>
    public Task<string> LineAsync(int replica, string text) => _replicas[replica]!.LineAsync(text).WaitAsync(Deadline);

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync(int replica)
    {
        await _replicas[replica]!.DisposeAsync();
        _replicas[replica] = null;
    }

    /// <summary>A client of all replicas.</summary>
    public DeterministicClient Connect() => new(new ClientOptions { Addresses = Addresses, Cluster = 1 });

    public async Task<ReplicaStanding?> AskAsync(int replica) =>
        (await StatusProbe.AskAsync(Addresses[replica], TimeSpan.FromSeconds(2))).Standing;

    /// <summary>Asks all replicas again and again until what they answer is as it should be.</summary>
    public async Task<ReplicaStanding?[]> WaitAsync(string what, Func<ReplicaStanding?[], bool> condition)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            ReplicaStanding?[] standings = await Task.WhenAll(Enumerable.Range(0, Addresses.Count).Select(AskAsync));
            if (condition(standings)) return standings;
            Assert.True(Stopwatch.GetElapsedTime(started) < Deadline, $"never: {what}; " +
                string.Join("; ", standings.Select(standing => standing?.ToString() ?? "gone")) + string.Concat(
                    _replicas.Select((replica, i) => $"\nreplica {i}:\n{replica?.Said}")));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ReplicaProcess? replica in _replicas)
            if (replica is not null) await replica.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
