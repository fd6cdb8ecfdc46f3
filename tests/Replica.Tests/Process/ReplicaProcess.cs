using System;
using System.Collections.Generic;
using System.Net;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Replica.Hosting;
using Xunit;

namespace Deterministic.Replica.Tests.Process;

/// <summary>`start` in a process of its own, with what it says.</summary>
internal sealed class ReplicaProcess : IAsyncDisposable
{
    private readonly System.Diagnostics.Process _process;
    private readonly object _gate = new();
    private readonly StringBuilder _said = new();
    private readonly List<(string Text, TaskCompletionSource<string> Line)> _expected = [];
    private int _outputsOpen = 2;

    private ReplicaProcess(System.Diagnostics.Process process) => _process = process;

    public IPEndPoint Address { get; private set; } = new(IPAddress.Loopback, 0);

    public int ProcessId => _process.Id;
    public bool HasExited => _process.HasExited;

    /// <summary>All lines so far.</summary>
    public string Said
    {
        get
        {
            lock (_gate) return _said.ToString();
        }
    }

    /// <summary>Starts and waits until it serves.</summary>
    public static async Task<ReplicaProcess> StartAsync(string dataFile, params string[] arguments)
    {
        ReplicaProcess replica = Launch(dataFile, arguments);
        string ready = await replica.LineAsync(ChildReplica.ReadyPrefix);
        int at = ready.IndexOf(ChildReplica.ReadyPrefix, StringComparison.Ordinal) + ChildReplica.ReadyPrefix.Length;
        replica.Address = IPEndPoint.Parse(ready[at..].Trim());
        return replica;
    }

    /// <summary>Starts, and does not wait.</summary>
    public static ReplicaProcess Launch(string dataFile, params string[] arguments) =>
        Launch(dataFile, "127.0.0.1:0", arguments);

    /// <summary>Starts a replica of a cluster, and does not wait.</summary>
    public static ReplicaProcess Launch(string dataFile, string addresses, string[] arguments)
    {
        ReplicaProcess replica = new(ChildReplica.Run(["start", "--addresses", addresses, .. arguments, dataFile]));
        replica._process.OutputDataReceived += (_, line) => replica.Hear(line.Data);
        replica._process.ErrorDataReceived += (_, line) => replica.Hear(line.Data);
        replica._process.BeginOutputReadLine();
        replica._process.BeginErrorReadLine();
        return replica;
    }

    /// <summary>The first line with this text; the test fails if the process ends without one.</summary>
    public Task<string> LineAsync(string text)
    {
        lock (_gate)
        {
            TaskCompletionSource<string> line = new(TaskCreationOptions.RunContinuationsAsynchronously);
            foreach (string said in _said.ToString().Split('\n'))
                if (said.Contains(text, StringComparison.Ordinal)) line.TrySetResult(said);
            if (_outputsOpen == 0) Disappoint(text, line);
            _expected.Add((text, line));
            return line.Task;
        }
    }

    public DeterministicClient Connect() => new(new ClientOptions { Addresses = [Address], Cluster = 1 });

    /// <summary>SIGTERM, and waits for the end.</summary>
    public async Task<int> TerminateAsync()
    {
        await SignalAsync("TERM");
        return await EndAsync();
    }

    /// <param name="name">Of the signal, without SIG.</param>
    public async Task SignalAsync(string name)
    {
        using System.Diagnostics.Process kill = System.Diagnostics.Process.Start("kill", $"-{name} {_process.Id}");
        await kill.WaitForExitAsync();
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    private void Hear(string? line)
    {
        lock (_gate)
        {
            if (line is not null) _said.Append(line).Append('\n');
            else _outputsOpen--;
            foreach ((string text, TaskCompletionSource<string> expected) in _expected)
            {
                if (line?.Contains(text, StringComparison.Ordinal) == true) expected.TrySetResult(line);
                else if (_outputsOpen == 0) Disappoint(text, expected);
            }
        }
    }

    private void Disappoint(string text, TaskCompletionSource<string> line)
    {
        if (!line.Task.IsCompleted)
            line.TrySetException(new InvalidOperationException($"no \"{text}\" in:\n{_said}"));
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }
}
