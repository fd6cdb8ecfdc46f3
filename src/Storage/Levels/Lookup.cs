using System;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Levels;

internal enum LookupResult : byte
{
    /// <summary>No run has the key.</summary>
    Absent = 0,
    Value,
    Tombstone,

    /// <summary>A block is not in memory; it has been asked for.</summary>
    Missing,
}

/// <summary>Finds single keys in the runs, newest first.</summary>
internal sealed class Lookup(Grid grid, TableStore store, LevelSet levels)
{
    private readonly byte[] _key = new byte[Tree.KeySizeMax + 1];

    /// <summary>The newest entry of a key (with the byte of its tree). When a block is missing, those of older runs are
    /// asked for too, so that one round brings all.</summary>
    public LookupResult Find(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        value = default;
        bool missing = false;
        ulong hash = KeyFilter.HashOf(key);
        for (int age = 0; age < levels.Count; age++)
        {
            LookupResult result = FindIn(levels[age], key, hash, out value);
            missing |= result == LookupResult.Missing;
            if (result is LookupResult.Value or LookupResult.Tombstone)
                return missing ? LookupResult.Missing : result;
        }
        return missing ? LookupResult.Missing : LookupResult.Absent;
    }

    /// <summary>Whether the ranges of some run's table hold the key, so that the run may have it.</summary>
    public bool MayHold(ReadOnlySpan<byte> key)
    {
        for (int age = 0; age < levels.Count; age++)
        {
            int table = levels[age].PositionUpTo(key);
            if (table >= 0 && store.Index(levels[age][table]).LastKey.SequenceCompareTo(key) >= 0) return true;
        }
        return false;
    }

    private LookupResult FindIn(Run run, ReadOnlySpan<byte> key, ulong hash, out ReadOnlySpan<byte> value)
    {
        value = default;
        int table = run.PositionUpTo(key);
        if (table < 0) return LookupResult.Absent;
        TableIndex index = store.Index(run[table]);
        if (index.LastKey.SequenceCompareTo(key) < 0) return LookupResult.Absent;
        int item = index.Floor(key);
        BlockReference block = index.Reference(item);
        if (index.Kind(item) == IndexKind.Large)
        {
            if (!index.Key(item).SequenceEqual(key)) return LookupResult.Absent;
            int parts = index.Parts(item);
            if (!grid.RequestRun(index.References(item, parts), TableIndex.ItemSize, parts))
                return LookupResult.Missing;
            value = grid.RunBody(in block, index.Size(item));
            return LookupResult.Value;
        }
        BlockReference filter = index.HasFilter ? index.Filter : default;
        ReadOnlySpan<byte> bits = default;
        bool filtered = !filter.IsNone && TableBlocks.TryGetFilter(grid, in filter, out bits);
        if (filtered && !KeyFilter.MayHold(bits, hash)) return LookupResult.Absent;
        if (!TableBlocks.TryGetEntries(grid, index, item, out ReadOnlySpan<byte> body))
        {
            // Both in one round: the filter serves the searches that follow.
            if (!filter.IsNone && !filtered) grid.Request(in filter);
            grid.Request(in block);
            return LookupResult.Missing;
        }
        EntryBlock entries = new(body);
        if (!entries.TryFloor(key, _key, out EntryPlace place)) return LookupResult.Absent;
        if (!_key.AsSpan(0, place.KeySize).SequenceEqual(key)) return LookupResult.Absent;
        value = entries.Value(place);
        return place.Kind == EntryKind.Tombstone ? LookupResult.Tombstone : LookupResult.Value;
    }
}
