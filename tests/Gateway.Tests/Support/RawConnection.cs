using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>A connection over which a test says byte by byte what it wants, and when. Whoever waits for the server here
/// waits for so long at most.</summary>
internal sealed class RawConnection : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    /// <param name="url">Of the gateway.</param>
    /// <param name="receiveBufferSize">Bytes that the kernel takes for a client that does not read.</param>
    public static async Task<RawConnection> OpenAsync(string url, int? receiveBufferSize = null)
    {
        RawConnection connection = new();
        if (receiveBufferSize is int size) connection._socket.ReceiveBufferSize = size;
        await connection._socket.ConnectAsync(IPAddress.Loopback, new Uri(url).Port);
        return connection;
    }

    public Task SendAsync(string text) => SendAsync(Encoding.UTF8.GetBytes(text));

    public async Task SendAsync(byte[] bytes)
    {
        using CancellationTokenSource patience = new(Patience);
        for (ReadOnlyMemory<byte> left = bytes; !left.IsEmpty;)
            left = left[await _socket.SendAsync(left, patience.Token)..];
    }

    /// <summary>All that comes until the server closes the connection, orderly or not.</summary>
    public async Task<string> ReadToEndAsync()
    {
        using CancellationTokenSource patience = new(Patience);
        using MemoryStream all = new();
        byte[] buffer = new byte[64 << 10];
        try
        {
            for (int read = 1; read > 0; all.Write(buffer, 0, read))
                read = await _socket.ReceiveAsync(buffer, patience.Token);
        }
        catch (SocketException)
        {
            // It was cut off.
        }
        return Encoding.UTF8.GetString(all.GetBuffer(), 0, (int)all.Length);
    }

    /// <summary>An answer that tells its length, and after which the connection may stay open.</summary>
    public async Task<Reply> ReadAsync()
    {
        using CancellationTokenSource patience = new(Patience);
        SortedDictionary<string, string> headers = [];
        string[] status = (await LineAsync(patience.Token)).Split(' ');
        for (string line = await LineAsync(patience.Token); line != ""; line = await LineAsync(patience.Token))
            headers[line[..line.IndexOf(':')].ToLowerInvariant()] = line[(line.IndexOf(':') + 1)..].Trim();
        byte[] body = new byte[int.Parse(headers["content-length"], System.Globalization.CultureInfo.InvariantCulture)];
        for (int size = 0; size < body.Length;) size += await ReceiveAsync(body.AsMemory(size), patience.Token);
        return new Reply(int.Parse(status[1], System.Globalization.CultureInfo.InvariantCulture), body, headers);
    }

    public void Dispose() => _socket.Dispose();

    private async Task<string> LineAsync(CancellationToken stop)
    {
        StringBuilder line = new();
        byte[] one = new byte[1];
        while (true)
        {
            await ReceiveAsync(one, stop);
            if (one[0] == '\n') return line.ToString().TrimEnd('\r');
            line.Append((char)one[0]);
        }
    }

    private async Task<int> ReceiveAsync(Memory<byte> room, CancellationToken stop)
    {
        int read = await _socket.ReceiveAsync(room, stop);
        return read > 0 ? read : throw new EndOfStreamException("the server closed the connection");
    }
}
