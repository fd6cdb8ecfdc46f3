using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Deterministic.Core;

namespace Deterministic.Replica.Io;

/// <summary>A socket that can go on, in one way or another.</summary>
/// <param name="Token">Of <see cref="WakeSignal.Watch"/>.</param>
/// <param name="Ends">The other side sends no more, or it has failed.</param>
internal readonly record struct ReadySocket(int Token, bool Ends);

/// <summary>What the event loop waits for: sockets that can go on, and threads that have put something into a queue.
/// Between two waits at most one signal of the threads is pending, so signalling is cheap while the loop is
/// busy.</summary>
internal sealed unsafe class WakeSignal : IDisposable
{
    private const int ReadyMax = 256;

    /// <summary>Stands for the threads; no socket has it.</summary>
    private const int OwnToken = -1;

    private readonly int _poll;
    private readonly int _event;
    private readonly byte* _ready;
    private readonly ReadySocket[] _sockets = new ReadySocket[ReadyMax];
    private int _readyCount;
    private int _pending;

    public WakeSignal()
    {
        _poll = Epoll.Create(Epoll.CloseOnExec);
        _event = Epoll.NewEvent(0, Epoll.CloseOnExec | Epoll.NonBlocking);
        if (_poll < 0 || _event < 0) throw new IOException(Marshal.GetLastPInvokeErrorMessage());
        _ready = (byte*)NativeMemory.Alloc(ReadyMax, (nuint)Epoll.EventSize);
        Watch(_event, OwnToken);
    }

    /// <summary>Sockets that the last wait has found: something has come, there is room again, or it has
    /// failed.</summary>
    public ReadOnlySpan<ReadySocket> Ready => _sockets.AsSpan(0, _readyCount);

    /// <summary>From now on a change of the socket's readiness is told once, by <see cref="Ready"/>; until it is
    /// closed.</summary>
    public void Watch(int descriptor, int token)
    {
        byte* change = stackalloc byte[16];
        Epoll.Fill(change, Epoll.In | Epoll.Out | Epoll.PeerClosed | Epoll.EdgeTriggered, token);
        int result = Epoll.Control(_poll, Epoll.Add, descriptor, change);
        Check.That(result == 0, "a descriptor that is open and not watched can be watched");
    }

    /// <summary>Ends the wait that is under way, or else the next one. From any thread.</summary>
    public void Set()
    {
        if (Interlocked.Exchange(ref _pending, 1) != 0) return;
        ulong one = 1;
        _ = Epoll.Write(_event, &one, sizeof(ulong));
    }

    public void Wait(TimeSpan timeout)
    {
        int milliseconds = (int)Math.Ceiling(timeout.TotalMilliseconds);
        int count = Epoll.Wait(_poll, _ready, ReadyMax, milliseconds);
        _readyCount = 0;
        for (int i = 0; i < count; i++)
        {
            int token = Epoll.TokenOf(_ready, i);
            if (token == OwnToken) Volatile.Write(ref _pending, 0);
            else _sockets[_readyCount++] = new ReadySocket(token, Epoll.HasEnded(_ready, i));
        }
    }

    public void Dispose()
    {
        _ = Libc.Close(_event);
        _ = Libc.Close(_poll);
        NativeMemory.Free(_ready);
    }
}
