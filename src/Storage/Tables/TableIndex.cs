using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;

namespace Deterministic.Storage.Tables;

internal enum IndexKind : byte
{
    /// <summary>A block of entries; the key is that of its first entry.</summary>
    Entries = 0,

    /// <summary>The first part of a large value; the key is the value's.</summary>
    Large = 1,

    /// <summary>A further part of the large value before it.</summary>
    Part = 2,

    /// <summary>The filter over all keys, behind the items that hold entries; it has no key.</summary>
    Filter = 3,
}

/// <summary>View of a table's index: its blocks in key order. Head: number of items u32, offset u32 and size u32 of the
/// greatest key, number of filters u32 (0 or 1). Items of <see cref="ItemSize"/> bytes: reference, offset of the key
/// u32, size of the key u16, kind u8, 0 u8, size of the large value or number of entries u32, reserved u32. Then one
/// for the filter. Then the keys. It is in memory for every table.</summary>
internal readonly unsafe partial struct TableIndex(byte* bytes)
{
    public const int HeadSize = 16;
    public const int ItemSize = BlockReference.Size + 16;
    private const int FiltersAt = 12;
    private const int KeyOffsetAt = BlockReference.Size;
    private const int KeySizeAt = BlockReference.Size + 4;
    private const int KindAt = BlockReference.Size + 6;
    private const int SizeAt = BlockReference.Size + 8;

    private readonly byte* _bytes = bytes;

    /// <summary>Items that hold entries.</summary>
    public int Count => *(int*)_bytes;

    public bool HasFilter => *(int*)(_bytes + FiltersAt) > 0;

    /// <summary>See <see cref="KeyFilter"/>; asked only if there is one.</summary>
    public BlockReference Filter => Reference(Count);

    /// <summary>Blocks that the index refers to, the filter included: <see cref="Reference"/> and
    /// <see cref="Address"/> from 0 on.</summary>
    public int Blocks => Count + *(int*)(_bytes + FiltersAt);

    public ReadOnlySpan<byte> FirstKey => Key(0);

    public ReadOnlySpan<byte> LastKey => new(_bytes + *(uint*)(_bytes + 4), *(int*)(_bytes + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Item(int index) => _bytes + HeadSize + index * ItemSize;

    public BlockReference Reference(int index) => BlockReference.Read(new ReadOnlySpan<byte>(Item(index), ItemSize));

    public ulong Address(int index) => *(ulong*)Item(index);

    public ReadOnlySpan<byte> Key(int index)
    {
        byte* item = Item(index);
        return new(_bytes + *(uint*)(item + KeyOffsetAt), *(ushort*)(item + KeySizeAt));
    }

    public IndexKind Kind(int index) => (IndexKind)Item(index)[KindAt];

    /// <summary>Bytes of a large value; entries of a block of them.</summary>
    public int Size(int index) => *(int*)(Item(index) + SizeAt);

    /// <summary>Items that an item and its further parts take.</summary>
    public int Parts(int index)
    {
        int end = index + 1;
        while (end < Count && Kind(end) == IndexKind.Part) end++;
        return end - index;
    }

    /// <summary>References from an item on, <see cref="ItemSize"/> apart.</summary>
    public ReadOnlySpan<byte> References(int index, int parts) => new(Item(index), parts * ItemSize);

    /// <summary>The last item, no part, whose key is not above <paramref name="key"/>; -1 if the first is
    /// above.</summary>
    public int Floor(ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (Key(middle).SequenceCompareTo(key) <= 0) low = middle + 1;
            else high = middle;
        }
        return Start(low - 1);
    }

    /// <summary>The item that a part belongs to, or the item itself.</summary>
    public int Start(int index)
    {
        while (index > 0 && Kind(index) == IndexKind.Part) index--;
        return index;
    }

    /// <summary>Writes one item.</summary>
    internal static void WriteItem(
        Span<byte> item, in BlockReference reference, int keyOffset, int keySize, IndexKind kind, int size)
    {
        Check.That(item.Length == ItemSize);
        item.Clear();
        reference.WriteTo(item);
        BinaryPrimitives.WriteInt32LittleEndian(item[KeyOffsetAt..], keyOffset);
        BinaryPrimitives.WriteUInt16LittleEndian(item[KeySizeAt..], (ushort)keySize);
        item[KindAt] = (byte)kind;
        BinaryPrimitives.WriteInt32LittleEndian(item[SizeAt..], size);
    }
}
