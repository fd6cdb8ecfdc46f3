using System;
using System.Diagnostics;
using System.IO;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Client;

/// <summary>Finding the replica that answers, the primary, and noticing that it has become another one. A pong tells
/// its sender's index, its view and how many replicas there are, and with these which one is the primary.</summary>
internal sealed partial class Session
{
    /// <summary>Between two views a replica answers nothing: it is asked again so often.</summary>
    private static readonly TimeSpan PingInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>Silence after which another replica is asked.</summary>
    private static readonly TimeSpan PongPatience = TimeSpan.FromMilliseconds(300);

    /// <summary>Longest pause while a cluster is there that has no primary yet.</summary>
    private static readonly TimeSpan ElectionPause = TimeSpan.FromMilliseconds(40);

    /// <summary>Address of each replica as an index, plus 1; 0: not known.</summary>
    private readonly int[] _addressOf = new int[Limits.MembersMax];

    /// <summary>Replicas of the cluster; 0: not known.</summary>
    private int _replicaCount;

    /// <summary>How long to wait for the answer to a copy of a request. With several replicas the one that was asked
    /// may no longer be the primary, so the client looks around sooner.</summary>
    private TimeSpan Patience(int copies)
    {
        if (options.Addresses.Count == 1) return options.ResendAfter;
        return Shorter(options.ResendAfter, options.LookAroundAfter * (1 << Math.Min(copies, 10)));
    }

    /// <summary>Connects to the next address and goes on only if the primary is there. With one address there is no
    /// choice, and whether it was right turns out later.</summary>
    /// <exception cref="NotPrimaryException">The primary is another replica.</exception>
    /// <exception cref="IOException">It does not answer.</exception>
    private async Task ReachAsync(CancellationToken stop)
    {
        EndPoint address = options.Addresses[_address];
        _connection = await MessageConnection.ConnectAsync(address, _received, stop).ConfigureAwait(false);
        if (options.Addresses.Count == 1)
        {
            await SendPingAsync(stop).ConfigureAwait(false);
            return;
        }
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < PongPatience)
        {
            await SendPingAsync(stop).ConfigureAwait(false);
            if (await HearPongAsync(stop).ConfigureAwait(false)) return;
        }
        throw new IOException("it does not answer");
    }

    private async Task SendPingAsync(CancellationToken stop)
    {
        Header ping = NewHeader(Command.PingClient, 0);
        ping.PingClient.Client = _client;
        ping.PingClient.Timestamp = (ulong)Stopwatch.GetTimestamp();
        Seal(ref ping, _ping);
        await _connection!.SendAsync(_ping, stop).ConfigureAwait(false);
    }

    /// <summary>False if none comes for a while.</summary>
    private async Task<bool> HearPongAsync(CancellationToken stop)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(PingInterval);
        try
        {
            while (true)
            {
                ReceivedMessage message = await _connection!.ReceiveAsync(patience.Token).ConfigureAwait(false);
                if (message.Header.Cluster != _cluster)
                {
                    // Asked again with the right one, it will say who is the primary.
                    _connection.Dispose();
                    _connection = null;
                    throw new WrongClusterException(message.Header.Cluster);
                }
                if (message.Header.Command != Command.PongClient) continue;
                Learn(in message.Header);
                return true;
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Takes in what a pong says about the cluster.</summary>
    private void Learn(in Header pong)
    {
        _replicaCount = pong.PingClient.ReplicaCount;
        if (_replicaCount == 0 || pong.Replica >= Limits.MembersMax) return;
        _addressOf[pong.Replica] = _address + 1;
        int primary = (int)(pong.View % (uint)_replicaCount);
        if (primary != pong.Replica) throw new NotPrimaryException(pong.Replica, primary, _replicaCount);
    }

    /// <summary>Goes to where the primary is said to be.</summary>
    private void Redirect(NotPrimaryException elsewhere)
    {
        Disconnect();
        int known = _addressOf[elsewhere.Primary];
        if (known > 0) _address = known - 1;
        else if (IsInOrder(elsewhere)) _address = elsewhere.Primary;
    }

    /// <summary>All replicas in order and then perhaps standbys, as far as is known: there the primary may be
    /// looked for.</summary>
    private bool IsInOrder(NotPrimaryException elsewhere) =>
        options.Addresses.Count >= elsewhere.ReplicaCount && !_addressOf.AsSpan().Contains(elsewhere.Primary + 1);

    /// <summary>Drops the connection; the next one goes to the next address.</summary>
    private void Disconnect()
    {
        _connection?.Dispose();
        _connection = null;
        _address = (_address + 1) % options.Addresses.Count;
    }
}

/// <summary>The replica at the other end passes requests on, but only the primary answers them.</summary>
internal sealed class NotPrimaryException(int replica, int primary, int replicaCount) : Exception(
    (replica < replicaCount ? $"it is replica {replica}" : $"it is standby {replica - replicaCount}") +
    $" of {replicaCount} and replica {primary} is the primary now; " +
    "give the addresses of all replicas with --addresses")
{
    public int Primary { get; } = primary;
    public int ReplicaCount { get; } = replicaCount;
}
