using System;
using System.Diagnostics;
using System.Globalization;

namespace Deterministic.StorageBenchmark;

/// <summary>The measurements. Loads and updates are timed until everything is on disk and compacted, the making of the
/// entries (<see cref="PrintOverhead"/>) included.</summary>
internal sealed class Workloads(BenchmarkOptions options, int engines) : IDisposable
{
    private const int BatchEntries = 1000;
    private const int ScanRows = 1000;
    private const int UpdateMemtables = 10;
    private const int DeletedOneIn = 100;

    private readonly Comparison _comparison = new(engines);
    private readonly DataSet _data = new(
        options.Entries, options.KeySize, options.ValueSize, options.Seed, ascending: false);
    private EnginePair? _large;

    public void Run(string workload)
    {
        switch (workload)
        {
            case "load": Load(); break;
            case "disk": Disk(); break;
            case "updates": Updates(); break;
            case "sequential": Sequential(); break;
            case "cached": Cached(); break;
            default: throw new ArgumentOutOfRangeException(nameof(workload), workload);
        }
    }

    public void Dispose() => _large?.Dispose();

    public void PrintHeader()
    {
        using EnginePair pair = new(options, entries: 1, engines);
        for (int engine = 0; engine < engines; engine++)
            Console.WriteLine($"{pair[engine].Name}: {pair[engine].Description}");
        PrintOverhead();
        _comparison.PrintHeader(pair);
    }

