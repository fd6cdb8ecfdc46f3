using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Replica.Io;

namespace Deterministic.ClusterBenchmark;

/// <summary>`cluster-bench disk`: what a durable write to a data file costs here, whatever a replica does.</summary>
internal static class DiskCommand
{
    private const long Size = 1L << 28;
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);
    private static readonly Option<string?> Folder = CommonOptions.Folder();
    private static readonly Option<double> Seconds = new("--seconds")
        { Description = "Time of a run", DefaultValueFactory = _ => 3 };

    public static Command Create()
    {
        Command command = new("disk", "Durable writes as replicas make them (O_DIRECT, O_DSYNC), by threads and size.")
        {
            Folder, Seconds,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult arguments)
    {
        string path = Path.Combine(
            arguments.GetValue(Folder) ?? Path.GetTempPath(), $"cluster-bench-disk-{Environment.ProcessId}");
        using (DataFile? created = DataFile.TryCreate(path, Size, out string refused))
        {
            if (created is null)
            {
                Console.Error.WriteLine(refused);
                return 1;
            }
        }
        try
        {
            using DataFile file = DataFile.TryOpenExisting(path, writable: true, out string error)
                ?? throw new IOException(error);
            TimeSpan time = TimeSpan.FromSeconds(arguments.GetValue(Seconds));
            Report.Heading($"durable writes, {(file.IsDirect ? "past" : "through")} the page cache");
            Report.Line($"space              bytes  threads  writes/s  p50 ms  p99 ms  max ms");
            Measure(file, "only reserved", 4096, threads: 1, time);
            using (StaticMemory memory = new()) Fill(file, memory.Take(1 << 20, Limits.SectorSize));
            foreach (int threads in (int[])[1, 2, 4, 8, 32]) Measure(file, "written before", 4096, threads, time);
            foreach (int threads in (int[])[1, 8]) Measure(file, "written before", 32 << 10, threads, time);
            foreach (int threads in (int[])[1, 8]) Measure(file, "written before", 1 << 20, threads, time);
            return 0;
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void Fill(DataFile file, NativeBuffer buffer)
    {
        buffer.Span.Fill(1);
        for (long offset = 0; offset < Size; offset += buffer.Length)
            if (!file.TryWrite(offset, buffer, out string error)) throw new IOException(error);
        // The device may be busy with it for a while longer.
        Thread.Sleep(Settling);
    }

    /// <summary>Each thread writes a part of the file of its own, from front to back.</summary>
    private static void Measure(DataFile file, string space, int bytes, int threads, TimeSpan time)
    {
        using StaticMemory memory = new();
        List<double>[] latencies = [.. Enumerable.Range(0, threads).Select(static _ => new List<double>())];
        long started = Stopwatch.GetTimestamp();
        Thread[] writers = [.. latencies.Select((own, i) =>
        {
            NativeBuffer buffer = memory.Take(bytes, Limits.SectorSize);
            buffer.Span.Fill((byte)i);
            long part = Size / threads / bytes * bytes;
            return new Thread(() =>
            {
                for (long at = 0; Stopwatch.GetElapsedTime(started) < time; at = (at + bytes) % part)
                {
                    long before = Stopwatch.GetTimestamp();
                    if (!file.TryWrite(i * part + at, buffer, out string error)) throw new IOException(error);
                    own.Add(Stopwatch.GetElapsedTime(before).TotalMilliseconds);
                }
            });
        })];
        foreach (Thread writer in writers) writer.Start();
        foreach (Thread writer in writers) writer.Join();
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Percentiles all = new([.. latencies.SelectMany(static own => own)]);
        Report.Line($"{space,-15}  {bytes,7}  {threads,7}  {all.Count / seconds,8:N0}  {all.Text(50),6}  " +
            $"{all.Text(99),6}  {all.Text(100),6}");
    }
}
