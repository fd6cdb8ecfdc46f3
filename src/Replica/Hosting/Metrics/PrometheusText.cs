using System;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Deterministic.Replica.Hosting.Metrics;

/// <summary>The observable instruments of a meter in the text format of Prometheus, version 0.0.4: dots of names become
/// underscores, and counters end in _total.</summary>
internal static class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static string Of(Meter meter)
    {
        StringBuilder text = new();
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, enabling) =>
        {
            if (ReferenceEquals(instrument.Meter, meter)) enabling.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) =>
            Add(text, instrument, instrument is ObservableCounter<long>, value.ToString(CultureInfo.InvariantCulture)));
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) =>
            Add(text, instrument, counter: false, value.ToString("R", CultureInfo.InvariantCulture)));
        listener.Start();
        listener.RecordObservableInstruments();
        return text.ToString();
    }

    public static string NameOf(string instrument, bool counter) =>
        instrument.Replace('.', '_') + (counter ? "_total" : "");

    private static void Add(StringBuilder text, Instrument instrument, bool counter, string value)
    {
        string name = NameOf(instrument.Name, counter);
        text.Append("# HELP ").Append(name).Append(' ').Append(instrument.Description).Append('\n');
        text.Append("# TYPE ").Append(name).Append(counter ? " counter" : " gauge").Append('\n');
        text.Append(name).Append(' ').Append(value).Append('\n');
    }
}
