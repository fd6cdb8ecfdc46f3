using System;
using Deterministic.Storage.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Storage.Tests;

/// <summary>What keeping the levels in shape costs: bytes of blocks written by flushes and merges, by bytes of keys
/// and values put. The counts follow from the operations alone, so the figures are the same on every machine.</summary>
public sealed class WriteAmplificationTests(ITestOutputHelper output)
{
    private const int MemtableSize = 256 << 10;
    private const int ValueSize = 200;
    private const long UpdatesSize = 10 * MemtableSize;

    /// <summary>The design asks for less than 12; data this small has fewer levels and stays well below.</summary>
    /// <param name="memtables">Size of the data before the updates.</param>
    /// <param name="most">What they may cost.</param>
    [Theory]
    [InlineData(4, 2.5)]
    [InlineData(28, 6)]
    public void UniformRandomUpdatesCostLessThanTwelve(int memtables, double most) =>
        Assert.InRange(Measure(memtables, sequential: false), 1, most);

    [Theory]
    [InlineData(0)]
    [InlineData(28)]
    public void SequentialIdsCostLessThanTwo(int memtables) =>
        Assert.InRange(Measure(memtables, sequential: true), 0.8, 2);

    private double Measure(int memtables, bool sequential)
    {
        Figures figures = Run(memtables, sequential, diskSeed: 1);
        // Not a matter of how soon the disk is.
        Assert.Equal(figures, Run(memtables, sequential, diskSeed: 2));
        double amplification = (double)(figures.Flushed + figures.Merged) / figures.Put;
        output.WriteLine($"{memtables} memtables before, {figures}: {amplification:F2}");
        return amplification;
    }

    private static Figures Run(int memtables, bool sequential, int diskSeed)
    {
        using ForestBench bench = new(new(MemtableSize, CacheFrames: 600, Blocks: 4096), diskSeed) { Eagerness = 2 };
        byte[] key = ForestModel.Key(0);
        uint keys = (uint)(memtables * MemtableSize / (key.Length + ValueSize + Forest.EntryOverheadSize));
        Random random = new(1);
        uint[] numbers = new uint[keys];
        for (uint i = 0; i < keys; i++) numbers[i] = i;
        if (!sequential) random.Shuffle(numbers);
        foreach (uint number in numbers) Put(bench, number);
        Settle(bench);
        Figures before = Figures.Of(bench.Forest);
        for (uint next = keys; bench.Forest.BytesPut - before.Put < UpdatesSize; next++)
            Put(bench, sequential ? next : (uint)random.Next((int)keys));
        Settle(bench);
        return Figures.Of(bench.Forest).Since(before);
    }

    private static void Put(ForestBench bench, uint number)
    {
        byte[] key = ForestModel.Key(number);
        bench.Run(
            forest => forest[0].Touch(key),
            forest => forest[0].Put(key, ForestModel.Value((uint)bench.Op, ValueSize)));
    }

    /// <summary>Flushes what is in memory, and lets merges go on until the levels are in shape.</summary>
    private static void Settle(ForestBench bench)
    {
        bench.Checkpoint();
        long merged;
        do
        {
            merged = bench.Forest.BytesMerged;
            for (int i = 0; i < 100; i++) bench.Run(_ => { }, _ => { });
        }
        while (bench.Forest.BytesMerged > merged);
    }

    private sealed record Figures(long Put, long Flushed, long Merged)
    {
        public static Figures Of(Forest forest) => new(forest.BytesPut, forest.BytesFlushed, forest.BytesMerged);

        public Figures Since(Figures before) =>
            new(Put - before.Put, Flushed - before.Flushed, Merged - before.Merged);
    }
}
