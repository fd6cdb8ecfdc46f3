using System;
using System.Collections.Generic;
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
/// prove it (<see cref="Handshake"/>). No threads: the event loop sends and receives, and waits for all sockets at
/// once.</summary>
internal sealed partial class TcpMessageBus : IMessageBus, IDisposable
{
    private const int Backlog = 64;

    private Socket? _listener;
    private readonly Connection[] _connections;
    private readonly PeerLink?[] _links;
    private readonly int _clientsMax;
    private readonly byte _replicaCount;
    private readonly MessagePool _pool;
    private readonly WakeSignal _wake;
    private readonly ILogger _logger;

    /// <summary>Those that can go on, or could if there were room for what has come.</summary>
    private readonly RingBuffer<Connection> _active;

    /// <summary>Closed, and not yet ready for another socket.</summary>
    private readonly RingBuffer<Connection> _ended;

    /// <summary>A newcomer was refused because strangers held what was left.</summary>
    private bool _crowded;

    /// <param name="memory">Takes two messages per connection.</param>
    /// <param name="pool">Of the messages that arrive.</param>
    /// <param name="clientsMax">Connections that clients may hold.</param>
    /// <param name="messageSizeMax">Bytes of a buffer.</param>
    /// <param name="identity">Who this replica is.</param>
    /// <param name="addresses">Of all replicas in order, then of the standbys; not used if there is one only.</param>
    /// <param name="wake">Watches the sockets.</param>
    /// <param name="logger">For connections that come and go.</param>
    public TcpMessageBus(
        StaticMemory memory, MessagePool pool, int clientsMax, int messageSizeMax, HandshakeIdentity identity,
        IReadOnlyList<EndPoint> addresses, WakeSignal wake, ILogger logger)
    {
        Check.That(clientsMax > 0);
        Check.That(identity.MemberCount == 1 || identity.MemberCount == addresses.Count);
        _pool = pool;
        _wake = wake;
        _logger = logger;
        _clientsMax = clientsMax;
        _replicaCount = identity.ReplicaCount;
        _links = new PeerLink?[identity.MemberCount];
        int linksCount = 0;
        for (byte i = 0; i < _links.Length; i++)
        {
            if (!identity.TalksTo(i)) continue;
            _links[i] = new PeerLink(i, addresses[i], calls: i < identity.Self);
            linksCount++;
        }
        // One with each of the others, and one that is about to replace it.
        int connectionsMax = clientsMax + 2 * linksCount;
        _connections = new Connection[connectionsMax];
        _active = new(connectionsMax);
        _ended = new(connectionsMax);
        for (int i = 0; i < connectionsMax; i++)
        {
            NativeBuffer receive = memory.Take(messageSizeMax, Limits.SectorSize);
            NativeBuffer send = memory.Take(messageSizeMax, Limits.SectorSize);
            _connections[i] = new Connection(this, i, receive, send, new Handshake(identity));
        }
    }

    /// <summary>Stands for the listener where a connection's index stands for it.</summary>
    private int ListenerToken => _connections.Length;

    public IPEndPoint? Endpoint => _listener?.LocalEndPoint as IPEndPoint;

    public bool TryListen(IPEndPoint endpoint, out string error)
    {
        try
        {
            _listener = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            _listener.Bind(endpoint);
            _listener.Listen(Backlog);
            error = "";
        }
        catch (SocketException exception)
        {
            error = $"cannot listen on {endpoint}: {exception.Message}; is another replica running there?";
            return false;
        }
        _wake.Watch((int)_listener.Handle, ListenerToken);
        return true;
    }

    /// <summary>Takes everybody who has come.</summary>
    private void Accept()
    {
        try
        {
            while (true) TakeAccepted(_listener!.Accept());
        }
        catch (SocketException)
        {
            // Nobody else, or nobody that this machine has room for.
        }
    }

    private void TakeAccepted(Socket socket)
    {
        socket.Blocking = false;
        if (FindFree() is Connection free)
        {
            free.Open(socket);
            _wake.Watch(free.Descriptor, free.Index);
            return;
        }
        _crowded = true;
        BusLog.ConnectionRefused(_logger, socket.RemoteEndPoint?.ToString() ?? "?", _connections.Length);
        socket.Dispose();
    }

