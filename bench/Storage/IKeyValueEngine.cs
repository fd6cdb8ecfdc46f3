using System;

namespace Deterministic.StorageBenchmark;

/// <summary>What both storage engines can do, as far as the benchmark uses it. Results are folded into a hash instead
/// of being handed out, so that neither engine pays for a copy that the other does not need.</summary>
internal interface IKeyValueEngine : IDisposable
{
    string Name { get; }

    /// <summary>Settings, in one line for the report.</summary>
    string Description { get; }

    EngineStatistics Statistics { get; }

    /// <summary>Writes all entries of the batch, new or not; in memory or durable, as the engine is set.</summary>
    void Put(EntryBatch batch);

    /// <summary>Deletes all keys of the batch; its values are not looked at.</summary>
    void Delete(EntryBatch batch);

    /// <summary>False if the key is not there; else the value is in the hash.</summary>
    bool Get(ReadOnlySpan<byte> key, ref ResultHash hash);

    /// <summary>Walks up to <paramref name="rows"/> entries upwards from the first that is not below <paramref
    /// name="start"/> and returns how many there were.</summary>
    long Scan(ReadOnlySpan<byte> start, long rows, ref ResultHash hash);

    /// <summary>Waits until no background work is under way.</summary>
    void Settle();

    /// <summary>Brings everything written so far to the disk, and settles.</summary>
    void Flush();
}

/// <summary>What an engine takes now; bytes read and written are metered by the kernel, for both alike
/// (<see cref="TurnMeter"/>).</summary>
/// <param name="DiskBytes">All its files.</param>
/// <param name="MemoryBytes">What it holds in memory beside its cache.</param>
internal readonly record struct EngineStatistics(long DiskBytes, long MemoryBytes);

/// <summary>What an engine is opened with: an empty directory of its own, and the entries to expect at most.</summary>
internal sealed record EngineOptions(BenchmarkOptions Benchmark, long Entries, string Directory);
