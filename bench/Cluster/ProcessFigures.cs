using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Deterministic.ClusterBenchmark;

/// <summary>What the kernel has counted for a process so far: processor time by the name of the thread, switches
/// between threads, calls that write to files, bytes that went to the disk.</summary>
internal sealed class ProcessFigures
{
    /// <summary>Of /proc/PID/stat, the same on every Linux that .NET runs on.</summary>
    private const double TicksPerSecond = 100;

    private readonly SortedDictionary<string, double> _seconds = [];

    public long Switches { get; private set; }
    public long WriteCalls { get; private set; }
    public long BytesWritten { get; private set; }

    /// <summary>Of all threads, also of those that have ended.</summary>
    public double Seconds { get; private set; }

    public static ProcessFigures Read(int processId)
    {
        ProcessFigures figures = new();
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}");
        figures.WriteCalls = Field(File.ReadLines($"{folder}/io"), "syscw:");
        figures.BytesWritten = Field(File.ReadLines($"{folder}/io"), "write_bytes:");
        (_, figures.Seconds) = Time($"{folder}/stat");
        foreach (string thread in Directory.GetDirectories($"{folder}/task"))
        {
            (string name, double seconds) = Time($"{thread}/stat");
            figures._seconds[name] = figures._seconds.GetValueOrDefault(name) + seconds;
            List<string> status = [.. File.ReadLines($"{thread}/status")];
            figures.Switches += Field(status, "voluntary_ctxt_switches:") +
                Field(status, "nonvoluntary_ctxt_switches:");
        }
        return figures;
    }

    public ProcessFigures Since(ProcessFigures earlier)
    {
        ProcessFigures difference = new()
        {
            Switches = Switches - earlier.Switches,
            WriteCalls = WriteCalls - earlier.WriteCalls,
            BytesWritten = BytesWritten - earlier.BytesWritten,
            Seconds = Seconds - earlier.Seconds,
        };
        foreach ((string name, double seconds) in _seconds)
            difference._seconds[name] = seconds - earlier._seconds.GetValueOrDefault(name);
        return difference;
    }

    /// <summary>Microseconds of the busiest threads for each operation.</summary>
    public string Threads(long operations) => string.Join(", ", _seconds
        .Where(static pair => pair.Value > 0).OrderByDescending(static pair => pair.Value).Take(4)
        .Select(pair => string.Create(
            CultureInfo.InvariantCulture, $"{pair.Key} {pair.Value * 1e6 / operations:0}")));

    private static (string Name, double Seconds) Time(string file)
    {
        string stat = File.ReadAllText(file);
        int open = stat.IndexOf('('), close = stat.LastIndexOf(')');
        string[] fields = stat[(close + 2)..].Split(' ');
        double ticks = double.Parse(fields[11], CultureInfo.InvariantCulture) +
            double.Parse(fields[12], CultureInfo.InvariantCulture);
        return (stat[(open + 1)..close], ticks / TicksPerSecond);
    }

    private static long Field(IEnumerable<string> lines, string name) => long.Parse(
        lines.First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Trim(),
        CultureInfo.InvariantCulture);
}
