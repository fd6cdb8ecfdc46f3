using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Deterministic.Core;
using Deterministic.Core.Collections;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Replica.Io;
using Deterministic.Vsr;
using Microsoft.Extensions.Logging;

namespace Deterministic.Replica.Net;

internal enum BusEventKind : byte
{
    MessageReceived = 1,
    Sent = 2,
    Closed = 3,
    Connected = 4,
}

/// <summary>What the bus delivers messages to.</summary>
internal interface IMessageHandler
{
    /// <summary>Otherwise requests of clients wait in their connections.</summary>
    bool TakesRequests { get; }

    void OnMessage(Message message);
}

/// <summary>The message bus over TCP, between this replica, the other ones and clients. Messages are frames of their
/// own: a 256-byte header that tells the size, then the body. A fixed number of connections with fixed buffers; a
/// client beyond it is refused. Everybody begins as a stranger: who asks as a client is one; who is a replica has to
/// prove it (<see cref="Handshake"/>).</summary>
internal sealed partial class TcpMessageBus : IMessageBus, IDisposable
{
    private const int Backlog = 64;

    private Socket? _listener;
    private readonly Connection[] _connections;
    private readonly PeerLink?[] _links;
    private readonly int _clientsMax;
    private readonly MessagePool _pool;
    private readonly WakeSignal _wake;
    private readonly ILogger _logger;
    private readonly object _gate = new();
    private readonly RingBuffer<(Connection Connection, BusEventKind Kind)> _events;
    private readonly SocketAsyncEventArgs _acceptArguments = new();
    private bool _stopped;

    /// <summary>A newcomer was refused because strangers held what was left.</summary>
    private volatile bool _crowded;

    /// <param name="memory">Takes two messages per connection.</param>
    /// <param name="pool">Of the messages that arrive.</param>
    /// <param name="clientsMax">Connections that clients may hold.</param>
    /// <param name="messageSizeMax">Bytes of a buffer.</param>
    /// <param name="identity">Who this replica is.</param>
    /// <param name="addresses">Of all replicas in order; not used if there is one only.</param>
    /// <param name="wake">Set when something has happened on a socket.</param>
    /// <param name="logger">For connections that come and go.</param>
    public TcpMessageBus(
        StaticMemory memory, MessagePool pool, int clientsMax, int messageSizeMax, HandshakeIdentity identity,
        IReadOnlyList<EndPoint> addresses, WakeSignal wake, ILogger logger)
    {
        Check.That(clientsMax > 0);
        Check.That(identity.ReplicaCount == 1 || identity.ReplicaCount == addresses.Count);
        _pool = pool;
        _wake = wake;
        _logger = logger;
        _clientsMax = clientsMax;
        _links = new PeerLink?[identity.ReplicaCount];
        for (byte i = 0; i < _links.Length; i++)
            if (i != identity.Self) _links[i] = new PeerLink(i, addresses[i], calls: i < identity.Self);
        // One with each replica, and one that is about to replace it.
        int connectionsMax = clientsMax + 2 * (_links.Length - 1);
        _connections = new Connection[connectionsMax];
        // A connection has at most a receive and a send under way, and each ends in one event.
        _events = new(2 * connectionsMax);
        for (int i = 0; i < connectionsMax; i++)
        {
            NativeBuffer receive = memory.Take(messageSizeMax, Limits.SectorSize);
            NativeBuffer send = memory.Take(messageSizeMax, Limits.SectorSize);
            _connections[i] = new Connection(this, i, receive, send, new Handshake(identity));
        }
        _acceptArguments.Completed += (_, _) => ContinueAccept();
    }

    public IPEndPoint? Endpoint => _listener?.LocalEndPoint as IPEndPoint;

    public bool TryListen(IPEndPoint endpoint, out string error)
    {
        try
        {
            _listener = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            _listener.Bind(endpoint);
            _listener.Listen(Backlog);
            error = "";
        }
        catch (SocketException exception)
        {
            error = $"cannot listen on {endpoint}: {exception.Message}; is another replica running there?";
            return false;
        }
        Accept();
        return true;
    }

