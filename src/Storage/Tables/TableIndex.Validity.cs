using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;

namespace Deterministic.Storage.Tables;

internal readonly unsafe partial struct TableIndex
{
    /// <summary>Whether bytes that somebody has given the right checksum are an index as <see
    /// cref="TableIndexWriter"/> writes it; only then may anything else be asked. Where its blocks lie is for the
    /// caller to judge.</summary>
    /// <param name="bytes">All of the index.</param>
    /// <param name="bodySizeMax">Bytes of a block behind its header.</param>
    /// <param name="treeCount">Trees, one of which each key names first.</param>
    public static bool IsValid(ReadOnlySpan<byte> bytes, int bodySizeMax, int treeCount)
    {
        if (bytes.Length < HeadSize + ItemSize) return false;
        uint items = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        uint filters = BinaryPrimitives.ReadUInt32LittleEndian(bytes[FiltersAt..]);
        if (items == 0 || items > bytes.Length / ItemSize || filters > 1) return false;
        int count = (int)items;
        int keysAt = HeadSize + (count + (int)filters) * ItemSize;
        if (keysAt > bytes.Length) return false;
        int keyEnd = keysAt;
        ReadOnlySpan<byte> key = default;
        bool large = false;
        for (int i = 0; i < count;)
        {
            ReadOnlySpan<byte> last = key;
            if (!TryReadKey(bytes, i, ref keyEnd, treeCount, out key) || key.SequenceCompareTo(last) <= 0) return false;
            if (!TryPassItem(bytes, ref i, count, bodySizeMax, out large)) return false;
        }
        if (filters > 0 && !IsFilter(bytes.Slice(HeadSize + count * ItemSize, ItemSize), keysAt)) return false;
        if (BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]) != keyEnd) return false;
        if (BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]) != bytes.Length - keyEnd) return false;
        ReadOnlySpan<byte> greatest = bytes[keyEnd..];
        if (greatest.Length > Tree.KeySizeMax + 1 || greatest.IsEmpty || greatest[0] >= treeCount) return false;
        int order = greatest.SequenceCompareTo(key);
        return large ? order == 0 : order >= 0;
    }

    /// <summary>Entries in all blocks and large values.</summary>
    public long CountEntries()
    {
        long entries = 0;
        for (int item = 0; item < Count; item++)
        {
            if (Kind(item) == IndexKind.Entries) entries += Size(item);
            if (Kind(item) == IndexKind.Large) entries++;
        }
        return entries;
    }

    /// <summary>Whether a body is the block of entries that an item stands for.</summary>
    public bool IsEntries(int item, ReadOnlySpan<byte> body)
    {
        Check.That(Kind(item) == IndexKind.Entries);
        bool last = item + 1 == Count;
        return EntryBlock.IsValid(body, Size(item), Key(item), last ? LastKey : Key(item + 1), last);
    }

    /// <summary>Keys follow each other without gaps, in the order of the items.</summary>
    private static bool TryReadKey(
        ReadOnlySpan<byte> bytes, int item, scoped ref int keyEnd, int treeCount, out ReadOnlySpan<byte> key)
    {
        key = default;
        ReadOnlySpan<byte> fields = bytes.Slice(HeadSize + item * ItemSize, ItemSize);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(fields[KeySizeAt..]);
        if (BinaryPrimitives.ReadInt32LittleEndian(fields[KeyOffsetAt..]) != keyEnd) return false;
        if (size == 0 || size > Tree.KeySizeMax + 1 || size > bytes.Length - keyEnd) return false;
        key = bytes.Slice(keyEnd, size);
        keyEnd += size;
        return key[0] < treeCount;
    }

    /// <summary>Goes past a block of entries, or past all parts of a large value.</summary>
    private static bool TryPassItem(ReadOnlySpan<byte> bytes, ref int item, int count, int bodySizeMax, out bool large)
    {
        ReadOnlySpan<byte> first = bytes.Slice(HeadSize + item * ItemSize, ItemSize);
        large = first[KindAt] == (byte)IndexKind.Large;
        if (!large && first[KindAt] != (byte)IndexKind.Entries) return false;
        int size = BinaryPrimitives.ReadInt32LittleEndian(first[SizeAt..]);
        if (size <= 0 || size > (large ? Tree.ValueSizeMax : bodySizeMax)) return false;
        int parts = large ? (size - 1) / bodySizeMax + 1 : 1;
        if (parts > count - item) return false;
        for (int i = 0; i < parts; i++, item++)
        {
            ReadOnlySpan<byte> part = bytes.Slice(HeadSize + item * ItemSize, ItemSize);
            if (part[KindAt + 1] != 0 || part[(SizeAt + 4)..].ContainsAnyExcept((byte)0)) return false;
            if (i == 0) continue;
            if (part[KindAt] != (byte)IndexKind.Part) return false;
            if (!part[KeyOffsetAt..KindAt].SequenceEqual(first[KeyOffsetAt..KindAt])) return false;
            if (!part[SizeAt..].SequenceEqual(first[SizeAt..])) return false;
        }
        return true;
    }

    private static bool IsFilter(ReadOnlySpan<byte> item, int keysAt)
    {
        Span<byte> expected = stackalloc byte[ItemSize];
        BlockReference reference = BlockReference.Read(item);
        WriteItem(expected, in reference, keysAt, keySize: 0, IndexKind.Filter, size: 0);
        return item.SequenceEqual(expected);
    }
}
