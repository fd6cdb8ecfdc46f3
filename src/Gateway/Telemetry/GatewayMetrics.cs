using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Threading;
using Deterministic.Client;

namespace Deterministic.Gateway.Telemetry;

/// <summary>The instruments of a gateway. docs/http.md has a line for each.</summary>
internal sealed class GatewayMetrics : IDisposable
{
    public const string MeterName = "Deterministic.Gateway";

    /// <summary>The meter of .NET itself: collections, memory, threads.</summary>
    private const string RuntimeMeterName = "System.Runtime";

    /// <summary>Seconds.</summary>
    private static readonly double[] Bounds =
    [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ];

    private static readonly string[] StatusTexts = new string[600];

    private readonly Meter _meter = new(MeterName);
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _bytesIn;
    private readonly Counter<long> _bytesOut;
    private readonly Histogram<double> _callDuration;
    private long _underWay;

    static GatewayMetrics()
    {
        for (int i = 0; i < StatusTexts.Length; i++) StatusTexts[i] = i.ToString(CultureInfo.InvariantCulture);
    }

    /// <param name="others">Meters that are on the page too.</param>
    public GatewayMetrics(IReadOnlyList<Meter> others)
    {
        Reading = new MeterReading(meter => ReferenceEquals(meter, _meter) || meter.Name == RuntimeMeterName
            || Contains(others, meter));
        _requests = _meter.CreateCounter<long>("deterministic.http.requests", null, "Requests that were answered");
        _duration = Durations("deterministic.http.duration", "Time from a request's headers to the end of its answer");
        _bytesIn = _meter.CreateCounter<long>(
            "deterministic.http.request_body", "By", "Bytes of bodies of requests, decompressed");
        _bytesOut = _meter.CreateCounter<long>(
            "deterministic.http.response_body", "By", "Bytes of bodies of answers, as they were sent");
        _callDuration = Durations(
            "deterministic.cluster.call.duration", "Time that the cluster took, waiting included");
        Gauge("deterministic.http.requests_under_way", "Requests being served", () => Volatile.Read(ref _underWay));
    }

    /// <summary>All that was measured since the gateway started.</summary>
    public MeterReading Reading { get; }

    public void Began() => Interlocked.Increment(ref _underWay);

    public void Ended(string method, string route, int status, TimeSpan elapsed, long bytesIn, long bytesOut)
    {
        Interlocked.Decrement(ref _underWay);
        KeyValuePair<string, object?> methodTag = new("method", method);
        KeyValuePair<string, object?> routeTag = new("route", route);
        _requests.Add(1, methodTag, routeTag, new KeyValuePair<string, object?>("status", StatusTexts[status]));
        _duration.Record(elapsed.TotalSeconds, methodTag, routeTag);
        if (bytesIn > 0) _bytesIn.Add(bytesIn);
        if (bytesOut > 0) _bytesOut.Add(bytesOut);
    }

    /// <summary>Measures a call to the cluster until the result is disposed.</summary>
    public ClusterCall Call(string operation) => new(this, operation);

    public void Gauge(string name, string description, Func<long> value) =>
        _meter.CreateObservableGauge(name, value, unit: null, description);

    public void Gauge(string name, string description, string tag, (string Value, Func<long> Read)[] all) =>
        _meter.CreateObservableGauge(name, () => Tagged(tag, all), unit: null, description);

    /// <summary>Figures of each replica, which are asked for when the page is.</summary>
    public void Watch(Func<ClusterStanding> cluster)
    {
        Member("up", "1 if the replica answers", static (_, member) => member.Standing is null ? 0 : 1);
        Member("primary", "1 if it is the primary", static (all, member) =>
            member.Standing is null ? null : ReferenceEquals(member.Standing, all.Primary) ? 1 : 0);
        Member("view", "Its view", static (_, member) => member.Standing?.View);
        Member("op", "The end of its log", static (_, member) => (long?)member.Standing?.Fields.Op);
        Member("commit", "The last entry that it has run", static (_, member) =>
            (long?)member.Standing?.Fields.CommitMin);
        Member("lag", "Entries that the primary has run and it has not", static (all, member) =>
            member.Standing is null ? null : (long?)all.LagOf(member.Standing));
        Member("checkpoint", "Its last durable checkpoint", static (_, member) =>
            (long?)member.Standing?.Fields.CheckpointOp);
        Member("sessions", "Sessions that it knows", static (_, member) => member.Standing?.Fields.SessionsCount);

        void Member(string name, string description, Func<ClusterStanding, MemberStanding, long?> figure) =>
            _meter.CreateObservableGauge(
                $"deterministic.cluster.replica.{name}", () => Members(cluster(), figure), null, description);
    }

    public void Dispose()
    {
        Reading.Dispose();
        _meter.Dispose();
    }

    private static bool Contains(IReadOnlyList<Meter> meters, Meter meter)
    {
        foreach (Meter one in meters)
            if (ReferenceEquals(one, meter)) return true;
        return false;
    }

    private static IEnumerable<Measurement<long>> Tagged(string tag, (string Value, Func<long> Read)[] all)
    {
        foreach ((string value, Func<long> read) in all)
            yield return new Measurement<long>(read(), new KeyValuePair<string, object?>(tag, value));
    }

    private static IEnumerable<Measurement<long>> Members(
        ClusterStanding cluster, Func<ClusterStanding, MemberStanding, long?> figure)
    {
        foreach (MemberStanding member in cluster.Members)
        {
            if (figure(cluster, member) is not long value) continue;
            yield return new Measurement<long>(value, new KeyValuePair<string, object?>("address", member.Address));
        }
    }

    private Histogram<double> Durations(string name, string description) => _meter.CreateHistogram(
        name, "s", description, tags: null,
        new InstrumentAdvice<double> { HistogramBucketBoundaries = Bounds });

    /// <summary>A call to the cluster under way, as a span of the request's trace and in the histogram.</summary>
    internal readonly struct ClusterCall(GatewayMetrics metrics, string operation) : IDisposable
    {
        private readonly long _started = Stopwatch.GetTimestamp();
        private readonly Activity? _span = Tracing.Source.StartActivity(operation, ActivityKind.Client);

        public void Dispose()
        {
            _span?.Dispose();
            metrics._callDuration.Record(Stopwatch.GetElapsedTime(_started).TotalSeconds,
                new KeyValuePair<string, object?>("operation", operation));
        }
    }
}
