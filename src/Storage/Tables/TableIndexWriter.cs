using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;

namespace Deterministic.Storage.Tables;

/// <summary>Gathers the items of one table's index: items from the front, keys apart, joined at the end.</summary>
internal sealed class TableIndexWriter
{
    private readonly NativeBuffer _items;
    private readonly NativeBuffer _keys;
    private readonly byte[] _lastKey = new byte[Tree.KeySizeMax + 1];
    private readonly int _sizeMax;
    private int _keysSize;
    private int _keyOffset;
    private int _keySize;
    private int _lastKeySize;

    public TableIndexWriter(StaticMemory memory, int sizeMax)
    {
        _sizeMax = sizeMax;
        _items = memory.Take(sizeMax);
        _keys = memory.Take(sizeMax);
    }

    public int Count { get; private set; }

    /// <summary>Whether an item with so many parts fits, and the greatest key of the table with it.</summary>
    public bool Fits(int keySize, int parts) => SizeWith(keySize, parts) <= _sizeMax;

    public void Clear()
    {
        Count = 0;
        _keysSize = 0;
    }

    public void Add(in BlockReference reference, ReadOnlySpan<byte> key, IndexKind kind, int size)
    {
        Check.That(SizeWith(key.Length, 1) <= _sizeMax);
        if (kind != IndexKind.Part)
        {
            key.CopyTo(_keys.Slice(_keysSize, key.Length));
            _keyOffset = _keysSize;
            _keySize = key.Length;
            _keysSize += key.Length;
        }
        TableIndex.WriteItem(
            _items.Slice(Count * TableIndex.ItemSize, TableIndex.ItemSize), in reference, _keyOffset, _keySize, kind,
            size);
        Count++;
    }

    /// <summary>The greatest key so far.</summary>
    public void SetLastKey(ReadOnlySpan<byte> key)
    {
        key.CopyTo(_lastKey);
        _lastKeySize = key.Length;
    }

    /// <summary>Writes the index and returns its size.</summary>
    /// <param name="bytes">Where to.</param>
    /// <param name="filter">None if the table has no filter.</param>
    public int WriteTo(Span<byte> bytes, in BlockReference filter)
    {
        Check.That(Count > 0);
        int filters = filter.IsNone ? 0 : 1;
        int keysAt = TableIndex.HeadSize + (Count + filters) * TableIndex.ItemSize;
        int lastAt = keysAt + _keysSize;
        int size = lastAt + _lastKeySize;
        Check.That(size <= _sizeMax && size <= bytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes, Count);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[4..], lastAt);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], _lastKeySize);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[12..], filters);
        _items.Slice(0, Count * TableIndex.ItemSize).CopyTo(bytes[TableIndex.HeadSize..]);
        for (int i = 0; i < Count; i++)
        {
            Span<byte> offset = bytes.Slice(TableIndex.HeadSize + i * TableIndex.ItemSize + BlockReference.Size, 4);
            BinaryPrimitives.WriteInt32LittleEndian(offset, BinaryPrimitives.ReadInt32LittleEndian(offset) + keysAt);
        }
        if (filters > 0)
        {
            Span<byte> item = bytes.Slice(TableIndex.HeadSize + Count * TableIndex.ItemSize, TableIndex.ItemSize);
            TableIndex.WriteItem(item, in filter, keyOffset: keysAt, keySize: 0, IndexKind.Filter, size: 0);
        }
        _keys.Slice(0, _keysSize).CopyTo(bytes[keysAt..]);
        _lastKey.AsSpan(0, _lastKeySize).CopyTo(bytes[lastAt..]);
        return size;
    }

    private int SizeWith(int keySize, int parts) => TableIndex.HeadSize + (Count + parts + 1) * TableIndex.ItemSize +
        _keysSize + keySize + Tree.KeySizeMax + 1;
}
