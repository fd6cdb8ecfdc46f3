using System;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;

namespace Deterministic.Vsr.Tests;

/// <summary>A new data file made out of a checkpoint of another one.</summary>
public sealed class CheckpointRecordTests
{
    private const ulong Interval = 20;

    [Fact]
    public void A_recovered_file_goes_on_right_after_its_checkpoint_in_a_higher_view()
    {
        using Bench lost = new Bench().Open();
        TestClient client = lost.Register(5);
        for (ulong op = 2; op < 2 * Interval; op++) lost.Call(client, "before"u8);
        ulong count = lost.StateMachine.Count;
        UInt128 hash = lost.StateMachine.Hash;
        for (int i = 0; i < 5; i++) lost.Call(client, "lost"u8);

        using Bench recovered = new(file: Recover(lost, out _));
        recovered.Open();
        Assert.Equal(ReplicaStatus.Normal, recovered.Replica.Status);
        Assert.Equal(2 * Interval - 1, recovered.Replica.Op);
        Assert.Equal(2 * Interval - 1, recovered.Replica.CheckpointOp);
        Assert.Equal(lost.Replica.CheckpointId, recovered.Replica.CheckpointId);
        Assert.True(recovered.Replica.View > 1u << 16);
        Assert.Equal(count, recovered.StateMachine.Count);
        Assert.Equal(hash, recovered.StateMachine.Hash);

        TestClient other = recovered.Register(6);
        Assert.Equal(2 * Interval, other.Session);
        for (int i = 0; i < 50; i++) recovered.Call(other, "after"u8);
        recovered.Restart().Open();
        Assert.Equal(ReplicaStatus.Normal, recovered.Replica.Status);
        Assert.Equal(count + 50, recovered.StateMachine.Count);
    }

    /// <summary>The first entry after the checkpoint may also fall on the slot that a new file has its root
    /// in.</summary>
    [Fact]
    public void The_first_entry_of_a_recovered_file_may_be_torn_in_any_slot()
    {
        for (ulong checkpoints = 1; checkpoints <= 8; checkpoints++)
        {
            using Bench lost = new Bench().Open();
            TestClient client = lost.Register(5);
            for (ulong op = 2; op < checkpoints * Interval; op++) lost.Call(client, "before"u8);
            MemoryFile file = Recover(lost, out SuperblockCopy superblock);
            using Bench recovered = new(file: file);
            int slot = recovered.Layout.SlotOf(superblock.Checkpoint.Op + 1);
            for (int i = 0; i < Limits.HeaderSize; i++) file.Corrupt(recovered.Layout.PrepareOffset(slot) + i);
            recovered.Open();
            Assert.Equal(StopReason.None, recovered.Replica.StopReason);
            Assert.Equal(checkpoints * Interval - 1, recovered.Replica.Op);
            Assert.Equal(checkpoints * Interval, recovered.Register(6).Session);
        }
    }

    [Fact]
    public void A_recovery_cut_short_never_yields_a_file_that_opens_halfway()
    {
        using Bench lost = Loaded();
        const int untilSecondCopy = 4 + 32 + 1 + 2;
        for (int writes = 0; writes <= untilSecondCopy + 2; writes++)
        {
            using Bench recovered = new(file: Recover(lost, out _, writes));
            recovered.Open();
            bool whole = writes >= untilSecondCopy;
            Assert.Equal(whole ? ReplicaStatus.Normal : ReplicaStatus.Stopped, recovered.Replica.Status);
        }
    }

    [Fact]
    public void A_record_is_the_same_after_every_restart()
    {
        using Bench lost = Loaded();
        byte[] before = Record(lost);
        lost.Restart().Open();
        lost.Restart().Open();
        Assert.Equal(before, Record(lost));
    }

    [Fact]
    public void A_damaged_record_is_refused_or_read_but_never_trips_a_check()
    {
        using Bench lost = Loaded();
        byte[] record = Record(lost);
        Random random = new(1);
        for (int i = 0; i < 10_000; i++)
        {
            byte[] damaged = record.AsSpan().ToArray();
            for (int j = random.Next(1, 4); j > 0; j--) damaged[random.Next(damaged.Length)] ^= (byte)random.Next(256);
            if (CheckpointRecord.Read(damaged, out SuperblockCopy read) != StopReason.None) continue;
            Assert.NotNull(read.Configuration());
        }
        Assert.NotEqual(StopReason.None, CheckpointRecord.Read(record.AsSpan(1), out _));
        Assert.NotEqual(StopReason.None, CheckpointRecord.Read(new byte[CheckpointRecord.Size], out _));
    }

