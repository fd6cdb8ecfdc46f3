using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Deterministic.Core;

namespace Deterministic.Storage.Memory;

/// <summary>First bytes of a page.</summary>
[StructLayout(LayoutKind.Explicit, Size = Page.HeaderSize)]
internal struct PageHeader
{
    /// <summary>Neighbours in key order (leaves only); 0: none. Of a free page, Next is the next free one.</summary>
    [FieldOffset(0)] public uint Next;
    [FieldOffset(4)] public uint Previous;
    [FieldOffset(8)] public ushort Count;

    /// <summary>Offset of the lowest cell: cells grow down, slots grow up.</summary>
    [FieldOffset(10)] public ushort CellsStart;

    /// <summary>Bytes of all slots and of their cells, without the garbage between cells.</summary>
    [FieldOffset(12)] public ushort Used;

    /// <summary>Every key of the page starts with the same this many bytes, and heads are taken after them.</summary>
    [FieldOffset(14)] public ushort Skip;

    /// <summary>0 for a leaf.</summary>
    [FieldOffset(16)] public byte Level;

#pragma warning disable CS0649 // never assigned: they hold the zeroes that the page began with
    [FieldOffset(17)] public byte Reserved0;
    [FieldOffset(18)] public ushort Reserved1;
    [FieldOffset(20)] public uint Reserved2;
    [FieldOffset(24)] public ulong Reserved3;
#pragma warning restore CS0649
}

[StructLayout(LayoutKind.Explicit, Size = 12)]
internal struct Slot
{
    /// <summary>Value size of a tombstone, which has no payload.</summary>
    public const int Tombstone = -1;

    /// <summary>The four key bytes after the page's common prefix, big-endian, zero-padded: decides most
    /// comparisons.</summary>
    [FieldOffset(0)] public uint Head;
    [FieldOffset(4)] public int ValueSize;
    [FieldOffset(8)] public ushort Offset;
    [FieldOffset(10)] public ushort KeySize;
}

