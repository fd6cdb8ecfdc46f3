using System;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;

namespace Deterministic.Replica.Net;

/// <summary>The way to one other replica: the connection on which it has proved who it is, if there is one, and when to
/// call it again. Of two replicas the one with the higher index calls, unless that does not come about.</summary>
internal sealed class PeerLink
{
    private const int BackoffTicksMax = 100;

    /// <summary>Ticks after which the side calls that should be called.</summary>
    private const int UncalledTicks = 300;

    /// <summary>The same for one that was connected a moment ago.</summary>
    private const int ReconnectTicks = 20;

    /// <summary>Seconds without a sign of life from the other machine after which the kernel gives up a
    /// connection.</summary>
    private const int SilenceSecondsMax = 5;

    private const int OptionLevelTcp = 6;
    private const int TcpUserTimeout = 18;

    private readonly EndPoint _address;
    private Connection? _calling;
    private Task<IPAddress[]>? _lookup;
    private int _attempts;
    private int _ticksLeft;

    public PeerLink(byte replica, EndPoint address, bool calls)
    {
        Replica = replica;
        Calls = calls;
        _ticksLeft = calls ? 1 : UncalledTicks;
        _address = address;
        Text = $"replica {replica} at {ClientOptions.Describe(address)}";
    }

    public byte Replica { get; }

    /// <summary>Whether this side is the one that calls. The other one does only if it has not been called for long:
    /// it may be somewhere where this side does not look for it.</summary>
    public bool Calls { get; }
    public string Text { get; }

    /// <summary>Proved and open; null: messages to this replica are dropped.</summary>
    public Connection? Connection { get; set; }

    /// <summary>The two were connected before this process went on with another checkpoint. The other side calls at
    /// once if it knows where.</summary>
    public void CallSoon() => _ticksLeft = int.Min(_ticksLeft, ReconnectTicks);

    /// <summary>A tick has passed; true if it is time to call.</summary>
    public bool Due()
    {
        if (Connection is not null || _calling is not null) return false;
        return --_ticksLeft <= 0;
    }

    /// <summary>Begins to connect; null if that is not possible now, or if the name is still being looked up.</summary>
    public Socket? TryCall()
    {
        if (TryAddress() is not IPEndPoint address) return null;
        Socket? socket = null;
        try
        {
            socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            SetLimits(socket);
            socket.Connect(address);
            return socket;
        }
        catch (SocketException exception) when (socket is not null &&
            exception.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            return socket;
        }
        catch (SocketException)
        {
            socket?.Dispose();
            Wait();
            return null;
        }
    }

    /// <summary>Where the replica is now: a name is looked up anew for each call, by a thread of the pool.</summary>
    private IPEndPoint? TryAddress()
    {
        if (_address is not DnsEndPoint name) return (IPEndPoint)_address;
        _lookup ??= Dns.GetHostAddressesAsync(name.Host);
        if (!_lookup.IsCompleted) return null;
        Task<IPAddress[]> found = _lookup;
        _lookup = null;
        if (found.IsCompletedSuccessfully && found.Result.Length > 0)
            return new IPEndPoint(found.Result[_attempts % found.Result.Length], name.Port);
        Wait();
        return null;
    }

    /// <summary>It is called on this connection.</summary>
    public void Calling(Connection connection)
    {
        Check.That(_calling is null && connection.Called == this);
        _calling = connection;
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
        _ticksLeft = Calls ? 1 : UncalledTicks;
    }

    /// <summary>A connection of this link has ended.</summary>
    public void Ended(Connection connection)
    {
        if (Connection == connection) Connection = null;
        if (_calling == connection) _calling = null;
        Wait();
    }

    /// <summary>The longer, the more attempts have come to nothing.</summary>
    private void Wait()
    {
        int longest = int.Min(1 << int.Min(_attempts, 10), BackoffTicksMax);
        if (!Calls) longest = UncalledTicks;
        _ticksLeft = longest / 2 + Random.Shared.Next(longest / 2 + 1) + 1;
        _attempts++;
    }
}
