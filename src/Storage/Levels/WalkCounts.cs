namespace Deterministic.Storage.Levels;

/// <summary>What the cursors of a forest have done together. Decides nothing.</summary>
internal sealed class WalkCounts
{
    /// <summary>Tombstones passed over.</summary>
    public long Tombstones { get; set; }
}
