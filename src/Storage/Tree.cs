using System;
using Deterministic.Core;

namespace Deterministic.Storage;

/// <summary>A B+-tree of variable-length byte keys and values in the native memory of its <see cref="Forest"/>.
/// No operation allocates. Keys and values given to <see cref="Put"/> and <see cref="Resize"/> must lie outside
/// the forest's
/// memory, because making room moves what is inside.</summary>
public sealed unsafe partial class Tree : ITree
{
    public const int KeySizeMax = Page.KeySizeMax;
    public const int ValueSizeMax = ValueHeap.SizeMax;

    /// <summary>Levels never reached: each level divides the pages by eight at least, but for a constant.</summary>
    private const int HeightMax = 16;

    private readonly Forest _forest;
    private readonly PagePool _pages;
    private readonly ValueHeap _heap;
    private readonly uint[] _pathPage = new uint[HeightMax];
    private readonly int[] _pathSlot = new int[HeightMax];
    private readonly byte[] _keyCopy = new byte[KeySizeMax];
    private readonly byte[] _valueCopy = new byte[Page.InlineSizeMax];
    private uint _root;
    private int _height;

    internal Tree(Forest forest, PagePool pages, ValueHeap heap)
    {
        _forest = forest;
        _pages = pages;
        _heap = heap;
        Clear();
    }

    public long Count { get; private set; }

    internal ulong Changes { get; private set; }

    internal int Height => _height;

    internal void Clear()
    {
        Changes++;
        Count = 0;
        _root = _pages.Allocate(0);
        _height = 1;
    }

    public bool TryGet(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        _forest.Guard?.Reads(this, key, key);
        uint page = FindLeaf(key);
        int slot = _pages[page].LowerBound(key, out bool found);
        value = found ? ValueAt(page, slot) : default;
        return found;
    }

    public bool TryFloor(
        ReadOnlySpan<byte> key, int prefixSize, out ReadOnlySpan<byte> foundKey, out ReadOnlySpan<byte> value)
    {
        uint page = FindLeaf(key);
        int slot = _pages[page].LowerBound(key, out bool found);
        if (!found) StepBack(ref page, ref slot);
        bool any = page != 0 && KeyAt(page, slot).StartsWith(key[..prefixSize]);
        foundKey = any ? KeyAt(page, slot) : default;
        value = any ? ValueAt(page, slot) : default;
        _forest.Guard?.Reads(this, any ? foundKey : key[..prefixSize], key);
        return any;
    }

    public TreeCursor Seek(ReadOnlySpan<byte> key, int prefixSize)
    {
        uint page = FindLeaf(key);
        int slot = _pages[page].LowerBound(key, out _);
        if (slot == _pages[page].Count) StepForward(ref page, ref slot);
        TreeCursor cursor = CursorAt(page, slot, key, prefixSize);
        if (cursor.Valid) _forest.Guard?.Reads(this, key, cursor.Key);
        else _forest.Guard?.ReadsToEnd(this, key, key[..prefixSize]);
        return cursor;
    }

    public TreeCursor SeekBefore(ReadOnlySpan<byte> key, int prefixSize)
    {
        uint page = FindLeaf(key);
        int slot = _pages[page].LowerBound(key, out _);
        StepBack(ref page, ref slot);
        TreeCursor cursor = CursorAt(page, slot, key, prefixSize);
        _forest.Guard?.Reads(this, cursor.Valid ? cursor.Key : key[..prefixSize], key);
        return cursor;
    }

    public TreeCursor SeekFirst() => Seek([], 0);

    public TreeCursor SeekLast()
    {
        uint page = _root;
        while (_pages[page].Header.Level > 0) page = _pages[page].Reference(_pages[page].Count - 1);
        int slot = _pages[page].Count;
        StepBack(ref page, ref slot);
        return CursorAt(page, slot, [], 0);
    }

    private TreeCursor CursorAt(uint page, int slot, ReadOnlySpan<byte> key, int prefixSize)
    {
        bool any = page != 0 && KeyAt(page, slot).StartsWith(key[..prefixSize]);
        return any ? new TreeCursor(this, page, slot, prefixSize) : default;
    }

    public bool Touch(ReadOnlySpan<byte> key) => _forest.Guard?.Touch(this, key) ?? true;

    public bool TouchFloor(ReadOnlySpan<byte> key, int prefixSize) =>
        _forest.Guard?.TouchFloor(this, key, prefixSize) ?? true;

