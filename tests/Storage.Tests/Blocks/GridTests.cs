using System;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Tests.Support;
using Xunit;

namespace Deterministic.Storage.Tests.Blocks;

public sealed class GridTests
{
    private const int BodySize = GridBench.BlockSize - 256;

    [Fact]
    public void ABlockIsThereAfterItWasAskedForAndStaysForTheEra()
    {
        using GridBench bench = new();
        BlockReference block = bench.Write(content: 5, size: 1000);
        Assert.True(bench.Grid.TryGet(in block, out ReadOnlySpan<byte> body));
        Assert.Equal(1000, body.Length);
        FillCache(bench);
        Assert.False(bench.Grid.TryGet(in block, out _));
        Assert.False(bench.Grid.Request(in block));
        bench.CompleteAll();
        Assert.True(bench.Grid.TryGet(in block, out body));
        Assert.True(body.IndexOfAnyExcept((byte)5) < 0);
        // The era goes on: nothing drives it out, rather there are no frames left.
        int taken = 0;
        while (bench.Grid.TryBuild() >= 0) taken++;
        Assert.Equal(bench.Grid.CacheFrames - 1, taken);
        Assert.True(bench.Grid.Starved && bench.Grid.TryGet(in block, out _));
    }

    [Fact]
    public void WhatIsUsedOftenOutlastsWhatIsUsedOnce()
    {
        using GridBench bench = new();
        BlockReference often = bench.Write(1, 100);
        BlockReference once = bench.Write(2, 100);
        for (int i = 0; i < 4; i++) Assert.False(bench.Read(in often));
        bench.Grid.NextEra();
        for (int i = 0; i < bench.Grid.CacheFrames + 20; i++) bench.Write(3, 10);
        Assert.False(bench.Read(in often));
        Assert.True(bench.Read(in once));
    }

    [Fact]
    public void AFrameOutOfCirculationGivesItsMemoryBackOnceNobodyNeedsIt()
    {
        using GridBench bench = new(framesExtra: 100);
        Grid grid = bench.Grid;
        var blocks = new BlockReference[grid.CacheFrames];
        for (int i = 0; i < blocks.Length; i++) blocks[i] = bench.Write((byte)i, 200);
        Assert.Equal(grid.CacheFrames, grid.CacheFramesResident);
        Assert.Equal(0, bench.FramesGivenBack);
        // All but the last are used in the era, so only the last can go.
        for (int i = 0; i < blocks.Length - 1; i++) Assert.True(grid.Request(in blocks[i]));
        grid.CacheFramesUsable = grid.CacheFrames - 100;
        Assert.Equal(1, bench.FramesGivenBack);
        Assert.Equal(grid.CacheFrames - 1, grid.CacheFramesResident);
        for (int i = 0; i < blocks.Length - 1; i++) Assert.True(grid.TryGet(in blocks[i], out _));
        grid.NextEra();
        grid.CacheFramesUsable = grid.CacheFrames - 100;
        Assert.Equal(100, bench.FramesGivenBack);
        Assert.Equal(grid.CacheFrames - 100, grid.CacheFramesResident);
        for (int i = 0; i < blocks.Length; i++)
        {
            bench.Read(in blocks[i]);
            Assert.True(grid.TryGet(in blocks[i], out ReadOnlySpan<byte> body));
            Assert.True(body.IndexOfAnyExcept((byte)i) < 0);
            Assert.True(grid.CacheFramesResident <= grid.CacheFramesUsable);
            grid.NextEra();
        }
        grid.CacheFramesUsable = grid.CacheFrames;
        int taken = 0;
        while (grid.TryBuild() >= 0) taken++;
        Assert.Equal(grid.CacheFrames, taken);
    }

    [Fact]
    public void AScanDoesNotDriveOutWhatIsUsed()
    {
        using GridBench bench = new();
        var cold = new BlockReference[bench.Grid.CacheFrames + 50];
        for (int i = 0; i < cold.Length; i++) cold[i] = bench.Write(1, 10);
        BlockReference used = bench.Write(2, 100);
        bench.Read(in used);
        bench.Grid.NextEra();
        bench.Grid.Scanning = true;
        foreach (BlockReference block in cold)
        {
            bench.Read(in block);
            bench.Grid.NextEra();
        }
        bench.Grid.Scanning = false;
        Assert.False(bench.Read(in used));
    }

