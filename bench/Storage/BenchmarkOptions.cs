using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Deterministic.StorageBenchmark;

/// <summary>The command line.</summary>
internal sealed record BenchmarkOptions
{
    public const string Help = """
        storage-bench [WORKLOAD ...] [OPTION ...]     our storage engine beside RocksDB (fetched by eng/rocksdb)

        load         every entry once, in random order, until it is on disk and compacted
        disk         point reads and scans of all that data, which is larger than the cache
        updates      uniform random updates of ten memtables, on top of that data; then deletes
        sequential   every entry once, in ascending order of the keys
        cached       point reads and scans of data that fills half of the cache
        Without a workload: all, in this order.

        --entries N        1000000         --cache SIZE       64MiB     block cache
        --key-size BYTES   16, 8 or more   --memtable SIZE    64MiB
        --value-size BYTES 100             --rounds N         11        of reads and scans; their medians count
        --block-size SIZE  64KiB, of ours  --load-rounds N    3         of loads
        --seed N           42
        --threads 1|all    1: everything, RocksDB's background job included, shares one core
        --directory PATH   for RocksDB's files; a temporary one by default
        --smoke            small and short
        """;

    public static readonly string[] AllWorkloads = ["load", "disk", "updates", "sequential", "cached"];

    public long Entries { get; private set; } = 1_000_000;
    public int KeySize { get; private set; } = 16;
    public int ValueSize { get; private set; } = 100;
    public long CacheBytes { get; private set; } = 64 << 20;
    public long MemtableBytes { get; private set; } = 64 << 20;

    /// <summary>Of our engine; RocksDB's are of 4 KiB.</summary>
    public int BlockSize { get; private set; } = 64 << 10;
    public ulong Seed { get; private set; } = 42;
    public int Rounds { get; private set; } = 11;
    public int LoadRounds { get; private set; } = 3;
    public bool OneThread { get; private set; } = true;
    public string Directory { get; private set; } = Path.GetTempPath();

    /// <summary>How much of the usual work a round does: reads and scans are this many times fewer.</summary>
    public int Shrink { get; private set; } = 1;

    public IReadOnlyList<string> Workloads { get; private set; } = AllWorkloads;

    /// <summary>Null and an explanation when the arguments make no sense.</summary>
    public static BenchmarkOptions? Parse(string[] arguments, out string problem)
    {
        BenchmarkOptions options = new();
        List<string> workloads = [];
        problem = "";
        try
        {
            for (int i = 0; i < arguments.Length; i++)
            {
                if (arguments[i] == "--smoke") options.Smoke();
                else if (Array.IndexOf(AllWorkloads, arguments[i]) >= 0) workloads.Add(arguments[i]);
                else if (i + 1 < arguments.Length) options.Set(arguments[i], arguments[++i]);
                else throw new FormatException($"what is {arguments[i]}?");
            }
        }
        catch (Exception exception) when (exception is FormatException or OverflowException)
        {
            problem = exception.Message;
            return null;
        }
        if (workloads.Count > 0) options.Workloads = workloads;
        if (options.KeySize < DataSet.KeySizeMin) problem = $"keys of {DataSet.KeySizeMin} bytes at least";
        else if (options.Entries < 1 || options.Rounds < 1 || options.LoadRounds < 1) problem = "nothing to do";
        else if (options.ValueSize < 1 || options.CacheBytes < 1 || options.MemtableBytes < 1) problem = "too small";
        return problem.Length == 0 ? options : null;
    }

    private void Smoke()
    {
        Entries = 50_000;
        CacheBytes = 1 << 20;
        MemtableBytes = 1 << 20;
        Rounds = 3;
        LoadRounds = 1;
        Shrink = 100;
    }

    private void Set(string name, string value)
    {
        switch (name)
        {
            case "--entries": Entries = (long)Number(value); break;
            case "--key-size": KeySize = (int)Number(value); break;
            case "--value-size": ValueSize = (int)Number(value); break;
            case "--cache": CacheBytes = Sizes.Parse(value); break;
            case "--memtable": MemtableBytes = Sizes.Parse(value); break;
            case "--block-size": BlockSize = checked((int)Sizes.Parse(value)); break;
            case "--seed": Seed = Number(value); break;
            case "--rounds": Rounds = (int)Number(value); break;
            case "--load-rounds": LoadRounds = (int)Number(value); break;
            case "--directory": Directory = value; break;
            case "--threads" when value is "1" or "all": OneThread = value == "1"; break;
            default: throw new FormatException($"what is {name} {value}?");
        }
    }

    private static ulong Number(string text) => ulong.Parse(text, CultureInfo.InvariantCulture);
}
