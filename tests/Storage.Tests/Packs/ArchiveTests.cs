using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;
using Deterministic.Storage.Packs;
using Deterministic.Storage.Tests.Support;
using Xunit;

namespace Deterministic.Storage.Tests.Packs;

/// <summary>Damaged blocks come back out of the object store, whoever finds them.</summary>
public sealed class ArchiveTests
{
    [Fact]
    public void EveryBlockThatRotsIsFoundByTheScrubberAndRepaired()
    {
        using ArchiveBench bench = NewBench();
        Assert.True(bench.TryReopen());
        List<ulong> blocks = Acquired(bench);
        Assert.True(blocks.Count > 60);
        foreach (ulong address in blocks) bench.Damage(address);
        for (int cycle = 0; cycle < 1 + blocks.Count / 32; cycle++)
        {
            bench.Scrub();
            bench.Settle();
        }
        Assert.All(blocks, address => Assert.True(bench.IsSound(address)));
        Assert.Equal((ulong)blocks.Count, bench.Archive.RotRepaired);
        Assert.Equal(0ul, bench.Archive.RotLeft);
        Assert.Equal(StateProblem.None, bench.Forest.Forest.Problem);
    }

    [Fact]
    public void AReadThatMeetsRotWaitsForTheRepairAndIsRight()
    {
        using ArchiveBench bench = NewBench();
        Assert.True(bench.TryReopen());
        List<ulong> blocks = Acquired(bench);
        foreach (ulong address in blocks) bench.Damage(address);
        bench.StoreIsDown = true;
        Assert.False(bench.TryRead(17, version: 1));
        Assert.Equal(StateProblem.None, bench.Forest.Forest.Problem);
        bench.StoreIsDown = false;
        for (uint key = 0; key < ArchiveBench.Keys; key += 10) Assert.True(bench.TryRead(key, version: 1));
        bench.Settle();
        Assert.True(bench.Archive.RotRepaired > 20);
        Assert.Equal(bench.Archive.RotFound, bench.Archive.RotRepaired);
        Assert.Equal(StateProblem.None, bench.Forest.Forest.Problem);
    }

    [Fact]
    public void ACheckpointOpensThoughEveryBlockOfItIsDamaged()
    {
        using ArchiveBench bench = NewBench();
        foreach (ulong address in Acquired(bench)) bench.Damage(address);
        Assert.True(bench.TryReopen());
        Assert.True(bench.TryRead(17, version: 1));
        Assert.True(bench.IsSound(bench.Forest.Root.Address));
        Assert.True(bench.Archive.RotRepaired > 3);
    }

    [Fact]
    public void WhatTheStoreDoesNotHaveEitherIsLost()
    {
        using ArchiveBench bench = NewBench();
        bench.WriteAll(version: 2);
        bench.Forest.Checkpoint();
        Assert.True(bench.Forest.TryReopen(bench.Forest.Root, bench.Forest.Op) == OpenResult.Opened);
        foreach (ulong address in Acquired(bench)) bench.Damage(address);
        uint key = 0;
        while (key < ArchiveBench.Keys && bench.TryRead(key, version: 2)) key++;
        Assert.True(key < ArchiveBench.Keys);
        Assert.Equal(StateProblem.BlockCorrupt, bench.Forest.Forest.Problem);
        Assert.Equal(PacksProblem.NoBlock, bench.Archive.LastRepairFailure.Problem);
    }

    [Fact]
    public void RotThatNobodyWaitsForStopsNothing()
    {
        using ArchiveBench bench = NewBench();
        Assert.True(bench.TryReopen());
        ulong address = Acquired(bench)[0];
        bench.Damage(address);
        bench.Store.Objects.Clear();
        bench.Scrub();
        bench.Settle();
        Assert.Equal(1ul, bench.Archive.RotLeft);
        Assert.Equal(PacksProblem.NoCatalog, bench.Archive.LastRepairFailure.Problem);
        Assert.Equal(StateProblem.None, bench.Forest.Forest.Problem);
        Assert.False(bench.IsSound(address));
    }

