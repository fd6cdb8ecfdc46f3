using System;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage.Tables;
using Xunit;

namespace Deterministic.Storage.Tests.Tables;

/// <summary>The index of a table with three blocks of entries and a large value of two parts between them.</summary>
public sealed unsafe class TableIndexTests : IDisposable
{
    private const int BodySize = 4 << 10;

    private readonly StaticMemory _memory = new();

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void ItNamesTheBlocksInKeyOrder()
    {
        TableIndex index = Index(Write(filter: default));
        Assert.Equal(5, index.Count);
        Assert.Equal(5, index.Blocks);
        Assert.False(index.HasFilter);
        for (int item = 0; item < index.Count; item++)
        {
            Assert.True(index.Reference(item).Is(Block(item)));
            Assert.Equal(Block(item).Address, index.Address(item));
        }
        Assert.Equal(IndexKind.Entries, index.Kind(0));
        Assert.Equal(IndexKind.Large, index.Kind(1));
        Assert.Equal(IndexKind.Part, index.Kind(2));
        // Entries of the blocks, and bytes of the value.
        Assert.Equal(10, index.Size(0));
        Assert.Equal(BodySize + 7, index.Size(1));
        Assert.Equal(10 + 1 + 20 + 30, index.CountEntries());
        Assert.True(index.FirstKey.SequenceEqual("\0b"u8));
        Assert.True(index.LastKey.SequenceEqual("\0p"u8));
    }

    /// <summary>A part stands for the key of its value, and belongs to its first item.</summary>
    [Fact]
    public void ASearchEndsAtTheItemThatMayHoldTheKey()
    {
        TableIndex index = Index(Write(filter: default));
        Assert.Equal(-1, index.Floor("\0a"u8));
        Assert.Equal(0, index.Floor("\0b"u8));
        Assert.Equal(0, index.Floor("\0c"u8));
        Assert.Equal(1, index.Floor("\0d"u8));
        Assert.Equal(1, index.Floor("\0dd"u8));
        Assert.Equal(3, index.Floor("\0e"u8));
        Assert.Equal(4, index.Floor("\0z"u8));
        Assert.Equal(2, index.Parts(1));
        Assert.Equal(1, index.Parts(0));
        Assert.Equal(1, index.Start(2));
        Assert.Equal(3, index.Start(3));
    }

    [Fact]
    public void TheFilterIsBehindTheItems()
    {
        TableIndex index = Index(Write(Block(9)));
        Assert.True(index.HasFilter && index.Filter.Is(Block(9)));
        Assert.Equal(5, index.Count);
        Assert.Equal(6, index.Blocks);
        Assert.True(index.Reference(5).Is(Block(9)));
        Assert.Equal(IndexKind.Filter, index.Kind(5));
        Assert.True(index.LastKey.SequenceEqual("\0p"u8));
    }

    [Fact]
    public void AWriterCanBeUsedAgain()
    {
        TableIndexWriter writer = new(_memory, BodySize);
        byte[] first = Write(writer, default);
        writer.Clear();
        Assert.Equal(0, writer.Count);
        Assert.Equal(first, Write(writer, default));
    }

    [Fact]
    public void WhatFitsCanBeAddedAndTheGreatestKeyWithIt()
    {
        TableIndexWriter writer = new(_memory, BodySize);
        byte[] key = new byte[100];
        byte[] greatest = new byte[Tree.KeySizeMax + 1];
        greatest.AsSpan(1).Fill(byte.MaxValue);
        for (; writer.Fits(key.Length, parts: 1); key[99]++)
            writer.Add(Block(writer.Count), key, IndexKind.Entries, size: 1);
        writer.SetLastKey(greatest);
        byte[] bytes = new byte[BodySize];
        int size = writer.WriteTo(bytes, Block(500));
        Assert.InRange(size, BodySize - key.Length - TableIndex.ItemSize, BodySize);
        Assert.True(TableIndex.IsValid(bytes.AsSpan(0, size), BodySize, treeCount: 1));
    }

    /// <summary>Each byte decides something, but for those of references, of which the index knows nothing.</summary>
    [Fact]
    public void BytesThatAreNoIndexAreRefused()
    {
        byte[] bytes = Write(Block(9));
        Assert.True(TableIndex.IsValid(bytes, BodySize, treeCount: 1));
        Assert.False(TableIndex.IsValid(bytes.AsSpan(0, bytes.Length - 1), BodySize, treeCount: 1));
        // Number of items, place and size of the greatest key, number of filters.
        for (int at = 0; at < TableIndex.HeadSize; at++) Assert.False(IsValidWith(bytes, at, 0x40));
        // A block of entries that is said to be a part; a key out of order; a tree that does not exist.
        Assert.False(IsValidWith(bytes, TableIndex.HeadSize + BlockReference.Size + 6, (byte)IndexKind.Part));
        int keysAt = TableIndex.HeadSize + 6 * TableIndex.ItemSize;
        Assert.Equal((byte)'b', bytes[keysAt + 1]);
        Assert.False(IsValidWith(bytes, keysAt + 1, (byte)('b' ^ 'x')));
        Assert.False(IsValidWith(bytes, keysAt, 1));
    }

    private static bool IsValidWith(byte[] bytes, int at, byte flip)
    {
        byte[] changed = (byte[])bytes.Clone();
        changed[at] ^= flip;
        return TableIndex.IsValid(changed, BodySize, treeCount: 1);
    }

    private static BlockReference Block(int number) => new((ulong)number + 1, (UInt128)number * 77);

    private byte[] Write(BlockReference filter) => Write(new TableIndexWriter(_memory, BodySize), filter);

    private static byte[] Write(TableIndexWriter writer, BlockReference filter)
    {
        writer.Add(Block(0), "\0b"u8, IndexKind.Entries, size: 10);
        writer.Add(Block(1), "\0d"u8, IndexKind.Large, size: BodySize + 7);
        writer.Add(Block(2), "\0d"u8, IndexKind.Part, size: BodySize + 7);
        writer.Add(Block(3), "\0e"u8, IndexKind.Entries, size: 20);
        writer.Add(Block(4), "\0k"u8, IndexKind.Entries, size: 30);
        writer.SetLastKey("\0p"u8);
        byte[] bytes = new byte[BodySize];
        return bytes[..writer.WriteTo(bytes, in filter)];
    }

    /// <summary>A view of bytes that do not move.</summary>
    private TableIndex Index(byte[] bytes)
    {
        NativeBuffer memory = _memory.Take(bytes.Length);
        bytes.CopyTo(memory.Span);
        return new TableIndex(memory.Pointer);
    }
}
