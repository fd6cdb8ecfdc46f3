using System;
using Deterministic.Core;
using Deterministic.Storage.Levels;
using Deterministic.Storage.Memory;

namespace Deterministic.Storage;

/// <summary>One tree of a <see cref="Forest"/>: newest entries in memory, the others in tables. No operation allocates,
/// and none waits: what it needs was touched before. Keys given to changes must lie outside the forest's
/// memory.</summary>
public sealed class Tree : ITree
{
    public const int KeySizeMax = Page.KeySizeMax;
    public const int ValueSizeMax = ValueHeap.SizeMax;

    private readonly Forest _forest;
    private readonly byte _number;
    private readonly byte[] _key = new byte[KeySizeMax + 2];
    private readonly byte[] _lastKey = new byte[KeySizeMax + 2];

    /// <summary>No key above this one lies under the active memtable, as long as it is known: most new keys are
    /// greater than all before, and need not be looked for.</summary>
    private readonly byte[] _greatest = new byte[KeySizeMax];
    private int _greatestSize;
    private bool _hasGreatest = true;
    private readonly LastLookup _last = new();

    internal Tree(Forest forest, int number)
    {
        _forest = forest;
        _number = (byte)number;
        _key[0] = _number;
        _lastKey[0] = _number;
    }

    /// <summary>Entries.</summary>
    public long Count { get; internal set; }

    private MemoryTree Active => _forest.Active[_number];

    private MemoryTree? Flushing => _forest.Flushing?[_number];