    [Fact]
    public void WhatTheCacheHasNeedsNoStore()
    {
        using ArchiveBench bench = NewBench(cacheFrames: 1000);
        bench.Store.Objects.Clear();
        List<ulong> blocks = Acquired(bench);
        foreach (ulong address in blocks) bench.Damage(address);
        long gets = bench.Store.Gets;
        for (int cycle = 0; cycle < 1 + blocks.Count / 32; cycle++)
        {
            bench.Scrub();
            bench.Settle();
        }
        Assert.All(blocks, address => Assert.True(bench.IsSound(address)));
        Assert.Equal(gets, bench.Store.Gets);
    }

    /// <summary>The answer of the store comes when the block is no longer what its place holds.</summary>
    [Fact]
    public void ABlockThatWasFreedAndWrittenOverMeanwhileIsLeftAlone()
    {
        using ArchiveBench bench = NewBench();
        Assert.True(bench.TryReopen());
        BlockReference root = bench.Forest.Root;
        bench.Damage(root.Address);
        bench.StoreIsDown = true;
        bench.FillCache();
        bench.Scrub();
        bench.Archive.Tick();
        Assert.True(bench.Archive.IsRepairing);
        Assert.Equal(root, bench.Archive.LastRot);
        for (byte version = 2; version < 6; version++)
        {
            bench.WriteAll(version);
            bench.Forest.Checkpoint();
        }
        while (!bench.Forest.Disk.Idle) bench.Forest.CompleteOne();
        byte[] after = (byte[])bench.Forest.Disk.Image.Clone();
        Assert.NotEqual(
            root.Checksum, Header.Read(after.AsSpan((int)bench.Forest.Forest.Grid.OffsetOf(root.Address))).Checksum);
        bench.StoreIsDown = false;
        bench.Settle();
        Assert.True(after.AsSpan().SequenceEqual(bench.Forest.Disk.Image));
        Assert.Equal(0ul, bench.Archive.RotRepaired);
        for (uint key = 0; key < ArchiveBench.Keys; key += 10) Assert.True(bench.TryRead(key, version: 5));
    }

    [Fact]
    public void APlaceThatStaysBrokenIsGivenUp()
    {
        using ArchiveBench bench = NewBench();
        foreach (ulong address in Acquired(bench))
            bench.Forest.Disk.Rotten.Add(bench.Forest.Forest.Grid.OffsetOf(address));
        Assert.False(bench.TryReopen());
        Assert.Equal(StateProblem.BlockCorrupt, bench.Forest.Forest.Problem);
        Assert.Equal(3ul, bench.Archive.RotRepaired);
    }

    [Fact]
    public void RepairAllocatesNothing()
    {
        using ArchiveBench bench = NewBench();
        FrozenObjectStore store = bench.Freeze();
        Assert.True(bench.TryReopen());
        List<ulong> blocks = Acquired(bench);
        long allocated = 0;
        for (int round = 0; round < 2; round++)
        {
            foreach (ulong address in blocks) bench.Damage(address);
            bench.Scrub();
            allocated = 0;
            bench.Archive.Tick();
            while (bench.Archive.IsRepairing)
            {
                while (!bench.Forest.Disk.Idle) bench.Forest.CompleteOne();
                long before = GC.GetAllocatedBytesForCurrentThread();
                bench.Archive.Tick();
                if (store.TryComplete(out uint token, out ObjectResult result))
                    bench.Archive.OnObject(token, in result);
                long used = GC.GetAllocatedBytesForCurrentThread() - before;
                // What the disk of the tests keeps of a write, which the archive has just asked for.
                if (bench.Forest.Disk.Idle) allocated += used;
            }
        }
        Assert.True(bench.Archive.RotRepaired > 100);
        Assert.Equal(0, allocated);
    }

    private static ArchiveBench NewBench(int cacheFrames = 420)
    {
        ArchiveBench bench = new(cacheFrames);
        bench.WriteAll(version: 1);
        bench.Checkpoint();
        bench.Settle();
        Assert.True(bench.Archive.Uploader.Failure.IsNone);
        Assert.Equal(bench.Forest.Op, bench.Archive.Uploader.OpCommitted);
        return bench;
    }

    private static List<ulong> Acquired(ArchiveBench bench)
    {
        List<ulong> blocks = [];
        for (ulong address = 1; address <= (ulong)bench.Sizes.Blocks; address++)
            if (bench.Forest.Forest.Grid.Free.IsAcquired(address)) blocks.Add(address);
        return blocks;
    }
}
