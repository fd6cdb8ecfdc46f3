using Deterministic.Core;
using Deterministic.Storage.Levels;
using Deterministic.Storage.Tests.Support;
using Xunit;

namespace Deterministic.Storage.Tests.Levels;

public sealed class LevelSetTests
{
    [Fact]
    public void ARunKeepsItsTablesInKeyOrder()
    {
        using TableBench bench = new();
        int last = bench.Add(level: 1, first: 300, count: 100, valueSize: 10);
        int first = bench.Add(level: 1, first: 100, count: 100, valueSize: 10);
        int middle = bench.Add(level: 1, first: 200, count: 100, valueSize: 20);
        Run run = bench.Levels.Level(1);
        Assert.Equal([first, middle, last], run.Tables.ToArray());
        Assert.Equal(300 * TableBench.Key(0).Length + 200 * 10 + 100 * 20, run.DataSize);
        run.Remove(middle);
        Assert.Equal([first, last], run.Tables.ToArray());
        Assert.Equal(200 * TableBench.Key(0).Length + 200 * 10, run.DataSize);
    }

    [Fact]
    public void APlaceInARunIsFoundFromEitherSide()
    {
        using TableBench bench = new();
        bench.Add(level: 1, first: 100, count: 100, valueSize: 10);
        bench.Add(level: 1, first: 300, count: 100, valueSize: 10);
        Run run = bench.Levels.Level(1);
        // From a key on: the first table that does not end below it. Up to it: the last that does not begin above it.
        Assert.Equal((0, -1), (run.PositionFrom(TableBench.Key(99)), run.PositionUpTo(TableBench.Key(99))));
        Assert.Equal((0, 0), (run.PositionFrom(TableBench.Key(100)), run.PositionUpTo(TableBench.Key(100))));
        Assert.Equal((0, 0), (run.PositionFrom(TableBench.Key(199)), run.PositionUpTo(TableBench.Key(199))));
        Assert.Equal((1, 0), (run.PositionFrom(TableBench.Key(200)), run.PositionUpTo(TableBench.Key(200))));
        Assert.Equal((1, 1), (run.PositionFrom(TableBench.Key(300)), run.PositionUpTo(TableBench.Key(300))));
        Assert.Equal((2, 1), (run.PositionFrom(TableBench.Key(400)), run.PositionUpTo(TableBench.Key(400))));
        Assert.False(run.Overlaps(TableBench.Key(200), TableBench.Key(299)));
        Assert.True(run.Overlaps(TableBench.Key(199), TableBench.Key(299)));
        Assert.True(run.Overlaps(TableBench.Key(200), TableBench.Key(300)));
        Assert.True(run.Overlaps(TableBench.Key(0), TableBench.Key(999)));
    }

    [Fact]
    public void TablesOfOneRunDoNotOverlap()
    {
        using TableBench bench = new();
        bench.Add(level: 1, first: 100, count: 100, valueSize: 10);
        int beside = bench.Add(level: 2, first: 200, count: 100, valueSize: 10);
        bench.Levels.Level(2).Remove(beside);
        int over = bench.Add(level: 2, first: 199, count: 2, valueSize: 10);
        int under = bench.Add(level: 3, first: 99, count: 2, valueSize: 10);
        Run run = bench.Levels.Level(1);
        Assert.False(run.TryInsert(over));
        Assert.False(run.TryInsert(under));
        Assert.Throws<CheckFailedException>(() => run.Insert(over));
        Assert.True(run.TryInsert(beside));
        Assert.Equal(2, run.Count);
    }

    /// <summary>Of equal keys that of the run met first counts: the newest of level 0, then the levels.</summary>
    [Fact]
    public void RunsAreOrderedFromTheNewestToTheOldest()
    {
        using TableBench bench = new();
        LevelSet levels = bench.Levels;
        levels.AddFlushRun(number: 5);
        levels.AddFlushRun(number: 9);
        // A merge of runs between them.
        levels.AddFlushRun(number: 7, levels.AgeFrom(7));
        Assert.Equal(3, levels.FlushRuns);
        Assert.Equal([9UL, 7UL, 5UL], [levels[0].Number, levels[1].Number, levels[2].Number]);
        Assert.Same(levels.Level(1), levels[3]);
        Assert.Same(levels.Level(LevelSet.LevelsMax - 1), levels[levels.Count - 1]);
    }

    [Fact]
    public void ARunThatIsLeftEmptyGoes()
    {
        using TableBench bench = new();
        LevelSet levels = bench.Levels;
        levels.AddFlushRun(number: 1);
        int old = bench.Add(level: 0, first: 0, count: 10, valueSize: 10);
        levels.AddFlushRun(number: 2);
        int young = bench.Add(level: 0, first: 0, count: 10, valueSize: 30);
        Assert.Equal(20 * TableBench.Key(0).Length + 10 * 10 + 10 * 30, levels.FlushDataSize);
        levels.Remove(young);
        Assert.Equal(1, levels.FlushRuns);
        Assert.Equal([old], levels[0].Tables.ToArray());
        levels.Remove(old);
        Assert.Equal(0, levels.FlushRuns);
        Assert.Equal(0, levels.FlushDataSize);
    }

    [Fact]
    public void WhatTheTablesSayOfThemselvesIsEnoughToArrangeThem()
    {
        using TableBench bench = new();
        LevelSet levels = bench.Levels;
        levels.AddFlushRun(number: 1);
        int old = bench.Add(level: 0, first: 0, count: 10, valueSize: 10);
        levels.AddFlushRun(number: 2);
        int young = bench.Add(level: 0, first: 0, count: 10, valueSize: 10);
        int deep = bench.Add(level: 3, first: 0, count: 10, valueSize: 10);
        Assert.True(levels.TryRebuild());
        Assert.Equal(2, levels.FlushRuns);
        Assert.Equal([young], levels[0].Tables.ToArray());
        Assert.Equal([old], levels[1].Tables.ToArray());
        Assert.Equal([deep], levels.Level(3).Tables.ToArray());
        // Two tables with the same keys cannot be of one run.
        bench.Tables[old].Run = 2;
        Assert.False(levels.TryRebuild());
    }
}
