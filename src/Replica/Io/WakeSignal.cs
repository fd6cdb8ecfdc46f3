using System;
using System.Threading;

namespace Deterministic.Replica.Io;

/// <summary>Wakes the event loop when a disk or socket thread has put something into a queue. Between wake-ups, at most
/// one signal is pending, so signalling is cheap while the loop is busy.</summary>
internal sealed class WakeSignal : IDisposable
{
    private readonly AutoResetEvent _event = new(false);
    private int _pending;

    public void Set()
    {
        if (Interlocked.Exchange(ref _pending, 1) == 0) _event.Set();
    }

    public void Wait(TimeSpan timeout)
    {
        _event.WaitOne(timeout);
        Volatile.Write(ref _pending, 0);
    }

    public void Dispose() => _event.Dispose();
}
