using System;
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
}

/// <summary>What the bus delivers messages to.</summary>
internal interface IMessageHandler
{
    void OnMessage(Message message);
}

/// <summary>The message bus over TCP. Messages are frames of their own: a 256-byte header that tells the size, then the
/// body. A fixed number of connections with fixed buffers; a client beyond it is refused.</summary>
internal sealed class TcpMessageBus : IMessageBus, IDisposable
{
    private const int Backlog = 64;

    private Socket? _listener;
    private readonly Connection[] _connections;
    private readonly MessagePool _pool;
    private readonly WakeSignal _wake;
    private readonly ILogger _logger;
    private readonly object _gate = new();
    private readonly RingBuffer<(Connection Connection, BusEventKind Kind)> _events;
    private readonly SocketAsyncEventArgs _acceptArguments = new();
    private bool _stopped;

    /// <param name="memory">Takes two messages per connection.</param>
    public TcpMessageBus(
        StaticMemory memory, MessagePool pool, int connectionsMax, int messageSizeMax, WakeSignal wake, ILogger logger)
    {
        Check.That(connectionsMax > 0);
        _pool = pool;
        _wake = wake;
        _logger = logger;
        _connections = new Connection[connectionsMax];
        // A connection has at most a receive and a send under way, and each ends in one event.
        _events = new(2 * connectionsMax);
        for (int i = 0; i < connectionsMax; i++)
        {
            NativeBuffer receive = memory.Take(messageSizeMax, Limits.SectorSize);
            NativeBuffer send = memory.Take(messageSizeMax, Limits.SectorSize);
            _connections[i] = new Connection(this, i, receive, send);
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
        Connection? connection = null;
        lock (_gate)
        {
            foreach (Connection candidate in _connections)
            {
                if (candidate.IsOpen) continue;
                connection = candidate;
                connection.Open(socket);
                break;
            }
        }
        if (connection is null)
        {
            BusLog.ConnectionRefused(_logger, socket.RemoteEndPoint?.ToString() ?? "?", _connections.Length);
            socket.Dispose();
            return;
        }
        connection.StartReceive(first: true);
    }

    internal void OperationStarted(Connection connection)
    {
        lock (_gate) connection.Outstanding++;
    }

    internal void OperationEnded(Connection connection, BusEventKind kind)
    {
        lock (_gate) Check.That(_events.TryAdd((connection, kind)));
        _wake.Set();
    }

    /// <summary>Handles what the sockets have done since the last call. Stops early when no message buffer is free; the
    /// rest then waits in its connections. Called by the event loop only. True if anything was done.</summary>
    public bool Pump<THandler>(THandler handler) where THandler : IMessageHandler
    {
        bool worked = false;
        while (TryTakeEvent(out Connection connection, out BusEventKind kind))
        {
            worked = true;
            if (kind == BusEventKind.MessageReceived && !connection.Closing) Deliver(connection, handler);
            else if (kind == BusEventKind.Sent && !connection.Closing) connection.SendEnded();
            else if (!connection.Closing) CloseFaulty(connection);
            FinishEvent(connection);
        }
        return worked;
    }

    /// <summary>The oldest event that can be handled now. While no message buffer is free, arrived messages go to the
    /// back, so that finished sends still let go of theirs.</summary>
    private bool TryTakeEvent(out Connection connection, out BusEventKind kind)
    {
        lock (_gate)
        {
            for (int waiting = _events.Count; waiting > 0; waiting--)
            {
                _events.TryTake(out (Connection Connection, BusEventKind Kind) next);
                (connection, kind) = next;
                bool blocked = kind == BusEventKind.MessageReceived && !connection.Closing && _pool.FreeCount == 0;
                if (!blocked) return true;
                Check.That(_events.TryAdd(next));
            }
            (connection, kind) = (_connections[0], default);
            return false;
        }
    }

    private void Deliver<THandler>(Connection connection, THandler handler) where THandler : IMessageHandler
    {
        Message message = _pool.TryTake()!;
        connection.Received.CopyTo(message.Buffer.Span);
        ref Header header = ref message.Header;
        if (header.Command == Command.Request) Bind(connection, header.Request.Client);
        else if (header.Command == Command.PingClient) Bind(connection, header.PingClient.Client);
        connection.StartReceive(first: false);
        handler.OnMessage(message);
        message.Release();
    }

    /// <summary>A client speaks on one connection, the newest; an older one is left from before a reconnect.</summary>
    private void Bind(Connection connection, UInt128 client)
    {
        if (connection.Client == client) return;
        connection.Client = client;
        foreach (Connection other in _connections)
        {
            if (other != connection && other.IsOpen && other.Client == client) other.Close();
        }
    }

    private void CloseFaulty(Connection connection)
    {
        if (connection.Fault is ConnectionFault.PeerClosed or ConnectionFault.SocketError)
            BusLog.ConnectionClosed(_logger, connection.Peer, connection.Fault);
        else
            BusLog.ConnectionFaulty(_logger, connection.Peer, connection.Fault);
        connection.Close();
    }

    private void FinishEvent(Connection connection)
    {
        lock (_gate)
        {
            connection.Outstanding--;
            Check.That(connection.Outstanding >= 0);
            if (connection.Closing && connection.Outstanding == 0) connection.Reset();
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

    public void SendToReplica(byte replica, Message message) =>
        Check.Unreachable("a cluster of one replica has nobody to send to");

    public void Dispose()
    {
        _stopped = true;
        _listener?.Dispose();
        foreach (Connection connection in _connections) connection.Dispose();
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
}
