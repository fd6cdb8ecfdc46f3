using System;
using System.IO;

namespace Deterministic.ClusterBenchmark;

/// <summary>Lines of output. Numbers look alike everywhere: the program has no cultures.</summary>
internal static class Report
{
    public static void Line(string text) =>
        Console.WriteLine(text);

    /// <summary>When it was measured, and how busy the machine was just then.</summary>
    public static void Heading(string what)
    {
        string load = File.Exists("/proc/loadavg") ? File.ReadAllText("/proc/loadavg").Split(' ')[0] : "?";
        Line($"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {Environment.ProcessorCount} processors, load average {load}");
        Line(what);
    }
}
