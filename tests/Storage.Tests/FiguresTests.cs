using System;
using Deterministic.Core.Wire;
using Deterministic.Storage.Tests.Support;
using Xunit;

namespace Deterministic.Storage.Tests;

/// <summary>The figures that operators see. That replicas agree on them follows from their equal roots, which hold
/// them.</summary>
public sealed class FiguresTests
{
    private static ForestBenchSizes Small { get; } = new(64 << 10, CacheFrames: 600, Blocks: 4096);

    [Fact]
    public void BytesPutAreKeysAndValuesAndWhatValuesGrowBy()
    {
        using ForestBench bench = new(Small, seed: 1);
        byte[] key = [1, 2, 3, 4];
        Change(bench, key, tree => tree.Put(key, new byte[100]));
        Assert.Equal(104, bench.Forest.BytesPut);
        Change(bench, key, tree => tree.Resize(key, 150).Fill(1));
        Assert.Equal(154, bench.Forest.BytesPut);
        Change(bench, key, tree => tree.Resize(key, 20).Fill(1));
        Assert.Equal(154, bench.Forest.BytesPut);
        bench.Checkpoint();
        Change(bench, key, tree => tree.Resize(key, 30).Fill(1));
        Assert.Equal(164, bench.Forest.BytesPut);
        Change(bench, key, tree => tree.Put(key, new byte[6]));
        Assert.Equal(174, bench.Forest.BytesPut);
        Assert.Equal(10, bench.Forest.DataSize);
        Change(bench, key, tree => Assert.True(tree.Remove(key)));
        Assert.Equal(178, bench.Forest.BytesPut);
        Assert.Equal(0, bench.Forest.DataSize);
    }

    [Fact]
    public void WhatWasWrittenIsDividedAndKeptByCheckpoints()
    {
        using ForestBench bench = new(Small, seed: 1);
        for (uint i = 0; i < 20_000; i++)
        {
            byte[] key = ForestModel.Key(i * 7919 % 20_000);
            Change(bench, key, tree => tree.Put(key, ForestModel.Value(i, 40)));
            if (i % 5000 == 4999) bench.Checkpoint();
        }
        Forest forest = bench.Forest;
        Assert.True(forest.BytesMerged > forest.BytesFlushed && forest.BytesOfCheckpoints > 0);
        Assert.Equal(forest.Grid.BytesWritten, forest.BytesFlushed + forest.BytesMerged + forest.BytesOfCheckpoints);
        long[] before = [forest.BytesPut, forest.BytesFlushed, forest.BytesMerged, forest.BytesOfCheckpoints];
        bench.Reopen(bench.Root, bench.Op);
        forest = bench.Forest;
        long[] after = [forest.BytesPut, forest.BytesFlushed, forest.BytesMerged, forest.BytesOfCheckpoints];
        Assert.Equal<long>(before, after);
        bench.Checkpoint();
        Assert.Equal(before[3] + forest.Grid.BytesWritten, forest.BytesOfCheckpoints);
    }

    [Fact]
    public void LevelsAreCountedAsTheTablesLie()
    {
        using ForestBench bench = new(Small, seed: 1);
        for (uint i = 0; i < 20_000; i++)
        {
            byte[] key = ForestModel.Key(i * 7919 % 20_000);
            Change(bench, key, tree => tree.Put(key, ForestModel.Value(i, 40)));
        }
        bench.Checkpoint();
        BlockCount count = new();
        bench.Forest.VisitBlocks(count);
        long blocks = 0;
        long tables = 0;
        long size = 0;
        for (int level = 0; level < Forest.LevelCount; level++)
        {
            LevelFigures figures = bench.Forest.Level(level);
            Assert.Equal(figures.Tables == 0, figures.DataSize == 0);
            blocks += figures.Blocks;
            tables += figures.Tables;
            size += figures.DataSize;
        }
        Assert.Equal(count[BlockKind.TableIndex], tables);
        Assert.Equal(count.Tables, blocks);
        // Each key was put once, and lies in one table with the number of its tree.
        Assert.Equal(bench.Forest.DataSize + 20_000, size);
        Assert.InRange(bench.Forest.CompactionDebt, bench.Forest.Level(0).DataSize, size);
    }

    private static void Change(ForestBench bench, byte[] key, Action<Tree> change) =>
        bench.Run(forest => forest[0].Touch(key), forest => change(forest[0]));

    private sealed class BlockCount : IBlockVisitor
    {
        private readonly long[] _counts = new long[16];

        public long this[BlockKind kind] => _counts[(int)kind];

        public long Tables => this[BlockKind.Entries] + this[BlockKind.LargeValue] + this[BlockKind.TableIndex] +
            this[BlockKind.Filter];

        public void Visit(in BlockReference block, BlockKind kind) => _counts[(int)kind]++;
    }
}
