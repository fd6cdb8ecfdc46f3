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

    /// <summary>A command that only a replica may send, from somebody who has not shown to be one; or from a replica
    /// one that only a client sends.</summary>
    NotAllowed = 6,

    /// <summary>A replica spoke in the name of another one.</summary>
    WrongSender = 7,
    HandshakeRefused = 8,

    /// <summary>It did not say in time who it is.</summary>
    Unidentified = 9,
    TooManyClients = 10,

    /// <summary>The same replica or client has a newer connection.</summary>
    Replaced = 11,
}

/// <summary>One TCP connection: a buffer for what is arriving, a buffer for what leaves, as many messages as fit, and a
/// short queue of those that wait. Socket threads fill and empty the buffers; everything else happens on the event
/// loop. The receive side stops after each whole message until the loop has taken it, which is all the flow control
/// needed.</summary>
internal sealed class Connection : IDisposable
{
    /// <summary>A session has one request in flight, so more replies than this cannot be owed to one client.</summary>
    private const int ClientQueueMax = 2;

    /// <summary>Beyond this a replica does not keep up, and is sent again later what it has missed.</summary>
    public const int ReplicaQueueMax = 16;

    private readonly TcpMessageBus _bus;
    private readonly NativeBuffer _receiveBuffer;
    private readonly NativeBuffer _sendBuffer;
    private readonly Memory<byte> _receiveMemory;
    private readonly Memory<byte> _sendMemory;
    private readonly SocketAsyncEventArgs _receiveArguments = new();
    private readonly SocketAsyncEventArgs _sendArguments = new();
    private readonly RingBuffer<Message> _sendQueue = new(ReplicaQueueMax);
    private Socket? _socket;

    /// <summary>Where the message begins that is arriving.</summary>
    private int _start;
    private int _received;
    private int _sendSize;
    private int _sent;
    private bool _sending;