    public bool TouchPrefix(ReadOnlySpan<byte> prefix) => _forest.Guard?.TouchPrefix(this, prefix) ?? true;

    public bool TouchFirst(ReadOnlySpan<byte> key, int prefixSize, int entries) =>
        _forest.Guard?.TouchFirst(this, key, prefixSize, entries) ?? true;

    public bool IsResident(ReadOnlySpan<byte> prefix) => _forest.Guard?.IsResident(this, prefix) ?? true;

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        _forest.Guard?.Reads(this, key, key);
        Check.That(!_forest.Contains(value));
        byte* place = Place(key, value.Length, keep: false);
        value.CopyTo(new Span<byte>(place, value.Length));
    }

    public Span<byte> Resize(ReadOnlySpan<byte> key, int size)
    {
        _forest.Guard?.Reads(this, key, key);
        return new(Place(key, size, keep: true), size);
    }

    public bool Remove(ReadOnlySpan<byte> key)
    {
        _forest.Guard?.Reads(this, key, key);
        Check.That(key.Length <= KeySizeMax);
        uint leaf = Descend(key, 0);
        int slot = _pages[leaf].LowerBound(key, out bool found);
        if (found) RemoveEntries(leaf, slot, 1);
        return found;
    }

    /// <summary>Removes entries whose keys start with <paramref name="prefix"/>, the smallest first, and returns
    /// how many:
    /// fewer than <paramref name="entriesMax"/> means that none is left.</summary>
    public int RemovePrefix(ReadOnlySpan<byte> prefix, int entriesMax)
    {
        Check.That(prefix.Length <= KeySizeMax);
        Check.That(entriesMax > 0);
        Check.That(!_forest.Contains(prefix));
        int removed = 0;
        while (removed < entriesMax)
        {
            TreeCursor cursor = Seek(prefix, prefix.Length);
            if (!cursor.Valid) break;
            uint leaf = Descend(cursor.Key, 0);
            Page page = _pages[leaf];
            int slot = page.LowerBound(cursor.Key, out bool found);
            Check.That(found);
            int run = 1;
            int runMax = entriesMax - removed < page.Count - slot ? entriesMax - removed : page.Count - slot;
            while (run < runMax && page.Key(slot + run).StartsWith(prefix)) run++;
            _forest.Guard?.Reads(this, prefix, page.Key(slot + run - 1));
            RemoveEntries(leaf, slot, run);
            removed += run;
        }
        return removed;
    }

    /// <summary>A cursor went from one entry to the next, or to the end of its prefix.</summary>
    internal void Walked(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, int prefixSize, bool forwards)
    {
        if (_forest.Guard is null) return;
        if (forwards && to.IsEmpty) _forest.Guard.ReadsToEnd(this, from, from[..prefixSize]);
        else if (forwards) _forest.Guard.Reads(this, from, to);
        else _forest.Guard.Reads(this, to.IsEmpty ? from[..prefixSize] : to, from);
    }

    internal ReadOnlySpan<byte> KeyAt(uint page, int slot) => _pages[page].Key(slot);

    internal ReadOnlySpan<byte> ValueAt(uint page, int slot) =>
        new(ValuePointer(page, slot), _pages[page].Slot(slot).ValueSize);

    internal void StepForward(ref uint page, ref int slot)
    {
        if (++slot < _pages[page].Count) return;
        page = _pages[page].Header.Next;
        slot = 0;
        Check.That(page == 0 || _pages[page].Count > 0);
    }

    internal void StepBack(ref uint page, ref int slot)
    {
        if (--slot >= 0) return;
        page = _pages[page].Header.Previous;
        slot = page == 0 ? 0 : _pages[page].Count - 1;
        Check.That(slot >= 0);
    }

    /// <summary>Makes the entry exist with a value of <paramref name="size"/> bytes and returns where the value is.
    /// <paramref name="keep"/>: the old bytes stay and growth is zero; otherwise the bytes are whatever they
    /// are.</summary>
    internal byte* Place(ReadOnlySpan<byte> key, int size, bool keep)
    {
        Check.That(key.Length <= KeySizeMax);
        Check.That(size >= 0 && size <= ValueSizeMax);
        Check.That(!_forest.Contains(key));
        Changes++;
        uint leaf = Descend(key, 0);
        int slot = _pages[leaf].LowerBound(key, out bool found);
        if (found) return _pages[leaf].Slot(slot).ValueSize == size
            ? ValuePointer(leaf, slot) : Reshape(key, leaf, slot, size, keep);
        _forest.Account(Forest.EntryOverheadSize + key.Length + size);
        Count++;
        bool split = InsertEntry(key, slot, size, out leaf, out slot);
        byte* value = ValuePointer(leaf, slot);
        if (keep) new Span<byte>(value, size).Clear();
        return split ? SettleAndFind(key) : value;
    }

    private byte* Reshape(ReadOnlySpan<byte> key, uint leaf, int slot, int size, bool keep)
    {
        Page page = _pages[leaf];
        int sizeBefore = page.Slot(slot).ValueSize;
        int sizeKept = !keep ? 0 : size < sizeBefore ? size : sizeBefore;
        bool wasInHeap = sizeBefore > Page.InlineSizeMax;
        _forest.Account(size - sizeBefore);
        if (wasInHeap && size > Page.InlineSizeMax && ValueHeap.ClassOf(size) == ValueHeap.ClassOf(sizeBefore))
        {
            page.Slot(slot).ValueSize = size;
            byte* same = ValuePointer(leaf, slot);
            if (keep) new Span<byte>(same + sizeKept, size - sizeKept).Clear();
            return same;
        }
        uint old = wasInHeap ? page.Reference(slot) : 0;
        if (!wasInHeap) new ReadOnlySpan<byte>(page.Payload(slot), sizeKept).CopyTo(_valueCopy);
        int usedBefore = page.Header.Used;
        page.Remove(slot, 1);
        bool split = InsertEntry(key, slot, size, out leaf, out slot);
        byte* value = ValuePointer(leaf, slot);
        if (wasInHeap) new ReadOnlySpan<byte>(_heap.Pointer(old), sizeKept).CopyTo(new Span<byte>(value, sizeKept));
        else _valueCopy.AsSpan(0, sizeKept).CopyTo(new Span<byte>(value, sizeKept));
        if (keep) new Span<byte>(value + sizeKept, size - sizeKept).Clear();
        if (wasInHeap) FreeValue(old, sizeBefore);
        return split || page.Header.Used < usedBefore ? SettleAndFind(key) : value;
    }

    /// <summary>Inserts into the leaf of the path; heap values get their room.</summary>
    private bool InsertEntry(ReadOnlySpan<byte> key, int slot, int size, out uint leaf, out int at)
    {
        bool split = Insert(0, key, slot, size, out leaf, out at);
        if (size > Page.InlineSizeMax) _pages[leaf].SetReference(at, _heap.Allocate(size, leaf));
        return split;
    }

    private void RemoveEntries(uint leaf, int slot, int count)
    {
        Changes++;
        Page page = _pages[leaf];
        ReadOnlySpan<byte> first = page.Key(slot);
        first.CopyTo(_keyCopy);
        int keySize = first.Length;
        for (int i = slot; i < slot + count; i++)
        {
            ref Slot entry = ref page.Slot(i);
            int size = entry.ValueSize;
            _forest.Account(-(Forest.EntryOverheadSize + entry.KeySize + size));
            if (size <= Page.InlineSizeMax) continue;
            uint reference = page.Reference(i);
            // Freeing moves values, and the search for a moved one must not meet the reference of one that is gone.
            page.SetReference(i, uint.MaxValue);
            FreeValue(reference, size);
        }
        page.Remove(slot, count);
        Count -= count;
        Settle(_keyCopy.AsSpan(0, keySize), wide: false);
    }

    private void FreeValue(uint reference, int size)
    {
        if (!_heap.Free(reference, size, out uint moved, out uint owner)) return;
        Page page = _pages[owner];
        for (int i = 0; i < page.Count; i++)
        {
            if (!page.InHeap(i) || page.Reference(i) != moved) continue;
            page.SetReference(i, reference);
            return;
        }
        Check.Unreachable("a moved value has no owner");
    }

    private byte* SettleAndFind(ReadOnlySpan<byte> key)
    {
        Settle(key, wide: true);
        uint leaf = FindLeaf(key);
        int slot = _pages[leaf].LowerBound(key, out bool found);
        Check.That(found);
        return ValuePointer(leaf, slot);
    }

    private byte* ValuePointer(uint page, int slot)
    {
        Page view = _pages[page];
        byte* payload = view.Payload(slot);
        return view.Slot(slot).ValueSize > Page.InlineSizeMax ? _heap.Pointer(*(uint*)payload) : payload;
    }
}
