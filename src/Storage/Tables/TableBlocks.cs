using System;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;

namespace Deterministic.Storage.Tables;

/// <summary>The blocks of tables as searches and walks use them. A right checksum says that a block is what somebody
/// wrote, not that it makes sense; so the first use of one that was read from disk goes through it whole, and what
/// makes no sense is a fault like a wrong checksum. Later uses trust it.</summary>
internal static class TableBlocks
{
    /// <summary>The block of entries of an item, if it is in memory.</summary>
    public static bool TryGetEntries(Grid grid, TableIndex index, int item, out ReadOnlySpan<byte> body)
    {
        BlockReference block = index.Reference(item);
        if (!grid.TryGet(in block, out body, out bool examined)) return false;
        return examined || grid.Examined(
            in block, grid.KindOf(in block) == BlockKind.Entries && index.IsEntries(item, body));
    }

    /// <summary>The filter of a table, if it is in memory.</summary>
    public static bool TryGetFilter(Grid grid, scoped in BlockReference filter, out ReadOnlySpan<byte> bits)
    {
        if (!grid.TryGet(in filter, out bits, out bool examined)) return false;
        return examined || grid.Examined(
            in filter, grid.KindOf(in filter) == BlockKind.Filter && KeyFilter.IsValid(bits));
    }
}