    private Connection? FindFree()
    {
        foreach (Connection candidate in _connections)
            if (!candidate.IsOpen) return candidate;
        return null;
    }

    /// <summary>It is closed; tells why, unless everything ends.</summary>
    internal void Ended(Connection connection)
    {
        Check.That(connection.Closing);
        Check.That(_ended.TryAdd(connection));
        ConnectionFault fault = connection.Fault;
        if (fault == ConnectionFault.None) return;
        if (connection.Replica >= 0) BusLog.ReplicaLost(_logger, connection.Replica, connection.Peer, fault);
        else if (fault is ConnectionFault.PeerClosed or ConnectionFault.SocketError or ConnectionFault.Replaced)
            BusLog.ConnectionClosed(_logger, connection.Peer, fault);
        else BusLog.ConnectionFaulty(_logger, connection.Peer, fault);
    }

    /// <summary>Handles what the sockets have ready. What the handler does not take now waits in its connection,
    /// and with it what comes after it. Called by the event loop only, after each wait. True if anything was
    /// done.</summary>
    public bool Pump<THandler>(THandler handler) where THandler : IMessageHandler
    {
        foreach (ReadySocket ready in _wake.Ready)
        {
            if (ready.Token == ListenerToken) Accept();
            else if (_connections[ready.Token] is { IsOpen: true, Closing: false } connection)
                WakeUp(connection, ready.Ends);
        }
        bool worked = false;
        for (int turns = _active.Count; turns > 0; turns--)
        {
            Check.That(_active.TryTake(out Connection connection));
            connection.IsActive = false;
            if (connection.CanGoOn) worked |= Serve(connection, handler);
            if (connection.CanGoOn) Activate(connection);
        }
        Flush();
        while (_ended.TryTake(out Connection connection)) Finish(connection);
        return worked;
    }

    /// <summary>Something has come that was not taken yet; what has become possible meanwhile decides whether it can
    /// be.</summary>
    public bool HasWaiting => !_active.IsEmpty;

    private void Activate(Connection connection)
    {
        if (connection.IsActive) return;
        connection.IsActive = true;
        Check.That(_active.TryAdd(connection));
    }

    private void WakeUp(Connection connection, bool ends)
    {
        bool calls = connection.Connecting;
        if (calls && !connection.TryConnect()) return;
        connection.Awake(ends);
        if (calls) StartHandshake(connection);
        connection.Flush();
        if (connection.CanGoOn) Activate(connection);
    }

    /// <summary>One message of a connection, so that all have their turn; false if there is none, or none that can be
    /// taken now.</summary>
    private bool Serve<THandler>(Connection connection, THandler handler) where THandler : IMessageHandler
    {
        bool worked = !connection.HasMessage && connection.TryReceive();
        if (!connection.HasMessage) return worked;
        Header header = connection.ReceivedHeader;
        bool isRequest = connection.Replica < 0 && header.Command == Command.Request;
        if (_pool.FreeCount == 0 || (isRequest && !handler.TakesRequests)) return worked;
        Deliver(connection, handler);
        return true;
    }

    private void Deliver<THandler>(Connection connection, THandler handler) where THandler : IMessageHandler
    {
        Header header = connection.ReceivedHeader;
        if (header.Command == Command.Hello)
        {
            TakeHello(connection, in header);
            if (!connection.Closing) connection.PassMessage();
            return;
        }
        if (connection.Replica < 0 && !TryBind(connection, in header)) return;
        Message message = _pool.TryTake()!;
        connection.Received.CopyTo(message.Buffer.Span);
        connection.PassMessage();
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
            if (other.Client == client) other.Close(ConnectionFault.Replaced);
            else clients++;
        }
        connection.Client = client;
        if (clients < _clientsMax) return true;
        connection.Close(ConnectionFault.TooManyClients);
        return false;
    }

    private void Finish(Connection connection)
    {
        PeerLink? link = connection.Replica >= 0 ? _links[connection.Replica] : connection.Called;
        link?.Ended(connection);
        connection.Reset();
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

    public void Dispose()
    {
        _listener?.Dispose();
        foreach (Connection connection in _connections) connection.Close(ConnectionFault.None);
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
