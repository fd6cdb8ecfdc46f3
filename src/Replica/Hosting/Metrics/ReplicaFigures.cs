using Deterministic.Storage;
using Deterministic.Storage.Blocks;

namespace Deterministic.Replica.Hosting.Metrics;

/// <summary>What is published of a running replica. Sizes are bytes; counts go on since the process started unless they
/// say otherwise.</summary>
internal struct ReplicaFigures
{
    public long CacheHits;
    public long CacheMisses;
    public long CacheEvictions;

    /// <summary>What the cache may use now.</summary>
    public long CacheSize;
    public long BlocksRead;
    public long BlocksWritten;
    public long BytesWritten;
    public long BlocksUsed;
    public long BlocksFree;

    /// <summary>Blocks that the state and its last checkpoint need, each in full.</summary>
    public long UsedSize;

    /// <summary>Keys and values that are there now.</summary>
    public long DataSize;
    public long StateSize;
    public long CompactionDebt;

    /// <summary>Since the data file was formatted, like all counts that make up the write amplification.</summary>
    public long BytesPut;
    public long BytesFlushed;
    public long BytesMerged;
    public long BytesOfCheckpoints;
    public long ScrubberBlocks;
    public long ScrubberPasses;
    public long ScrubberRot;
    public long CommitOp;
    public long CheckpointOp;

    /// <summary>To the object store; 0 if there is none.</summary>
    public long ObjectRequests;

    /// <summary>Those of them that it throttled, refused or did not answer.</summary>
    public long ObjectFailures;

    /// <summary>By the replica's thread, from the heap that is collected.</summary>
    public long BytesAllocated;
    public long MemoryTaken;
    public long MemoryResident;

    /// <summary>0 for none.</summary>
    public long MemoryLimit;

    /// <summary>Bytes written to flush, merge and checkpoint, by bytes put; 0 before the first.</summary>
    public readonly double WriteAmplification =>
        BytesPut == 0 ? 0 : (double)(BytesFlushed + BytesMerged + BytesOfCheckpoints) / BytesPut;

    /// <summary>Bytes of blocks in use, by bytes of keys and values; 0 while there are none.</summary>
    public readonly double SpaceAmplification => DataSize == 0 ? 0 : (double)UsedSize / DataSize;

    /// <summary>Takes the figures of the state; allocates nothing.</summary>
    public void Take(Forest forest)
    {
        Grid grid = forest.Grid;
        CacheHits = grid.CacheHits;
        CacheMisses = grid.CacheMisses;
        CacheEvictions = grid.Evictions;
        CacheSize = (long)grid.CacheFramesUsable * grid.BlockSize;
        BlocksRead = grid.BlocksRead;
        BlocksWritten = grid.BlocksWritten;
        BytesWritten = grid.BytesWritten;
        BlocksUsed = grid.Free.AcquiredCount;
        BlocksFree = grid.Free.FreeCount;
        UsedSize = BlocksUsed * grid.BlockSize;
        DataSize = forest.DataSize;
        StateSize = forest.SizeBytes;
        CompactionDebt = forest.CompactionDebt;
        BytesPut = forest.BytesPut;
        BytesFlushed = forest.BytesFlushed;
        BytesMerged = forest.BytesMerged;
        BytesOfCheckpoints = forest.BytesOfCheckpoints;
        ScrubberBlocks = forest.Scrubber.BlocksVerified;
        ScrubberPasses = forest.Scrubber.Cycles;
        ScrubberRot = forest.Scrubber.RotFound;
    }
}
