using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Storage.Tables;
using Xunit;

namespace Deterministic.Storage.Tests.Support;

/// <summary>A checkpoint whose blocks can be damaged one at a time, and read as a whole.</summary>
internal sealed class DamagedForest : IDisposable
{
    private const int Blocks = 1024;
    private readonly ForestBench _bench;
    private readonly SortedDictionary<byte[], byte[]>[] _expected = ForestScript.NewMaps();
    private readonly byte[] _image;
    private readonly byte[] _imageBefore;
    private readonly ulong _op;

    /// <summary>A log of which two checkpoints are kept: the last, and another one before it.</summary>
    public DamagedForest(int seed, ulong operations)
    {
        var script = new ForestScript(seed);
        _bench = new ForestBench(new ForestBenchSizes(script.MemtableSize, 1200, Blocks), seed) { Eagerness = 2 };
        _imageBefore = [];
        while (_bench.Op < operations)
        {
            script.Run(_bench);
            script.Run(_expected, _bench.Op);
            if (_bench.Op % 20 == 0) _bench.Checkpoint();
            if (_bench.Op == operations / 2) _imageBefore = (byte[])_bench.Disk.Image.Clone();
        }
        _bench.Checkpoint();
        _op = _bench.Op;
        _image = (byte[])_bench.Disk.Image.Clone();
        for (ulong address = 1; address <= Blocks; address++)
            if (_bench.Forest.Grid.Free.IsAcquired(address)) Acquired.Add(address);
        Needed = NeededBlocks();
    }

    /// <summary>All blocks of the checkpoint.</summary>
    public List<ulong> Acquired { get; } = [];

    /// <summary>Those that opening it and reading every entry cannot do without: all but filters, which serve searches
    /// for single keys, and those that a merge under way has made.</summary>
    public SortedSet<ulong> Needed { get; }

    public void Dispose() => _bench.Dispose();

    /// <summary>Whether damage was reported; if not, every entry is what it should be.</summary>
    public bool Reports(Action<byte[]> damage)
    {
        _image.CopyTo(_bench.Disk.Image, 0);
        damage(_bench.Disk.Image);
        if (_bench.TryReopen(_bench.Root, _op) == OpenResult.Opened)
        {
            bool read = true;
            for (int tree = 0; tree < ForestScript.Trees; tree++) read &= TryReadTree(tree);
            if (read) return false;
        }
        Assert.Equal(StateProblem.BlockCorrupt, _bench.Forest.Problem);
        return true;
    }

    public Span<byte> BlockOf(byte[] image, ulong address) =>
        image.AsSpan((int)_bench.Forest.Grid.OffsetOf(address), ForestBench.BlockSize);

    public ReadOnlySpan<byte> Block(ulong address) => BlockOf(_image, address);

    /// <summary>What was at the same place some checkpoints before.</summary>
    public ReadOnlySpan<byte> BlockBefore(ulong address) => BlockOf(_imageBefore, address);

    private bool TryReadTree(int tree) => _bench.TryRead(
        forest => forest[tree].TouchPrefix([]),
        forest =>
        {
            TreeCursor cursor = forest[tree].SeekFirst();
            foreach ((byte[] key, byte[] value) in _expected[tree])
            {
                Assert.True(cursor.Valid && cursor.Key.SequenceEqual(key));
                Assert.True(cursor.Value.SequenceEqual(value));
                cursor.Next();
            }
            Assert.False(cursor.Valid);
        });

    private SortedSet<ulong> NeededBlocks()
    {
        var needed = new SortedSet<ulong>(Acquired);
        TableStore tables = _bench.Forest.Tables;
        for (int table = 0; table < tables.SlotsUsed; table++)
        {
            if (tables[table].State == TableState.Free) continue;
            TableIndex index = tables.Index(table);
            if (index.HasFilter) needed.Remove(index.Filter.Address);
            if (tables[table].State != TableState.Output) continue;
            for (int item = 0; item < index.Count; item++) needed.Remove(index.Address(item));
        }
        return needed;
    }
}