    private void Accept()
    {
        try
        {
            do
            {
                _acceptArguments.AcceptSocket = null;
                if (_listener!.AcceptAsync(_acceptArguments)) return;
                TakeAccepted();
            }
            while (!_stopped);
        }
        catch (ObjectDisposedException)
        {
            Check.Maybe(_stopped);
        }
    }

    private void ContinueAccept()
    {
        TakeAccepted();
        if (!_stopped) Accept();
    }

    private void TakeAccepted()
    {
        Socket? socket = _acceptArguments.AcceptSocket;
        if (_acceptArguments.SocketError != SocketError.Success || socket is null) return;
        Connection? connection;
        lock (_gate)
        {
            connection = _stopped ? null : FindFree();
            connection?.Open(socket);
            if (connection is not null) connection.Outstanding++;
        }
        if (connection is null && _stopped)
        {
            socket.Dispose();
            return;
        }
        if (connection is null)
        {
            _crowded = true;
            BusLog.ConnectionRefused(_logger, socket.RemoteEndPoint?.ToString() ?? "?", _connections.Length);
            socket.Dispose();
            return;
        }
        connection.StartReceive();
    }

    private Connection? FindFree()
    {
        foreach (Connection candidate in _connections)
            if (!candidate.IsOpen) return candidate;
        return null;
    }

    internal void OperationStarted(Connection connection)
    {
        lock (_gate) connection.Outstanding++;
    }

    /// <summary>It has ended at once, without an event.</summary>
    internal void OperationEnded(Connection connection)
    {
        lock (_gate) connection.Outstanding--;
    }

    internal void OperationEnded(Connection connection, BusEventKind kind)
    {
        lock (_gate)
        {
            Check.That(_events.TryAdd((connection, kind)));
            _wake.Set();
        }
    }

    /// <summary>Handles what the sockets have done since the last call. Stops early when no message buffer is free; the
    /// rest then waits in its connections. Called by the event loop only. True if anything was done.</summary>
    public bool Pump<THandler>(THandler handler) where THandler : IMessageHandler
    {
        bool worked = false;
        while (TryTakeEvent(handler.TakesRequests, out Connection connection, out BusEventKind kind))
        {
            worked = true;
            if (connection.Closing) kind = BusEventKind.Closed;
            switch (kind)
            {
                case BusEventKind.MessageReceived: Deliver(connection, handler); break;
                case BusEventKind.Sent: connection.SendEnded(); break;
                case BusEventKind.Connected: StartHandshake(connection); break;
                default: Close(connection, connection.Fault); break;
            }
            FinishEvent(connection);
        }
        Flush();
        return worked;
    }

    /// <summary>The oldest event that can be handled now. While no message buffer is free, arrived messages go to the
    /// back, so that finished sends still let go of theirs; so do requests of clients that would be dropped.</summary>
    private bool TryTakeEvent(bool takesRequests, out Connection connection, out BusEventKind kind)
    {
        lock (_gate)
        {
            for (int waiting = _events.Count; waiting > 0; waiting--)
            {
                _events.TryTake(out (Connection Connection, BusEventKind Kind) next);
                (connection, kind) = next;
                bool arrived = kind == BusEventKind.MessageReceived && !connection.Closing;
                bool waits = arrived && !takesRequests && connection.Replica < 0 &&
                    connection.ReceivedHeader.Command == Command.Request;
                if (!waits && !(arrived && _pool.FreeCount == 0)) return true;
                Check.That(_events.TryAdd(next));
            }
            (connection, kind) = (_connections[0], default);
            return false;
        }
    }

    private void Deliver<THandler>(Connection connection, THandler handler) where THandler : IMessageHandler
    {
        Header header = connection.ReceivedHeader;
        if (header.Command == Command.Hello)
        {
            TakeHello(connection, in header);
            if (!connection.Closing) connection.ContinueAfterMessage();
            return;
        }
        if (connection.Replica < 0 && !TryBind(connection, in header)) return;
        Message message = _pool.TryTake()!;
        connection.Received.CopyTo(message.Buffer.Span);
        connection.ContinueAfterMessage();
        handler.OnMessage(message);
        message.Release();
    }