/// <summary>View of one tree page: sorted slots growing up, cells (key, then payload, each padded to 8 bytes)
/// growing down.
/// The payload is the value itself, or for a value above <see cref="InlineSizeMax"/> its reference in the heap, or
/// in an
/// inner page the number of the child.</summary>
internal readonly unsafe struct Page(byte* pointer)
{
    public const int Size = 16384;
    public const int HeaderSize = 32;
    public const int SlotSize = 12;
    public const int Capacity = Size - HeaderSize;
    public const int KeySizeMax = 544;
    public const int InlineSizeMax = 1024;

    private readonly byte* _pointer = pointer;

    public byte* Pointer => _pointer;
    public ref PageHeader Header => ref *(PageHeader*)_pointer;
    public int Count => ((PageHeader*)_pointer)->Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref Slot Slot(int index) => ref unchecked(((Slot*)(_pointer + HeaderSize))[index]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Key(int index)
    {
        ref Slot slot = ref Slot(index);
        return unchecked(new ReadOnlySpan<byte>(_pointer + slot.Offset, slot.KeySize));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Payload(int index)
    {
        ref Slot slot = ref Slot(index);
        return unchecked(_pointer + slot.Offset + ((slot.KeySize + 7) & ~7));
    }

    public uint Reference(int index) => *(uint*)Payload(index);

    public void SetReference(int index, uint reference) => *(uint*)Payload(index) = reference;

    public bool InHeap(int index) => Header.Level == 0 && Slot(index).ValueSize > InlineSizeMax;

    public static int CellSize(int keySize, int valueSize) => unchecked(
        ((keySize + 7) & ~7) + (valueSize > InlineSizeMax ? 8 : (valueSize + 7) & ~7));

    public int EntrySize(int index) => SlotSize + CellSize(Slot(index).KeySize, Slot(index).ValueSize);

    public void Initialize(byte level)
    {
        Header = default;
        Header.Level = level;
        Header.CellsStart = Size;
    }

    /// <summary>Index of the first key that is not below <paramref name="key"/>; <see cref="Count"/> if there is
    /// none.</summary>
    public int LowerBound(ReadOnlySpan<byte> key, out bool found)
    {
        found = false;
        int count = Count;
        if (count == 0) return 0;
        int skip = Header.Skip;
        if (skip > 0)
        {
            ReadOnlySpan<byte> start = key[..(key.Length < skip ? key.Length : skip)];
            int order = start.SequenceCompareTo(Key(0)[..skip]);
            if (order != 0) return order < 0 ? 0 : count;
        }
        uint head = HeadOf(key, skip);
        ReadOnlySpan<byte> rest = key[skip..];
        int low = 0;
        int high = count;
        while (low < high)
        {
            int middle = unchecked((low + high) >> 1);
            uint other = Slot(middle).Head;
            int order = other < head ? -1 : other > head ? 1 : Key(middle)[skip..].SequenceCompareTo(rest);
            if (order == 0)
            {
                found = true;
                return middle;
            }
            if (order < 0) low = unchecked(middle + 1);
            else high = middle;
        }
        return low;
    }

    /// <summary>Whether an entry fits, perhaps after <see cref="Compact"/>.</summary>
    public bool Fits(int keySize, int valueSize) =>
        Header.Used + SlotSize + CellSize(keySize, valueSize) <= Capacity;

    /// <summary>Opens a slot with its key written and its payload to be written by the caller.</summary>
    public void Insert(int index, ReadOnlySpan<byte> key, int valueSize, byte* scratch)
    {
        Check.That(index >= 0 && index <= Count);
        Check.That(Fits(key.Length, valueSize));
        int cellSize = CellSize(key.Length, valueSize);
        if (HeaderSize + (Count + 1) * SlotSize + cellSize > Header.CellsStart) Compact(scratch);
        AdaptSkip(key);
        byte* slot = _pointer + HeaderSize + index * SlotSize;
        Move(slot, slot + SlotSize, (Count - index) * SlotSize);
        int offset = Header.CellsStart - cellSize;
        Slot(index) = new Slot
        {
            Head = HeadOf(key, Header.Skip),
            ValueSize = valueSize,
            Offset = (ushort)offset,
            KeySize = (ushort)key.Length,
        };
        key.CopyTo(new Span<byte>(_pointer + offset, key.Length));
        Header.CellsStart = (ushort)offset;
        Header.Count++;
        Header.Used += (ushort)(SlotSize + cellSize);
    }

    public void Remove(int index, int count)
    {
        Check.That(index >= 0 && count > 0 && index + count <= Count);
        int size = 0;
        for (int i = index; i < index + count; i++) size += EntrySize(i);
        byte* slot = _pointer + HeaderSize + index * SlotSize;
        Move(slot + count * SlotSize, slot, (Count - index - count) * SlotSize);
        Header.Count -= (ushort)count;
        Header.Used -= (ushort)size;
        if (Count == 0) Header.CellsStart = Size;
    }

    /// <summary>Squeezes out the garbage between cells.</summary>
    public void Compact(byte* scratch)
    {
        Move(_pointer, scratch, Size);
        var old = new Page(scratch);
        int offset = Size;
        for (int i = 0; i < Count; i++)
        {
            ref Slot slot = ref Slot(i);
            int cellSize = CellSize(slot.KeySize, slot.ValueSize);
            offset -= cellSize;
            Move(scratch + slot.Offset, _pointer + offset, cellSize);
            slot.Offset = (ushort)offset;
        }
        Check.That(Size - offset + Count * SlotSize == old.Header.Used);
        Header.CellsStart = (ushort)offset;
        if (Count > 0) SetSkip(CommonPrefix(Key(0), Key(Count - 1)));
    }

    private void AdaptSkip(ReadOnlySpan<byte> key)
    {
        if (Count == 0)
        {
            Header.Skip = (ushort)key.Length;
            return;
        }
        int common = CommonPrefix(Key(0)[..Header.Skip], key);
        if (common < Header.Skip) SetSkip(Count == 1 ? CommonPrefix(Key(0), key) : common);
    }

    private void SetSkip(int skip)
    {
        Header.Skip = (ushort)skip;
        for (int i = 0; i < Count; i++) Slot(i).Head = HeadOf(Key(i), skip);
    }

    public static uint HeadOf(ReadOnlySpan<byte> key, int skip)
    {
        ReadOnlySpan<byte> rest = key[skip..];
        if (rest.Length >= 4) return BinaryPrimitives.ReadUInt32BigEndian(rest);
        uint head = 0;
        for (int i = 0; i < rest.Length; i++) head |= (uint)rest[i] << (24 - 8 * i);
        return head;
    }

    private static int CommonPrefix(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b) =>
        MemoryExtensions.CommonPrefixLength(a, b);

    private static void Move(byte* from, byte* to, int size) =>
        new ReadOnlySpan<byte>(from, size).CopyTo(new Span<byte>(to, size));
}
