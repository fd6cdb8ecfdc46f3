using System;
using System.Net;
using System.Net.Sockets;
using Deterministic.Client;
using Deterministic.Core;

namespace Deterministic.Replica.Net;

/// <summary>The way to one other replica: the connection on which it has proved who it is, if there is one, and when to
/// call it again. Of two replicas the one with the higher index calls.</summary>
internal sealed class PeerLink : IDisposable
{
    private const int BackoffTicksMax = 100;

    /// <summary>Seconds without a sign of life from the other machine after which the kernel gives up a
    /// connection.</summary>
    private const int SilenceSecondsMax = 5;

    private const int OptionLevelTcp = 6;
    private const int TcpUserTimeout = 18;

    private readonly SocketAsyncEventArgs _arguments = new();
    private readonly EndPoint _address;
    private Connection? _calling;
    private int _attempts;
    private int _ticksLeft = 1;

    public PeerLink(byte replica, EndPoint address, bool calls)
    {
        Replica = replica;
        Calls = calls;
        _address = address;
        Text = $"replica {replica} at {ClientOptions.Describe(address)}";
        _arguments.RemoteEndPoint = address;
        _arguments.Completed += (_, _) => Connected();
    }

    public byte Replica { get; }

    /// <summary>Whether this side is the one that calls.</summary>
    public bool Calls { get; }
    public string Text { get; }

    /// <summary>Proved and open; null: messages to this replica are dropped.</summary>
    public Connection? Connection { get; set; }

    /// <summary>A tick has passed; true if it is time to call.</summary>
    public bool Due()
    {
        if (!Calls || Connection is not null || _calling is not null) return false;
        return --_ticksLeft <= 0;
    }

    /// <summary>Begins to connect; an event of the bus tells the outcome.</summary>
    /// <param name="bus">Whose connection it is.</param>
    /// <param name="connection">Opened for this call, with <paramref name="socket"/>.</param>
    /// <param name="socket">From <see cref="TryNewSocket"/>.</param>
    public void Call(TcpMessageBus bus, Connection connection, Socket socket)
    {
        Check.That(_calling is null && connection.Called == this);
        _calling = connection;
        bus.OperationStarted(connection);
        try
        {
            if (!socket.ConnectAsync(_arguments)) Connected();
        }
        catch (SocketException)
        {
            connection.ConnectEnded(connected: false);
        }
    }

    /// <summary>Null if the machine has none.</summary>
    public Socket? TryNewSocket()
    {
        try
        {
            Socket socket = _address is IPEndPoint ip
                ? new Socket(ip.AddressFamily, SocketType.Stream, ProtocolType.Tcp)
                : new Socket(SocketType.Stream, ProtocolType.Tcp);
            SetLimits(socket);
            return socket;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>Sets what keeps a dead connection from being taken for a live one.</summary>
    public static void SetLimits(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, SilenceSecondsMax);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, 1);
        if (!OperatingSystem.IsLinux()) return;
        int milliseconds = SilenceSecondsMax * 1000;
        socket.SetRawSocketOption(OptionLevelTcp, TcpUserTimeout, BitConverter.GetBytes(milliseconds));
    }

    /// <summary>The connection is the one to this replica from now on.</summary>
    public void Established(Connection connection)
    {
        if (_calling == connection) _calling = null;
        Connection = connection;
        _attempts = 0;
        _ticksLeft = 1;
    }

    /// <summary>A connection of this link has ended and nothing is under way on it.</summary>
    public void Ended(Connection connection)
    {
        if (Connection == connection) Connection = null;
        if (_calling == connection) _calling = null;
        int longest = int.Min(1 << int.Min(_attempts, 10), BackoffTicksMax);
        _ticksLeft = longest / 2 + Random.Shared.Next(longest / 2 + 1) + 1;
        _attempts++;
    }

    private void Connected() => _calling!.ConnectEnded(_arguments.SocketError == SocketError.Success);

    public void Dispose() => _arguments.Dispose();
}