    /// <summary>A client speaks on one connection, the newest; an older one is left from before a reconnect. False if
    /// there is no room for one more client.</summary>
    private bool TryBind(Connection connection, in Header header)
    {
        UInt128 client = header.Command switch
        {
            Command.Request => header.Request.Client,
            Command.PingClient => header.PingClient.Client,
            Command.Read => header.ReadRequest.Client,
            _ => header.Status.Client,
        };
        if (connection.Client == client) return true;
        int clients = 0;
        foreach (Connection other in _connections)
        {
            if (other == connection || !other.IsOpen || other.Client == 0) continue;
            if (other.Client == client) Close(other, ConnectionFault.Replaced);
            else clients++;
        }
        connection.Client = client;
        if (clients < _clientsMax) return true;
        Close(connection, ConnectionFault.TooManyClients);
        return false;
    }

    private void Close(Connection connection, ConnectionFault fault)
    {
        if (connection.Closing) return;
        connection.Close(fault);
        if (connection.Replica >= 0) BusLog.ReplicaLost(_logger, connection.Replica, connection.Peer, fault);
        else if (fault is ConnectionFault.PeerClosed or ConnectionFault.SocketError or ConnectionFault.Replaced)
            BusLog.ConnectionClosed(_logger, connection.Peer, fault);
        else BusLog.ConnectionFaulty(_logger, connection.Peer, fault);
    }

    private void FinishEvent(Connection connection)
    {
        lock (_gate)
        {
            connection.Outstanding--;
            Check.That(connection.Outstanding >= 0);
            if (!connection.Closing || connection.Outstanding > 0) return;
            PeerLink? link = connection.Replica >= 0 ? _links[connection.Replica] : connection.Called;
            link?.Ended(connection);
            connection.Reset();
        }
    }

    public void SendToClient(UInt128 client, Message message)
    {
        foreach (Connection connection in _connections)
        {
            if (!connection.IsOpen || connection.Client != client || client == 0) continue;
            connection.Send(message);
            return;
        }
    }

    public void SendToReplica(byte replica, Message message)
    {
        Check.That(_links[replica] is not null, "nobody sends to itself");
        _links[replica]!.Connection?.Send(message);
    }

    /// <summary>Closes everything; false if something is still under way after so long.</summary>
    public bool TryStop(TimeSpan patience)
    {
        lock (_gate) _stopped = true;
        _listener?.Dispose();
        foreach (Connection connection in _connections)
            if (connection.IsOpen) connection.Close();
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            while (TryTakeEvent(takesRequests: true, out Connection connection, out _)) FinishEvent(connection);
            int outstanding = 0;
            lock (_gate)
                foreach (Connection connection in _connections) outstanding += connection.Outstanding;
            if (outstanding == 0) return true;
            if (Stopwatch.GetElapsedTime(started) > patience) return false;
            _wake.Wait(TimeSpan.FromMilliseconds(1));
        }
    }

    public void Dispose()
    {
        foreach (Connection connection in _connections) connection.Dispose();
        foreach (PeerLink? link in _links) link?.Dispose();
        _acceptArguments.Dispose();
    }
}

internal static partial class BusLog
{
    [LoggerMessage(1, LogLevel.Warning, "Refused {Peer}: all {Connections} connections are in use")]
    public static partial void ConnectionRefused(ILogger logger, string peer, int connections);

    [LoggerMessage(2, LogLevel.Debug, "Connection of {Peer} ended ({Fault})")]
    public static partial void ConnectionClosed(ILogger logger, string peer, ConnectionFault fault);

    [LoggerMessage(3, LogLevel.Warning, "Closed the connection of {Peer}: {Fault}")]
    public static partial void ConnectionFaulty(ILogger logger, string peer, ConnectionFault fault);

    [LoggerMessage(4, LogLevel.Information, "Connected with replica {Replica} ({Peer})")]
    public static partial void ReplicaConnected(ILogger logger, int replica, string peer);

    [LoggerMessage(5, LogLevel.Warning, "Lost the connection with replica {Replica} ({Peer}): {Fault}")]
    public static partial void ReplicaLost(ILogger logger, int replica, string peer, ConnectionFault fault);

    [LoggerMessage(6, LogLevel.Error, "Refused to connect with {Peer} as replicas of one cluster ({Fault}): {Why}")]
    public static partial void HandshakeRefused(ILogger logger, string peer, HandshakeFault fault, string why);
}
