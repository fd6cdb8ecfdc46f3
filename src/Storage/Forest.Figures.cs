using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Storage.Checkpoints;
using Deterministic.Storage.Levels;

namespace Deterministic.Storage;

/// <summary>What operators want to know. The counts of bytes go on since the data file was formatted, follow from the
/// log alone, and are kept by every checkpoint.</summary>
public sealed partial class Forest
{
    private long _flushedBefore;
    private long _mergedBefore;
    private long _checkpointsBefore;
    private long _rootBytes;

    /// <summary>Levels, the one of the flushed runs included.</summary>
    public const int LevelCount = LevelSet.LevelsMax;

    /// <summary>Bytes of keys and values that operations have put; a value changed in place counts what it grew by, a
    /// removal its key.</summary>
    public long BytesPut { get; private set; }

    /// <summary>Bytes of blocks written to flush memtables.</summary>
    public long BytesFlushed => _flushedBefore + _compactor.BytesFlushed;

    /// <summary>Bytes of blocks written by merges.</summary>
    public long BytesMerged => _mergedBefore + _compactor.Merge.BytesWritten;

    /// <summary>Bytes of trailers and roots.</summary>
    public long BytesOfCheckpoints
    {
        get
        {
            long bytes = _checkpointsBefore + _rootBytes;
            foreach (Trailer trailer in _trailers) bytes += trailer.BytesWritten;
            return bytes;
        }
    }

    /// <summary>Bytes of keys and values of all entries that are there now.</summary>
    public long DataSize
    {
        get
        {
            long size = SizeBytes;
            foreach (Tree tree in _trees) size -= EntryOverheadSize * tree.Count;
            return size;
        }
    }

    /// <summary>Bytes of entries that compaction has yet to merge to have the levels in shape.</summary>
    public long CompactionDebt => _compactor.Debt;

    public LevelFigures Level(int level)
    {
        Check.That(level is >= 0 and < LevelCount);
        int runs = level == 0 ? Levels.FlushRuns : Levels.Level(level).Count > 0 ? 1 : 0;
        int tables = 0;
        long blocks = 0;
        long size = 0;
        for (int i = 0; i < runs; i++)
        {
            Run run = level == 0 ? Levels[i] : Levels.Level(level);
            tables += run.Count;
            size += run.DataSize;
            foreach (int table in run.Tables) blocks += _store[table].Blocks + 1;
        }
        return new LevelFigures { Runs = runs, Tables = tables, Blocks = blocks, DataSize = size };
    }

    internal void CountPut(long bytes)
    {
        if (bytes > 0) BytesPut = unchecked(BytesPut + bytes);
    }

    /// <summary>Takes the counts of a checkpoint; false if they cannot be such.</summary>
    private bool ReadFigures(ReadOnlySpan<byte> root)
    {
        BytesPut = BinaryPrimitives.ReadInt64LittleEndian(root[24..]);
        _flushedBefore = BinaryPrimitives.ReadInt64LittleEndian(root[32..]);
        _mergedBefore = BinaryPrimitives.ReadInt64LittleEndian(root[40..]);
        _checkpointsBefore = BinaryPrimitives.ReadInt64LittleEndian(root[48..]);
        // Bounded, so that no sum overflows.
        return (BytesPut | _flushedBefore | _mergedBefore | _checkpointsBefore) is >= 0 and < 1L << 60;
    }
}
