using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;

namespace Deterministic.StorageBenchmark;

/// <summary>What one engine did in one turn. Processor time is that of all threads; bytes are those that the kernel
/// moved between this process and the disk, whoever asked for them.</summary>
internal readonly record struct Turn(
    long Operations, ulong Hash, double Seconds, double ProcessorSeconds, long BytesRead, long BytesWritten)
{
    public double NanosecondsPerOperation => Seconds * 1e9 / Operations;

    public static Turn Sum(Turn[] turns)
    {
        Turn sum = default;
        foreach (Turn turn in turns)
        {
            sum = new Turn(sum.Operations + turn.Operations, sum.Hash ^ turn.Hash, sum.Seconds + turn.Seconds,
                sum.ProcessorSeconds + turn.ProcessorSeconds, sum.BytesRead + turn.BytesRead,
                sum.BytesWritten + turn.BytesWritten);
        }
        return sum;
    }
}

/// <summary>Measures a turn from its construction to <see cref="End"/>. Engines take turns and are settled in
/// between, so whatever the process does meanwhile is the engine's.</summary>
internal readonly struct TurnMeter
{
    private readonly long _started;
    private readonly double _processorSeconds;
    private readonly long _bytesRead;
    private readonly long _bytesWritten;

    public TurnMeter()
    {
        _bytesRead = Counter("read_bytes: ");
        _bytesWritten = Counter("write_bytes: ");
        _processorSeconds = Environment.CpuUsage.TotalTime.TotalSeconds;
        _started = Stopwatch.GetTimestamp();
    }

    public Turn End(long operations, ResultHash hash)
    {
        double seconds = Stopwatch.GetElapsedTime(_started).TotalSeconds;
        double processorSeconds = Environment.CpuUsage.TotalTime.TotalSeconds - _processorSeconds;
        return new Turn(operations, hash.Value, seconds, processorSeconds,
            Counter("read_bytes: ") - _bytesRead, Counter("write_bytes: ") - _bytesWritten);
    }

    /// <summary>0 where the kernel does not count.</summary>
    private static long Counter(string name)
    {
        const string file = "/proc/self/io";
        if (!File.Exists(file)) return 0;
        foreach (string line in File.ReadLines(file))
        {
            if (line.StartsWith(name, StringComparison.Ordinal))
                return long.Parse(line.AsSpan(name.Length), CultureInfo.InvariantCulture);
        }
        return 0;
    }
}
