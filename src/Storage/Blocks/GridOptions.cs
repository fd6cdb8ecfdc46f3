using System;
using Deterministic.Core;

namespace Deterministic.Storage.Blocks;

/// <summary>The grid of one replica's data file.</summary>
public sealed class GridOptions
{
    public required IDisk Disk { get; init; }
    public required UInt128 Cluster { get; init; }

    /// <summary>Where the first block is in the data file.</summary>
    public required long Offset { get; init; }
    public required int BlockSize { get; init; }
    public required long Blocks { get; init; }

    /// <summary>Frames of the block cache. It may differ between replicas.</summary>
    public required int CacheFrames { get; init; }

    /// <summary>Frames that a single operation may have that needs more blocks at once than the cache holds; at least
    /// <see cref="CacheFrames"/> are taken.</summary>
    public int CacheFramesMax { get; init; }

    /// <summary>Disk operations in flight.</summary>
    public int ReadsMax { get; init; } = 32;
    public int WritesMax { get; init; } = 32;
}
