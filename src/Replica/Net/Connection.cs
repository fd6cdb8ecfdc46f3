using System;
using System.Net.Sockets;
using Deterministic.Core;
using Deterministic.Core.Collections;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Vsr;

namespace Deterministic.Replica.Net;

/// <summary>Why a connection was closed from this side; empty when the peer left.</summary>
internal enum ConnectionFault : byte
{
    None = 0,
    PeerClosed = 1,
    SocketError = 2,
    NotOurProtocol = 3,
    SizeOutOfBounds = 4,
    BodyCorrupt = 5,
}

/// <summary>One TCP connection: a buffer for the message that is arriving, a buffer for the one that leaves, and a
/// short queue of those that wait. Socket threads fill and empty the buffers; everything else happens on the event
/// loop. The receive side stops after each whole message until the loop has taken it, which is all the flow control
/// needed.</summary>
internal sealed class Connection : IDisposable
{
    /// <summary>A session has one request in flight, so more replies than this cannot be owed to one client.</summary>
    private const int SendQueueCapacity = 2;

    private readonly TcpMessageBus _bus;
    private readonly NativeBuffer _receiveBuffer;
    private readonly NativeBuffer _sendBuffer;
    private readonly Memory<byte> _receiveMemory;
    private readonly Memory<byte> _sendMemory;
    private readonly SocketAsyncEventArgs _receiveArguments = new();
    private readonly SocketAsyncEventArgs _sendArguments = new();
    private readonly RingBuffer<Message> _sendQueue = new(SendQueueCapacity);
    private Socket? _socket;
    private int _received;
    private int _sendSize;
    private int _sent;
    private bool _sending;

    public Connection(TcpMessageBus bus, int index, NativeBuffer receiveBuffer, NativeBuffer sendBuffer)
    {
        _bus = bus;
        Index = index;
        _receiveBuffer = receiveBuffer;
        _sendBuffer = sendBuffer;
        _receiveMemory = new NativeMemoryManager(receiveBuffer).Memory;
        _sendMemory = new NativeMemoryManager(sendBuffer).Memory;
        _receiveArguments.Completed += (_, _) => ContinueReceive();
        _sendArguments.Completed += (_, _) => ContinueSend();
    }

    public int Index { get; }
    public bool IsOpen => _socket is not null;

    /// <summary>The client that speaks here, once it has said so; 0 before.</summary>
    public UInt128 Client { get; set; }
    public ConnectionFault Fault { get; private set; }
    public string Peer { get; private set; } = "";

    /// <summary>Socket operations under way plus events not yet taken; the connection is reusable once it is closed and
    /// this is 0. Guarded by the bus.</summary>
    public int Outstanding { get; set; }
    public bool Closing { get; set; }

    public void Open(Socket socket)
    {
        Check.That(_socket is null);
        Check.That(Outstanding == 0);
        socket.NoDelay = true;
        _socket = socket;
        Peer = socket.RemoteEndPoint?.ToString() ?? "?";
        Client = 0;
        Fault = ConnectionFault.None;
        Closing = false;
        _received = 0;
        _sending = false;
    }

    /// <summary>The whole message that has arrived.</summary>
    public ReadOnlySpan<byte> Received => _receiveBuffer.Slice(0, (int)Header.Read(_receiveBuffer.Span).Size);

    /// <summary>Begins to receive the next message. Bytes beyond the last one stay: a client may send ahead.</summary>
    public void StartReceive(bool first)
    {
        if (!first)
        {
            int size = (int)Header.Read(_receiveBuffer.Span).Size;
            Check.That(size <= _received);
            _receiveBuffer.Slice(size, _received - size).CopyTo(_receiveBuffer.Span);
            _received -= size;
        }
        _bus.OperationStarted(this);
        if (!first && TryFinishMessage()) return;
        Receive();
    }

