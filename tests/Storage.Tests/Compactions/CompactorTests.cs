using System;
using Deterministic.Storage.Tables;
using Deterministic.Storage.Tests.Support;
using Xunit;

namespace Deterministic.Storage.Tests.Compactions;

public sealed class CompactorTests
{
    private static ForestBenchSizes Small { get; } = new(64 << 10, CacheFrames: 1500, Blocks: 8192);

    /// <summary>Flushes of one range, then of another one, and a table of level 1 between the two that none of them
    /// reaches into: what the merge writes must not reach over it.</summary>
    [Fact]
    public void AMergeOfLevelZeroMeetsWhatLiesBetweenItsTables()
    {
        using ForestBench bench = new(Small, seed: 1);
        for (uint op = 0; op < 4; op++) Put(bench, first: 500_000 + op * 20, step: 1);
        Settle(bench);
        Assert.Equal(0, bench.Forest.Levels.FlushRuns);
        Assert.NotEqual(0, bench.Forest.Levels.Level(1).Count);
        Put(bench, first: 0, step: 2);
        Put(bench, first: 1, step: 2);
        Put(bench, first: 900_000, step: 2);
        Put(bench, first: 900_001, step: 2);
        Settle(bench);
        Assert.Equal(0, bench.Forest.Levels.FlushRuns);
        Assert.Equal(160, CountAll(bench));
    }

    /// <summary>The overlap of this table is less than a thousandth of it, and still an overlap.</summary>
    [Fact]
    public void ATableThatOverlapsOneEntryIsMergedNotMoved()
    {
        using TableBench bench = new();
        for (uint i = 0; i < 8; i++) bench.Add(level: 1, first: 1000 * i, count: 100, valueSize: 1000);
        bench.Add(level: 2, first: 50, count: 1, valueSize: 1);
        for (uint i = 1; i < 8; i++) bench.Add(level: 2, first: 1000 * i + 50, count: 100, valueSize: 1000);
        bench.Beat(100);
        Assert.Equal(0, bench.Levels.FlushRuns);
        Assert.InRange(bench.Levels.Level(1).DataSize, 1, 8 * TableBench.MemtableSize);
    }

    /// <summary>Values of which two do not fit a block, in a memtable whose last operation was far larger than all
    /// before it: what was reserved suffices.</summary>
    [Fact]
    public void AFlushOfHalfFilledBlocksStaysWithinItsReservation()
    {
        using ForestBench bench = new(Small, seed: 1);
        bench.Run(_ => { }, forest =>
        {
            for (uint i = 0; i < 1000; i++) forest[0].Put(ForestModel.Key(i), ForestModel.Value(i, 8000));
        });
        bench.Checkpoint();
        Assert.True(bench.Forest.Grid.Free.AcquiredCount > 1000);
        Assert.Equal(0, bench.Forest.Grid.Free.ReservedCount);
    }

    /// <summary>Each checkpoint ends the table that a merge is writing; long keys with little between them make small
    /// blocks out of much that is merged.</summary>
    [Fact]
    public void AMergeInterruptedByCheckpointsStaysWithinItsReservation()
    {
        using ForestBench bench = new(Small with { MemtableSize = 1 << 20 }, seed: 1);
        for (uint round = 0; round < 4; round++)
        {
            uint start = round;
            bench.Run(_ => { }, forest =>
            {
                for (uint i = 0; i < 2000; i++) forest[0].Put(LongKey(start + i * 4), []);
            });
        }
        bench.Checkpoint();
        for (int i = 0; i < 300; i++)
        {
            bench.Run(_ => { }, _ => { });
            bench.Checkpoint();
        }
        Assert.Equal(1, bench.Forest.Levels.FlushRuns);
        Assert.Equal(0, bench.Forest.Grid.Free.ReservedCount);
    }

    private static byte[] LongKey(uint number)
    {
        byte[] key = new byte[500];
        ForestModel.Key(number).CopyTo(key, 490);
        return key;
    }

    /// <summary>Twenty entries of 4,000 bytes, more than a memtable, so that they are a run of their own.</summary>
    private static void Put(ForestBench bench, uint first, uint step)
    {
        bench.Run(
            forest =>
            {
                for (uint i = 0; i < 20; i++) forest[0].Touch(ForestModel.Key(first + i * step));
            },
            forest =>
            {
                for (uint i = 0; i < 20; i++)
                    forest[0].Put(ForestModel.Key(first + i * step), ForestModel.Value(i, 4000));
            });
        bench.Checkpoint();
    }

    private static void Settle(ForestBench bench)
    {
        for (int i = 0; i < 30; i++) bench.Run(_ => { }, _ => { });
    }

    private static int CountAll(ForestBench bench)
    {
        int count = 0;
        bench.Run(
            forest => forest[0].TouchPrefix([]),
            forest =>
            {
                for (TreeCursor cursor = forest[0].SeekFirst(); cursor.Valid; cursor.Next()) count++;
            });
        return count;
    }
}
