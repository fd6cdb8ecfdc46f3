using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Tests.Support;
using Xunit;

namespace Deterministic.Storage.Tests.Blocks;

public sealed class ScrubberTests
{
    private static ForestBenchSizes Sizes { get; } = new(64 << 10, CacheFrames: 600, Blocks: 1024);

    [Fact]
    public void ACycleReadsEveryBlockOfACheckpointOnce()
    {
        using ForestBench bench = NewBench(operations: 200);
        Cycle(bench);
        Assert.Equal(bench.Forest.Grid.Free.AcquiredCount, bench.Forest.Scrubber.BlocksVerified);
        Cycle(bench);
        Assert.Equal(2 * bench.Forest.Grid.Free.AcquiredCount, bench.Forest.Scrubber.BlocksVerified);
        Assert.Equal(0, bench.Forest.Scrubber.RotFound);
    }

    /// <summary>Who lacks most of a state would otherwise need a tick for each block.</summary>
    [Fact]
    public void InAHurryOneTickIsEnoughForACycleAlsoWhereBlocksAreMissing()
    {
        const int missing = 10;
        using ForestBench bench = NewBench(operations: 120);
        int damaged = 0;
        for (ulong address = 1; damaged < missing; address++)
        {
            if (!bench.Forest.Grid.Free.IsAcquired(address)) continue;
            bench.BlockOnDisk(address)[^1] ^= 0x40;
            damaged++;
        }
        bench.Forest.Scrubber.Hurries = true;
        bench.Forest.Tick();
        while (!bench.Disk.Idle) bench.CompleteOne();
        Assert.Equal(1, bench.Forest.Scrubber.Cycles);
        Assert.Equal(missing, bench.Forest.Scrubber.RotFound);
        Assert.Equal(bench.Forest.Grid.Free.AcquiredCount - missing, bench.Forest.Scrubber.BlocksVerified);
    }

    [Fact]
    public void OneReadIsUnderWayAtATime()
    {
        using ForestBench bench = NewBench(operations: 50);
        for (int i = 0; i < 100; i++) bench.Forest.Tick();
        bench.CompleteOne();
        Assert.True(bench.Disk.Idle);
    }

    [Fact]
    public void RotAnywhereIsFoundWithinACycle()
    {
        using ForestBench bench = NewBench(operations: 120);
        var damaged = new List<ulong>();
        for (ulong address = 1; address <= (ulong)Sizes.Blocks; address++)
        {
            if (!bench.Forest.Grid.Free.IsAcquired(address)) continue;
            bench.BlockOnDisk(address)[^1] ^= 0x40;
            Cycle(bench);
            bench.BlockOnDisk(address)[^1] ^= 0x40;
            Assert.True(bench.Forest.Scrubber.TryTakeRot(out BlockReference rot));
            Assert.Equal(address, rot.Address);
            Assert.False(bench.Forest.Scrubber.TryTakeRot(out _));
            damaged.Add(address);
        }
        Assert.Equal(damaged.Count, bench.Forest.Scrubber.RotFound);
        Assert.Equal(damaged[0], bench.Forest.Scrubber.FirstRotAddress);
        Assert.Equal(StateProblem.None, bench.Forest.Problem);
    }

