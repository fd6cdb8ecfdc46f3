using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.TestSupport;
using FsCheck;
using FsCheck.Fluent;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Storage.Tests.Checkpoints;

/// <summary>A checkpoint whose blocks have right checksums and make no sense is refused, or is a damaged block when
/// that is read, or does no harm. Nothing is thrown and nothing hangs.</summary>
public sealed class ForgedCheckpointTests(ITestOutputHelper output)
{
    private static readonly List<(byte[] Grid, BlockReference Root)> Checkpoints = CheckpointProbe.MakeCheckpoints();

    [Fact]
    public void WhatIsNotForgedOpensAndSomeOfItIsAmidAMerge()
    {
        int merging = 0;
        var kinds = new SortedSet<BlockKind>();
        foreach ((byte[] grid, BlockReference root) in Checkpoints)
        {
            Assert.Equal(OpenResult.Opened, CheckpointProbe.Try(grid, in root, out bool used));
            Assert.True(used);
            ForgedCheckpoint checkpoint = Take(grid, root);
            for (int block = 0; block < checkpoint.Count; block++) kinds.Add(checkpoint.KindOf(block));
            if (checkpoint.SizeOf(2) > 100) merging++;
        }
        Assert.InRange(merging, 2, Checkpoints.Count - 1);
        Assert.Equal(6, kinds.Count);
    }

    [Fact]
    public void AnyChangeIsRefusedOrFoundOrHarmless()
    {
        int[] outcomes = new int[4];
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), (int seed) =>
        {
            var random = new Random(seed);
            for (int i = 0; i < 8; i++)
            {
                byte[] edit = new byte[CheckpointEdit.Size];
                random.NextBytes(edit);
                (byte[] grid, BlockReference root) = Checkpoints[random.Next(Checkpoints.Count)];
                ForgedCheckpoint checkpoint = Take(grid, root);
                CheckpointEdit.Apply(edit, checkpoint);
                OpenResult result = CheckpointProbe.Try(grid, checkpoint.Root, out bool used);
                checkpoint.Restore();
                outcomes[used ? 3 : (int)result]++;
            }
        }).QuickCheckThrowOnFailure();
        output.WriteLine($"open waits for a block {outcomes[0]}, a block is damaged later {outcomes[1]}, " +
            $"refused {outcomes[2]}, harmless {outcomes[3]}");
        Assert.True(outcomes[1] > 50 && outcomes[2] > 100 && outcomes[3] > 50);
    }

    private static ForgedCheckpoint Take(byte[] grid, BlockReference root) =>
        new(grid, CheckpointProbe.BlockSize, root, CheckpointProbe.TreeCount);
}
