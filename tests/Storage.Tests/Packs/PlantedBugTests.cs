using System.Collections.Generic;
using System.Text;
using Deterministic.Core.Wire;
using Deterministic.Storage.Packs;
using Deterministic.Storage.Tests.Support;
using Xunit;

namespace Deterministic.Storage.Tests.Packs;

/// <summary>What goes wrong is seen: by the uploader if it can, else by whoever restores.</summary>
public sealed class PlantedBugTests
{
    [Fact]
    public void APutThatTheStoreForgetsIsPutAgain()
    {
        using UploadBench bench = new(seed: 1, faulty: false);
        int forgotten = 0;
        bench.Store.Forgets = key => !key.EndsWith("catalog", System.StringComparison.Ordinal) && forgotten++ < 2;
        bench.Write(200, keySpace: 200);
        bench.Checkpoint();
        bench.Settle();
        Assert.Equal(2u, bench.Uploader.PutsLost);
        Assert.Equal(1, bench.CheckAll());
    }

    [Fact]
    public void AStoreThatForgetsEveryPackIsRefused()
    {
        using UploadBench bench = new(seed: 1, faulty: false);
        bench.Store.Forgets = key => key.Contains("packs/");
        bench.Write(200, keySpace: 200);
        bench.Checkpoint();
        bench.Settle();
        Assert.Equal(PacksProblem.ObjectDamaged, bench.Uploader.Failure.Problem);
        Assert.Equal(0, bench.CheckAll());
    }

    /// <summary>An upload is acknowledged, and read back, before it is durable: no client can know.</summary>
    [Fact]
    public void AnAcknowledgedPackThatIsLostLaterIsReportedByTheRestore()
    {
        using UploadBench bench = new(seed: 1, faulty: false);
        int forgotten = 0;
        bench.Store.ForgetsOnceRead = key => key.Contains("packs/") && forgotten++ == 0;
        bench.Write(2000, keySpace: 2000);
        bench.Checkpoint();
        bench.Settle();
        Assert.Equal(1u, bench.Uploader.CheckpointsCommitted);
        Assert.Equal(default, bench.Restore(CheckpointChoice.Latest, out PacksFailure failure));
        Assert.Equal(PacksProblem.ObjectMissing, failure.Problem);
        // The next run finds out too, and puts what is missing.
        bench.Crash();
        bench.Settle();
        Assert.NotEqual(default, bench.Restore(CheckpointChoice.Latest, out failure));
        Assert.True(failure.IsNone);
    }

    [Fact]
    public void DamageAnywhereIsReported()
    {
        using UploadBench bench = new(seed: 2, faulty: false);
        bench.Write(300, keySpace: 300);
        bench.Checkpoint();
        bench.Settle();
        foreach (KeyValuePair<string, byte[]> each in bench.Store.Objects)
        {
            // The header of a pack is not read when it is restored.
            for (int at = PackFile.HeaderSize; at < each.Value.Length; at += 1 + each.Value.Length / 20)
            {
                each.Value[at] ^= 16;
                Assert.Equal(default, bench.Restore(CheckpointChoice.Latest, out PacksFailure failure));
                Assert.Equal(PacksProblem.ObjectDamaged, failure.Problem);
                each.Value[at] ^= 16;
            }
        }
        Assert.Equal(1, bench.CheckAll());
    }

    [Fact]
    public void ABlockThatIsFreedOneCheckpointEarlyIsReported()
    {
        using UploadBench bench = new(seed: 3, faulty: false);
        bench.Write(300, keySpace: 300);
        bench.Checkpoint();
        BlockReference root = bench.Forest.Root;
        // Something else has been written where a block of this very checkpoint is.
        bench.Forest.Disk.Image[(long)(root.Address - 1) * ForestBench.BlockSize + 300] ^= 1;
        bench.Settle();
        Assert.Equal(root.Address, bench.Uploader.CorruptAddress);
        Assert.Equal(0u, bench.Uploader.CheckpointsCommitted);
        Assert.Equal(0, bench.CheckAll());
    }

    [Fact]
    public void SnapshotsKeepTheirCheckpointsAlive()
    {
        using UploadBench bench = new(seed: 4, faulty: false, keep: 1);
        bench.Write(300, keySpace: 300);
        bench.Checkpoint();
        bench.Settle();
        Assert.True(Edit(bench, editor => editor.Create(CheckpointChoice.Latest, "monday"u8)).IsNone);
        for (int round = 0; round < 8; round++)
        {
            bench.Write(200, keySpace: 300);
            bench.Checkpoint();
            bench.Settle();
        }
        Assert.True(bench.Uploader.ObjectsDeleted > 0);
        Assert.Equal(2, bench.CheckAll());
        Assert.True(CheckpointChoice.TryParse("monday"u8, out CheckpointChoice monday));
        Assert.NotEqual(default, bench.Restore(monday, out PacksFailure failure));
        Assert.Equal(PacksProblem.NameTaken,
            Edit(bench, editor => editor.Create(CheckpointChoice.Latest, "monday"u8)).Problem);
        Assert.True(Edit(bench, editor => editor.Delete("monday"u8)).IsNone);
        bench.Restore(monday, out failure);
        Assert.Equal(PacksProblem.NoCheckpoint, failure.Problem);
        Assert.Equal(1, bench.CheckAll());
    }

    [Fact]
    public void ARottenBlockIsFetched()
    {
        using UploadBench bench = new(seed: 5, faulty: false);
        bench.Write(600, keySpace: 600);
        bench.Checkpoint();
        bench.Settle();
        using Deterministic.Core.Memory.StaticMemory memory = new();
        BlockFetcher fetcher = new(memory, UploadBench.Options(bench.Store));
        BlockReference root = bench.Forest.Root;
        Fetch(bench, fetcher, root);
        Assert.True(fetcher.IsDone);
        Assert.True(bench.Forest.Forest.Grid.IsSound(fetcher.Block, in root));
        Fetch(bench, fetcher, new BlockReference(root.Address, root.Checksum + 1));
        Assert.Equal(PacksProblem.NoBlock, fetcher.Failure.Problem);
    }

    private static void Fetch(UploadBench bench, BlockFetcher fetcher, BlockReference block)
    {
        fetcher.Start(in block);
        while (!fetcher.IsIdle)
        {
            uint token = bench.Store.Complete(out Core.Objects.ObjectResult result);
            fetcher.OnObject(token, in result);
        }
    }

    private static PacksFailure Edit(UploadBench bench, System.Action<SnapshotEditor> what)
    {
        using Deterministic.Core.Memory.StaticMemory memory = new();
        SnapshotEditor editor = new(memory, UploadBench.Options(bench.Store));
        what(editor);
        while (!editor.IsDone && editor.Failure.IsNone)
        {
            uint token = bench.Store.Complete(out Core.Objects.ObjectResult result);
            editor.OnObject(token, in result);
        }
        return editor.Failure;
    }
}
