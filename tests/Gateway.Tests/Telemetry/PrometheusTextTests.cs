using System.Collections.Generic;
using System.Diagnostics.Metrics;
using Deterministic.Gateway.Telemetry;
using Deterministic.Gateway.Tests.Support;
using Xunit;

namespace Deterministic.Gateway.Tests.Telemetry;

public sealed class PrometheusTextTests
{
    [Fact]
    public void ACounterAGaugeAndAHistogramLookLikeThis()
    {
        using Meter meter = new("a");
        using MeterReading reading = new(one => ReferenceEquals(one, meter));
        Counter<long> counter = meter.CreateCounter<long>("b.requests", null, "Requests");
        counter.Add(2, new KeyValuePair<string, object?>("route", "/x"), new KeyValuePair<string, object?>("n", 7));
        counter.Add(3, new KeyValuePair<string, object?>("route", "/x"), new KeyValuePair<string, object?>("n", 7));
        meter.CreateObservableGauge("b.size", () => 9L, "By", "Size");
        Histogram<double> histogram = meter.CreateHistogram(
            "b.time", "s", "Time", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.5, 1] });
        foreach (double value in (double[])[0.25, 0.5, 0.75, 2]) histogram.Record(value);
        const string expected = """
            # HELP b_requests_total Requests
            # TYPE b_requests_total counter
            b_requests_total{route="/x",n="7"} 5
            # HELP b_size_bytes Size
            # TYPE b_size_bytes gauge
            b_size_bytes 9
            # HELP b_time_seconds Time
            # TYPE b_time_seconds histogram
            b_time_seconds_bucket{le="0.5"} 2
            b_time_seconds_bucket{le="1"} 3
            b_time_seconds_bucket{le="+Inf"} 4
            b_time_seconds_sum 3.5
            b_time_seconds_count 4

            """;
        Assert.Equal(expected, PrometheusText.Of(reading));
    }

    [Fact]
    public void TextsAreEscaped()
    {
        using Meter meter = new("a");
        using MeterReading reading = new(one => ReferenceEquals(one, meter));
        meter.CreateCounter<long>("c", null, "a \"b\" \\ c\nd").Add(
            1, new KeyValuePair<string, object?>("l.m", "a \"b\" \\ c\nd"));
        string text = PrometheusText.Of(reading);
        Assert.Equal("# HELP c_total a \"b\" \\\\ c\\nd\n# TYPE c_total counter\n" +
            "c_total{l_m=\"a \\\"b\\\" \\\\ c\\nd\"} 1\n", text);
        Assert.Equal(["c_total"], new PrometheusPage(text).Names);
    }

    [Fact]
    public void WhatAnObservableInstrumentNoLongerTellsOfIsGone()
    {
        List<string> there = ["x", "y"];
        using Meter meter = new("a");
        using MeterReading reading = new(one => ReferenceEquals(one, meter));
        meter.CreateObservableGauge("g", () => there.ConvertAll(
            name => new Measurement<long>(1, new KeyValuePair<string, object?>("name", name))));
        Assert.True(new PrometheusPage(PrometheusText.Of(reading)).Has("g{name=\"y\"}"));
        there.Remove("y");
        PrometheusPage page = new(PrometheusText.Of(reading));
        Assert.True(page.Has("g{name=\"x\"}"));
        Assert.False(page.Has("g{name=\"y\"}"));
    }

    [Fact]
    public void OtherMetersAreNotListenedTo()
    {
        using Meter meter = new("a"), other = new("a");
        using MeterReading reading = new(one => ReferenceEquals(one, meter));
        other.CreateCounter<long>("c").Add(1);
        Assert.Equal("", PrometheusText.Of(reading));
    }
}
