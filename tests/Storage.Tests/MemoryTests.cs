using System;
using System.Buffers.Binary;
using System.Diagnostics;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Storage.Tests;

public sealed class MemoryTests(ITestOutputHelper output)
{
    [Fact]
    public void NothingIsAllocatedAfterConstruction()
    {
        using var memory = new StaticMemory();
        var forest = new Forest(memory, 2, 64L << 20);
        var restored = new Forest(memory, 2, 64L << 20);
        memory.Seal();
        byte[] key = new byte[14];
        byte[] value = new byte[100_000];
        byte[] part = new byte[1000];
        Operate(forest, restored, key, value, part);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Operate(forest, restored, key, value, part);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        forest.Verify();
    }

    private static void Operate(Forest forest, Forest restored, byte[] key, byte[] value, byte[] part)
    {
        Tree tree = forest[1];
        for (int i = 0; i < 10_000; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(10), i * 7919 % 5003);
            int size = i % 50 == 0 ? i * 31 % 50_000 : i % 300;
            tree.Put(key, value.AsSpan(0, size));
            tree.Resize(key, size + i % 900).Clear();
            tree.TryGet(key, out _);
            tree.TryFloor(key, 0, out _, out _);
            if (i % 3 == 0) tree.Remove(key);
            if (i % 1000 == 0) tree.RemovePrefix(key.AsSpan(0, 13), 10);
        }
        long bytes = 0;
        for (TreeCursor cursor = tree.SeekFirst(); cursor.Valid; cursor.Next()) bytes += cursor.Key.Length;
        for (TreeCursor cursor = tree.SeekLast(); cursor.Valid; cursor.Previous()) bytes -= cursor.Key.Length;
        Check.That(bytes == 0);
        forest.CheckpointStart();
        restored.RestoreStart();
        for (int read; (read = forest.CheckpointRead(part)) > 0;) restored.RestoreWrite(part.AsSpan(0, read));
        Check.That(restored.RestoreEnd());
        Check.That(restored.StateChecksum() == forest.StateChecksum());
    }

    [Fact]
    public void StaleCursorIsCaught()
    {
        using var memory = new StaticMemory();
        var forest = new Forest(memory, 2, 1 << 20);
        forest[0].Put([1], [1]);
        TreeCursor cursor = forest[0].SeekFirst();
        forest[1].Put([1], [1]);
        Assert.True(cursor.Value.SequenceEqual(new byte[] { 1 }));
        forest[0].Put([1], [2]);
        Assert.Throws<CheckFailedException>(() => cursor.Key.Length);
        Assert.Throws<CheckFailedException>(() => cursor.Next());
    }

    [Fact]
    public void AValueInsideTheForestMayNotBePut()
    {
        using var memory = new StaticMemory();
        var forest = new Forest(memory, 1, 1 << 20);
        forest[0].Put([1], [1, 2, 3]);
        Assert.Throws<CheckFailedException>(() => PutFound(forest[0]));
    }

    private static void PutFound(Tree tree)
    {
        tree.TryGet([1], out ReadOnlySpan<byte> value);
        tree.Put([2], value);
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
        var forest = new Forest(memory, 1, 1 << 20);
        long sizeMax = forest.SizeBytesMax + Forest.OvershootSizeMax;
        byte[] key = new byte[keySize];
        byte[] value = new byte[Tree.ValueSizeMax];
        int[] sizes = [smallValueSize, 1025, smallValueSize, 5121, 70_000, smallValueSize, 524_289, Tree.ValueSizeMax];
        int number = 0;
        foreach (int size in sizes)
        {
            int first = number;
            for (; forest.SizeBytes + Forest.EntryOverheadSize + keySize + size <= sizeMax; number++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(key, (uint)number * 2654435761u);
                forest[0].Put(key, value.AsSpan(0, size));
            }
            for (int i = first; i < number; i++)
            {
                if (i % 16 == 0) continue;
                BinaryPrimitives.WriteUInt32BigEndian(key, (uint)i * 2654435761u);
                Assert.True(forest[0].Remove(key));
            }
            Assert.True(forest.UsedPages * Page.Size * 2 <= forest.SizeBytes * 7 + 96L * 2 * Page.Size);
            Assert.True(forest.UsedChunks <= forest.SizeBytes * 4 / 3 / ValueHeap.ChunkSize + ValueHeap.Classes);
        }
        forest.Verify();
    }

    [Fact]
    public void Speed()
    {
        using var memory = new StaticMemory();
        var forest = new Forest(memory, 1, 128L << 20);
        var restored = new Forest(memory, 1, 128L << 20);
        for (int round = 0; round < 3; round++) Measure(forest, restored);
        Assert.Equal(forest.StateChecksum(), restored.StateChecksum());
    }

    private void Measure(Forest forest, Forest restored)
    {
        const int Entries = 100_000;
        Tree tree = forest[0];
        tree.RemovePrefix([], int.MaxValue);
        byte[] key = new byte[14];
        byte[] value = new byte[512];
        byte[] part = new byte[1 << 20];
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Entries; i++) tree.Put(KeyOf(key, i), value);
        Report("append", start, Entries);
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Entries; i++) tree.Put(KeyOf(key, (int)(i * 7919L % Entries)), value);
        Report("put in place", start, Entries);
        start = Stopwatch.GetTimestamp();
        for (int i = 0; i < Entries; i++) Check.That(tree.TryGet(KeyOf(key, (int)(i * 7919L % Entries)), out _));
        Report("point read", start, Entries);
        start = Stopwatch.GetTimestamp();
        int steps = 0;
        for (TreeCursor cursor = tree.SeekFirst(); cursor.Valid; cursor.Next()) steps += cursor.Value.Length >> 9;
        Report("cursor step", start, steps);
        long read = 0, write = 0, bytes = 0;
        forest.CheckpointStart();
        restored.RestoreStart();
        while (true)
        {
            start = Stopwatch.GetTimestamp();
            int size = forest.CheckpointRead(part);
            long middle = Stopwatch.GetTimestamp();
            if (size == 0) break;
            restored.RestoreWrite(part.AsSpan(0, size));
            read += middle - start;
            write += Stopwatch.GetTimestamp() - middle;
            bytes += size;
        }
        Assert.True(restored.RestoreEnd());
        double megabytes = bytes / 1e6;
        output.WriteLine($"checkpoint {megabytes / (read / (double)Stopwatch.Frequency):F0} MB/s");
        output.WriteLine($"restore {megabytes / (write / (double)Stopwatch.Frequency):F0} MB/s");
    }

    private static byte[] KeyOf(byte[] key, int number)
    {
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(10), number);
        return key;
    }

    private void Report(string what, long start, int count) =>
        output.WriteLine($"{what} {Stopwatch.GetElapsedTime(start).TotalNanoseconds / count:F0} ns");
}