    private void Receive()
    {
        try
        {
            do
            {
                _receiveArguments.SetBuffer(_receiveMemory[_received..]);
                if (_socket!.ReceiveAsync(_receiveArguments)) return;
            }
            while (AcceptBytes());
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            Failed(ConnectionFault.SocketError);
        }
    }

    private void ContinueReceive()
    {
        if (AcceptBytes()) Receive();
    }

    /// <summary>Takes what one receive brought; true if more is needed.</summary>
    private bool AcceptBytes()
    {
        if (_receiveArguments.SocketError != SocketError.Success) return Failed(ConnectionFault.SocketError);
        if (_receiveArguments.BytesTransferred == 0) return Failed(ConnectionFault.PeerClosed);
        _received += _receiveArguments.BytesTransferred;
        return !TryFinishMessage();
    }

    /// <summary>True if receiving ends here: a whole message, or bytes that can never become one.</summary>
    private bool TryFinishMessage()
    {
        if (_received < Limits.HeaderSize) return false;
        Header header = Header.Read(_receiveBuffer.Span);
        if (!header.ValidChecksum()) return !Failed(ConnectionFault.NotOurProtocol);
        if (header.Size < Limits.HeaderSize || header.Size > _receiveBuffer.Length)
            return !Failed(ConnectionFault.SizeOutOfBounds);
        if (_received < header.Size) return false;
        // Checked here, on a socket thread, so that the event loop does not spend its time on it.
        if (!header.ValidChecksumBody(Received[Limits.HeaderSize..])) return !Failed(ConnectionFault.BodyCorrupt);
        _bus.OperationEnded(this, BusEventKind.MessageReceived);
        return true;
    }

    /// <summary>Always false, so that callers can return it.</summary>
    private bool Failed(ConnectionFault fault)
    {
        Fault = fault;
        _bus.OperationEnded(this, BusEventKind.Closed);
        return false;
    }

    /// <summary>Queues a message for sending; drops it when the peer does not keep up (it will ask again).</summary>
    public void Send(Message message)
    {
        if (Closing || !IsOpen || !_sendQueue.TryAdd(message)) return;
        message.Reference();
        SendNext();
    }

    /// <summary>The loop calls this after a send has ended.</summary>
    public void SendEnded()
    {
        Check.That(_sending);
        _sending = false;
        SendNext();
    }

    private void SendNext()
    {
        if (_sending || Closing || !_sendQueue.TryTake(out Message message)) return;
        _sendSize = (int)message.Header.Size;
        message.Bytes.CopyTo(_sendBuffer.Span);
        message.Release();
        _sent = 0;
        _sending = true;
        _bus.OperationStarted(this);
        Transmit();
    }

    private void Transmit()
    {
        try
        {
            do
            {
                _sendArguments.SetBuffer(_sendMemory[_sent.._sendSize]);
                if (_socket!.SendAsync(_sendArguments)) return;
            }
            while (SentBytes());
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            Failed(ConnectionFault.SocketError);
        }
    }

    private void ContinueSend()
    {
        if (SentBytes()) Transmit();
    }

    private bool SentBytes()
    {
        if (_sendArguments.SocketError != SocketError.Success) return Failed(ConnectionFault.SocketError);
        _sent += _sendArguments.BytesTransferred;
        if (_sent < _sendSize) return true;
        _bus.OperationEnded(this, BusEventKind.Sent);
        return false;
    }

    /// <summary>Closes the socket; operations under way then end by themselves.</summary>
    public void Close()
    {
        if (Closing) return;
        Closing = true;
        while (_sendQueue.TryTake(out Message message)) message.Release();
        _socket?.Dispose();
    }

    /// <summary>After closing, with nothing outstanding: ready for another socket.</summary>
    public void Reset()
    {
        Check.That(Closing && Outstanding == 0);
        _socket = null;
        Client = 0;
        _sending = false;
    }

    public void Dispose()
    {
        _socket?.Dispose();
        _receiveArguments.Dispose();
        _sendArguments.Dispose();
    }
}
