using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;

namespace Deterministic.ClusterBenchmark;

/// <summary>Clients that write one after the other, each with a session of its own and one request in flight. The
/// values cannot be searched for, as in the stores that we compare with.</summary>
internal sealed class WriteLoad : IAsyncDisposable
{
    public const string Namespace = "writes";
    private const string Attribute = "value";

    /// <summary>Documents of a client, which it writes over and over.</summary>
    private readonly int _documentsKept;
    private readonly int _documentsPerWrite;
    private readonly string _value;
    private readonly DeterministicClient[] _clients;
    private readonly List<double>[] _latencies;
    private readonly CancellationTokenSource _stop = new();
    private Task[] _running = [];
    private long _writes;
    private volatile bool _measuring;

    public WriteLoad(ReplicaGroup group, int clients, int documentsPerWrite, int valueSize, int documentsKept)
    {
        _documentsKept = documentsKept;
        _documentsPerWrite = documentsPerWrite;
        _value = new string('x', valueSize);
        _clients = [.. Enumerable.Range(0, clients).Select(_ => new DeterministicClient(group.Options()))];
        _latencies = [.. _clients.Select(static _ => new List<double>())];
    }

    /// <summary>Acknowledged writes since the start.</summary>
    public long Writes => Interlocked.Read(ref _writes);

    /// <summary>At most so many writes of each client in a second; 0: as many as go.</summary>
    public double RateOfClient { get; init; }

    /// <summary>Begins; nothing counts but <see cref="Writes"/>.</summary>
    public async Task StartAsync()
    {
        await _clients[0].WriteAsync(new WriteRequest
        {
            Namespace = Namespace, Upserts = [Document(0, 0)],
            Schema = [new() { Name = Attribute, Type = AttributeType.String, Filterable = false }],
        });
        _running = [.. _clients.Select((client, i) => Task.Run(() => RunAsync(client, i)))];
    }

    /// <summary>Lets it run for a while, and then tells how it went.</summary>
    public async Task<LoadFigures> MeasureAsync(TimeSpan time, CancellationToken end = default)
    {
        foreach (List<double> latencies in _latencies)
            lock (latencies) latencies.Clear();
        long started = Stopwatch.GetTimestamp();
        long writes = Writes;
        _measuring = true;
        await Task.WhenAny(Task.Delay(time, end), Task.WhenAny(_running));
        _measuring = false;
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        writes = Writes - writes;
        if (_running.FirstOrDefault(static task => task.IsFaulted) is Task failed) await failed;
        List<double> all = [];
        foreach (List<double> latencies in _latencies)
            lock (latencies) all.AddRange(latencies);
        return new LoadFigures(writes, seconds, new Percentiles(all));
    }

    private async Task RunAsync(DeterministicClient client, int number)
    {
        List<double> latencies = _latencies[number];
        long started = Stopwatch.GetTimestamp();
        for (long write = 0; !_stop.IsCancellationRequested; write++)
        {
            WriteRequest request = new() { Namespace = Namespace };
            for (int i = 0; i < _documentsPerWrite; i++)
                request.Upserts.Add(Document(number, write * _documentsPerWrite + i));
            if (RateOfClient > 0)
            {
                double wait = write / RateOfClient - Stopwatch.GetElapsedTime(started).TotalSeconds;
                if (wait > 0) await Task.Delay(TimeSpan.FromSeconds(wait));
            }
            long sent = Stopwatch.GetTimestamp();
            await client.WriteAsync(request);
            double milliseconds = Stopwatch.GetElapsedTime(sent).TotalMilliseconds;
            Interlocked.Increment(ref _writes);
            if (!_measuring) continue;
            lock (latencies) latencies.Add(milliseconds);
        }
    }

    private Row Document(int client, long number)
    {
        long kept = number % _documentsKept;
        return new Row { Id = Value.Of(((ulong)client << 40) + (ulong)kept) }.With(Attribute, Value.Of(_value));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        foreach (DeterministicClient client in _clients) await client.DisposeAsync();
        _stop.Dispose();
    }
}

/// <summary>How a load went.</summary>
/// <param name="Writes">Acknowledged writes.</param>
/// <param name="Seconds">In this time.</param>
/// <param name="Latency">Milliseconds from sending to the acknowledgement.</param>
internal sealed record LoadFigures(long Writes, double Seconds, Percentiles Latency)
{
    public double Rate => Writes / Seconds;
}
