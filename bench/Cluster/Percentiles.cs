using System;
using System.Collections.Generic;
using System.Globalization;

namespace Deterministic.ClusterBenchmark;

/// <summary>Percentiles by the nearest-rank rule.</summary>
internal sealed class Percentiles
{
    private readonly List<double> _values;

    /// <param name="values">Sorted in place.</param>
    public Percentiles(List<double> values)
    {
        _values = values;
        _values.Sort();
    }

    public int Count => _values.Count;

    public double At(double percent)
    {
        if (_values.Count == 0) return double.NaN;
        int rank = (int)Math.Ceiling(percent / 100 * _values.Count);
        return _values[Math.Clamp(rank - 1, 0, _values.Count - 1)];
    }

    public string Text(double percent) => At(percent).ToString("0.00", CultureInfo.InvariantCulture);
}
