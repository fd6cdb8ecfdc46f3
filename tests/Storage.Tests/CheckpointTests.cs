using System;
using System.Buffers.Binary;
using System.IO;
using Deterministic.Core.Memory;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Storage.Tests;

public sealed class CheckpointTests
{
    private const long StateSizeMax = 16L << 20;
    private const int Trees = 3;

    [Fact]
    public void RestoredForestGivesTheSameStream() =>
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), (int seed) =>
        {
            var random = new Random(seed);
            using var memory = new StaticMemory();
            Forest forest = NewForest(memory, random, random.Next(300));
            Forest restored = new(memory, Trees, StateSizeMax);
            restored[1].Put([1, 2, 3], new byte[5000]);
            byte[] stream = ReadAll(forest, random);
            Assert.True(Restore(restored, stream, random));
            restored.Verify();
            Assert.Equal(stream, ReadAll(restored, random));
            Assert.Equal(forest.SizeBytes, restored.SizeBytes);
            Assert.Equal(forest.StateChecksum(), restored.StateChecksum());
            UInt128 ending = BinaryPrimitives.ReadUInt128LittleEndian(stream.AsSpan(stream.Length - 16));
            Assert.Equal(forest.StateChecksum(), ending);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void DamagedStreamIsRefused() =>
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), (int seed) =>
        {
            var random = new Random(seed);
            using var memory = new StaticMemory();
            Forest forest = NewForest(memory, random, random.Next(30));
            Forest restored = new(memory, Trees, StateSizeMax);
            byte[] stream = ReadAll(forest, random);
            for (int i = 0; i < 50; i++)
            {
                byte[] bad = Damage(stream, random);
                Assert.False(Restore(restored, bad, random));
                Assert.Equal(0, restored.SizeBytes);
                restored.Verify();
            }
            Assert.True(Restore(restored, stream, random));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void EveryTruncationAndEveryFlippedBitIsRefused()
    {
        var random = new Random(1);
        using var memory = new StaticMemory();
        var forest = new Forest(memory, Trees, StateSizeMax);
        forest[0].Put([], [7]);
        forest[2].Put([1], []);
        forest[2].Put([1, 0], [1, 2, 3]);
        var restored = new Forest(memory, Trees, StateSizeMax);
        byte[] stream = ReadAll(forest, random);
        for (int size = 0; size < stream.Length; size++) Assert.False(Restore(restored, stream[..size], random));
        for (int bit = 0; bit < stream.Length * 8; bit++)
        {
            byte[] bad = [.. stream];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(Restore(restored, bad, random));
        }
        Assert.True(Restore(restored, stream, random));
    }

    [Fact]
    public void ChecksumIsOfTheContentsNotOfTheHistory()
    {
        var random = new Random(2);
        using var memory = new StaticMemory();
        var ascending = new Forest(memory, Trees, StateSizeMax);
        var descending = new Forest(memory, Trees, StateSizeMax);
        for (int i = 0; i < 3000; i++) ascending[1].Put(Key(i), Key(i));
        for (int i = 2999; i >= 0; i--)
        {
            descending[1].Put(Key(i), new byte[3000]);
            descending[1].Put(Key(i), Key(i));
            descending[0].Put(Key(i), Key(i));
        }
        Assert.NotEqual(ascending.StateChecksum(), descending.StateChecksum());
        Assert.Equal(3000, descending[0].RemovePrefix([], 10_000));
        Assert.Equal(ascending.StateChecksum(), descending.StateChecksum());
        Assert.Equal(ascending.SizeBytes, descending.SizeBytes);
        Assert.Equal(ReadAll(ascending, random), ReadAll(descending, random));
    }

    private static byte[] Key(int number)
    {
        byte[] key = new byte[14];
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(10), number);
        return key;
    }

    private static Forest NewForest(StaticMemory memory, Random random, int entries)
    {
        var forest = new Forest(memory, Trees, StateSizeMax);
        for (int i = 0; i < entries; i++)
        {
            byte[] key = new byte[random.Next(20) == 0 ? random.Next(Tree.KeySizeMax + 1) : random.Next(12)];
            byte[] value = new byte[random.Next(random.Next(10) == 0 ? 30_000 : 300)];
            random.NextBytes(key);
            random.NextBytes(value);
            forest[random.Next(Trees)].Put(key, value);
        }
        return forest;
    }

    private static byte[] Damage(byte[] stream, Random random)
    {
        int at = random.Next(stream.Length);
        byte[] bad = random.Next(3) switch
        {
            0 => stream[..at],
            1 => [.. stream, (byte)random.Next(256)],
            _ => [.. stream],
        };
        if (bad.Length == stream.Length) bad[at] ^= (byte)(1 + random.Next(255));
        return bad;
    }

    private static byte[] ReadAll(Forest forest, Random random)
    {
        using var stream = new MemoryStream();
        byte[] part = new byte[random.Next(1, 10_000)];
        forest.CheckpointStart();
        for (int read; (read = forest.CheckpointRead(part.AsSpan(0, random.Next(1, part.Length + 1)))) > 0;)
        {
            stream.Write(part, 0, read);
        }
        return stream.ToArray();
    }

    private static bool Restore(Forest forest, ReadOnlySpan<byte> stream, Random random)
    {
        int partMax = random.Next(1, 10_000);
        forest.RestoreStart();
        while (stream.Length > 0)
        {
            int size = Math.Min(stream.Length, random.Next(1, partMax + 1));
            forest.RestoreWrite(stream[..size]);
            stream = stream[size..];
        }
        return forest.RestoreEnd();
    }
}
