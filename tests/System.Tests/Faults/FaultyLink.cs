using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core.Randomness;

namespace Deterministic.SystemTests.Faults;

/// <summary>The way from the replica that calls to the one that listens: a relay of bytes, each direction with faults
/// of its own. Whatever lost or changed bytes ends with its connection, since a stream cannot go on without
/// them.</summary>
internal sealed class FaultyLink : IAsyncDisposable
{
    private const int BufferSize = 64 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _open = [];
    private readonly List<Task> _relays = [];
    private readonly IPEndPoint _target;
    private readonly Prng _prng;
    private readonly Task _accepting;
    private volatile LinkFault _toTarget = LinkFault.None;
    private volatile LinkFault _toCaller = LinkFault.None;
    private long _bytesHarmed;

    public FaultyLink(IPEndPoint target, ulong seed)
    {
        _target = target;
        _prng = new Prng(seed);
        _listener.Start();
        Address = (IPEndPoint)_listener.LocalEndpoint;
        _accepting = AcceptAsync();
    }

    /// <summary>Where the caller connects.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Bytes that were swallowed or changed.</summary>
    public long BytesHarmed => Interlocked.Read(ref _bytesHarmed);

    public void Set(LinkFault toTarget, LinkFault toCaller)
    {
        bool broken = _toTarget.Breaks || _toCaller.Breaks;
        _toTarget = toTarget;
        _toCaller = toCaller;
        if (broken) Cut();
    }

    /// <summary>Ends all connections, as a reset does.</summary>
    public void Cut()
    {
        lock (_open)
        {
            foreach (Socket socket in _open) socket.Dispose();
            _open.Clear();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) Begin(await _listener.AcceptSocketAsync(_stop.Token));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
        }
    }

    private void Begin(Socket caller)
    {
        Socket target = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        caller.NoDelay = true;
        lock (_open)
        {
            _open.Add(caller);
            _open.Add(target);
            _relays.RemoveAll(static relay => relay.IsCompleted);
            _relays.Add(RelayAsync(caller, target));
        }
    }

    private async Task RelayAsync(Socket caller, Socket target)
    {
        try
        {
            await target.ConnectAsync(_target, _stop.Token);
            Task there = PumpAsync(caller, target, () => _toTarget);
            Task back = PumpAsync(target, caller, () => _toCaller);
            await Task.WhenAny(there, back);
            caller.Dispose();
            target.Dispose();
            await Task.WhenAll(there, back);
        }
        catch (Exception exception) when (IsEnd(exception))
        {
        }
        finally
        {
            caller.Dispose();
            target.Dispose();
            lock (_open)
            {
                _open.Remove(caller);
                _open.Remove(target);
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Func<LinkFault> current)
    {
        byte[] buffer = new byte[BufferSize];
        try
        {
            while (true)
            {
                int size = await from.ReceiveAsync(buffer, _stop.Token);
                if (size == 0) return;
                LinkFault fault = current();
                if (fault.Delay > TimeSpan.Zero) await Pace.WaitAsync(fault.Delay, _stop.Token);
                if (fault.Swallows)
                {
                    Interlocked.Add(ref _bytesHarmed, size);
                    continue;
                }
                if (fault.CorruptOneIn > 0) Corrupt(buffer.AsSpan(0, size), fault.CorruptOneIn);
                for (int sent = 0; sent < size;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, size - sent), _stop.Token);
            }
        }
        catch (Exception exception) when (IsEnd(exception))
        {
        }
    }

    private void Corrupt(Span<byte> bytes, int oneIn)
    {
        lock (_prng)
        {
            if (_prng.Below(oneIn) > 0) return;
            bytes[_prng.Below(bytes.Length)] ^= (byte)(1 << _prng.Below(8));
        }
        Interlocked.Increment(ref _bytesHarmed);
    }

    private static bool IsEnd(Exception exception) =>
        exception is SocketException or IOException or ObjectDisposedException or OperationCanceledException;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Cut();
        await _accepting;
        Task[] relays;
        lock (_open) relays = [.. _relays];
        await Task.WhenAll(relays);
        _stop.Dispose();
    }
}
