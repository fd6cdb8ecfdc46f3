using System;
using System.Net;
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
/// short queue of those that wait. Its socket never blocks, and everything happens on the event loop, which receives
/// no more until it has taken the messages that are here: that is all the flow control needed.</summary>
internal sealed class Connection
{
    /// <summary>A session has one request in flight, so more replies than this cannot be owed to one client.</summary>
    private const int ClientQueueMax = 2;

    /// <summary>Beyond this a replica does not keep up, and is sent again later what it has missed.</summary>
    public const int ReplicaQueueMax = 16;

    private readonly TcpMessageBus _bus;
    private readonly NativeBuffer _receiveBuffer;
    private readonly NativeBuffer _sendBuffer;
    private readonly RingBuffer<Message> _sendQueue = new(ReplicaQueueMax);
    private Socket? _socket;

    /// <summary>Where the message begins that is arriving.</summary>
    private int _start;
    private int _received;
    private int _sendSize;
    private int _sent;

    /// <summary>More may have come than was received.</summary>
    private bool _readable;

    /// <summary>The kernel may take more.</summary>
    private bool _writable;

    /// <summary>Nothing comes any more beyond what is here, and nobody will say so again.</summary>
    private bool _ends;

    public Connection(
        TcpMessageBus bus, int index, NativeBuffer receiveBuffer, NativeBuffer sendBuffer, Handshake handshake)
    {
        _bus = bus;
        Index = index;
        Handshake = handshake;
        _receiveBuffer = receiveBuffer;
        _sendBuffer = sendBuffer;
    }

    public int Index { get; }
    public bool IsOpen => _socket is not null;

    /// <summary>The client that speaks here, once it has said so; 0 before.</summary>
    public UInt128 Client { get; set; }

    /// <summary>The replica that has proved to speak here; -1: none.</summary>
    public int Replica { get; set; } = -1;

    /// <summary>And that is a standby.</summary>
    public bool IsStandby { get; set; }

    /// <summary>The other replica that this one has called here; null if the other side has.</summary>
    public PeerLink? Called { get; private set; }

    /// <summary>The call has not come to anything yet.</summary>
    public bool Connecting { get; private set; }
    public Handshake Handshake { get; }

    /// <summary>Ticks of the bus since it was opened.</summary>
    public int Age { get; set; }
    public bool Identified => Client != 0 || Replica >= 0;
    public ConnectionFault Fault { get; private set; }
    public string Peer { get; private set; } = "";
    public bool Closing { get; private set; }

    /// <summary>The bus has it among those that can go on.</summary>
    public bool IsActive { get; set; }

    /// <summary>A whole message is here, and sound.</summary>
    public bool HasMessage { get; private set; }

    /// <summary>There may be something to do without waiting for the socket.</summary>
    public bool CanGoOn => IsOpen && !Closing && (HasMessage || _readable);

    /// <param name="socket">Connected, or about to be; it does not block.</param>
    /// <param name="called">Whom this replica calls with it, if it does.</param>
    public void Open(Socket socket, PeerLink? called = null)
    {
        Check.That(_socket is null && !socket.Blocking);
        socket.NoDelay = true;
        _socket = socket;
        Called = called;
        Connecting = called is not null;
        Peer = called is null ? socket.RemoteEndPoint?.ToString() ?? "?" : called.Text;
        Client = 0;
        Replica = -1;
        IsStandby = false;
        Age = 0;
        Handshake.Reset();
        Fault = ConnectionFault.None;
        Closing = false;
        HasMessage = false;
        _start = 0;
        _received = 0;
        _sendSize = 0;
        _sent = 0;
        _readable = false;
        _writable = called is null;
        _ends = false;
    }

    /// <summary>For the kernel; the socket keeps it open.</summary>
    public int Descriptor => (int)_socket!.Handle;

    /// <summary>The whole message that has arrived.</summary>
    public ReadOnlySpan<byte> Received => _receiveBuffer.Slice(_start, (int)ReceivedHeader.Size);
    public Header ReceivedHeader => Header.Read(_receiveBuffer.Slice(_start, Limits.HeaderSize));

    /// <summary>The kernel says that the socket can go on, in one way or another.</summary>
    /// <param name="ends">The other side has closed it, or it has failed.</param>
    public void Awake(bool ends)
    {
        _readable = true;
        _writable = true;
        _ends |= ends;
    }

