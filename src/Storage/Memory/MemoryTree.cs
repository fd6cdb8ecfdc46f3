using System;
using Deterministic.Core;

namespace Deterministic.Storage.Memory;

/// <summary>A B+-tree of variable-length byte keys and values in the native memory of its <see cref="Memtable"/>.
/// An entry is a value or a tombstone. No operation allocates. Keys given must lie outside the memtable, because making
/// room moves what is inside.</summary>
internal sealed unsafe partial class MemoryTree
{

    /// <summary>Levels never reached: each level divides the pages by eight at least, but for a constant.</summary>
    private const int HeightMax = 16;

    private readonly Memtable _memtable;
    private readonly PagePool _pages;
    private readonly ValueHeap _heap;
    private readonly uint[] _pathPage = new uint[HeightMax];
    private readonly int[] _pathSlot = new int[HeightMax];
    private readonly byte[] _keyCopy = new byte[Page.KeySizeMax];
    private readonly byte[] _valueCopy = new byte[Page.InlineSizeMax];
    private uint _root;
    private int _height;

    internal MemoryTree(Memtable memtable, PagePool pages, ValueHeap heap)
    {
        _memtable = memtable;
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

    /// <summary>Finds an entry; a tombstone's value is empty.</summary>
    public bool TryFind(ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value, out bool tombstone)
    {
        uint page = FindLeaf(key);
        int slot = _pages[page].LowerBound(key, out bool found);
        tombstone = found && IsTombstone(page, slot);
        value = found ? ValueAt(page, slot) : default;
        return found;
    }

    /// <summary>Cursor at the first entry whose key is not below <paramref name="key"/>.</summary>
    public MemoryCursor Seek(ReadOnlySpan<byte> key)
    {
        uint page = FindLeaf(key);
        int slot = _pages[page].LowerBound(key, out _);
        if (slot == _pages[page].Count) StepForward(ref page, ref slot);
        return new MemoryCursor(this, page, slot);
    }

    /// <summary>Cursor at the last entry whose key is below <paramref name="key"/>, or not above it.</summary>
    public MemoryCursor SeekBelow(ReadOnlySpan<byte> key, bool orAt)
    {
        uint page = FindLeaf(key);
        int slot = _pages[page].LowerBound(key, out bool found);
        if (!found || !orAt) StepBack(ref page, ref slot);
        return new MemoryCursor(this, page, slot);
    }

    public MemoryCursor SeekFirst() => Seek([]);

    public MemoryCursor SeekLast()
    {
        uint page = _root;
        while (_pages[page].Header.Level > 0) page = _pages[page].Reference(_pages[page].Count - 1);
        int slot = _pages[page].Count;
        StepBack(ref page, ref slot);
        return new MemoryCursor(this, page, slot);
    }

    /// <summary>Makes the entry a value of <paramref name="size"/> bytes and hands it out: the bytes it had stay and
    /// growth is zero, or with <paramref name="keep"/> false they are whatever they are.</summary>
    public Span<byte> Place(ReadOnlySpan<byte> key, int size, bool keep)
    {
        Check.That(size >= 0 && size <= ValueHeap.SizeMax);
        return new(PlaceEntry(key, size, keep), size);
    }

    /// <summary>As <see cref="Place"/> for a value that is there already; false if there is none, or a
    /// tombstone.</summary>
    public bool TryReplace(
        ReadOnlySpan<byte> key, int size, bool keep, out int oldSize, out Span<byte> place, out bool tombstone)
    {
        Check.That(size >= 0 && size <= ValueHeap.SizeMax);
        Check.That(key.Length <= Page.KeySizeMax);
        uint leaf = Descend(key, 0);
        int slot = _pages[leaf].LowerBound(key, out bool found);
        oldSize = found ? _pages[leaf].Slot(slot).ValueSize : 0;
        tombstone = found && oldSize == Slot.Tombstone;
        place = default;
        if (!found || tombstone) return false;
        Changes++;
        place = new(PlaceFound(key, leaf, slot, size, keep), size);
        return true;
    }

    public void PutTombstone(ReadOnlySpan<byte> key) => PlaceEntry(key, Slot.Tombstone, keep: false);

    /// <summary>Takes an entry out altogether; false if there was none.</summary>
    public bool Remove(ReadOnlySpan<byte> key)
    {
        Check.That(key.Length <= Page.KeySizeMax);
        uint leaf = Descend(key, 0);
        int slot = _pages[leaf].LowerBound(key, out bool found);
        if (found) RemoveEntry(leaf, slot);
        return found;
    }

    internal ReadOnlySpan<byte> KeyAt(uint page, int slot) => _pages[page].Key(slot);

    internal ReadOnlySpan<byte> ValueAt(uint page, int slot) =>
        IsTombstone(page, slot) ? default : new(ValuePointer(page, slot), _pages[page].Slot(slot).ValueSize);

    internal bool IsTombstone(uint page, int slot) => _pages[page].Slot(slot).ValueSize == Slot.Tombstone;

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

    private byte* PlaceEntry(ReadOnlySpan<byte> key, int size, bool keep)
    {
        Check.That(key.Length <= Page.KeySizeMax);
        Check.That(!_memtable.Contains(key));
        Changes++;
        uint leaf = Descend(key, 0);
        int slot = _pages[leaf].LowerBound(key, out bool found);
        if (found) return PlaceFound(key, leaf, slot, size, keep);
        _memtable.Account(Memtable.SizeOf(key.Length, size));
        Count++;
        bool split = InsertEntry(key, slot, size, out leaf, out slot);
        byte* value = ValuePointer(leaf, slot);
        if (keep && size > 0) new Span<byte>(value, size).Clear();
        return split ? SettleAndFind(key) : value;
    }

    private byte* PlaceFound(ReadOnlySpan<byte> key, uint leaf, int slot, int size, bool keep) =>
        _pages[leaf].Slot(slot).ValueSize == size
            ? ValuePointer(leaf, slot) : Reshape(key, leaf, slot, size, keep);

    private byte* Reshape(ReadOnlySpan<byte> key, uint leaf, int slot, int size, bool keep)
    {
        Page page = _pages[leaf];
        int sizeBefore = page.Slot(slot).ValueSize;
        int sizeKept = !keep || sizeBefore < 0 ? 0 : size < sizeBefore ? size : sizeBefore;
        bool wasInHeap = sizeBefore > Page.InlineSizeMax;
        _memtable.Account(Memtable.SizeOf(0, size) - Memtable.SizeOf(0, sizeBefore));
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
        if (keep && size > sizeKept) new Span<byte>(value + sizeKept, size - sizeKept).Clear();
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

    private void RemoveEntry(uint leaf, int slot)
    {
        Changes++;
        Page page = _pages[leaf];
        ReadOnlySpan<byte> key = page.Key(slot);
        key.CopyTo(_keyCopy);
        int keySize = key.Length;
        int size = page.Slot(slot).ValueSize;
        _memtable.Account(-Memtable.SizeOf(keySize, size));
        if (size > Page.InlineSizeMax)
        {
            uint reference = page.Reference(slot);
            // Freeing moves values, and the search for a moved one must not meet the reference of one that is gone.
            page.SetReference(slot, uint.MaxValue);
            FreeValue(reference, size);
        }
        page.Remove(slot, 1);
        Count--;
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