    [Fact]
    public void PartsOfALargeValueComeToLieInOnePiece()
    {
        using GridBench bench = new();
        byte[] references = WriteParts(bench, BodySize, BodySize, 700);
        FillCache(bench);
        BlockReference first = BlockReference.Read(references);
        Assert.False(bench.Grid.RequestRun(references, BlockReference.Size, 3));
        Assert.False(bench.Grid.IsRunResident(in first, 3));
        bench.CompleteAll();
        Assert.True(bench.Grid.RequestRun(references, BlockReference.Size, 3));
        CheckParts(bench.Grid.RunBody(in first, 2 * BodySize + 700));
    }

    [Fact]
    public void ADamagedBlockIsAFaultUntilItIsRepaired()
    {
        using GridBench bench = new();
        BlockReference block = bench.Write(9, 300);
        byte[] whole = WholeBlock(bench, in block);
        bench.Disk.Image[(int)bench.Grid.OffsetOf(block.Address) + 400] ^= 1;
        FillCache(bench);
        bench.Read(in block);
        Assert.True(bench.Grid.TryFault(out BlockReference fault));
        Assert.Equal(block, fault);
        byte[] wrong = (byte[])whole.Clone();
        wrong[400] ^= 1;
        Assert.False(bench.Grid.TryRepair(in block, wrong));
        Assert.True(bench.Grid.TryRepair(in block, whole));
        bench.CompleteAll();
        Assert.False(bench.Grid.TryFault(out _));
        Assert.True(bench.Grid.TryGet(in block, out ReadOnlySpan<byte> body));
        Assert.True(body.IndexOfAnyExcept((byte)9) < 0);
        Assert.True(whole.AsSpan(0, 556).SequenceEqual(WholeBlock(bench, in block).AsSpan(0, 556)));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void ARepairedPartLeavesTheValueWhole(int part)
    {
        using GridBench bench = new();
        byte[] references = WriteParts(bench, BodySize, BodySize, 700);
        BlockReference first = BlockReference.Read(references);
        BlockReference damaged = BlockReference.Read(references.AsSpan(part * BlockReference.Size));
        byte[] whole = WholeBlock(bench, in damaged);
        bench.Disk.Image[(int)bench.Grid.OffsetOf(damaged.Address) + 300] ^= 1;
        FillCache(bench);
        bench.Grid.RequestRun(references, BlockReference.Size, 3);
        bench.CompleteAll();
        Assert.True(bench.Grid.TryFault(out BlockReference fault));
        Assert.Equal(damaged, fault);
        Assert.True(bench.Grid.TryRepair(in damaged, whole));
        bench.CompleteAll();
        Assert.False(bench.Grid.TryFault(out _));
        for (int round = 0; round < 3 && !bench.Grid.RequestRun(references, BlockReference.Size, 3); round++)
            bench.CompleteAll();
        CheckParts(bench.Grid.RunBody(in first, 2 * BodySize + 700));
        Assert.True(bench.Grid.IsSound(WholeBlock(bench, in damaged), in damaged));
    }

    private static byte[] WriteParts(GridBench bench, params int[] sizes)
    {
        byte[] references = new byte[sizes.Length * BlockReference.Size];
        for (int i = 0; i < sizes.Length; i++)
        {
            BlockReference part = bench.Write((byte)(i + 1), sizes[i], BlockKind.LargeValue);
            part.WriteTo(references.AsSpan(i * BlockReference.Size));
        }
        return references;
    }

    private static void CheckParts(ReadOnlySpan<byte> value)
    {
        Assert.True(value[..BodySize].IndexOfAnyExcept((byte)1) < 0);
        Assert.True(value[BodySize..(2 * BodySize)].IndexOfAnyExcept((byte)2) < 0);
        Assert.True(value[(2 * BodySize)..].IndexOfAnyExcept((byte)3) < 0);
    }

    private static byte[] WholeBlock(GridBench bench, in BlockReference block) =>
        bench.Disk.Image.AsSpan((int)bench.Grid.OffsetOf(block.Address), GridBench.BlockSize).ToArray();

    /// <summary>Builds blocks that are thrown away in all frames of the cache.</summary>
    private static void FillCache(GridBench bench)
    {
        bench.Grid.NextEra();
        var frames = new int[bench.Grid.CacheFrames];
        for (int i = 0; i < frames.Length; i++) frames[i] = bench.Grid.TryBuild();
        foreach (int frame in frames) bench.Grid.Abandon(frame);
        bench.Grid.NextEra();
    }
}
