using System;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;

namespace Deterministic.Vsr.Tests;

public sealed class JournalTests
{
    private static Bench WithEntries(int count, out TestClient client)
    {
        Bench bench = new Bench().Open();
        client = bench.Register(5);
        for (int i = 0; i < count; i++) bench.Call(client, "an entry"u8);
        return bench;
    }

    [Fact]
    public void Torn_write_of_the_last_prepare_is_cut()
    {
        using Bench bench = WithEntries(3, out TestClient client);
        client.Make(Bench.Cluster, Operation.Write, "never acknowledged"u8);
        bench.Deliver(client.Request);
        bench.File.Bytes.AsSpan((int)bench.Layout.PrepareOffset(5), 300).Fill(0xee);
        bench.Restart().Open();
        Assert.Equal(ReplicaStatus.Normal, bench.Replica.Status);
        Assert.Equal(1, bench.Replica.TornJournalSlots);
        Assert.Equal(3ul, bench.StateMachine.Count);
        bench.Deliver(client.Request);
        bench.Settle();
        Assert.Equal(5ul, bench.Bus.LastHeader.Reply.Op);
    }

    [Fact]
    public void Corrupt_slot_in_the_middle_stops_the_open_with_the_slots_number()
    {
        using Bench bench = WithEntries(5, out _);
        bench.File.Corrupt(bench.Layout.PrepareOffset(3) + Limits.HeaderSize);
        bench.Restart().Open();
        Assert.Equal(StopReason.JournalSlotUnreadable, bench.Replica.StopReason);
        Assert.Equal(3, bench.Replica.StopSlot);
        Assert.Equal(3ul, bench.Replica.StopOp);
        Assert.Contains("slot 3, op 3", bench.Replica.StopText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Corrupt_head_that_was_acknowledged_is_not_cut()
    {
        using Bench bench = WithEntries(5, out _);
        bench.File.Corrupt(bench.Layout.PrepareOffset(6) + Limits.HeaderSize);
        bench.Restart().Open();
        Assert.Equal(StopReason.JournalSlotUnreadable, bench.Replica.StopReason);
        Assert.Equal(6, bench.Replica.StopSlot);
    }

    [Fact]
    public void Lost_sector_of_headers_is_written_again()
    {
        using Bench bench = WithEntries(5, out _);
        bench.File.Bytes.AsSpan((int)bench.Layout.HeaderSectorOffset(0), Limits.SectorSize).Fill(0x11);
        bench.Restart().Open();
        Assert.Equal(ReplicaStatus.Normal, bench.Replica.Status);
        Assert.Equal(DataFileLayout.HeadersPerSector, bench.Replica.FixedJournalHeaders);
        Assert.Equal(5ul, bench.StateMachine.Count);
        bench.Restart().Open();
        Assert.Equal(0, bench.Replica.FixedJournalHeaders);
    }

    [Fact]
    public void A_sector_of_headers_that_cannot_be_read_costs_no_other_sector()
    {
        using Bench bench = WithEntries(5, out _);
        bench.File.UnreadableAt = bench.Layout.HeaderSectorOffset(1);
        bench.Restart().Open();
        Assert.Equal(ReplicaStatus.Normal, bench.Replica.Status);
        Assert.True(bench.Layout.JournalHeaderSectors > 1);
        Assert.Equal(DataFileLayout.HeadersPerSector, bench.Replica.FixedJournalHeaders);
        Assert.Equal(5ul, bench.StateMachine.Count);
    }

    [Fact]
    public void Prepare_in_the_wrong_slot_is_not_taken()
    {
        using Bench bench = WithEntries(5, out _);
        Span<byte> file = bench.File.Bytes;
        file.Slice((int)bench.Layout.PrepareOffset(4), 4096).CopyTo(file[(int)bench.Layout.PrepareOffset(3)..]);
        bench.Restart().Open();
        Assert.Equal(StopReason.JournalSlotUnreadable, bench.Replica.StopReason);
        Assert.Equal(3, bench.Replica.StopSlot);
    }

    [Fact]
    public void Entry_that_went_back_in_time_is_noticed()
    {
        using Bench bench = WithEntries(2, out TestClient client);
        byte[] old = bench.File.Bytes.AsSpan((int)bench.Layout.PrepareOffset(3), 4096).ToArray();
        for (int i = 0; i < 32; i++) bench.Call(client, "next turn"u8);
        bench.File.Write(bench.Layout.PrepareOffset(3), old);
        bench.Restart().Open();
        Assert.Equal(StopReason.JournalSlotUnreadable, bench.Replica.StopReason);
        Assert.Equal(35ul, bench.Replica.StopOp);
    }

    [Fact]
    public void Damage_to_the_checkpoint_stops_the_open()
    {
        using Bench bench = WithEntries(30, out _);
        Assert.True(bench.Replica.CheckpointOp > 0);
        SuperblockReport superblock = DataFileInspection.Superblock(new DataFileTests.Source(bench.File));
        long root = bench.Layout.BlockOffset(superblock.Working.Checkpoint.Root.Address);
        bench.File.Corrupt(root + 300);
        bench.Restart().Open();
        Assert.Equal(StopReason.BlockCorrupt, bench.Replica.StopReason);
        bench.File.Corrupt(root + 300);
        bench.Restart().Open();
        Assert.Equal(ReplicaStatus.Normal, bench.Replica.Status);
        bench.Restart();
        bench.StateMachine.RefuseRestore = true;
        Assert.Equal(StopReason.CheckpointRefused, bench.Open().Replica.StopReason);
    }

    /// <summary>The disk gave back what it had held before the first entry: the checkpoint proves that there was
    /// more.</summary>
    [Fact]
    public void A_journal_that_ends_before_the_checkpoint_stops_the_open()
    {
        using Bench bench = WithEntries(30, out _);
        Assert.True(bench.Replica.CheckpointOp > 0);
        byte[] formatted = Bench.Format(bench.Configuration).Bytes;
        int start = (int)bench.Layout.JournalHeadersOffset;
        int size = (int)bench.Layout.RepliesOffset - start;
        formatted.AsSpan(start, size).CopyTo(bench.File.Bytes.AsSpan(start));
        bench.Restart().Open();
        Assert.Equal(StopReason.JournalTooShort, bench.Replica.StopReason);
        Assert.Equal(bench.Replica.CheckpointOp, bench.Replica.StopOp);
    }
}
