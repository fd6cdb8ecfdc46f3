using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Wire;

namespace Deterministic.Replica.Hosting;

/// <summary>Several replicas of one cluster in processes of their own, for the demo and the benchmarks, in a temporary
/// folder that is removed in the end.</summary>
internal sealed class ChildCluster : IAsyncDisposable
{
    private static readonly TimeSpan StatusPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StatusInterval = TimeSpan.FromMilliseconds(50);

    private readonly string _folder = Directory.CreateTempSubdirectory("deterministic-").FullName;
    private readonly List<ChildReplica> _replicas = [];
    private readonly string[] _options;
    private string _addresses = "";

    private ChildCluster(string[] options) => _options = options;

    public IReadOnlyList<ChildReplica> Replicas => _replicas;
    public IReadOnlyList<EndPoint> Addresses { get; private set; } = [];

    /// <summary>Formats and starts all, and waits until there is a primary.</summary>
    /// <param name="count">Replicas.</param>
    /// <param name="stateSize">As `format --state-size` takes it.</param>
    /// <param name="options">Further options of `start`.</param>
    public static async Task<ChildCluster> StartAsync(int count, string stateSize, params string[] options)
    {
        ChildCluster cluster = new(options);
        for (int i = 0; i < count; i++)
        {
            cluster._replicas.Add(
                await ChildReplica.FormatAsync(cluster._folder, stateSize, i, count).ConfigureAwait(false));
        }
        cluster.Addresses = LoopbackAddresses.Free(count);
        cluster._addresses = string.Join(',', cluster.Addresses.Select(ClientOptions.Describe));
        await Task.WhenAll(Enumerable.Range(0, count).Select(cluster.StartReplicaAsync)).ConfigureAwait(false);
        return cluster;
    }

    /// <summary>Starts one, again, and waits until it has its place.</summary>
    public Task StartReplicaAsync(int index) => _replicas[index].StartAsync(_addresses, _options);

    public DeterministicClient Connect() => new(new ClientOptions { Addresses = Addresses, Cluster = 1 });

    /// <summary>Waits until one of the replicas that run is the primary; returns its index.</summary>
    public async Task<int> PrimaryAsync(CancellationToken cancellation)
    {
        while (true)
        {
            ReplicaStanding?[] standings = await AskAsync(cancellation).ConfigureAwait(false);
            int primary = Array.FindIndex(standings, standing => standing?.Fields.Role == ReplicaRole.Primary);
            if (primary >= 0) return primary;
            await Task.Delay(StatusInterval, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until all replicas have run the same operations; returns how long it took.</summary>
    public async Task<TimeSpan> LevelAsync(CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            ReplicaStanding?[] standings = await AskAsync(cancellation).ConfigureAwait(false);
            bool level = standings.All(standing => standing is not null &&
                standing.Fields.CommitMin == standings.Max(other => other?.Fields.CommitMax));
            if (level) return Stopwatch.GetElapsedTime(started);
            await Task.Delay(StatusInterval, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<ReplicaStanding?[]> AskAsync(CancellationToken cancellation)
    {
        ReplicaStanding?[] standings = new ReplicaStanding?[_replicas.Count];
        for (int i = 0; i < standings.Length; i++)
        {
            if (!_replicas[i].Runs) continue;
            standings[i] = (await StatusProbe.AskAsync(Addresses[i], StatusPatience, cancellation)
                .ConfigureAwait(false)).Standing;
        }
        return standings;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ChildReplica replica in _replicas) await replica.DisposeAsync().ConfigureAwait(false);
        Directory.Delete(_folder, recursive: true);
    }
}
