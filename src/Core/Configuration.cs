using System.Numerics;

namespace Deterministic.Core;

/// <summary>The sizes that a cluster is formatted with. Production and simulation run the same code with different
/// values; small ones make wrap-around, checkpoints, flushes and evictions frequent. All relations are checked at
/// construction.</summary>
public sealed class Configuration
{
    /// <summary>Grid blocks per logical byte of state: room for what compaction has rewritten and the last durable
    /// checkpoint still needs.</summary>
    private const int GridFactor = 4;

    /// <summary>Room for what a single operation may add at most, however small the state.</summary>
    private const int GridBlocksMin = 2048;

    public static Configuration Production { get; } = new(
        messageSizeMax: 1 << 20, journalSlots: 1024, pipelineMax: 8, sessionsMax: 64, barOps: 32,
        journalWritesMax: 32, journalReadsMax: 8, stateSizeMax: 1L << 30,
        blockSize: 64 << 10, memtableSize: 64L << 20);

    public static Configuration Tiny { get; } = new(
        messageSizeMax: 16 << 10, journalSlots: 32, pipelineMax: 4, sessionsMax: 7, barOps: 4,
        journalWritesMax: 2, journalReadsMax: 3, stateSizeMax: 8L << 20,
        blockSize: 16 << 10, memtableSize: 256 << 10);

    public Configuration(
        int messageSizeMax, int journalSlots, int pipelineMax, int sessionsMax, int barOps,
        int journalWritesMax, int journalReadsMax, long stateSizeMax, int blockSize, long memtableSize)
    {
        Check.That(IsValid(
            messageSizeMax, journalSlots, pipelineMax, sessionsMax, barOps,
            journalWritesMax, journalReadsMax, stateSizeMax, blockSize, memtableSize));
        MessageSizeMax = messageSizeMax;
        JournalSlots = journalSlots;
        PipelineMax = pipelineMax;
        SessionsMax = sessionsMax;
        BarOps = barOps;
        JournalWritesMax = journalWritesMax;
        JournalReadsMax = journalReadsMax;
        StateSizeMax = stateSizeMax;
        BlockSize = blockSize;
        MemtableSize = memtableSize;
        Check.That(CheckpointIntervalOps > 0);
        Check.That(CheckpointIntervalOps % barOps == 0);
        Check.That(CheckpointIntervalOps + barOps + 2 * pipelineMax <= journalSlots);
    }

    /// <summary>Whether these sizes, read from anywhere, make a configuration. The upper bounds keep every sum in
    /// range.</summary>
    public static bool IsValid(
        int messageSizeMax, int journalSlots, int pipelineMax, int sessionsMax, int barOps,
        int journalWritesMax, int journalReadsMax, long stateSizeMax, int blockSize, long memtableSize)
    {
        const int countMax = 1 << 16;
        const int sessionSize = 512;
        if (messageSizeMax < 2 * Limits.SectorSize || messageSizeMax > 1 << 26) return false;
        if (messageSizeMax % Limits.SectorSize != 0) return false;
        if (journalSlots is < 1 or > countMax || pipelineMax is < 1 or > countMax) return false;
        if (sessionsMax is < 1 or > countMax || barOps is < 1 or > countMax) return false;
        if (journalWritesMax is < 1 or > countMax || journalReadsMax is < 1 or > countMax) return false;
        if (stateSizeMax < 1 || stateSizeMax > 1L << 50 || stateSizeMax % Limits.SectorSize != 0) return false;
        if (blockSize is < Limits.BlockSizeMin or > Limits.BlockSizeMax) return false;
        if (!BitOperations.IsPow2(blockSize)) return false;
        if (memtableSize < blockSize || memtableSize > 1L << 34) return false;
        if (journalSlots % barOps != 0 || journalSlots * Limits.HeaderSize % Limits.SectorSize != 0) return false;
        if (sessionsMax > (messageSizeMax - Limits.HeaderSize) / sessionSize) return false;
        int interval = journalSlots - barOps - barOps * ((2 * pipelineMax + barOps - 1) / barOps);
        return interval > 0;
    }

    /// <summary>Largest message, header included; also the size of a journal slot and of a reply slot.</summary>
    public int MessageSizeMax { get; }
    public int MessageBodySizeMax => MessageSizeMax - Limits.HeaderSize;
    public int JournalSlots { get; }

    /// <summary>Prepares in flight at once.</summary>
    public int PipelineMax { get; }
    public int SessionsMax { get; }

    /// <summary>Operations per bar; checkpoints fall on the end of a bar.</summary>
    public int BarOps { get; }
    public int JournalWritesMax { get; }
    public int JournalReadsMax { get; }

    /// <summary>Bytes that the state (keys, values and a fixed overhead per entry) may grow to; past it writes are
    /// refused with an error. Recorded at format, equal on every replica, because refusing is a decision of the
    /// log.</summary>
    public long StateSizeMax { get; }

    /// <summary>Bytes of a block of the grid, header included.</summary>
    public int BlockSize { get; }

    /// <summary>Blocks of the grid: several times the state and the memtables, see
    /// <c>docs/ARCHITECTURE.md</c>.</summary>
    public long GridBlocks => (GridFactor * StateSizeMax + 16 * MemtableSize) / BlockSize + GridBlocksMin;

    /// <summary>Bytes (as of <see cref="StateSizeMax"/>) after which a memtable is flushed. Equal on every replica,
    /// because flushing allocates blocks.</summary>
    public long MemtableSize { get; }

    /// <summary>Operations between checkpoints: slots less one bar, less the bars that two pipelines may
    /// overrun.</summary>
    public int CheckpointIntervalOps => JournalSlots - BarOps - BarOps * ((2 * PipelineMax + BarOps - 1) / BarOps);
}
