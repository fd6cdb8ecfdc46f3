using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Wire;
using Deterministic.Replica.Hosting;

namespace Deterministic.ClusterBenchmark;

/// <summary>Real replicas of one cluster on this machine, each in a process and with a data file of its own in one
/// folder.</summary>
internal sealed class ReplicaGroup : IAsyncDisposable
{
    private const int Number = 1;
    public const string StateSizeDefault = "256MiB";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan AskInterval = TimeSpan.FromMilliseconds(20);

    private readonly string _folder;
    private readonly string _stateSize;
    private readonly Process?[] _processes;
    private readonly StringBuilder _said = new();

    private ReplicaGroup(string folder, int count, string stateSize)
    {
        _folder = folder;
        _stateSize = stateSize;
        _processes = new Process?[count];
        Addresses = LoopbackAddresses.Free(count);
    }

    public int Count => _processes.Length;
    public IReadOnlyList<IPEndPoint> Addresses { get; }

    /// <param name="folder">Where a folder for the data files is made; null: where temporary files go.</param>
    /// <param name="count">Replicas.</param>
    /// <param name="stateSize">As `format --state-size` takes it.</param>
    public static async Task<ReplicaGroup> StartAsync(
        string? folder, int count, string stateSize = StateSizeDefault)
    {
        string own = Path.Combine(folder ?? Path.GetTempPath(), $"cluster-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(own);
        ReplicaGroup group = new(own, count, stateSize);
        try
        {
            for (int i = 0; i < count; i++) await group.FormatAsync(i);
            for (int i = 0; i < count; i++) group.Launch(i);
            await group.WaitAsync("all replicas are in one view", Standings.AllAgreeOnPrimary);
            return group;
        }
        catch
        {
            await group.DisposeAsync();
            throw;
        }
    }

    public string DataFile(int replica) =>
        Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{replica}.deterministic"));

    public int? ProcessId(int replica) => _processes[replica]?.Id;

    private async Task FormatAsync(int replica)
    {
        string[] arguments =
        [
            "format", "--cluster", Text(Number), "--replica", Text(replica), "--replica-count", Text(Count),
            "--state-size", _stateSize, DataFile(replica),
        ];
        (int exitCode, string output) = await RunAsync(arguments);
        if (exitCode != 0) throw new InvalidOperationException($"format failed: {output}");
    }

    /// <summary>Starts one, and does not wait.</summary>
    public void Launch(int replica)
    {
        string addresses = string.Join(',', Addresses.Select(ClientOptions.Describe));
        Process process = ChildReplica.Run("start", "--addresses", addresses, DataFile(replica));
        process.OutputDataReceived += (_, line) => Hear(replica, line.Data);
        process.ErrorDataReceived += (_, line) => Hear(replica, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _processes[replica] = process;
    }

    /// <summary>SIGKILL.</summary>
    public async Task KillAsync(int replica)
    {
        if (_processes[replica] is not Process process) return;
        _processes[replica] = null;
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    public ClientOptions Options() => new()
    {
        Addresses = [.. Addresses], Cluster = Number, RequestTimeout = Patience, ConnectTimeout = Patience,
    };

    public async Task<ReplicaStanding?[]> AskAsync() => await Task.WhenAll(Addresses.Select(static async address =>
        (await StatusProbe.AskAsync(address, TimeSpan.FromSeconds(1))).Standing));

    /// <summary>Asks all replicas again and again until what they answer is as it should be.</summary>
    public async Task<ReplicaStanding?[]> WaitAsync(string what, Func<ReplicaStanding?[], bool> condition)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            ReplicaStanding?[] standings = await AskAsync();
            if (condition(standings)) return standings;
            bool ended = _processes.Any(static process => process is { HasExited: true });
            if (ended || Stopwatch.GetElapsedTime(started) > Patience)
                throw new InvalidOperationException($"never: {what}\n{Said}");
            await Task.Delay(AskInterval);
        }
    }

    public async Task<int> PrimaryAsync() =>
        Standings.PrimaryOf(await WaitAsync("there is a primary", Standings.AllAgreeOnPrimary));

    /// <summary>Ends all replicas and compares what `inspect` says of their checkpoints, all blocks of which it
    /// verifies: the sum over the state, and the root.</summary>
    public async Task<bool> CompareFilesAsync()
    {
        await WaitAsync("all replicas have the same log and checkpoint", Standings.HaveConverged);
        for (int i = 0; i < Count; i++) await KillAsync(i);
        string? first = null;
        for (int i = 0; i < Count; i++)
        {
            (int exitCode, string output) = await RunAsync("inspect", "--checkpoint", DataFile(i));
            if (exitCode != 0) throw new InvalidOperationException($"inspect failed: {output}");
            string checkpoint = string.Join('\n', output.Split('\n').Where(static line =>
                line.StartsWith("checkpoint", StringComparison.Ordinal) ||
                line.StartsWith("state checksum", StringComparison.Ordinal)));
            first ??= checkpoint;
            if (first != checkpoint || checkpoint.Length == 0) return false;
        }
        return true;
    }

    /// <summary>What the replicas have logged.</summary>
    public string Said
    {
        get
        {
            lock (_said) return _said.ToString();
        }
    }

    private void Hear(int replica, string? line)
    {
        if (line is null) return;
        lock (_said) _said.Append(CultureInfo.InvariantCulture, $"{replica}: {line}\n");
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        using Process process = ChildReplica.Run(arguments);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync() + await errors;
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        for (int i = 0; i < Count; i++) await KillAsync(i);
        Directory.Delete(_folder, recursive: true);
    }
}