    [Fact]
    public void Files_of_one_checkpoint_can_be_told_apart()
    {
        using Bench lost = Loaded();
        Assert.NotEqual(IdOf(Recover(lost, out _, nonce: 1)), IdOf(Recover(lost, out _, nonce: 2)));
    }

    /// <summary>The files of all were lost; the record of one of them, and the blocks that all had alike, make a
    /// cluster again.</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void All_replicas_of_a_cluster_go_on_from_the_record_of_one(int replicas)
    {
        using ClusterBench lost = new(replicas);
        lost.Run(1000);
        TestClient client = ClusterCalls.Register(lost, 5);
        for (ulong op = 2; op < Interval + 10; op++) ClusterCalls.Write(lost, client, (byte)op);
        lost.Run(100);
        byte keeper = (byte)((lost.Primary() + 1) % replicas);
        MemoryFile kept = lost.Nodes[keeper].File;
        SuperblockCopy newest = DataFileInspection.Superblock(new DataFileTests.Source(kept)).Working;
        byte[] record = new byte[CheckpointRecord.Size];
        CheckpointRecord.Write(in newest, record);

        using ClusterBench recovered = new(replicas);
        for (byte i = 0; i < replicas; i++)
        {
            recovered.Crash(i, new Random(i));
            Assert.Equal(StopReason.None, CheckpointRecord.Read(record, out SuperblockCopy superblock));
            superblock.ReplicaIndex = i;
            recovered.Nodes[i].File = Made(superblock, new DataFileLayout(lost.Configuration), kept);
        }
        for (byte i = 0; i < replicas; i++) recovered.Start(i);
        recovered.Run(1000);
        Assert.All(recovered.Nodes, node => Assert.Equal(Interval - 1, node.Replica!.CommitMin));
        TestClient other = ClusterCalls.Register(recovered, 6);
        Assert.Equal(Interval, other.Session);
        for (byte i = 0; i < 50; i++) ClusterCalls.Write(recovered, other, i);
        recovered.Run(100);
        Assert.All(recovered.Nodes, node => Assert.Equal(Interval + 50, node.Replica!.CommitMin));
        const ulong writesBefore = Interval - 2;
        Assert.All(recovered.Nodes, node => Assert.Equal(writesBefore + 50, node.Machine.Count));
    }

    private static MemoryFile Made(SuperblockCopy superblock, DataFileLayout layout, MemoryFile blocks)
    {
        MemoryFile file = new(layout);
        DataFileFormat.StartRecovery(in superblock, ref file);
        int grid = (int)layout.GridOffset;
        blocks.Bytes.AsSpan(grid).CopyTo(file.Bytes.AsSpan(grid));
        DataFileFormat.FinishRecovery(in superblock, ref file, superblock.ReplicaIndex);
        return file;
    }

    private static UInt128 IdOf(MemoryFile file) =>
        DataFileInspection.Superblock(new DataFileTests.Source(file)).Working.ReplicaId;

    private static Bench Loaded()
    {
        Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        for (ulong op = 2; op <= Interval; op++) bench.Call(client, "before"u8);
        return bench;
    }

    private static byte[] Record(Bench bench)
    {
        SuperblockReport report = DataFileInspection.Superblock(new DataFileTests.Source(bench.File));
        byte[] record = new byte[CheckpointRecord.Size];
        CheckpointRecord.Write(report.Working, record);
        return record;
    }

    private static MemoryFile Recover(
        Bench lost, out SuperblockCopy superblock, int writes = -1, UInt128 nonce = default)
    {
        Assert.Equal(StopReason.None, CheckpointRecord.Read(Record(lost), out superblock));
        MemoryFile file = new(lost.Layout) { SinkWritesLeft = writes };
        DataFileFormat.StartRecovery(in superblock, ref file);
        int grid = (int)lost.Layout.GridOffset;
        lost.File.Bytes.AsSpan(grid).CopyTo(file.Bytes.AsSpan(grid));
        DataFileFormat.FinishRecovery(in superblock, ref file, nonce);
        file.SinkWritesLeft = -1;
        return file;
    }
}