    /// <summary>Tables large enough to have filters, and a value larger than a block. A bit of the body, in a place
    /// that no search needs, is enough.</summary>
    [Theory]
    [InlineData(BlockKind.Entries)]
    [InlineData(BlockKind.LargeValue)]
    [InlineData(BlockKind.TableIndex)]
    [InlineData(BlockKind.Trailer)]
    [InlineData(BlockKind.Root)]
    [InlineData(BlockKind.Filter)]
    public void RotInABlockOfAnyKindIsFoundAndNamed(BlockKind kind)
    {
        using ForestBench bench = new(Sizes with { MemtableSize = 1 << 20 }, seed: 8);
        bench.Run(_ => { }, forest =>
        {
            for (uint i = 0; i < 8_000; i++) forest[0].Put(ForestModel.Key(i), ForestModel.Value(i, 100));
            forest[1].Put(ForestModel.Key(1), ForestModel.Value(1, 2 * ForestBench.BlockSize));
        });
        bench.Checkpoint();
        while (!bench.Disk.Idle) bench.CompleteOne();
        BlocksOfKind blocks = new(kind);
        bench.Forest.VisitBlocks(blocks);
        Assert.NotEmpty(blocks.Found);
        foreach (BlockReference block in blocks.Found)
        {
            Span<byte> bytes = bench.BlockOnDisk(block.Address);
            int middle = (Limits.HeaderSize + bytes.Length) / 2;
            bytes[middle] ^= 1;
            Cycle(bench);
            bench.BlockOnDisk(block.Address)[middle] ^= 1;
            Assert.True(bench.Forest.Scrubber.TryTakeRot(out BlockReference rot));
            Assert.True(rot.Is(in block));
            Assert.False(bench.Forest.Scrubber.TryTakeRot(out _));
        }
        Cycle(bench);
        Assert.Equal(blocks.Found.Count, bench.Forest.Scrubber.RotFound);
    }

    [Fact]
    public void WhatWasFoundCanBeRepaired()
    {
        using ForestBench bench = NewBench(operations: 120);
        ulong address = bench.Root.Address;
        byte[] whole = bench.Disk.Image.AsSpan(
            (int)bench.Forest.Grid.OffsetOf(address), ForestBench.BlockSize).ToArray();
        bench.BlockOnDisk(address)[300] ^= 1;
        Cycle(bench);
        Assert.True(bench.Forest.Scrubber.TryTakeRot(out BlockReference rot));
        Assert.True(bench.Forest.Grid.TryRepair(in rot, whole));
        bench.CompleteAll();
        Cycle(bench);
        Assert.Equal(1, bench.Forest.Scrubber.RotFound);
        Assert.False(bench.Forest.Scrubber.TryTakeRot(out _));
    }

    /// <summary>Each read is held until the block has been freed and another one written in its place.</summary>
    [Fact]
    public void BlocksThatWereFreedAndOverwrittenAreNoRot()
    {
        var script = new ForestScript(8);
        using ForestBench bench = NewBench(operations: 60);
        int overwritten = 0;
        for (int i = 0; i < 30; i++)
        {
            bench.Disk.Held = Scrubber.ScrubBit;
            byte[] before = (byte[])bench.Disk.Image.Clone();
            for (int tick = 0; tick < 8; tick++) bench.Forest.Tick();
            Assert.True(bench.Disk.TryFindHeld(out long offset));
            for (int run = 1; run <= 120; run++)
            {
                script.Run(bench);
                if (run % 20 == 0) bench.Checkpoint();
            }
            Span<byte> after = bench.Disk.Image.AsSpan((int)offset, 256);
            if (!after.SequenceEqual(before.AsSpan((int)offset, 256))) overwritten++;
            bench.Disk.Held = 0;
            while (!bench.Disk.Idle) bench.CompleteOne();
        }
        Assert.True(overwritten > 5, $"{overwritten}");
        Assert.Equal(0, bench.Forest.Scrubber.RotFound);
    }

    private static ForestBench NewBench(ulong operations)
    {
        var script = new ForestScript(8);
        ForestBench bench = new(Sizes, seed: 8);
        while (bench.Op < operations) script.Run(bench);
        bench.Checkpoint();
        while (!bench.Disk.Idle) bench.CompleteOne();
        return bench;
    }

    private static void Cycle(ForestBench bench)
    {
        Scrubber scrubber = bench.Forest.Scrubber;
        for (long cycles = scrubber.Cycles; scrubber.Cycles == cycles;)
        {
            bench.Forest.Tick();
            while (!bench.Disk.Idle) bench.CompleteOne();
        }
    }

    private sealed class BlocksOfKind(BlockKind wanted) : IBlockVisitor
    {
        public List<BlockReference> Found { get; } = [];

        public void Visit(in BlockReference block, BlockKind kind)
        {
            if (kind == wanted) Found.Add(block);
        }
    }
}
