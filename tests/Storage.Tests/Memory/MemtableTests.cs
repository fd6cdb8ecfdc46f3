using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Core.Memory;
using Deterministic.Storage.Memory;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Storage.Tests.Memory;

public sealed class MemtableTests
{
    private const long StateSizeMax = 64L << 20;

    /// <summary>The dumb model: sorted maps by unsigned bytes.</summary>
    private sealed class Model
    {
        public readonly SortedDictionary<byte[], byte[]> Entries =
            new(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
    }

    [Fact]
    public void EveryOperationAgreesWithTheModel() =>
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), (int seed) => RunAgainstModel(seed, 1500)).QuickCheckThrowOnFailure();

    /// <summary>One large filling does not keep memory for good: after a smaller one what that did not use goes
    /// back.</summary>
    [Fact]
    public void WhatASmallerFillingDoesNotUseIsGivenBack()
    {
        using var memory = new StaticMemory();
        long givenBack = 0;
        memory.PagesReturn = part =>
        {
            part.Span.Fill(0xAA);
            givenBack += part.Length;
        };
        var memtable = new Memtable(memory, 1, StateSizeMax);
        byte[] large = new byte[500_000];
        Fill(memtable, entries: 20_000, large, largeEntries: 40);
        memtable.Clear();
        Assert.Equal(0, givenBack);
        Fill(memtable, entries: 1_000, large, largeEntries: 2);
        memtable.Clear();
        Assert.True(givenBack > 16 << 20, $"{givenBack} bytes were given back");
        long before = givenBack;
        Fill(memtable, entries: 1_000, large, largeEntries: 2);
        memtable.Clear();
        Assert.Equal(before, givenBack);
        Fill(memtable, entries: 20_000, large, largeEntries: 40);
        memtable.Verify();
        Assert.True(memtable[0].TryFind([0, 0, 0, 39, 1], out ReadOnlySpan<byte> value, out _));
        Assert.Equal(large.Length, value.Length);
        Assert.True(value.IndexOfAnyExcept((byte)0) < 0);
    }

    private static void Fill(Memtable memtable, int entries, byte[] large, int largeEntries)
    {
        byte[] key = new byte[4];
        for (int i = 0; i < entries; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(key, i);
            memtable[0].Put(key, key);
            if (i < largeEntries) memtable[0].Put([.. key, 1], large);
        }
    }

    /// <summary>Long keys make trees of four levels, where splits and joins meet parents at every level.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void HighTreesKeepTheirShape(int seed)
    {
        var random = new Random(seed);
        using var memory = new StaticMemory();
        var memtable = new Memtable(memory, 1, StateSizeMax);
        byte[] key = new byte[Page.KeySizeMax];
        int grown = 0;
        for (int step = 0; step < 60_000; step++)
        {
            bool growing = step / 10_000 % 2 == 0;
            BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(random.Next(2) * 300), random.Next(40_000));
            if (growing || random.Next(4) == 0) memtable[0].Put(key, key.AsSpan(0, random.Next(200)));
            else memtable[0].RemovePrefix(key.AsSpan(0, random.Next(2, 5)), random.Next(1, 100));
            grown = Math.Max(grown, memtable[0].Height);
            if (step % 500 == 0) memtable.Verify();
        }
        memtable.Verify();
        Assert.True(grown >= 4);
        while (memtable[0].RemovePrefix([], 777) == 777) memtable.Verify();
        Assert.Equal(0, memtable.SizeBytes);
        Assert.Equal(1, memtable.UsedPages);
    }

    private static void RunAgainstModel(int seed, int steps)
    {
        var random = new Random(seed);
        using var memory = new StaticMemory();
        var memtable = new Memtable(memory, 2, StateSizeMax);
        Model[] models = [new(), new()];
        int keySpace = random.Next(1, 2000);
        int shape = random.Next(4);
        for (int step = 0; step < steps; step++)
        {
            int tree = random.Next(2);
            Step(random, memtable[tree], models[tree].Entries, NewKey(random, keySpace, shape), shape);
            if (step % 250 == 0) memtable.Verify();
        }
        memtable.Verify();
        for (int tree = 0; tree < 2; tree++) CompareWhole(memtable[tree], models[tree].Entries);
        Empty(random, memtable, models);
    }

    private static byte[] NewKey(Random random, int keySpace, int shape)
    {
        int number = random.Next(keySpace);
        int size = shape switch { 0 => 4, 1 => 14, 2 => 4 + number % 37, _ => 4 + number * 7919 % 541 };
        byte[] key = new byte[size];
        BinaryPrimitives.WriteInt32BigEndian(key.AsSpan(size - 4), number);
        if (shape == 2) BinaryPrimitives.WriteInt32BigEndian(key, number);
        return key;
    }

    private static byte[] NewValue(Random random, int shape)
    {
        int size = random.Next(40) switch
        {
            0 => random.Next(200_000),
            < 4 => random.Next(20_000),
            < 8 => 1020 + random.Next(10),
            < 20 => random.Next(1024),
            _ => random.Next(64),
        };
        byte[] value = new byte[shape == 1 ? size % 600 : size];
        random.NextBytes(value);
        return value;
    }

    private static void Step(
        Random random, MemoryTree tree, SortedDictionary<byte[], byte[]> model, byte[] key, int shape)
    {
        switch (random.Next(10))
        {
            case < 4:
                byte[] value = NewValue(random, shape);
                tree.Put(key, value);
                model[key] = value;
                break;
            case 4:
                int size = NewValue(random, shape).Length;
                Span<byte> place = tree.Resize(key, size);
                byte[] old = model.TryGetValue(key, out byte[]? known) ? known : [];
                byte[] resized = new byte[size];
                old.AsSpan(0, Math.Min(size, old.Length)).CopyTo(resized);
                Assert.True(place.SequenceEqual(resized));
                model[key] = resized;
                break;
            case < 7:
                Assert.Equal(model.Remove(key), tree.Remove(key));
                break;
            case 7:
                Assert.Equal(model.TryGetValue(key, out byte[]? expected), tree.TryGet(key, out var found));
                Assert.True(found.SequenceEqual(expected));
                break;
            case 8:
                CheckNeighbours(tree, model, key);
                break;
            default:
                if (random.Next(10) == 0) RemovePrefix(random, tree, model, key);
                break;
        }
        Assert.Equal(model.Count, tree.Count);
    }

    private static void RemovePrefix(
        Random random, MemoryTree tree, SortedDictionary<byte[], byte[]> model, byte[] key)
    {
        byte[] prefix = key[..random.Next(key.Length)];
        int max = random.Next(1, 50);
        var matching = new List<byte[]>();
        foreach (byte[] each in model.Keys)
        {
            if (each.AsSpan().StartsWith(prefix) && matching.Count < max) matching.Add(each);
        }
        foreach (byte[] each in matching) model.Remove(each);
        Assert.Equal(matching.Count, tree.RemovePrefix(prefix, max));
    }

    private static void CheckNeighbours(MemoryTree tree, SortedDictionary<byte[], byte[]> model, byte[] key)
    {
        byte[]? below = null, floor = null, from = null, after = null;
        foreach (byte[] each in model.Keys)
        {
            int order = each.AsSpan().SequenceCompareTo(key);
            if (order < 0) below = each;
            if (order <= 0) floor = each;
            if (order >= 0 && from != null) { after = each; break; }
            if (order >= 0) from = each;
        }
        Assert.Equal(floor != null, tree.TryFloor(key, out var foundKey, out var foundValue));
        if (floor != null) Assert.True(foundKey.SequenceEqual(floor) && foundValue.SequenceEqual(model[floor]));
        MemoryCursor cursor = tree.Seek(key);
        Assert.Equal(from != null, cursor.Valid);
        if (from != null)
        {
            Assert.True(cursor.Key.SequenceEqual(from) && cursor.Value.SequenceEqual(model[from]));
            MemoryCursor back = cursor;
            cursor.Next();
            Assert.Equal(after != null, cursor.Valid);
            if (after != null) Assert.True(cursor.Key.SequenceEqual(after));
            back.Previous();
            Assert.Equal(below != null, back.Valid);
            if (below != null) Assert.True(back.Key.SequenceEqual(below));
        }
        cursor = tree.SeekBelow(key, orAt: false);
        Assert.Equal(below != null, cursor.Valid);
        if (below != null) Assert.True(cursor.Key.SequenceEqual(below));
    }

    private static void CompareWhole(MemoryTree tree, SortedDictionary<byte[], byte[]> model)
    {
        MemoryCursor cursor = tree.SeekFirst();
        foreach ((byte[] key, byte[] value) in model)
        {
            Assert.True(cursor.Valid);
            Assert.True(cursor.Key.SequenceEqual(key) && cursor.Value.SequenceEqual(value));
            cursor.Next();
        }
        Assert.False(cursor.Valid);
        cursor = tree.SeekLast();
        int count = 0;
        for (; cursor.Valid; cursor.Previous()) count++;
        Assert.Equal(model.Count, count);
    }

    private static void Empty(Random random, Memtable memtable, Model[] models)
    {
        for (int tree = 0; tree < 2; tree++)
        {
            var keys = new List<byte[]>(models[tree].Entries.Keys);
            byte[][] shuffled = keys.ToArray();
            random.Shuffle(shuffled);
            for (int i = 0; i < shuffled.Length; i++)
            {
                Assert.True(memtable[tree].Remove(shuffled[i]));
                if (i % 100 == 0) memtable.Verify();
            }
        }
        memtable.Verify();
        Assert.Equal(0, memtable.SizeBytes);
        Assert.Equal(2, memtable.UsedPages);
        Assert.Equal(0, memtable.UsedChunks);
    }
}
