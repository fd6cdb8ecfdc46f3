using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Storage.Blocks;
using Xunit;

namespace Deterministic.Storage.Tests.Support;

/// <summary>Random operations on a forest beside sorted maps, with flushes, merges, checkpoints and crashes all the
/// time.</summary>
internal sealed class ForestModel : IDisposable
{
    private const int Trees = 2;
    private readonly Random _random;
    private readonly ForestBench _bench;
    private SortedDictionary<byte[], byte[]>[] _entries = [NewMap(), NewMap()];
    private SortedDictionary<byte[], byte[]>[] _saved = [NewMap(), NewMap()];
    private readonly int _keySpace;
    private readonly int _largest;
    private ulong _savedOp;

    private ForestModel(int seed, StoragePlant plant)
    {
        _random = new Random(seed);
        int frames = Grid.FramesMin(ForestBench.BlockSize) + _random.Next(300);
        ForestBenchSizes sizes = new((16 << 10) << _random.Next(5), frames, 4096, plant);
        _bench = new ForestBench(sizes, seed);
        _keySpace = 1 << _random.Next(3, 14);
        _largest = 1 << _random.Next(4, 17);
    }

    public static void Run(int seed, int steps, StoragePlant plant = StoragePlant.None)
    {
        using ForestModel model = new(seed, plant);
        for (int step = 0; step < steps; step++) model.Step();
        model.CompareAll();
    }