    public Connection(
        TcpMessageBus bus, int index, NativeBuffer receiveBuffer, NativeBuffer sendBuffer, Handshake handshake)
    {
        _bus = bus;
        Index = index;
        Handshake = handshake;
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

    /// <summary>The replica that has proved to speak here; -1: none.</summary>
    public int Replica { get; set; } = -1;

    /// <summary>The other replica that this one has called here; null if the other side has.</summary>
    public PeerLink? Called { get; private set; }
    public Handshake Handshake { get; }

    /// <summary>Ticks of the bus since it was opened.</summary>
    public int Age { get; set; }
    public bool Identified => Client != 0 || Replica >= 0;
    public ConnectionFault Fault { get; private set; }
    public string Peer { get; private set; } = "";

    /// <summary>Socket operations under way plus events not yet taken; the connection is reusable once it is closed and
    /// this is 0. Guarded by the bus.</summary>
    public int Outstanding { get; set; }
    public bool Closing { get; set; }

    /// <param name="socket">Connected, or about to be.</param>
    /// <param name="called">Whom this replica calls with it, if it does.</param>
    public void Open(Socket socket, PeerLink? called = null)
    {
        Check.That(_socket is null);
        Check.That(Outstanding == 0);
        socket.NoDelay = true;
        _socket = socket;
        Called = called;
        Peer = called is null ? socket.RemoteEndPoint?.ToString() ?? "?" : called.Text;
        Client = 0;
        Replica = -1;
        Age = 0;
        Handshake.Reset();
        Fault = ConnectionFault.None;
        Closing = false;
        _start = 0;
        _received = 0;
        _sending = false;
    }

    /// <summary>The whole message that has arrived.</summary>
    public ReadOnlySpan<byte> Received => _receiveBuffer.Slice(_start, (int)ReceivedHeader.Size);
    public Header ReceivedHeader => Header.Read(_receiveBuffer.Slice(_start, Limits.HeaderSize));

    /// <summary>Begins to receive the first message, as an operation that is counted already.</summary>
    public void StartReceive() => Receive();

    /// <summary>Begins to receive the next message. Bytes beyond the last one stay: a peer may send ahead.</summary>
    public void ContinueAfterMessage()
    {
        int size = (int)ReceivedHeader.Size;
        Check.That(_start + size <= _received);
        _start += size;
        _bus.OperationStarted(this);
        if (!TryFinishMessage()) Receive();
    }

    private void Receive()
    {
        if (_start > 0)
        {
            _receiveBuffer.Slice(_start, _received - _start).CopyTo(_receiveBuffer.Span);
            _received -= _start;
            _start = 0;
        }
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
        if (_received - _start < Limits.HeaderSize) return false;
        Header header = ReceivedHeader;
        if (!header.ValidChecksum()) return !Failed(ConnectionFault.NotOurProtocol);
        if (header.Size < Limits.HeaderSize || header.Size > _receiveBuffer.Length)
            return !Failed(ConnectionFault.SizeOutOfBounds);
        ConnectionFault forbidden = Forbidden(in header);
        if (forbidden != ConnectionFault.None) return !Failed(forbidden);
        if (_received - _start < header.Size) return false;
        // Checked here, on a socket thread, so that the event loop does not spend its time on it.
        if (!header.ValidChecksumBody(Received[Limits.HeaderSize..])) return !Failed(ConnectionFault.BodyCorrupt);
        _bus.OperationEnded(this, BusEventKind.MessageReceived);
        return true;
    }

    /// <summary>What the other side may say follows from who it has proved to be. Told before its body is waited
    /// for.</summary>
    private ConnectionFault Forbidden(in Header header)
    {
        bool allowed = Replica >= 0 ? header.Command.IsFromReplica()
            : header.Command == Command.Hello ? Client == 0
            : Called is null && header.Command.IsFromClient();
        if (!allowed) return ConnectionFault.NotAllowed;
        bool another = Replica >= 0 && header.Replica != Replica && !header.Command.IsPassedOn();
        return another ? ConnectionFault.WrongSender : ConnectionFault.None;
    }

    /// <summary>Always false, so that callers can return it.</summary>
    private bool Failed(ConnectionFault fault)
    {
        Fault = fault;
        _bus.OperationEnded(this, BusEventKind.Closed);
        return false;
    }

    /// <summary>Queues a message for sending; drops it when the other side does not keep up (it will ask again). To a
    /// replica it leaves with the next <see cref="Flush"/>, together with others.</summary>
    public void Send(Message message)
    {
        if (Closing || !IsOpen) return;
        int queueMax = Replica >= 0 ? ReplicaQueueMax : ClientQueueMax;
        if (_sendQueue.Count >= queueMax) Flush();
        if (_sendQueue.Count >= queueMax) return;
        Check.That(_sendQueue.TryAdd(message.Reference()));
        if (Replica < 0) Flush();
    }

    /// <summary>The loop calls this after a send has ended.</summary>
    public void SendEnded()
    {
        Check.That(_sending);
        _sending = false;
        Flush();
    }

    public void Flush()
    {
        while (!_sending && !Closing && Gather())
        {
            _sending = true;
            _bus.OperationStarted(this);
            if (!Transmit()) return;
            _bus.OperationEnded(this);
            _sending = false;
        }
    }

    /// <summary>Moves as many waiting messages into the buffer as fit; false if none waits.</summary>
    private bool Gather()
    {
        _sent = 0;
        _sendSize = 0;
        while (!_sendQueue.IsEmpty && _sendSize + (int)_sendQueue[0].Header.Size <= _sendBuffer.Length)
        {
            Check.That(_sendQueue.TryTake(out Message message));
            message.Bytes.CopyTo(_sendBuffer.Slice(_sendSize, message.Bytes.Length));
            _sendSize += message.Bytes.Length;
            message.Release();
        }
        return _sendSize > 0;
    }

    /// <summary>True once all bytes are with the kernel. Otherwise a socket thread goes on, or the connection has
    /// failed, and an event tells.</summary>
    private bool Transmit()
    {
        try
        {
            do
            {
                _sendArguments.SetBuffer(_sendMemory[_sent.._sendSize]);
                if (_socket!.SendAsync(_sendArguments) || !CountSent()) return false;
            }
            while (_sent < _sendSize);
            return true;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return Failed(ConnectionFault.SocketError);
        }
    }

    private void ContinueSend()
    {
        if (!CountSent()) return;
        if (_sent < _sendSize && !Transmit()) return;
        _bus.OperationEnded(this, BusEventKind.Sent);
    }

    private bool CountSent()
    {
        if (_sendArguments.SocketError != SocketError.Success) return Failed(ConnectionFault.SocketError);
        _sent += _sendArguments.BytesTransferred;
        return true;
    }

    /// <summary>The other side is a replica: a dead connection must not be taken for a live one.</summary>
    public void SetLimits()
    {
        try
        {
            PeerLink.SetLimits(_socket!);
        }
        catch (SocketException)
        {
            // It is broken already, and the receive under way says so.
        }
    }

    /// <summary>The operation that was to connect this socket has ended.</summary>
    public void ConnectEnded(bool connected)
    {
        if (connected) _bus.OperationEnded(this, BusEventKind.Connected);
        else Failed(ConnectionFault.SocketError);
    }

    /// <summary>Closes the socket for a reason of this side's.</summary>
    public void Close(ConnectionFault fault)
    {
        if (!Closing) Fault = fault;
        Close();
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
        Replica = -1;
        _sending = false;
    }

    public void Dispose()
    {
        _socket?.Dispose();
        _receiveArguments.Dispose();
        _sendArguments.Dispose();
    }
}
