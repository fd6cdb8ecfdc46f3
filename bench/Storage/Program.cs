using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Numerics;
using Deterministic.StorageBenchmark;

if (args is ["--help"])
{
    Console.WriteLine(BenchmarkOptions.Help);
    return 0;
}
BenchmarkOptions? options = BenchmarkOptions.Parse(args, out string problem);
if (options is null)
{
    Console.Error.WriteLine(problem);
    Console.Error.WriteLine(BenchmarkOptions.Help);
    return 2;
}

string? library = RocksLibrary.Load();
int engines = library is null ? 1 : 2;
if (library is null) Console.WriteLine("RocksDB is not here (eng/rocksdb fetches it): ours alone is measured");
else Console.WriteLine($"RocksDB: {Path.GetFileName(library)}");

// Threads that are made later inherit the core of the thread that makes them: RocksDB's background job shares it.
if (options.OneThread && OperatingSystem.IsLinux())
{
    using Process process = Process.GetCurrentProcess();
    process.ProcessorAffinity = (nint)1 << BitOperations.Log2((ulong)process.ProcessorAffinity);
}

Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
    $"{options.Entries:N0} entries, keys {options.KeySize} B, values {options.ValueSize} B, cache "
    + $"{Sizes.Text(options.CacheBytes)}, memtable {Sizes.Text(options.MemtableBytes)}, "
    + $"{(options.OneThread ? "one core" : "all cores")}, seed {options.Seed}, "
    + $"{options.Rounds} interleaved rounds, {options.LoadRounds} of loads; medians"));

try
{
    using Workloads workloads = new(options, engines);
    workloads.PrintHeader();
    foreach (string workload in options.Workloads) workloads.Run(workload);
}
catch (Exception exception) when (exception is IOException or InvalidDataException)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}
return 0;