    public static byte[] Key(uint number)
    {
        byte[] key = new byte[10];
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(3), number);
        return key;
    }

    public static byte[] Value(uint number, int size)
    {
        byte[] value = new byte[size];
        new Random((int)number).NextBytes(value);
        return value;
    }

    public void Dispose() => _bench.Dispose();

    private static SortedDictionary<byte[], byte[]> NewMap() =>
        new(Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));

    private byte[] NewKey()
    {
        int number = _random.Next(_keySpace);
        byte[] key = new byte[2 + number * 31 % 7 + (number % 50 == 0 ? 400 : 0)];
        key.AsSpan(2).Fill((byte)number);
        BinaryPrimitives.WriteUInt16BigEndian(key, (ushort)number);
        return key;
    }

    private byte[] NewValue()
    {
        int size = _random.Next(30) == 0 ? _random.Next(_largest) : _random.Next(60);
        byte[] value = new byte[size];
        _random.NextBytes(value);
        return value;
    }

    private void Step()
    {
        switch (_random.Next(200))
        {
            case 0:
                _bench.Checkpoint();
                _savedOp = _bench.Op;
                _saved = [new(_entries[0], _entries[0].Comparer), new(_entries[1], _entries[1].Comparer)];
                _bench.Forest.Verify();
                return;
            case 1:
                _bench.Reopen(_bench.Root, _savedOp);
                _entries = [new(_saved[0], _saved[0].Comparer), new(_saved[1], _saved[1].Comparer)];
                Assert.Equal(LogicalSize(), _bench.Forest.SizeBytes);
                return;
            case < 6:
                CheckScan();
                return;
            case < 120:
                Change();
                return;
            default:
                CheckNeighbours();
                return;
        }
    }

    private void Change()
    {
        int tree = _random.Next(Trees);
        SortedDictionary<byte[], byte[]> map = _entries[tree];
        var changes = new List<(byte[] Key, int Kind, byte[] Value)>();
        for (int i = _random.Next(1, 20); i > 0; i--) changes.Add((NewKey(), _random.Next(4), NewValue()));
        _bench.Run(
            forest =>
            {
                foreach (var change in changes) forest[tree].Touch(change.Key);
            },
            forest =>
            {
                foreach (var (key, kind, value) in changes) Apply(forest[tree], map, key, kind, value);
            });
        Assert.Equal(LogicalSize(), _bench.Forest.SizeBytes);
    }

    private static void Apply(
        Tree tree, SortedDictionary<byte[], byte[]> map, byte[] key, int kind, byte[] value)
    {
        switch (kind)
        {
            case 0:
                Assert.Equal(map.Remove(key), tree.Remove(key));
                break;
            case 1:
                byte[] resized = new byte[value.Length];
                byte[] old = map.TryGetValue(key, out byte[]? known) ? known : [];
                old.AsSpan(0, Math.Min(old.Length, resized.Length)).CopyTo(resized);
                Assert.True(tree.Resize(key, value.Length).SequenceEqual(resized));
                map[key] = resized;
                break;
            default:
                tree.Put(key, value);
                map[key] = value;
                break;
        }
    }

    private void CheckNeighbours()
    {
        int tree = _random.Next(Trees);
        byte[] key = NewKey();
        int prefixSize = _random.Next(3);
        byte[]? floor = null;
        foreach (byte[] each in _entries[tree].Keys)
        {
            if (each.AsSpan().SequenceCompareTo(key) > 0) break;
            if (each.AsSpan().StartsWith(key.AsSpan(0, prefixSize))) floor = each;
        }
        _bench.Run(
            forest =>
            {
                forest[tree].Touch(key);
                forest[tree].TouchFloor(key, prefixSize);
            },
            forest =>
            {
                Assert.Equal(_entries[tree].TryGetValue(key, out byte[]? value), forest[tree].TryGet(key, out var got));
                Assert.True(got.SequenceEqual(value));
                Assert.Equal(floor is not null, forest[tree].TryFloor(key, prefixSize, out var found, out got));
                Assert.True(found.SequenceEqual(floor));
                if (floor is not null) Assert.True(got.SequenceEqual(_entries[tree][floor]));
            });
    }

    private void CheckScan()
    {
        int tree = _random.Next(Trees);
        byte[] key = NewKey();
        byte[] prefix = key[..1];
        int lastSize = _random.Next(2);
        var expected = new List<byte[]>();
        foreach (byte[] each in _entries[tree].Keys) if (each.AsSpan().StartsWith(prefix)) expected.Add(each);
        _bench.Run(
            forest => forest[tree].TouchRange(prefix, prefix.AsSpan(0, lastSize)),
            forest =>
            {
                TreeCursor cursor = forest[tree].Seek(prefix, 1);
                foreach (byte[] each in expected)
                {
                    Assert.True(cursor.Valid && cursor.Key.SequenceEqual(each));
                    Assert.True(cursor.Value.SequenceEqual(_entries[tree][each]));
                    cursor.Next();
                }
                Assert.False(cursor.Valid);
                CheckBothWays(forest[tree], key, expected);
            });
    }

    private void CheckBothWays(Tree tree, byte[] key, List<byte[]> expected)
    {
        int at = expected.FindIndex(each => each.AsSpan().SequenceCompareTo(key) >= 0);
        TreeCursor cursor = tree.Seek(key, 1);
        for (int move = 0; move < 20 && cursor.Valid; move++)
        {
            Assert.True(cursor.Key.SequenceEqual(expected[at]));
            bool forwards = _random.Next(2) == 0;
            at += forwards ? 1 : -1;
            bool moved = forwards ? cursor.Next() : cursor.Previous();
            Assert.Equal(at >= 0 && at < expected.Count, moved);
        }
        int below = expected.FindLastIndex(each => each.AsSpan().SequenceCompareTo(key) < 0);
        cursor = tree.SeekBefore(key, 1);
        for (; below >= 0; below--)
        {
            Assert.True(cursor.Valid && cursor.Key.SequenceEqual(expected[below]));
            cursor.Previous();
        }
        Assert.False(cursor.Valid);
    }

    private void CompareAll()
    {
        for (int tree = 0; tree < Trees; tree++)
        {
            foreach ((byte[] key, byte[] value) in _entries[tree])
            {
                _bench.Run(forest => forest[tree].Touch(key), forest =>
                {
                    Assert.True(forest[tree].TryGet(key, out ReadOnlySpan<byte> got));
                    Assert.True(got.SequenceEqual(value));
                });
            }
        }
    }

    private long LogicalSize()
    {
        long size = 0;
        foreach (SortedDictionary<byte[], byte[]> map in _entries)
            foreach ((byte[] key, byte[] value) in map) size += Forest.EntryOverheadSize + key.Length + value.Length;
        return size;
    }
}
