using System;
using System.Collections.Generic;
using System.Globalization;

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

    public override string ToString() =>
        $"p50 {Milliseconds(50)} ms, p99 {Milliseconds(99)} ms, max {Milliseconds(100)} ms";

    private string Milliseconds(double percent) =>
        Percentile(percent).TotalMilliseconds.ToString("0.00", CultureInfo.InvariantCulture);
}
