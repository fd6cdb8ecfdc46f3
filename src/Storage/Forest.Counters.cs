namespace Deterministic.Storage;

/// <summary>What maintenance has done since the forest was made. Decides nothing.</summary>
public sealed partial class Forest
{
    /// <summary>Tables that went to another run or level as they are.</summary>
    public long TablesMoved => _compactor.TablesMoved + _compactor.Merge.TablesPassed;

    /// <summary>Tombstones that merges left out, for nothing older was there.</summary>
    public long TombstonesDropped => _compactor.Merge.TombstonesDropped;

    /// <summary>Blocks of tables that touches of ranges had to look at, in memory or not.</summary>
    public long BlocksVisited => Ranges.BlocksVisited;

    /// <summary>Tombstones that searches and walks have passed over.</summary>
    public long TombstonesPassed => _walks.Tombstones;

    /// <summary>Merges that went on from a checkpoint.</summary>
    public long MergesResumed => _compactor.Merge.Resumed;

    /// <summary>Live tables of a level from 1 on.</summary>
    public int TablesAt(int level) => Levels.Level(level).Count;
}
