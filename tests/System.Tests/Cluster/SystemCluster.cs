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
using Deterministic.SystemTests.Faults;
using Xunit;

namespace Deterministic.SystemTests.Cluster;

/// <summary>Real replicas on real files, with a network between them that can be harmed. Clients reach them
/// directly.</summary>
internal sealed class SystemCluster : IAsyncDisposable
{
    public const int Number = 7;

    private const string StateSize = "16MiB";

    /// <summary>Within it everything that a test waits for has come about, or never will.</summary>
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    private readonly string _folder;
    private readonly bool _ownsFolder;
    private readonly ReplicaProcess?[] _replicas;
    private readonly bool[] _paused;

    private SystemCluster(int count, ulong seed, string? folder)
    {
        _folder = folder ?? Directory.CreateTempSubdirectory("deterministic-system-").FullName;
        _ownsFolder = folder is null;
        _replicas = new ReplicaProcess?[count];
        _paused = new bool[count];
        Addresses = LoopbackAddresses.Free(count);
        Network = new FaultyNetwork(Addresses, seed);
    }

    public int Count => _replicas.Length;
    public FaultyNetwork Network { get; }
    public IReadOnlyList<IPEndPoint> Addresses { get; }

    public string DataFile(int replica) =>
        Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{replica}.deterministic"));

    public bool IsRunning(int replica) => _replicas[replica] is not null;

    /// <param name="count">Replicas.</param>
    /// <param name="seed">Of what the network corrupts.</param>
    /// <param name="folder">For the data files; what is in it is deleted at the end.</param>
    public static async Task<SystemCluster> StartAsync(int count, ulong seed, string? folder = null)
    {
        SystemCluster cluster = new(count, seed, folder);
        try
        {
            for (int i = 0; i < count; i++) await cluster.FormatAsync(i);
            for (int i = 0; i < count; i++) cluster.Launch(i);
            await cluster.WaitAsync("all replicas are in one view", Standings.AllAgreeOnPrimary);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async Task FormatAsync(int replica)
    {
        CommandResult format = await CommandResult.RunAsync(
            "format", "--cluster", $"{Number}", "--replica", $"{replica}", "--replica-count", $"{Count}",
            "--state-size", StateSize, "--quick", DataFile(replica));
        Assert.True(format.ExitCode == 0, format.All);
    }

    public void Launch(int replica)
    {
        string addresses = string.Join(',', Network.AddressesFor(replica).Select(ClientOptions.Describe));
        _replicas[replica] = ReplicaProcess.Launch(DataFile(replica), addresses, ["--cache", "48MiB"]);
    }

    /// <summary>SIGKILL; also ends one that is paused.</summary>
    public async Task KillAsync(int replica)
    {
        if (_replicas[replica] is not ReplicaProcess process) return;
        await process.DisposeAsync();
        _replicas[replica] = null;
        _paused[replica] = false;
    }

    /// <summary>SIGTERM; it must end well.</summary>
    public async Task TerminateAsync(int replica)
    {
        ReplicaProcess process = _replicas[replica]!;
        int exitCode = await process.TerminateAsync();
        Assert.True(exitCode == 0, $"replica {replica} ended with {exitCode}:\n{process.Said}");
        await KillAsync(replica);
    }

    public async Task PauseAsync(int replica)
    {
        if (_replicas[replica] is not ReplicaProcess process) return;
        _paused[replica] = true;
        await process.SignalAsync("STOP");
    }

    public async Task ResumeAsync(int replica)
    {
        if (!_paused[replica]) return;
        _paused[replica] = false;
        await _replicas[replica]!.SignalAsync("CONT");
    }

    /// <summary>From now on no write of the replica beyond the beginning of its file succeeds.</summary>
    /// <returns>Its exit code: it must stop by itself.</returns>
    public async Task<int> FailDiskAsync(int replica)
    {
        ReplicaProcess process = _replicas[replica]!;
        using Process limit = Process.Start("prlimit", $"--pid {process.ProcessId} --fsize=4096");
        await limit.WaitForExitAsync();
        Assert.Equal(0, limit.ExitCode);
        int exitCode = await process.EndAsync();
        await KillAsync(replica);
        return exitCode;
    }

    /// <summary>Ends every fault; what stands still runs, and what is dead is started.</summary>
    public async Task HealAsync()
    {
        Network.Heal();
        for (int i = 0; i < Count; i++)
        {
            await ResumeAsync(i);
            if (_replicas[i] is null) Launch(i);
        }
    }

    public DeterministicClient Connect(TimeSpan timeout) => new(new ClientOptions
    {
        Addresses = [.. Addresses], Cluster = Number, RequestTimeout = timeout, ConnectTimeout = timeout,
    });

    public async Task<ReplicaStanding?[]> AskAsync() => await Task.WhenAll(Addresses.Select(static async address =>
        (await StatusProbe.AskAsync(address, TimeSpan.FromSeconds(1))).Standing));

    /// <summary>The primary of the newest view that anybody knows; null if nobody says to be one.</summary>
    public async Task<int?> PrimaryAsync() => (await AskAsync()).OfType<ReplicaStanding>()
        .Where(static standing => standing.Fields.Role == ReplicaRole.Primary)
        .OrderByDescending(static standing => standing.View).Select(static standing => (int?)standing.Replica)
        .FirstOrDefault();

    /// <summary>Asks all replicas again and again until what they answer is as it should be. A replica that ended by
    /// itself, without a fault that ends it, fails the test.</summary>
    public async Task<ReplicaStanding?[]> WaitAsync(string what, Func<ReplicaStanding?[], bool> condition)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            ReplicaStanding?[] standings = await AskAsync();
            if (condition(standings)) return standings;
            bool ended = _replicas.Any(static replica => replica is { HasExited: true });
            Assert.True(!ended && Stopwatch.GetElapsedTime(started) < Deadline, $"never: {what}; " +
                string.Join("; ", standings.Select(Describe)) + Said());
        }
    }

    /// <summary>What the replicas have logged.</summary>
    public string Said() => string.Concat(_replicas.Select(static (replica, i) => $"\nreplica {i}:\n{replica?.Said}"));

    /// <summary>What one has logged since it was started last.</summary>
    public string Said(int replica) => _replicas[replica]?.Said ?? "";

    public static string Describe(ReplicaStanding? standing) => standing is null ? "gone" :
        $"{standing.Fields.Role} view {standing.View} op {standing.Fields.Op} commit {standing.Fields.CommitMin}/" +
        $"{standing.Fields.CommitMax} checkpoint {standing.Fields.CheckpointOp} sync {standing.Fields.SyncOp}";

    public async ValueTask DisposeAsync()
    {
        for (int i = 0; i < Count; i++) await KillAsync(i);
        await Network.DisposeAsync();
        foreach (string file in Directory.GetFiles(_folder)) File.Delete(file);
        if (_ownsFolder) Directory.Delete(_folder);
    }
}
