using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage.Memory;
using Xunit;

namespace Deterministic.Storage.Tests.Memory;

public sealed class MemoryUseTests
{
    [Fact]
    public void StaleCursorIsCaught()
    {
        using var memory = new StaticMemory();
        var memtable = new Memtable(memory, 2, 1 << 20);
        memtable[0].Put([1], [1]);
        MemoryCursor cursor = memtable[0].SeekFirst();
        memtable[1].Put([1], [1]);
        Assert.True(cursor.Value.SequenceEqual(new byte[] { 1 }));
        memtable[0].Put([1], [2]);
        Assert.Throws<CheckFailedException>(() => cursor.Key.Length);
        Assert.Throws<CheckFailedException>(() => cursor.Next());
    }

    [Fact]
    public void ATombstoneIsFoundAndCanBecomeAValueAgain()
    {
        using var memory = new StaticMemory();
        var memtable = new Memtable(memory, 1, 1 << 20);
        memtable[0].PutTombstone([1]);
        Assert.True(memtable[0].TryFind([1], out ReadOnlySpan<byte> value, out bool tombstone));
        Assert.True(tombstone && value.IsEmpty);
        Assert.True(memtable[0].Resize([1], 3).SequenceEqual(new byte[3]));
        Assert.True(memtable[0].TryFind([1], out value, out tombstone));
        Assert.True(!tombstone && value.Length == 3);
        memtable[0].Place([1], 5000, keep: true);
        memtable[0].PutTombstone([1]);
        Assert.Equal(Memtable.EntryOverheadSize + 1, memtable.SizeBytes);
        memtable.Verify();
    }

    [Fact]
    public void NoClassOfTheHeapWastesMoreThanAThird()
    {
        for (int sizeClass = 0; sizeClass < ValueHeap.Classes; sizeClass++)
        {
            int smallest = sizeClass == 0 ? Page.InlineSizeMax + 1 : ValueHeap.ClassSize(sizeClass - 1) + 1;
            int largest = ValueHeap.ClassSize(sizeClass);
            Assert.Equal(sizeClass, ValueHeap.ClassOf(smallest));
            Assert.Equal(sizeClass, ValueHeap.ClassOf(largest));
            Assert.True(ValueHeap.ChunkSize * 3L <= smallest * 4L * ValueHeap.ClassPerChunk(sizeClass));
        }
    }

    /// <summary>Fills to the limit with values of one size, deletes all but every n-th, fills with the next size,
    /// and so on.</summary>
    [Theory]
    [InlineData(4, 10)]
    [InlineData(540, 0)]
    [InlineData(540, 1024)]
    [InlineData(14, 1024)]
    public void MemorySufficesUnderAFragmentationAttack(int keySize, int smallValueSize)
    {
        using var memory = new StaticMemory();
        const long sizeMax = 65L << 20;
        var memtable = new Memtable(memory, 1, sizeMax);
        byte[] key = new byte[keySize];
        byte[] value = new byte[Tree.ValueSizeMax];
        int[] sizes = [smallValueSize, 1025, smallValueSize, 5121, 70_000, smallValueSize, 524_289, Tree.ValueSizeMax];
        int number = 0;
        foreach (int size in sizes)
        {
            int first = number;
            for (; memtable.SizeBytes + Memtable.EntryOverheadSize + keySize + size <= sizeMax; number++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(key, (uint)number * 2654435761u);
                memtable[0].Put(key, value.AsSpan(0, size));
            }
            for (int i = first; i < number; i++)
            {
                if (i % 16 == 0) continue;
                BinaryPrimitives.WriteUInt32BigEndian(key, (uint)i * 2654435761u);
                Assert.True(memtable[0].Remove(key));
            }
            Assert.True(memtable.UsedPages * Page.Size * 2 <= memtable.SizeBytes * 7 + 96L * 2 * Page.Size);
            Assert.True(memtable.UsedChunks <= memtable.SizeBytes * 4 / 3 / ValueHeap.ChunkSize + ValueHeap.Classes);
        }
        memtable.Verify();
    }
}
