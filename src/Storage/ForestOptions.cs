using Deterministic.Storage.Blocks;

namespace Deterministic.Storage;

/// <summary>Sizes of a forest.</summary>
public sealed class ForestOptions
{
    public required int TreeCount { get; init; }

    /// <summary>The size past which the state machine refuses writes.</summary>
    public required long StateSizeMax { get; init; }

    /// <summary>Size at which a memtable is flushed.</summary>
    public required long MemtableSize { get; init; }

    /// <summary>What one operation may add to a memtable past that.</summary>
    public required long OvershootSizeMax { get; init; }

    /// <summary>Room for the client sessions that a checkpoint keeps for the log.</summary>
    public required int SessionsSizeMax { get; init; }
    public required GridOptions Grid { get; init; }

    internal StoragePlant Plant { get; init; }

    /// <summary>Ticks from one block that the scrubber reads to the next.</summary>
    public uint ScrubTicks { get; init; } = 8;
}
