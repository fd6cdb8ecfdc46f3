using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;

namespace Deterministic.Replica.Tests.Objects;

/// <summary>A way to a server that can be cut in the middle of whatever is on it, and mended. It begins cut.</summary>
internal sealed class CutWire : IDisposable
{
    private const int BufferSize = 16 << 10;

    private readonly Uri _server;
    private readonly object _gate = new();
    private readonly List<TcpClient> _open = [];
    private TaskCompletionSource _cut = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TcpListener? _listener;
    private long _bytesLeft;

    public CutWire(string server)
    {
        _server = new Uri(server);
        TcpListener free = new(IPAddress.Loopback, 0);
        free.Start();
        Port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
    }

    public int Port { get; }

    public string Endpoint => $"http://127.0.0.1:{Port}";

    /// <summary>Ends when the wire is cut.</summary>
    public Task WhenCut => _cut.Task;

    /// <summary>Lets requests through, until so many bytes of them have passed.</summary>
    public void Mend(long bytes = long.MaxValue)
    {
        lock (_gate)
        {
            _cut = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _bytesLeft = bytes;
            _listener = new TcpListener(IPAddress.Loopback, Port);
            _listener.Start();
            _ = AcceptAsync(_listener);
        }
    }

    public void Cut()
    {
        lock (_gate)
        {
            _listener?.Stop();
            foreach (TcpClient each in _open) each.Dispose();
            _open.Clear();
            _cut.TrySetResult();
        }
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                TcpClient near = await listener.AcceptTcpClientAsync();
                TcpClient far = new();
                lock (_gate) _open.AddRange([near, far]);
                await far.ConnectAsync(_server.Host, _server.Port);
                _ = PassAsync(near, far, counts: true);
                _ = PassAsync(far, near, counts: false);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The wire was cut.
        }
    }

    private async Task PassAsync(TcpClient from, TcpClient to, bool counts)
    {
        byte[] buffer = new byte[BufferSize];
        try
        {
            while (true)
            {
                int size = await from.GetStream().ReadAsync(buffer);
                bool over;
                lock (_gate)
                {
                    if (counts) _bytesLeft -= size;
                    over = _bytesLeft < 0;
                }
                if (over) Cut();
                if (size == 0) break;
                await to.GetStream().WriteAsync(buffer.AsMemory(0, size));
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException
            or InvalidOperationException)
        {
            // The wire was cut.
        }
        to.Dispose();
    }

    public void Dispose() => Cut();
}
