using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Client;

/// <summary>What came over the wire breaks the protocol; the connection is of no more use.</summary>
internal sealed class InvalidMessageException(string message) : IOException(message);

/// <summary>One verified message; <see cref="Body"/> is valid until the next receive.</summary>
internal readonly struct ReceivedMessage(Header header, ReadOnlyMemory<byte> body)
{
    public readonly Header Header = header;
    public ReadOnlyMemory<byte> Body { get; } = body;
}

/// <summary>Whole messages over one TCP connection. A receive that is cancelled loses no bytes: the next one goes
/// on.</summary>
internal sealed class MessageConnection : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer;
    private int _start;
    private int _end;

    private MessageConnection(Socket socket, byte[] buffer)
    {
        _socket = socket;
        _buffer = buffer;
    }

    /// <param name="buffer">Receives messages; as large as the largest one. One connection at a time may use
    /// it.</param>
    public static async Task<MessageConnection> ConnectAsync(EndPoint address, byte[] buffer, CancellationToken stop)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            await socket.ConnectAsync(address, stop).ConfigureAwait(false);
            return new MessageConnection(socket, buffer);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async Task SendAsync(ReadOnlyMemory<byte> message, CancellationToken stop)
    {
        while (!message.IsEmpty)
        {
            int sent = await _socket.SendAsync(message, SocketFlags.None, stop).ConfigureAwait(false);
            message = message[sent..];
        }
    }

    public async Task<ReceivedMessage> ReceiveAsync(CancellationToken stop)
    {
        await FillAsync(Limits.HeaderSize, stop).ConfigureAwait(false);
        Header header = Header.Read(_buffer.AsSpan(_start));
        if (!header.ValidChecksum()) throw new InvalidMessageException("a header with a wrong checksum came back");
        if (header.Invalid(_buffer.Length) is string why)
        {
            throw new InvalidMessageException(
                $"a message came back that this client (protocol {Header.ProtocolVersion}, messages of at most " +
                $"{_buffer.Length} bytes) cannot accept: {why}");
        }
        int size = (int)header.Size;
        await FillAsync(size, stop).ConfigureAwait(false);
        ReadOnlyMemory<byte> body = _buffer.AsMemory(_start + Limits.HeaderSize, size - Limits.HeaderSize);
        if (!header.ValidChecksumBody(body.Span))
            throw new InvalidMessageException("a body with a wrong checksum came back");
        _start += size;
        return new ReceivedMessage(header, body);
    }

    public void Dispose() => _socket.Dispose();

    private async Task FillAsync(int size, CancellationToken stop)
    {
        Check.That(size <= _buffer.Length);
        if (_start + size > _buffer.Length)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
        while (_end - _start < size)
        {
            int received = await _socket.ReceiveAsync(_buffer.AsMemory(_end), SocketFlags.None, stop)
                .ConfigureAwait(false);
            if (received == 0) throw new IOException("the replica closed the connection");
            _end += received;
        }
        Check.That(_end <= _buffer.Length);
    }
}
