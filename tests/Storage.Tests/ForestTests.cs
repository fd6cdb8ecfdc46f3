using System;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Storage.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Storage.Tests;

public sealed class ForestTests
{
    private static ForestBenchSizes Small { get; } = new(64 << 10, CacheFrames: 600, Blocks: 4096);

    [Fact]
    public void WhatWasWrittenIsFoundAfterFlushesAndMerges()
    {
        using ForestBench bench = new(Small, seed: 1);
        for (uint i = 0; i < 20_000; i++) Put(bench, ForestModel.Key(i * 7919 % 20_000), ForestModel.Value(i, 40));
        for (uint i = 0; i < 20_000; i += 17)
        {
            byte[] key = ForestModel.Key(i * 7919 % 20_000);
            bench.Run(forest => forest[0].Touch(key), forest =>
            {
                Assert.True(forest[0].TryGet(key, out ReadOnlySpan<byte> value));
                Assert.True(value.SequenceEqual(ForestModel.Value(i, 40)));
            });
        }
    }

    /// <summary>One operation asks for the same entry again and again; what it has changed in between counts, and so
    /// does what has come under the memtable since the operation before.</summary>
    [Fact]
    public void AnEntryOnDiskIsReadRemovedAndPutByOneOperation()
    {
        using ForestBench bench = new(Small, seed: 1) { Eagerness = 4 };
        byte[] key = ForestModel.Key(500);
        for (uint round = 0; round < 3; round++)
        {
            bench.Run(forest => forest[0].Touch(key), forest =>
            {
                Assert.False(forest[0].TryGet(key, out _));
                forest[0].Put(key, ForestModel.Value(round, 40));
            });
            Flush(bench, round);
            bench.Run(forest => forest[0].Touch(key), forest =>
            {
                Assert.True(forest[0].TryGet(key, out ReadOnlySpan<byte> value));
                Assert.True(value.SequenceEqual(ForestModel.Value(round, 40)));
                Assert.True(forest[0].Remove(key));
                Assert.False(forest[0].TryGet(key, out _));
                forest[0].Put(key, ForestModel.Value(round + 1, 40));
                Assert.True(forest[0].Remove(key));
                Assert.False(forest[0].Remove(key));
            });
            Flush(bench, round + 100);
        }
    }

    /// <summary>As many other entries as it takes to bring all before them to disk.</summary>
    private static void Flush(ForestBench bench, uint round)
    {
        long written = bench.Forest.Grid.BlocksWritten;
        for (uint i = 0; i < 4000; i++)
            if (i != 500) Put(bench, ForestModel.Key(i), ForestModel.Value(i + round, 100));
        Assert.True(bench.Forest.Grid.BlocksWritten > written);
    }

    /// <summary>Both reads are of keys between others, so that only the filters can tell.</summary>
    [Fact]
    public void SearchesForAbsentKeysSeldomReadEntries()
    {
        using ForestBench bench = new(Small with { MemtableSize = 1 << 20 }, seed: 1);
        for (uint i = 0; i < 40_000; i += 2) Put(bench, ForestModel.Key(i), ForestModel.Value(i, 100));
        bench.Checkpoint();
        bench.Reopen(bench.Root, bench.Op);
        long read = bench.Forest.Grid.BlocksRead;
        for (uint i = 1; i < 40_000; i += 100) Touch(bench, ForestModel.Key(i));
        long readForAbsent = bench.Forest.Grid.BlocksRead - read;
        for (uint i = 0; i < 40_000; i += 100) Touch(bench, ForestModel.Key(i));
        long readForPresent = bench.Forest.Grid.BlocksRead - read - readForAbsent;
        Assert.InRange(readForAbsent, 1, readForPresent / 2);
    }

    [Fact]
    public void DamageToAFilterIsReportedAndHidesNothing()
    {
        using ForestBench bench = new(Small with { MemtableSize = 1 << 20 }, seed: 1);
        for (uint i = 0; i < 20_000; i++) Put(bench, ForestModel.Key(i), ForestModel.Value(i, 100));
        bench.Checkpoint();
        int filters = 0;
        for (ulong address = 1; address <= (ulong)Small.Blocks; address++)
        {
            if (!bench.Forest.Grid.Free.IsAcquired(address)) continue;
            Span<byte> block = bench.BlockOnDisk(address);
            if (Header.At(block).Block.Kind != BlockKind.Filter) continue;
            block[^1] ^= 1;
            filters++;
        }
        Assert.InRange(filters, 1, 100);
        bench.Reopen(bench.Root, bench.Op);
        bool found = bench.TryRead(
            forest => forest[0].Touch(ForestModel.Key(7)),
            forest => Assert.True(forest[0].TryGet(ForestModel.Key(7), out _)));
        Assert.True(found);
        Assert.Equal(StateProblem.BlockCorrupt, bench.Forest.Problem);
    }

    [Fact]
    public void EveryOperationAgreesWithTheModelThroughCrashes() => Prop.ForAll(
        ArbMap.Default.ArbFor<int>(), (int seed) => ForestModel.Run(seed, 1500)).QuickCheckThrowOnFailure();

    private static void Touch(ForestBench bench, byte[] key) =>
        bench.Run(forest => forest[0].Touch(key), forest => forest[0].TryGet(key, out _));

    private static void Put(ForestBench bench, byte[] key, byte[] value) =>
        bench.Run(forest => forest[0].Touch(key), forest => forest[0].Put(key, value));
}
