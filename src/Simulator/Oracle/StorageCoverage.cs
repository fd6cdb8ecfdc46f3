using Deterministic.Storage;

namespace Deterministic.Simulator.Oracle;

/// <summary>Counts what a forest met from its start to its end.</summary>
internal static class StorageCoverage
{
    public static void Count(Coverage coverage, Forest forest)
    {
        coverage.Add("storage", "evictions", (ulong)forest.Grid.Evictions);
        coverage.Add("storage", "tables moved", (ulong)forest.TablesMoved);
        coverage.Add("storage", "tombstones dropped", (ulong)forest.TombstonesDropped);
        coverage.Add("storage", "merges resumed", (ulong)forest.MergesResumed);
        coverage.Add("storage", "tables of level 1", (ulong)forest.TablesAt(1));
        coverage.Add("storage", "tables of level 2", (ulong)forest.TablesAt(2));
        coverage.Add("storage", "scrub passes", (ulong)forest.Scrubber.Cycles);
        coverage.Add("storage", "rot found by scrubbing", (ulong)forest.Scrubber.RotFound);
    }
}
