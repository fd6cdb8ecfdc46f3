using System.Net.Sockets;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr;

namespace Deterministic.Replica.Net;

/// <summary>Connections with the other replicas: who calls whom and when, and who has proved to be one.</summary>
internal sealed partial class TcpMessageBus
{
    /// <summary>Ticks of 10 ms in which a caller must have said who it is.</summary>
    private const int StrangerTicksMax = 500;

    /// <summary>Ticks in which a call of this side's must have come to something.</summary>
    private const int CallTicksMax = 200;

    /// <summary>Bit i: replica i is connected.</summary>
    public ushort ConnectedReplicas
    {
        get
        {
            int bits = 0;
            foreach (PeerLink? link in _links)
                if (link?.Connection is { Closing: false }) bits |= 1 << link.Replica;
            return (ushort)bits;
        }
    }

    /// <summary>Replicas that were connected a moment ago are called soon, whoever's turn it is: while they are
    /// not, the log goes on without this replica.</summary>
    public void CallSoon()
    {
        foreach (PeerLink? link in _links) link?.CallSoon();
    }

    /// <summary>Every 10 ms: calls replicas that are not connected, and ends what does not say who it is.</summary>
    public void Tick()
    {
        foreach (PeerLink? link in _links)
            if (link is not null && link.Due()) Call(link);
        Connection? oldest = null;
        foreach (Connection connection in _connections)
        {
            if (!connection.IsOpen || connection.Closing || connection.Identified) continue;
            connection.Age++;
            int ticksMax = connection.Called is null ? StrangerTicksMax : CallTicksMax;
            if (connection.Age > ticksMax) connection.Close(ConnectionFault.Unidentified);
            else if (connection.Called is null && connection.Age > (oldest?.Age ?? 0)) oldest = connection;
        }
        if (!_crowded) return;
        // Whoever is what he seems to be would have said so by now: room for those that come.
        _crowded = false;
        if (oldest is not null) oldest.Close(ConnectionFault.Unidentified);
    }

    /// <summary>Sends what the replica has said to others since the last time.</summary>
    public void Flush()
    {
        foreach (PeerLink? link in _links) link?.Connection?.Flush();
    }

    private void Call(PeerLink link)
    {
        if (FindFree() is not Connection free || link.TryCall() is not Socket socket) return;
        free.Open(socket, called: link);
        link.Calling(free);
        _wake.Watch(free.Descriptor, free.Index);
    }

    private void StartHandshake(Connection connection)
    {
        Check.That(connection.Called is not null);
        Say(connection, connection.Handshake.Call(connection.Called!.Replica));
    }

    private void TakeHello(Connection connection, in Header hello)
    {
        HandshakeFault fault = connection.Handshake.Take(in hello, out Header answer, out bool hasAnswer);
        if (hasAnswer) Say(connection, in answer);
        if (fault != HandshakeFault.None)
        {
            BusLog.HandshakeRefused(_logger, connection.Peer, fault, HandshakeFaults.Text(fault));
            connection.Close(ConnectionFault.HandshakeRefused);
            return;
        }
        if (connection.Handshake.Done && !connection.Closing) Establish(connection);
    }

    private void Establish(Connection connection)
    {
        PeerLink link = _links[connection.Handshake.Other]!;
        Check.That(connection.Called is null || connection.Called == link);
        if (link.Connection is Connection older) older.Close(ConnectionFault.Replaced);
        connection.Replica = link.Replica;
        connection.IsStandby = link.Replica >= _replicaCount;
        if (connection.Called is null) connection.SetLimits();
        link.Established(connection);
        BusLog.ReplicaConnected(_logger, link.Replica, connection.Peer);
    }

    private void Say(Connection connection, in Header header)
    {
        if (_pool.TryTake() is not Message message)
        {
            // The other side tries again.
            connection.Close(ConnectionFault.HandshakeRefused);
            return;
        }
        message.Header = header;
        connection.Send(message);
        message.Release();
    }
}
