using System;
using System.Diagnostics;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;
using Deterministic.TestSupport;

namespace Deterministic.Replica.Tests.Objects;

/// <summary>A real S3 server in a process of its own, all in memory; see eng/moto.</summary>
internal sealed class MotoServer : IDisposable
{
    private const string ReadyText = "Running on ";

    private readonly System.Diagnostics.Process _process;

    private MotoServer(System.Diagnostics.Process process, int port)
    {
        _process = process;
        Port = port;
    }

    public int Port { get; }

    public string Endpoint => $"http://127.0.0.1:{Port}";

    /// <summary>Null and why if this machine cannot run one. Port 0 takes a free one.</summary>
    public static MotoServer? TryStart(int port, out string reason)
    {
        if (port == 0) port = FreePort();
        ProcessStartInfo start = new("/bin/bash")
        {
            RedirectStandardError = true, RedirectStandardOutput = true,
            ArgumentList = { Path.Combine(Repository.Root, "eng", "moto"), "serve", $"{port}" },
        };
        System.Diagnostics.Process process;
        try
        {
            process = System.Diagnostics.Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            reason = exception.Message;
            return null;
        }
        StringBuilder said = new();
        TaskCompletionSource<bool> ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += (_, line) =>
        {
            if (!ready.Task.IsCompleted) said.AppendLine(line.Data);
            if (line.Data is null) ready.TrySetResult(false);
            else if (line.Data.Contains(ReadyText, StringComparison.Ordinal)) ready.TrySetResult(true);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (ready.Task.GetAwaiter().GetResult())
        {
            reason = "";
            return new MotoServer(process, port);
        }
        process.WaitForExit();
        process.Dispose();
        reason = said.ToString().Trim();
        return null;
    }

    /// <summary>SIGKILL, in the middle of whatever it does.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
