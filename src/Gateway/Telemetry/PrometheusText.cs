using System;
using System.Collections.Generic;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Linq;
using System.Text;

namespace Deterministic.Gateway.Telemetry;

/// <summary>What instruments have measured in the text format of Prometheus, version 0.0.4: dots of names become
/// underscores, a unit of seconds or bytes is appended, and counters end in _total.</summary>
public static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>The observable instruments of a meter as they are now.</summary>
    public static string Of(Meter meter)
    {
        using MeterReading reading = new(candidate => ReferenceEquals(candidate, meter));
        return Of(reading);
    }

    public static string Of(MeterReading reading)
    {
        StringBuilder text = new();
        reading.Read(instrument => Add(text, instrument));
        return text.ToString();
    }

    internal static string NameOf(Instrument instrument, InstrumentKind kind)
    {
        StringBuilder name = new(instrument.Name.Replace('.', '_').Replace('-', '_'));
        string unit = instrument.Unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        if (!instrument.Name.EndsWith(unit.TrimStart('_'), StringComparison.Ordinal)) name.Append(unit);
        if (kind == InstrumentKind.Counter) name.Append("_total");
        return name.ToString();
    }

    private static void Add(StringBuilder text, InstrumentReading instrument)
    {
        List<(string Labels, Series Series)> lines = [.. instrument.Series
            .Select(static one => (Labels: LabelsOf(one.Key), Series: one.Value))
            .OrderBy(static one => one.Labels, StringComparer.Ordinal)];
        if (lines.Count == 0) return;
        string name = instrument.Name;
        text.Append("# HELP ").Append(name).Append(' ');
        Escape(text, instrument.Help, quotes: false);
        text.Append("\n# TYPE ").Append(name).Append(' ').Append(instrument.Kind switch
        {
            InstrumentKind.Counter => "counter",
            InstrumentKind.Histogram => "histogram",
            _ => "gauge",
        }).Append('\n');
        foreach ((string labels, Series series) in lines)
        {
            if (instrument.Kind == InstrumentKind.Histogram) AddHistogram(text, instrument, labels, series);
            else AddLine(text, name, labels, Number(instrument.IsWhole ? series.Whole : series.Real));
        }
    }

    private static void AddHistogram(StringBuilder text, InstrumentReading instrument, string labels, Series series)
    {
        (long[] counts, double sum) = series.ReadHistogram();
        string before = labels.Length == 0 ? "" : $"{labels},";
        long count = 0;
        for (int i = 0; i < counts.Length; i++)
        {
            count += counts[i];
            string bound = i < instrument.Bounds.Count ? Number(instrument.Bounds[i]) : "+Inf";
            AddLine(text, $"{instrument.Name}_bucket", $"{before}le=\"{bound}\"", Number(count));
        }
        AddLine(text, $"{instrument.Name}_sum", labels, Number(sum));
        AddLine(text, $"{instrument.Name}_count", labels, Number(count));
    }

    private static void AddLine(StringBuilder text, string name, string labels, string value)
    {
        text.Append(name);
        if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
        text.Append(' ').Append(value).Append('\n');
    }

    private static string LabelsOf(KeyValuePair<string, object?>[] tags)
    {
        StringBuilder text = new();
        foreach ((string key, object? value) in tags)
        {
            if (text.Length > 0) text.Append(',');
            text.Append(key.Replace('.', '_')).Append("=\"");
            Escape(text, Convert.ToString(value, CultureInfo.InvariantCulture) ?? "", quotes: true);
            text.Append('"');
        }
        return text.ToString();
    }

    private static void Escape(StringBuilder text, string value, bool quotes)
    {
        foreach (char one in value)
        {
            if (one == '\n') text.Append("\\n");
            else if (one == '\\' || (quotes && one == '"')) text.Append('\\').Append(one);
            else text.Append(one);
        }
    }

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        double.NaN => "NaN",
        _ => value.ToString("R", CultureInfo.InvariantCulture),
    };
}