    /// <summary>Whether the call has come to something.</summary>
    public bool TryConnect()
    {
        Check.That(Connecting);
        Connecting = false;
        if ((int)_socket!.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)! == 0) return true;
        Close(ConnectionFault.SocketError);
        return false;
    }

    /// <summary>Receives until a whole message is here, or nothing more; true if anything has come.</summary>
    public bool TryReceive()
    {
        Check.That(!HasMessage && !Closing);
        bool any = false;
        while (_readable && !HasMessage && !Closing)
        {
            MakeRoom();
            Span<byte> room = _receiveBuffer.Slice(_received, (int)_receiveBuffer.Length - _received);
            int size = _socket!.Receive(room, SocketFlags.None, out SocketError error);
            // Less than there was room for: that was all, and the kernel will tell of what comes after it.
            _readable = size == room.Length || _ends;
            if (error == SocketError.WouldBlock) _readable = false;
            else if (error != SocketError.Success) Close(ConnectionFault.SocketError);
            else if (size == 0) Close(ConnectionFault.PeerClosed);
            else Accept(size);
            any |= error == SocketError.Success;
        }
        return any;
    }

    private void Accept(int size)
    {
        _received += size;
        FindMessage();
    }

    /// <summary>The message that is arriving goes to the front of the buffer, so that it fits.</summary>
    private void MakeRoom()
    {
        if (_start == 0) return;
        _receiveBuffer.Slice(_start, _received - _start).CopyTo(_receiveBuffer.Span);
        _received -= _start;
        _start = 0;
    }

    /// <summary>The message has been taken. Bytes beyond it stay: a peer may send ahead.</summary>
    public void PassMessage()
    {
        Check.That(HasMessage);
        int size = (int)ReceivedHeader.Size;
        Check.That(_start + size <= _received);
        _start += size;
        HasMessage = false;
        FindMessage();
    }

    private void FindMessage()
    {
        if (_received - _start < Limits.HeaderSize) return;
        Header header = ReceivedHeader;
        ConnectionFault fault = ConnectionFault.None;
        if (!header.ValidChecksum()) fault = ConnectionFault.NotOurProtocol;
        else if (header.Size < Limits.HeaderSize || header.Size > _receiveBuffer.Length)
            fault = ConnectionFault.SizeOutOfBounds;
        else fault = Forbidden(in header);
        if (fault == ConnectionFault.None)
        {
            if (_received - _start < header.Size) return;
            if (!header.ValidChecksumBody(Received[Limits.HeaderSize..])) fault = ConnectionFault.BodyCorrupt;
        }
        if (fault == ConnectionFault.None) HasMessage = true;
        else Close(fault);
    }

    /// <summary>What the other side may say follows from who it has proved to be. Told before its body is waited
    /// for.</summary>
    private ConnectionFault Forbidden(in Header header)
    {
        bool allowed = IsStandby ? header.Command.IsFromStandby()
            : Replica >= 0 ? header.Command.IsFromReplica()
            : header.Command == Command.Hello ? Client == 0
            : Called is null && header.Command.IsFromClient();
        if (!allowed) return ConnectionFault.NotAllowed;
        bool another = Replica >= 0 && header.Replica != Replica && !header.Command.IsPassedOn();
        return another ? ConnectionFault.WrongSender : ConnectionFault.None;
    }

    /// <summary>Queues a message for sending; drops it when the other side does not keep up (it will ask again). To a
    /// replica it leaves with the next <see cref="Flush"/>, together with others.</summary>
    public void Send(Message message)
    {
        if (Closing || !IsOpen) return;
        int queueMax = Replica >= 0 ? ReplicaQueueMax : ClientQueueMax;
        if (_sendQueue.Count >= queueMax) Flush();
        if (Closing || _sendQueue.Count >= queueMax) return;
        Check.That(_sendQueue.TryAdd(message.Reference()));
        if (Replica < 0) Flush();
    }

    /// <summary>Sends as much as the kernel takes; the rest follows once it takes more.</summary>
    public void Flush()
    {
        while (_writable && !Closing && (_sent < _sendSize || Gather()))
        {
            int size = _socket!.Send(_sendBuffer.Slice(_sent, _sendSize - _sent), SocketFlags.None,
                out SocketError error);
            if (error == SocketError.Success) _sent += size;
            else if (error == SocketError.WouldBlock) _writable = false;
            else Close(ConnectionFault.SocketError);
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

    /// <summary>The other side is a replica: a dead connection must not be taken for a live one.</summary>
    public void SetLimits()
    {
        try
        {
            PeerLink.SetLimits(_socket!);
        }
        catch (SocketException)
        {
            // It is broken already, and the next receive says so.
        }
    }

    /// <summary>Closes the socket; the bus makes the connection ready for another one in its next round.</summary>
    public void Close(ConnectionFault fault)
    {
        if (Closing || !IsOpen) return;
        Fault = fault;
        Closing = true;
        HasMessage = false;
        while (_sendQueue.TryTake(out Message message)) message.Release();
        _socket!.Dispose();
        _bus.Ended(this);
    }

    /// <summary>After closing: ready for another socket.</summary>
    public void Reset()
    {
        Check.That(Closing);
        _socket = null;
        Closing = false;
        Client = 0;
        Replica = -1;
        IsStandby = false;
        Called = null;
    }
}
