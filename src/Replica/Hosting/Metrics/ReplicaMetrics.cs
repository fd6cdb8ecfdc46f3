using System;
using System.Diagnostics.Metrics;

namespace Deterministic.Replica.Hosting.Metrics;

/// <summary>The instruments of a running replica, in the meter "Deterministic". The event loop publishes all figures at
/// once every tick, whoever reads gets them as they were together; neither waits for more than a copy.</summary>
internal sealed class ReplicaMetrics : IDisposable
{
    public const string MeterName = "Deterministic";
    private readonly object _gate = new();
    private ReplicaFigures _figures;

    public ReplicaMetrics()
    {
        Counter("cache.hits", "Blocks that were asked for and in memory", f => f.CacheHits);
        Counter("cache.misses", "Blocks that were asked for and had to be read", f => f.CacheMisses);
        Counter("cache.evictions", "Blocks that left memory", f => f.CacheEvictions);
        Gauge("cache.bytes", "Memory that blocks may use now", f => f.CacheSize);
        Counter("blocks.read", "Blocks read from the data file", f => f.BlocksRead);
        Counter("blocks.written", "Blocks written to the data file", f => f.BlocksWritten);
        Counter("bytes.written", "Bytes of the blocks written", f => f.BytesWritten);
        Gauge("blocks.used", "Blocks in use", f => f.BlocksUsed);
        Gauge("blocks.free", "Blocks that are free", f => f.BlocksFree);
        Gauge("state.bytes", "Logical size of the state", f => f.StateSize);
        Ratio("write.amplification", "Bytes written by bytes put, since format", f => f.WriteAmplification);
        Ratio("space.amplification", "Bytes of blocks in use by bytes of entries", f => f.SpaceAmplification);
        Gauge("compaction.debt.bytes", "Bytes of entries that wait to be merged", f => f.CompactionDebt);
        Counter("scrubber.blocks", "Blocks that the scrubber found sound", f => f.ScrubberBlocks);
        Counter("scrubber.passes", "Times that the scrubber passed all blocks", f => f.ScrubberPasses);
        Counter("scrubber.rot", "Damaged blocks that the scrubber met", f => f.ScrubberRot);
        Gauge("commit.op", "Last operation that was run", f => f.CommitOp);
        Gauge("checkpoint.op", "Operation of the last durable checkpoint", f => f.CheckpointOp);
        Counter("objects.requests", "Requests to the object store that have ended", f => f.ObjectRequests);
        Counter("objects.failures", "Requests that it throttled, refused or did not answer", f => f.ObjectFailures);
        Counter("allocated.bytes", "Bytes that the replica's thread has allocated", f => f.BytesAllocated);
        Gauge("memory.taken.bytes", "Address space of all static regions", f => f.MemoryTaken);
        Gauge("memory.resident.bytes", "Memory that the process has in use", f => f.MemoryResident);
        Gauge("memory.limit.bytes", "What --memory says, or 0", f => f.MemoryLimit);
    }

    public Meter Meter { get; } = new(MeterName);

    /// <summary>For the event loop; allocates nothing.</summary>
    public void Publish(in ReplicaFigures figures)
    {
        lock (_gate) _figures = figures;
    }

    public ReplicaFigures Read()
    {
        lock (_gate) return _figures;
    }

    public void Dispose() => Meter.Dispose();

    private void Counter(string name, string description, Func<ReplicaFigures, long> figure) =>
        Meter.CreateObservableCounter(FullName(name), () => figure(Read()), unit: null, description);

    private void Gauge(string name, string description, Func<ReplicaFigures, long> figure) =>
        Meter.CreateObservableGauge(FullName(name), () => figure(Read()), unit: null, description);

    private void Ratio(string name, string description, Func<ReplicaFigures, double> figure) =>
        Meter.CreateObservableGauge(FullName(name), () => figure(Read()), unit: null, description);

    private static string FullName(string name) => $"deterministic.{name}";
}