    /// <summary>What making an entry and folding a result cost, the same for both engines.</summary>
    private void PrintOverhead()
    {
        EntryBatch batch = _data.Batch(BatchEntries);
        ResultHash hash = new(everyByte: false);
        long entries = 0, making = 0, folding = 0;
        while (Stopwatch.GetElapsedTime(0, making).TotalMilliseconds < 300)
        {
            long started = Stopwatch.GetTimestamp();
            Fill(batch, _data, entries, entries + BatchEntries);
            making += Stopwatch.GetTimestamp() - started;
            started = Stopwatch.GetTimestamp();
            for (int i = 0; i < BatchEntries; i++) hash.Add(batch.Value(i));
            folding += Stopwatch.GetTimestamp() - started;
            entries += BatchEntries;
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"in both: making an entry {Stopwatch.GetElapsedTime(0, making).TotalNanoseconds / entries:F0} ns, "
            + $"folding a value {Stopwatch.GetElapsedTime(0, folding).TotalNanoseconds / entries:F1} ns"));
    }

    private void Load()
    {
        _large ??= new EnginePair(options, _data.Entries, engines);
        Turn[][] turns = _comparison.Measure("load, random order, an entry", options.LoadRounds,
            (engine, _) => LoadTurn(_large.Renew(engine), _data));
        PrintAmplification(_large, turns, _data);
        CheckAll("all entries after the load", _large, _data);
    }

    private void Sequential()
    {
        DataSet ascending = new(
            options.Entries, options.KeySize, options.ValueSize, options.Seed, ascending: true);
        using EnginePair pair = new(options, ascending.Entries, engines);
        Turn[][] turns = _comparison.Measure("load, ascending keys, an entry", options.LoadRounds,
            (engine, _) => LoadTurn(pair.Renew(engine), ascending));
        PrintAmplification(pair, turns, ascending);
        CheckAll("all entries after the load", pair, ascending);
    }

    private void Disk()
    {
        EnginePair pair = Large();
        CheckAll("all entries before the reads", pair, _data);
        Reads("reads on disk", pair, _data, 20_000);
        Scans("1,000-row scans on disk, a row", pair, _data, 50);
    }

    private void Cached()
    {
        long entries = Math.Max(1, options.CacheBytes / 2 / _data.EntrySize);
        DataSet data = new(entries, options.KeySize, options.ValueSize, options.Seed, ascending: false);
        using EnginePair pair = new(options, entries, engines);
        for (int engine = 0; engine < engines; engine++) LoadTurn(pair[engine], data);
        CheckAll(string.Create(CultureInfo.InvariantCulture, $"all {entries:N0} entries, cached"), pair, data);
        Reads("reads in cache", pair, data, 200_000);
        Scans("1,000-row scans in cache, a row", pair, data, 200);
    }

    private void Updates()
    {
        EnginePair pair = Large();
        long part = Math.Max(1, options.MemtableBytes / _data.EntrySize);
        EntryPicker picker = new(_data.Entries, options.Seed + 1);
        EntryBatch batch = _data.Batch(BatchEntries);
        Turn[][] turns = _comparison.Measure("uniform random updates, an update", UpdateMemtables, (engine, round) =>
        {
            TurnMeter meter = new();
            for (long at = 0; at < part; at += batch.Count)
            {
                batch.Clear();
                long end = Math.Min(part, at + batch.Capacity);
                for (long i = at; i < end; i++) batch.Add(_data, picker[round * part + i], (uint)round + 1);
                pair[engine].Put(batch);
            }
            if (round == UpdateMemtables - 1) pair[engine].Flush();
            else pair[engine].Settle();
            return meter.End(part, default);
        }, whole: true);
        PrintAmplification(pair, turns, _data);
        EntryPicker deleted = new(_data.Entries, options.Seed + 2);
        long deletes = Math.Max(1, _data.Entries / DeletedOneIn);
        _comparison.Measure("deletes, a delete", 1, (engine, _) =>
        {
            TurnMeter meter = new();
            for (long at = 0; at < deletes; at += batch.Count)
            {
                batch.Clear();
                long end = Math.Min(deletes, at + batch.Capacity);
                for (long i = at; i < end; i++) batch.AddKey(_data, deleted[i]);
                pair[engine].Delete(batch);
            }
            pair[engine].Flush();
            return meter.End(deletes, default);
        });
        CheckAll("all entries after the deletes", pair, _data);
    }

    private EnginePair Large()
    {
        if (_large is not null) return _large;
        _large = new EnginePair(options, _data.Entries, engines);
        for (int engine = 0; engine < engines; engine++) LoadTurn(_large[engine], _data);
        return _large;
    }

    private static Turn LoadTurn(IKeyValueEngine engine, DataSet data)
    {
        EntryBatch batch = data.Batch(BatchEntries);
        TurnMeter meter = new();
        for (long at = 0; at < data.Entries; at += batch.Count)
        {
            Fill(batch, data, at, Math.Min(data.Entries, at + batch.Capacity));
            engine.Put(batch);
        }
        engine.Flush();
        return meter.End(data.Entries, default);
    }

    private static void Fill(EntryBatch batch, DataSet data, long start, long end)
    {
        batch.Clear();
        for (long i = start; i < end; i++) batch.Add(data, i, version: 0);
    }

    private void Reads(string name, EnginePair pair, DataSet data, int reads)
    {
        reads = Math.Max(100, reads / options.Shrink);
        Repeated(name + ", a read", (engine, round) =>
            ReadTurn(pair[engine], Keys(data, round, reads, first: 0)));
        Repeated(name + ", absent keys, a read", (engine, round) =>
            ReadTurn(pair[engine], Keys(data, round, reads, first: data.Entries)));
    }

    private void Scans(string name, EnginePair pair, DataSet data, int scans)
    {
        scans = Math.Max(2, scans / options.Shrink);
        Repeated(name, (engine, round) =>
        {
            EntryBatch keys = Keys(data, round, scans, first: 0);
            ResultHash hash = new(everyByte: false);
            long rows = 0;
            TurnMeter meter = new();
            for (int i = 0; i < keys.Count; i++) rows += pair[engine].Scan(keys.Key(i), ScanRows, ref hash);
            return meter.End(rows, hash);
        });
    }

    /// <summary>Code starts in its slow first tier and is compiled anew in the background; the turns before that do
    /// not count.</summary>
    private void Repeated(string name, Func<int, int, Turn> turn)
    {
        for (int engine = 0; engine < engines; engine++)
        {
            long started = Stopwatch.GetTimestamp();
            int round = options.Rounds;
            do turn(engine, round++);
            while (Stopwatch.GetElapsedTime(started).TotalMilliseconds < 2000.0 / options.Shrink);
        }
        _comparison.Measure(name, options.Rounds, turn);
    }

    private EntryBatch Keys(DataSet data, int round, int count, long first)
    {
        EntryPicker picker = new(data.Entries, options.Seed + 3);
        EntryBatch keys = new(count, data.KeySize, valueSize: 0);
        for (int i = 0; i < count; i++) keys.AddKey(data, first + picker[(long)round * count + i]);
        return keys;
    }

    private static Turn ReadTurn(IKeyValueEngine engine, EntryBatch keys)
    {
        ResultHash hash = new(everyByte: false);
        TurnMeter meter = new();
        for (int i = 0; i < keys.Count; i++)
        {
            if (!engine.Get(keys.Key(i), ref hash)) hash.AddMissing();
        }
        return meter.End(keys.Count, hash);
    }

    /// <summary>Every byte of every entry in order, then point reads, all compared; fills the caches as well.</summary>
    private void CheckAll(string name, EnginePair pair, DataSet data) => _comparison.Check(name, engine =>
    {
        ResultHash hash = new(everyByte: true);
        long rows = pair[engine].Scan(new byte[data.KeySize], long.MaxValue, ref hash);
        Span<byte> count = stackalloc byte[sizeof(long)];
        BitConverter.TryWriteBytes(count, rows);
        hash.Add(count);
        EntryBatch keys = Keys(data, round: 0, BatchEntries, first: 0);
        for (int i = 0; i < keys.Count; i++)
        {
            if (!pair[engine].Get(keys.Key(i), ref hash)) hash.AddMissing();
        }
        return hash;
    });

    private static void PrintAmplification(EnginePair pair, Turn[][] turns, DataSet data)
    {
        for (int engine = 0; engine < turns.Length; engine++)
        {
            Turn sum = Turn.Sum(turns[engine]);
            EngineStatistics statistics = pair[engine].Statistics;
            double disk = statistics.DiskBytes;
            double amplification = (double)sum.BytesWritten / (sum.Operations * data.EntrySize);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"    {pair[engine].Name,-13} write amplification {amplification:F2}, "
                + $"{Sizes.Text(disk)} on disk = {disk / data.Bytes:F2} of the data, "
                + $"{Sizes.Text(statistics.MemoryBytes)} in memory beside the cache"));
        }
    }
}
