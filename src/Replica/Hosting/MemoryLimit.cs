using System;
using Deterministic.Core;
using Deterministic.Storage.Blocks;

namespace Deterministic.Replica.Hosting;

/// <summary>Holds the memory of the process at a limit: the block cache has what everything else leaves. It is told its
/// share anew every few milliseconds from the memory that is in use, so that memtables, messages of busy clients and
/// the runtime take from the cache while they need more, and give it back later.</summary>
internal sealed class MemoryLimit
{
    /// <summary>What the runtime has resident: its own code and that of the libraries, compiled code, the managed heap,
    /// stacks. Measured: 60 to 90 MiB.</summary>
    public const long RuntimeSize = 96L << 20;

    /// <summary>Messages that clients have in flight as a rule; each is in up to three buffers.</summary>
    private const int BusyMessages = 16;

    /// <summary>Part of the limit that is kept free, as what is in use may grow between two looks.</summary>
    private const int MarginDivisor = 32;

    private readonly long _target;

    public MemoryLimit(long limit)
    {
        Check.That(limit > 0);
        Limit = limit;
        _target = limit - limit / MarginDivisor;
    }

    public long Limit { get; }

    /// <summary>The least limit with which a data file can be served: runtime, full memtables, messages, the indexes of
    /// a full state, and the smallest cache.</summary>
    public static long Least(Configuration configuration)
    {
        long memtables = 2 * (configuration.MemtableSize + configuration.MemtableSize / 4);
        long messages = 3L * BusyMessages * configuration.MessageSizeMax;
        long indexes = configuration.StateSizeMax / 512;
        return RuntimeSize + memtables + messages + indexes + CacheSizeLeast(configuration);
    }

    /// <summary>The smallest cache that every operation can count on.</summary>
    public static long CacheSizeLeast(Configuration configuration) =>
        long.Max(32L << 20, (long)Grid.FramesMin(configuration.BlockSize) * configuration.BlockSize);

    /// <summary>What one operation may take for its blocks, past any limit, for as long as it runs: three quarters of
    /// the machine or of the container.</summary>
    public static long OperationSizeMax => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 * 3;

    /// <summary>The largest cache that a limit can ever leave.</summary>
    public long CacheSizeMax => Limit - RuntimeSize / 2;

    /// <summary>Gives the cache its share.</summary>
    /// <param name="grid">Whose cache it is.</param>
    /// <param name="resident">Bytes that the process has in use; 0 if that is not known.</param>
    public void Apply(Grid grid, long resident)
    {
        if (resident <= 0) return;
        long frames = grid.CacheFramesResident + (_target - resident) / grid.BlockSize;
        int least = Grid.FramesMin(grid.BlockSize);
        grid.CacheFramesUsable = (int)long.Clamp(frames, least, grid.CacheFrames);
    }
}
