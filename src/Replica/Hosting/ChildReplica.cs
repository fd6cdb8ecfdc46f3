using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Net;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Replica.Hosting.Metrics;

namespace Deterministic.Replica.Hosting;

/// <summary>A replica in a process of its own, on a data file of its own, for the demo and the benchmark: it can be
/// killed as hard as a power cut.</summary>
internal sealed class ChildReplica : IAsyncDisposable
{
    /// <summary>What `start` prints once it serves; the address follows.</summary>
    public const string ReadyPrefix = "ready on ";

    private readonly string _folder;
    private readonly bool _keepFolder;
    private readonly StringBuilder _log = new();
    private Process? _process;

    private ChildReplica(string folder, bool keepFolder, int index)
    {
        _folder = folder;
        _keepFolder = keepFolder;
        DataFile = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"replica-{index}.deterministic"));
    }

    public string DataFile { get; }
    public IPEndPoint Address { get; private set; } = new(IPAddress.Loopback, 0);
    public bool Runs => _process is not null;

    /// <summary>Address of the page of figures, if it was started with one.</summary>
    public string MetricsPage { get; private set; } = "";
    public int ProcessId => _process?.Id ?? 0;

    /// <summary>Peak resident memory in bytes, as the kernel counts it.</summary>
    public long PeakMemory => ReadStatus("VmHWM:");

    /// <summary>Formats a data file in <paramref name="folder"/> (null: a temporary one, removed in the end).</summary>
    /// <param name="stateSize">As `format --state-size` takes it.</param>
    /// <param name="index">Of the replica in its cluster.</param>
    /// <param name="count">Replicas of the cluster.</param>
    public static async Task<ChildReplica> FormatAsync(
        string? folder, string stateSize = "1GiB", int index = 0, int count = 1)
    {
        bool keep = folder is not null;
        folder ??= Directory.CreateTempSubdirectory("deterministic-").FullName;
        Directory.CreateDirectory(folder);
        ChildReplica replica = new(folder, keep, index);
        File.Delete(replica.DataFile);
        using Process format = Run("format", "--cluster", "1",
            "--replica", index.ToString(CultureInfo.InvariantCulture),
            "--replica-count", count.ToString(CultureInfo.InvariantCulture),
            "--state-size", stateSize, "--quick", replica.DataFile);
        string output = await format.StandardOutput.ReadToEndAsync().ConfigureAwait(false)
            + await format.StandardError.ReadToEndAsync().ConfigureAwait(false);
        await format.WaitForExitAsync().ConfigureAwait(false);
        if (format.ExitCode != 0) throw new InvalidOperationException($"format failed: {output.Trim()}");
        return replica;
    }

    /// <summary>Starts the process and waits until it serves.</summary>
    /// <param name="options">Further options of `start`.</param>
    public Task StartAsync(params string[] options) =>
        // The first start takes any free port; a restart takes the same one again, so that clients find it.
        StartAsync($"127.0.0.1:{Address.Port}", options);

    /// <summary>The same for a replica of several.</summary>
    /// <param name="addresses">Of all replicas, as `start --addresses` takes them.</param>
    /// <param name="options">Further options of `start`.</param>
    public async Task StartAsync(string addresses, string[] options)
    {
        _process = Run(["start", "--addresses", addresses, .. options, DataFile]);
        _process.ErrorDataReceived += (_, line) => Remember(line.Data);
        _process.BeginErrorReadLine();
        TaskCompletionSource<string?> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _process.OutputDataReceived += (_, line) =>
        {
            Remember(line.Data);
            if (line.Data?.StartsWith(MetricsServer.ReadyPrefix, StringComparison.Ordinal) == true)
                MetricsPage = line.Data[MetricsServer.ReadyPrefix.Length..].Trim();
            int at = line.Data?.IndexOf(ReadyPrefix, StringComparison.Ordinal) ?? -1;
            if (at >= 0) ready.TrySetResult(line.Data![(at + ReadyPrefix.Length)..].Trim());
            else if (line.Data is null) ready.TrySetResult(null);
        };
        _process.BeginOutputReadLine();
        string? address = await ready.Task.ConfigureAwait(false);
        if (address is not null)
        {
            Address = IPEndPoint.Parse(address);
            return;
        }
        await _process.WaitForExitAsync().ConfigureAwait(false);
        throw new InvalidOperationException($"the replica did not start:\n{Log}");
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        if (_process is null) return;
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync().ConfigureAwait(false);
        _process.Dispose();
        _process = null;
    }

    /// <summary>The checksum that `inspect` prints for the stopped replica's state.</summary>
    public async Task<string> StateChecksumAsync()
    {
        const string Label = "state checksum";
        using Process inspect = Run("inspect", DataFile);
        string output = await inspect.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
        await inspect.WaitForExitAsync().ConfigureAwait(false);
        foreach (string line in output.Split('\n'))
        {
            if (line.StartsWith(Label, StringComparison.Ordinal)) return line[Label.Length..].Trim(' ', ':');
        }
        throw new InvalidOperationException($"inspect failed:\n{output}");
    }

    private string Log
    {
        get
        {
            lock (_log) return _log.ToString();
        }
    }

    private void Remember(string? line)
    {
        if (line is null) return;
        lock (_log) _log.AppendLine(line);
    }

    private long ReadStatus(string field)
    {
        foreach (string line in File.ReadLines($"/proc/{ProcessId}/status"))
        {
            if (!line.StartsWith(field, StringComparison.Ordinal)) continue;
            string kilobytes = line[field.Length..].Replace("kB", "", StringComparison.Ordinal).Trim();
            return long.Parse(kilobytes, CultureInfo.InvariantCulture) * 1024;
        }
        return 0;
    }

    /// <summary>Starts `deterministic` with these arguments as a process of its own.</summary>
    public static Process Run(params string[] arguments)
    {
        string self = Environment.ProcessPath!;
        bool isHost = Path.GetFileNameWithoutExtension(self) == "deterministic";
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        ProcessStartInfo start = new(isHost ? self : dotnet)
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        };
        if (!isHost) start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "deterministic.dll"));
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync().ConfigureAwait(false);
        if (!_keepFolder) Directory.Delete(_folder, recursive: true);
    }
}
