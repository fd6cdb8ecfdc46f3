using System;
using System.Collections.Generic;

namespace Deterministic.Replica.Benchmark;

/// <summary>Times of single calls, and their percentiles by the nearest-rank rule.</summary>
internal sealed class Latencies
{
    private readonly List<TimeSpan> _times = [];

    public int Count => _times.Count;

    public void Add(TimeSpan time)
    {
        lock (_times) _times.Add(time);
    }

    public TimeSpan Percentile(double percent)
    {
        if (_times.Count == 0) return TimeSpan.Zero;
        _times.Sort();
        int rank = (int)Math.Ceiling(percent / 100 * _times.Count);
        return _times[Math.Clamp(rank - 1, 0, _times.Count - 1)];
    }

    public override string ToString() => FormattableString.Invariant(
        $"p50 {Percentile(50).TotalMilliseconds:0.00} ms, p99 {Percentile(99).TotalMilliseconds:0.00} ms, max {Percentile(100).TotalMilliseconds:0.00} ms");
}
