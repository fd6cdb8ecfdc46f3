using System;
using Deterministic.Core;
using Deterministic.Storage.Blocks;

namespace Deterministic.StateMachine;

/// <summary>Where a state machine keeps its blocks.</summary>
public sealed class StorageOptions
{
    public required IDisk Disk { get; init; }
    public required UInt128 Cluster { get; init; }

    /// <summary>Where the grid is in the data file.</summary>
    public required long GridOffset { get; init; }

    /// <summary>Memory of the block cache in bytes. It may differ between replicas.</summary>
    public required long CacheSize { get; init; }

    /// <summary>Memory that a single operation may take for its blocks, for as long as it runs, if it needs more than
    /// the cache holds.</summary>
    public long CacheSizeMax { get; init; }

    /// <summary>Keeps nothing on disk: for what never makes a checkpoint and never fills a memtable.</summary>
    public static StorageOptions None { get; } = new()
        { Disk = new NoDisk(), Cluster = 0, GridOffset = 0, CacheSize = 0 };

    /// <summary>Frames of the cache: at least what every operation can count on, and no more than could ever be
    /// filled, for a value in parts may lie in the cache twice.</summary>
    internal int CacheFrames(Configuration configuration) => Frames(CacheSize, configuration);

    internal int CacheFramesMax(Configuration configuration) => Frames(CacheSizeMax, configuration);

    private static int Frames(long size, Configuration configuration)
    {
        long frames = size / configuration.BlockSize;
        if (frames > 2 * configuration.GridBlocks) frames = 2 * configuration.GridBlocks;
        int least = Grid.FramesMin(configuration.BlockSize);
        return frames < least ? least : checked((int)frames);
    }

    private sealed class NoDisk : IDisk
    {
        public void Read(uint token, long offset, Core.Memory.NativeBuffer buffer) => Check.Unreachable("no disk");

        public void Write(uint token, long offset, Core.Memory.NativeBuffer buffer) => Check.Unreachable("no disk");
    }
}
