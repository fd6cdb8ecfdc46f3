using System;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Levels;

/// <summary>Asks for all blocks of all runs that may hold keys of a range of prefixes, and the one in front of it,
/// where a search from above may end.</summary>
internal sealed class RangeTouch(Grid grid, TableStore store, LevelSet levels)
{
    /// <summary>Blocks that <see cref="IsResident"/> looks at before it says no.</summary>
    private const int BlocksLookedAtMax = 64;

    /// <summary>Blocks looked at since construction, in memory or not.</summary>
    public long BlocksVisited { get; private set; }

    /// <summary>Asks for all from the first key of one prefix to the last of another; true if they are in
    /// memory.</summary>
    /// <param name="first">Byte of the tree, and the prefix.</param>
    /// <param name="last">The same.</param>
    public bool Touch(ReadOnlySpan<byte> first, ReadOnlySpan<byte> last)
    {
        int left = int.MaxValue;
        return Visit(first, last, request: true, ref left);
    }

    /// <summary>Whether they are in memory; no if there are many, without looking.</summary>
    public bool IsResident(ReadOnlySpan<byte> prefix)
    {
        int left = BlocksLookedAtMax;
        return Visit(prefix, prefix, request: false, ref left) && left >= 0;
    }

    private bool Visit(ReadOnlySpan<byte> first, ReadOnlySpan<byte> last, bool request, ref int left)
    {
        bool all = true;
        for (int age = 0; age < levels.Count; age++)
        {
            Run run = levels[age];
            for (int at = run.PositionFrom(first); at < run.Count; at++)
            {
                TableIndex index = store.Index(run[at]);
                if (!IsWithin(index.FirstKey, last)) break;
                if (!VisitTable(index, first, last, request, ref left)) all = false;
                if (left < 0 || (!all && !request)) return false;
            }
        }
        return all;
    }

    private bool VisitTable(
        TableIndex index, ReadOnlySpan<byte> first, ReadOnlySpan<byte> last, bool request, ref int left)
    {
        bool all = true;
        int floor = index.Floor(first);
        for (int item = floor < 0 ? 0 : floor; item < index.Count;)
        {
            if (!IsWithin(index.Key(item), last)) break;
            int parts = index.Kind(item) == IndexKind.Large ? index.Parts(item) : 1;
            if (--left < 0) return false;
            BlocksVisited++;
            if (!VisitItem(index, item, parts, request)) all = false;
            if (!all && !request) return false;
            item += parts;
        }
        return all;
    }

    private bool VisitItem(TableIndex index, int item, int parts, bool request)
    {
        BlockReference block = index.Reference(item);
        if (index.Kind(item) == IndexKind.Large) return request
            ? grid.RequestRun(index.References(item, parts), TableIndex.ItemSize, parts)
            : grid.IsRunResident(in block, parts);
        if (TableBlocks.TryGetEntries(grid, index, item, out _)) return true;
        if (request) grid.Request(in block);
        return false;
    }

    /// <summary>Whether a key is below the prefix or begins with it.</summary>
    private static bool IsWithin(ReadOnlySpan<byte> key, ReadOnlySpan<byte> prefix) =>
        key.StartsWith(prefix) || key.SequenceCompareTo(prefix) < 0;
}
