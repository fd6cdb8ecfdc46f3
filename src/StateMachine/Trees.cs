using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage;
using Deterministic.Storage.Blocks;

namespace Deterministic.StateMachine;

/// <summary>The trees of the state by name.</summary>
public sealed class Trees(StaticMemory memory, Configuration configuration, StorageOptions storage)
{
    /// <summary>What one operation may write, as a multiple of the largest message: indexes are larger than what they
    /// are made of.</summary>
    private const long OvershootFactor = 512;

    public Forest Forest { get; } = new(memory, new ForestOptions
    {
        TreeCount = (int)TreeId.Count,
        StateSizeMax = configuration.StateSizeMax,
        MemtableSize = configuration.MemtableSize,
        OvershootSizeMax = OvershootFactor * configuration.MessageSizeMax,
        SessionsSizeMax = configuration.MessageBodySizeMax,
        Grid = new GridOptions
        {
            Disk = storage.Disk,
            Cluster = storage.Cluster,
            Offset = storage.GridOffset,
            BlockSize = configuration.BlockSize,
            Blocks = configuration.GridBlocks,
            CacheFrames = storage.CacheFrames(configuration),
            CacheFramesMax = storage.CacheFramesMax(configuration),
        },
    });

    public Tree Namespaces => this[TreeId.Namespaces];
    public Tree Attributes => this[TreeId.Attributes];
    public Tree Ids => this[TreeId.Ids];
    public Tree Documents => this[TreeId.Documents];
    public Tree Liveness => this[TreeId.Liveness];
    public Tree Vectors => this[TreeId.Vectors];
    public Tree Columns => this[TreeId.Columns];
    public Tree Terms => this[TreeId.Terms];
    public Tree Postings => this[TreeId.Postings];
    public Tree Garbage => this[TreeId.Garbage];
    public Tree Counters => this[TreeId.Counters];

    public Tree this[TreeId id] => Forest[(int)id];
}