    /// <summary>Makes room for a long-lived cursor, at construction.</summary>
    public CursorSlot NewCursor() => _forest.NewCursor();

    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        _forest.Guard?.Reads(this, key, key);
        return TryRead(key, out value);
    }

    private bool TryRead(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        LookupResult result = Find(key, out value);
        Check.That(result != LookupResult.Missing, "read without prefetch");
        return result == LookupResult.Value;
    }

    public bool TryFloor(
        ReadOnlySpan<byte> key, int prefixSize, out ReadOnlySpan<byte> foundKey, out ReadOnlySpan<byte> value)
    {
        MergeCursor cursor = _forest.Floor;
        cursor.SeekBelow(SourcesOf(), Composed(key), prefixSize + 1, orAt: true);
        Check.That(!cursor.Missing, "read without prefetch");
        foundKey = cursor.Valid ? _forest.KeepKey(cursor.Key) : default;
        value = cursor.Valid ? cursor.Value : default;
        _forest.Guard?.Reads(this, cursor.Valid ? foundKey : key[..prefixSize], key);
        return cursor.Valid;
    }

    public TreeCursor Seek(ReadOnlySpan<byte> key, int prefixSize) => SeekWith(_forest.TakeCursor(), key, prefixSize);

    public TreeCursor Seek(CursorSlot slot, ReadOnlySpan<byte> key, int prefixSize) =>
        SeekWith(slot.Cursor, key, prefixSize);

    private TreeCursor SeekWith(MergeCursor cursor, ReadOnlySpan<byte> key, int prefixSize)
    {
        cursor.Generation++;
        cursor.Seek(SourcesOf(), Composed(key), prefixSize + 1);
        if (cursor.Valid) _forest.Guard?.Reads(this, key, cursor.Key);
        else _forest.Guard?.ReadsToEnd(this, key, key[..prefixSize]);
        return new TreeCursor(this, cursor, Active, prefixSize);
    }

    public TreeCursor SeekBefore(ReadOnlySpan<byte> key, int prefixSize) =>
        SeekBeforeWith(_forest.TakeCursor(), key, prefixSize);

    public TreeCursor SeekBefore(CursorSlot slot, ReadOnlySpan<byte> key, int prefixSize) =>
        SeekBeforeWith(slot.Cursor, key, prefixSize);

    private TreeCursor SeekBeforeWith(MergeCursor cursor, ReadOnlySpan<byte> key, int prefixSize)
    {
        cursor.Generation++;
        cursor.SeekBelow(SourcesOf(), Composed(key), prefixSize + 1, orAt: false);
        _forest.Guard?.Reads(this, cursor.Valid ? cursor.Key : key[..prefixSize], key);
        return new TreeCursor(this, cursor, Active, prefixSize);
    }

    public TreeCursor SeekFirst() => Seek([], 0);

    public TreeCursor SeekLast()
    {
        Span<byte> greatest = stackalloc byte[KeySizeMax];
        greatest.Fill(byte.MaxValue);
        MergeCursor cursor = _forest.TakeCursor();
        cursor.SeekBelow(SourcesOf(), Composed(greatest), 1, orAt: true);
        return new TreeCursor(this, cursor, Active, prefixSize: 0);
    }

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        _forest.Guard?.Reads(this, key, key);
        Check.That(!_forest.Active.Contains(value));
        value.CopyTo(Place(key, value.Length, keep: false));
    }

    public Span<byte> Resize(ReadOnlySpan<byte> key, int size)
    {
        _forest.Guard?.Reads(this, key, key);
        return Place(key, size, keep: true);
    }

    public bool Remove(ReadOnlySpan<byte> key)
    {
        if (!TryGet(key, out ReadOnlySpan<byte> value)) return false;
        _forest.Account(-(Forest.EntryOverheadSize + key.Length + value.Length));
        Count--;
        _forest.CountPut(key.Length);
        if (IsBelow(key)) Active.PutTombstone(key);
        else Active.Remove(key);
        return true;
    }

    /// <summary>Removes entries whose keys start with <paramref name="prefix"/>, the smallest first, and returns
    /// how many: fewer than <paramref name="entriesMax"/> means that none is left.</summary>
    public int RemovePrefix(ReadOnlySpan<byte> prefix, int entriesMax)
    {
        Span<byte> key = stackalloc byte[KeySizeMax];
        prefix.CopyTo(key);
        int keySize = prefix.Length;
        return RemoveFrom(key, ref keySize, prefix.Length, entriesMax);
    }

    /// <summary>Removes entries that share the first <paramref name="prefixSize"/> bytes of a key, from it on, and
    /// leaves the last one removed in its place: going on from there need not pass what has been removed.</summary>
    /// <param name="key">Room for <see cref="KeySizeMax"/> bytes, of which the first are the key.</param>
    /// <param name="keySize">Bytes of the key.</param>
    /// <param name="prefixSize">Bytes that stay as they are.</param>
    /// <param name="entriesMax">Most entries to remove; fewer mean that none is left.</param>
    public int RemoveFrom(Span<byte> key, ref int keySize, int prefixSize, int entriesMax)
    {
        Check.That(entriesMax > 0);
        Check.That(key.Length >= KeySizeMax && prefixSize <= keySize);
        int removed = 0;
        while (removed < entriesMax)
        {
            TreeCursor cursor = Seek(key[..keySize], prefixSize);
            if (!cursor.Valid) break;
            keySize = cursor.Key.Length;
            cursor.Key.CopyTo(key);
            bool found = Remove(key[..keySize]);
            Check.That(found);
            removed++;
        }
        return removed;
    }

    public bool Touch(ReadOnlySpan<byte> key) => _forest.Note(
        Find(key, out _) != LookupResult.Missing && (_forest.Guard?.Touch(this, key) ?? true));

    public bool TouchFloor(ReadOnlySpan<byte> key, int prefixSize)
    {
        MergeCursor cursor = _forest.Floor;
        cursor.SeekBelow(SourcesOf(), Composed(key), prefixSize + 1, orAt: true);
        return _forest.Note(!cursor.Missing && (_forest.Guard?.TouchFloor(this, key, prefixSize) ?? true));
    }

    public bool TouchPrefix(ReadOnlySpan<byte> prefix) => TouchRange(prefix, prefix);

    public bool TouchRange(ReadOnlySpan<byte> first, ReadOnlySpan<byte> last)
    {
        Check.That(first.SequenceCompareTo(last) <= 0 || first.StartsWith(last));
        last.CopyTo(_lastKey.AsSpan(1));
        return _forest.Note(_forest.Ranges.Touch(Composed(first), _lastKey.AsSpan(0, last.Length + 1)) &&
            (_forest.Guard?.TouchRange(this, first, last) ?? true));
    }

    public bool IsResident(ReadOnlySpan<byte> prefix) =>
        (_forest.IsComplete || _forest.Ranges.IsResident(Composed(prefix))) &&
        (_forest.Guard?.IsResident(this, prefix) ?? true);

    public bool TouchFirst(ReadOnlySpan<byte> key, int prefixSize, int entries)
    {
        MergeCursor cursor = _forest.Floor;
        cursor.Seek(SourcesOf(), Composed(key), prefixSize + 1);
        for (int i = 1; i < entries && cursor.Valid; i++) cursor.Next();
        return _forest.Note(
            !cursor.Missing && (_forest.Guard?.TouchFirst(this, key, prefixSize, entries) ?? true));
    }

    /// <summary>Cursor at the first entry from <paramref name="key"/> on, with as many entries as are wanted in memory;
    /// false: they are being read. Outside of operations only.</summary>
    internal bool TryWalk(ReadOnlySpan<byte> key, int entries, out TreeCursor cursor)
    {
        cursor = default;
        MergeCursor walk = _forest.Floor;
        walk.Seek(SourcesOf(), Composed(key), prefixSize: 1);
        for (int i = 0; i < entries && walk.Valid; i++) walk.Next();
        if (walk.Missing) return false;
        walk = _forest.TakeCursor();
        walk.Seek(SourcesOf(), Composed(key), prefixSize: 1);
        cursor = new TreeCursor(this, walk, Active, prefixSize: 0);
        return true;
    }

    /// <summary>A cursor went from one entry to the next, or to the end of its prefix.</summary>
    internal void Walked(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, int prefixSize, bool forwards)
    {
        if (_forest.Guard is null) return;
        if (forwards && to.IsEmpty) _forest.Guard.ReadsToEnd(this, from, from[..prefixSize]);
        else if (forwards) _forest.Guard.Reads(this, from, to);
        else _forest.Guard.Reads(this, to.IsEmpty ? from[..prefixSize] : to, from);
    }

    internal bool IsGuarded => _forest.Guard is not null;

    private LookupResult Find(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        if (Active.TryFind(key, out value, out bool tombstone)) return ResultOf(tombstone);
        return FindBelow(key, out value);
    }

    /// <summary>Looks under the active memtable.</summary>
    private LookupResult FindBelow(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (_hasGreatest && key.SequenceCompareTo(_greatest.AsSpan(0, _greatestSize)) > 0)
            return LookupResult.Absent;
        if (_last.TryRecall(_forest.Moment, key, out LookupResult result, out value)) return result;
        result = Flushing is MemoryTree flushing && flushing.TryFind(key, out value, out bool tombstone)
            ? ResultOf(tombstone) : _forest.Lookup.Find(Composed(key), out value);
        if (result != LookupResult.Missing) _last.Keep(_forest.Moment, key, result, value);
        return result;
    }

    /// <summary>The active memtable is about to be flushed: keys up to its greatest may then lie below.</summary>
    internal void OnFlush()
    {
        MemoryCursor last = Active.SeekLast();
        if (!last.Valid || !_hasGreatest) return;
        if (last.Key.SequenceCompareTo(_greatest.AsSpan(0, _greatestSize)) <= 0) return;
        last.Key.CopyTo(_greatest);
        _greatestSize = last.Key.Length;
    }

    /// <summary>The state was read from disk: what its greatest keys are is not known.</summary>
    internal void OnOpen() => _hasGreatest = false;

    private static LookupResult ResultOf(bool tombstone) => tombstone ? LookupResult.Tombstone : LookupResult.Value;

    /// <summary>Whether anything under the active memtable may have the key.</summary>
    private bool IsBelow(ReadOnlySpan<byte> key) =>
        (_last.TryRecall(_forest.Moment, key, out LookupResult result, out _) && result != LookupResult.Absent) ||
        (Flushing is MemoryTree flushing && flushing.TryFind(key, out _, out _)) ||
        _forest.Lookup.MayHold(Composed(key));

    private Span<byte> Place(ReadOnlySpan<byte> key, int size, bool keep)
    {
        if (Active.TryReplace(key, size, keep, out int oldSize, out Span<byte> place, out bool tombstone))
        {
            _forest.Account(size - oldSize);
            // A value that is changed in place costs what it grows by.
            _forest.CountPut(keep ? size - oldSize : key.Length + size);
            return place;
        }
        ReadOnlySpan<byte> old = default;
        LookupResult below = tombstone ? LookupResult.Absent : FindBelow(key, out old);
        Check.That(below != LookupResult.Missing, "read without prefetch");
        bool exists = below == LookupResult.Value;
        _forest.Account(exists ? size - old.Length : Forest.EntryOverheadSize + key.Length + size);
        if (!exists) Count++;
        _forest.CountPut(keep && exists ? size - old.Length : key.Length + size);
        place = Active.Place(key, size, keep);
        if (exists && keep) old[..(old.Length < size ? old.Length : size)].CopyTo(place);
        return place;
    }

    private Sources SourcesOf() => new(Active, Flushing, _forest.Levels);

    private ReadOnlySpan<byte> Composed(ReadOnlySpan<byte> key)
    {
        key.CopyTo(_key.AsSpan(1));
        return _key.AsSpan(0, key.Length + 1);
    }
}
