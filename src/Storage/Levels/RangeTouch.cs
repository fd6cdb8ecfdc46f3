using System;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Tables;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Levels;

/// <summary>Asks for all blocks of all runs that may hold keys of a prefix, and the one in front of it, where a search
/// from above may end.</summary>
internal sealed class RangeTouch(Grid grid, TableStore store, LevelSet levels)
{
    /// <summary>True if all of them are in memory.</summary>
    /// <param name="prefix">Byte of the tree, and the prefix.</param>
    /// <param name="request">Ask for those that are not; else stop at the first.</param>
    public bool Touch(ReadOnlySpan<byte> prefix, bool request)
    {
        bool all = true;
        for (int age = 0; age < levels.Count; age++)
        {
            Run run = levels[age];
            for (int at = run.PositionFrom(prefix); at < run.Count; at++)
            {
                TableIndex index = store.Index(run[at]);
                if (!IsWithin(index.FirstKey, prefix)) break;
                if (!TouchTable(index, prefix, request)) all = false;
                if (!all && !request) return false;
            }
        }
        return all;
    }

    private bool TouchTable(TableIndex index, ReadOnlySpan<byte> prefix, bool request)
    {
        bool all = true;
        int floor = index.Floor(prefix);
        for (int item = floor < 0 ? 0 : floor; item < index.Count;)
        {
            if (!IsWithin(index.Key(item), prefix)) break;
            int parts = index.Kind(item) == IndexKind.Large ? index.Parts(item) : 1;
            if (!TouchItem(index, item, parts, request)) all = false;
            if (!all && !request) return false;
            item += parts;
        }
        return all;
    }

    private bool TouchItem(TableIndex index, int item, int parts, bool request)
    {
        BlockReference block = index.Reference(item);
        if (index.Kind(item) == IndexKind.Large) return request
            ? grid.RequestRun(index.References(item, parts), TableIndex.ItemSize, parts)
            : grid.IsRunResident(in block, parts);
        return request ? grid.Request(in block) : grid.IsResident(in block);
    }

    /// <summary>Whether a key is below the prefix or begins with it.</summary>
    private static bool IsWithin(ReadOnlySpan<byte> key, ReadOnlySpan<byte> prefix) =>
        key.StartsWith(prefix) || key.SequenceCompareTo(prefix) < 0;
}
