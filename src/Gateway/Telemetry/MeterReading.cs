using System;
using System.Collections.Generic;
using System.Diagnostics.Metrics;

namespace Deterministic.Gateway.Telemetry;

/// <summary>Listens to instruments and adds up what they measure, from its construction on. Observable instruments
/// are asked whenever it is read. Safe to use from many threads.</summary>
public sealed class MeterReading : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly object _gate = new();
    private readonly SortedDictionary<string, InstrumentReading> _instruments = new(StringComparer.Ordinal);

    /// <param name="isWanted">Which meters are listened to. Two instruments of one name are not told
    /// apart.</param>
    public MeterReading(Predicate<Meter> isWanted)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (isWanted(instrument.Meter)) listener.EnableMeasurementEvents(instrument, Publish(instrument));
        };
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, state) => Of(state).Add((long)value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => Of(state).Add(value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => Of(state).Add(value, tags));
        _listener.Start();
    }

    /// <summary>Calls <paramref name="visit"/> for each instrument, in the order of names.</summary>
    internal void Read(Action<InstrumentReading> visit)
    {
        lock (_gate)
        {
            // What an observable instrument no longer tells of is gone.
            foreach (InstrumentReading instrument in _instruments.Values) instrument.BeginRead();
            _listener.RecordObservableInstruments();
            foreach (InstrumentReading instrument in _instruments.Values) visit(instrument);
        }
    }

    public void Dispose() => _listener.Dispose();

    private static InstrumentReading Of(object? state) => (InstrumentReading)state!;

    private InstrumentReading Publish(Instrument instrument)
    {
        InstrumentReading reading = new(instrument);
        lock (_gate)
        {
            if (_instruments.TryGetValue(reading.Name, out InstrumentReading? same)) return same;
            _instruments.Add(reading.Name, reading);
        }
        return reading;
    }
}
