using System;
using System.Buffers.Binary;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Tests.Support;
using Xunit;

namespace Deterministic.Storage.Tests;

/// <summary>Everything a forest does after its start it does in the memory that it took at its start.</summary>
public sealed class ForestAllocationTests
{
    private const int MemtableSize = 64 << 10;
    private const int OperationCount = 20_000;
    private const int WarmUpCount = 20_000;
    private const ulong CheckpointInterval = 400;

    [Fact]
    public void TwentyThousandMixedOperationsAllocateNothing()
    {
        int frames = Grid.FramesMin(ForestBench.BlockSize) + 50;
        using ForestBench bench = new(new(MemtableSize, frames, Blocks: 4096), seed: 1) { Eagerness = 3, Ticks = 1 };
        Workload workload = new(bench);
        workload.Run(WarmUpCount);
        Done start = new(bench.Forest);
        long walked = workload.EntriesWalked;

        long before = GC.GetAllocatedBytesForCurrentThread();
        workload.Run(OperationCount);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);
        // All of it has happened meanwhile, many times.
        Done end = new(bench.Forest);
        Assert.True(end.BytesFlushed - start.BytesFlushed > 40 * MemtableSize);
        Assert.True(end.BytesMerged - start.BytesMerged > 40 * MemtableSize);
        Assert.True(end.BytesOfCheckpoints > start.BytesOfCheckpoints);
        Assert.True(end.BlocksRead - start.BlocksRead > 1_000);
        Assert.True(end.Evictions - start.Evictions > 1_000);
        Assert.True(end.BlocksScrubbed - start.BlocksScrubbed > 1_000);
        Assert.True(end.TombstonesDropped - start.TombstonesDropped > 100);
        Assert.True(workload.EntriesWalked - walked > 100_000);
    }

    private readonly struct Done(Forest forest)
    {
        public long BytesFlushed { get; } = forest.BytesFlushed;
        public long BytesMerged { get; } = forest.BytesMerged;
        public long BytesOfCheckpoints { get; } = forest.BytesOfCheckpoints;
        public long BlocksRead { get; } = forest.Grid.BlocksRead;
        public long Evictions { get; } = forest.Grid.Evictions;
        public long BlocksScrubbed { get; } = forest.Scrubber.BlocksVerified;
        public long TombstonesDropped { get; } = forest.TombstonesDropped;
    }

    /// <summary>Drawn operations on groups of keys, some values of which are larger than a block. It allocates nothing
    /// itself: what an operation is about lies in fields.</summary>
    private sealed class Workload
    {
        private const int Groups = 64;
        private const int KeysOfGroup = 256;
        private const int PrefixSize = 2;
        private const int KeySize = 4;
        private const int ChangesOfOperation = 6;
        private const int LargeSize = 40_000;

        private readonly ForestBench _bench;
        private readonly Random _random = new(1);
        private readonly byte[] _keys = new byte[ChangesOfOperation * KeySize];
        private readonly byte[] _value = new byte[LargeSize];
        private readonly Action<Forest> _touch;
        private readonly Action<Forest> _change;
        private int _kind;
        private int _tree;

        public Workload(ForestBench bench)
        {
            _bench = bench;
            _touch = Touch;
            _change = Change;
        }

        public long EntriesWalked { get; private set; }

        public void Run(int operations)
        {
            for (; operations > 0; operations--)
            {
                _kind = _random.Next(100);
                _tree = _random.Next(2);
                for (int i = 0; i < ChangesOfOperation; i++)
                {
                    BinaryPrimitives.WriteUInt16BigEndian(_keys.AsSpan(i * KeySize), (ushort)_random.Next(Groups));
                    BinaryPrimitives.WriteUInt16BigEndian(
                        _keys.AsSpan(i * KeySize + PrefixSize), (ushort)_random.Next(KeysOfGroup));
                }
                _bench.Run(_touch, _change);
                if (_bench.Op % CheckpointInterval == 0) _bench.Checkpoint();
            }
        }

        private ReadOnlySpan<byte> Key(int i) => _keys.AsSpan(i * KeySize, KeySize);

        private ReadOnlySpan<byte> Prefix => _keys.AsSpan(0, PrefixSize);

        private void Touch(Forest forest)
        {
            Tree tree = forest[_tree];
            for (int i = 0; _kind < 60 && i < ChangesOfOperation; i++) tree.Touch(Key(i));
            if (_kind is >= 60 and < 70) tree.TouchFloor(Key(0), PrefixSize);
            if (_kind is >= 70 and < 80) tree.TouchFirst(Key(0), PrefixSize, entries: 20);
            if (_kind >= 80) tree.TouchPrefix(Prefix);
        }

        private void Change(Forest forest)
        {
            Tree tree = forest[_tree];
            switch (_kind)
            {
                case < 50:
                    for (int i = 0; i < ChangesOfOperation; i++) ChangeOne(tree, Key(i));
                    break;
                case < 60:
                    for (int i = 0; i < ChangesOfOperation; i++) tree.TryGet(Key(i), out _);
                    break;
                case < 70:
                    tree.TryFloor(Key(0), PrefixSize, out _, out _);
                    break;
                case < 80:
                    TreeCursor first = tree.Seek(Key(0), PrefixSize);
                    for (int i = 1; i < 20 && first.Valid; i++) Walk(ref first, forwards: true);
                    break;
                case < 88:
                    TreeCursor up = tree.Seek(Prefix, PrefixSize);
                    while (up.Valid) Walk(ref up, forwards: true);
                    break;
                case < 98:
                    TreeCursor down = tree.SeekBefore(Key(0), PrefixSize);
                    while (down.Valid) Walk(ref down, forwards: false);
                    break;
                default:
                    tree.RemovePrefix(Prefix, entriesMax: 30);
                    break;
            }
        }

        private void ChangeOne(Tree tree, ReadOnlySpan<byte> key)
        {
            int kind = _random.Next(8);
            int size = _random.Next(300) == 0 ? _random.Next(LargeSize) : _random.Next(200);
            if (kind < 2) tree.Remove(key);
            else if (kind == 2) tree.Resize(key, size);
            else tree.Put(key, _value.AsSpan(0, size));
        }

        private void Walk(ref TreeCursor cursor, bool forwards)
        {
            if (cursor.Key.Length == KeySize && cursor.Value.Length <= LargeSize) EntriesWalked++;
            if (forwards) cursor.Next();
            else cursor.Previous();
        }
    }
}
