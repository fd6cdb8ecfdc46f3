using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Tag = System.Collections.Generic.KeyValuePair<string, object?>;

namespace Deterministic.Gateway.Telemetry;

/// <summary>What becomes of the measurements of an instrument.</summary>
internal enum InstrumentKind
{
    /// <summary>A total that only grows.</summary>
    Counter,

    /// <summary>The last value, or the sum of changes.</summary>
    Gauge,
    Histogram,
}

/// <summary>The measurements of one instrument, for each set of tags apart.</summary>
internal sealed class InstrumentReading
{
    /// <summary>What .NET publishes as counters though it goes up and down.</summary>
    private static readonly string[] NotTotals = ["dotnet.thread_pool.thread.count", "dotnet.thread_pool.queue.length"];

    private readonly ConcurrentDictionary<Tag[], Series> _series = new(new TagComparer());
    private readonly ConcurrentDictionary<Tag[], Series>.AlternateLookup<ReadOnlySpan<Tag>> _byTags;
    private readonly bool _isObservable;
    private readonly bool _isSum;

    public InstrumentReading(Instrument instrument)
    {
        Type type = instrument.GetType().GetGenericTypeDefinition();
        Kind = type == typeof(Histogram<>) ? InstrumentKind.Histogram
            : type == typeof(Counter<>) ? InstrumentKind.Counter
            : type == typeof(ObservableCounter<>) && Array.IndexOf(NotTotals, instrument.Name) < 0
                ? InstrumentKind.Counter : InstrumentKind.Gauge;
        _isObservable = instrument.IsObservable;
        _isSum = type == typeof(Counter<>) || type == typeof(UpDownCounter<>);
        IsWhole = instrument.GetType().GetGenericArguments()[0] != typeof(double);
        Name = PrometheusText.NameOf(instrument, Kind);
        Help = instrument.Description ?? instrument.Name;
        Bounds = (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries ?? [];
        _byTags = _series.GetAlternateLookup<ReadOnlySpan<Tag>>();
    }

    /// <summary>As Prometheus knows it.</summary>
    public string Name { get; }
    public string Help { get; }
    public InstrumentKind Kind { get; }

    /// <summary>Whether its values are whole numbers.</summary>
    public bool IsWhole { get; }

    /// <summary>Upper bounds of the buckets of a histogram, ascending, without the infinite one.</summary>
    public IReadOnlyList<double> Bounds { get; }

    public IEnumerable<KeyValuePair<Tag[], Series>> Series => _series;

    public void BeginRead()
    {
        if (_isObservable) _series.Clear();
    }

    public void Add(long value, ReadOnlySpan<Tag> tags)
    {
        if (Kind == InstrumentKind.Histogram) Of(tags).Count(value, Bounds);
        else Of(tags).Take(value, value, _isSum);
    }

    public void Add(double value, ReadOnlySpan<Tag> tags)
    {
        if (Kind == InstrumentKind.Histogram) Of(tags).Count(value, Bounds);
        else Of(tags).Take(0, value, _isSum);
    }

    /// <summary>Allocates only for tags that are new.</summary>
    private Series Of(ReadOnlySpan<Tag> tags)
    {
        if (_byTags.TryGetValue(tags, out Series? series)) return series;
        return _series.GetOrAdd(tags.ToArray(), new Series(Kind == InstrumentKind.Histogram ? Bounds.Count + 1 : 0));
    }

    private sealed class TagComparer : IEqualityComparer<Tag[]>, IAlternateEqualityComparer<ReadOnlySpan<Tag>, Tag[]>
    {
        public bool Equals(Tag[]? x, Tag[]? y) => AreEqual(x, y);

        public bool Equals(ReadOnlySpan<Tag> alternate, Tag[] other) => AreEqual(alternate, other);

        public int GetHashCode(Tag[] tags) => GetHashCode(tags.AsSpan());

        public int GetHashCode(ReadOnlySpan<Tag> alternate)
        {
            HashCode hash = default;
            foreach (Tag tag in alternate)
            {
                hash.Add(tag.Key, StringComparer.Ordinal);
                hash.Add(tag.Value);
            }
            return hash.ToHashCode();
        }

        [return: NotNull]
        public Tag[] Create(ReadOnlySpan<Tag> alternate) => alternate.ToArray();

        private static bool AreEqual(ReadOnlySpan<Tag> x, ReadOnlySpan<Tag> y)
        {
            if (x.Length != y.Length) return false;
            for (int i = 0; i < x.Length; i++)
                if (x[i].Key != y[i].Key || !Equals(x[i].Value, y[i].Value)) return false;
            return true;
        }
    }
}

/// <summary>The measurements of one instrument with one set of tags.</summary>
/// <param name="buckets">Of a histogram, the infinite one included; 0 for others.</param>
internal sealed class Series(int buckets)
{
    private readonly object _gate = new();
    private readonly long[] _counts = new long[buckets];
    private long _whole;
    private double _real;

    public long Whole
    {
        get
        {
            lock (_gate) return _whole;
        }
    }

    public double Real
    {
        get
        {
            lock (_gate) return _real;
        }
    }

    /// <summary>Adds to the value, or sets it.</summary>
    public void Take(long whole, double real, bool isSum)
    {
        lock (_gate)
        {
            _whole = isSum ? unchecked(_whole + whole) : whole;
            _real = isSum ? _real + real : real;
        }
    }

    /// <summary>Counts it in its bucket.</summary>
    public void Count(double value, IReadOnlyList<double> bounds)
    {
        int bucket = 0;
        while (bucket < bounds.Count && value > bounds[bucket]) bucket++;
        lock (_gate)
        {
            _counts[bucket]++;
            _real += value;
        }
    }

    /// <summary>How many are in each bucket alone, and the sum of all values.</summary>
    public (long[] Counts, double Sum) ReadHistogram()
    {
        lock (_gate) return ([.. _counts], _real);
    }
}
