using System;
using System.Diagnostics;
using Deterministic.Vsr;

namespace Deterministic.Replica.Io;

/// <summary>The machine's clocks.</summary>
internal readonly struct SystemClock : IClock
{
    private const ulong NanosecondsPerTick = 100;

    public ulong RealtimeNanoseconds => (ulong)(DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) * NanosecondsPerTick;

    public ulong MonotonicNanoseconds =>
        (ulong)((UInt128)(ulong)Stopwatch.GetTimestamp() * 1_000_000_000 / (ulong)Stopwatch.Frequency);
}
