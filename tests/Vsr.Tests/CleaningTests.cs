using System;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;
using static Deterministic.Vsr.Tests.Support.ClusterCalls;

namespace Deterministic.Vsr.Tests;

/// <summary>Damage that nothing runs into is put right all the same, before a second misfortune makes it
/// matter.</summary>
public sealed class CleaningTests
{
    private const int ElectionTicks = 1000;

    /// <summary>As long as its journal has slots that it cannot read, a replica must not speak about the end of its log
    /// when it opens. A new one has no other slots.</summary>
    [Fact]
    public void A_replica_with_a_new_disk_is_soon_as_good_as_any_other()
    {
        using ClusterBench bench = new(3);
        bench.Run(ElectionTicks);
        TestClient client = Register(bench, 5);
        for (byte i = 0; i < 10; i++) Write(bench, client, i);
        byte lost = (byte)((bench.Primary() + 1) % 3);
        bench.Crash(lost, new Random(1));
        bench.Replace(lost);
        bench.Start(lost);
        bench.Run(ElectionTicks);
        Assert.True(bench.Marks.Count(Mark.JournalSlotCleaned) > 0);

        byte primary = (byte)bench.Primary();
        bench.Crash(lost, new Random(2));
        bench.Crash(primary, new Random(3));
        bench.Start(lost);
        bench.Run(ElectionTicks);
        Header reply = Write(bench, client, 77);
        Assert.Equal(12UL, reply.Reply.Op);
        Assert.Equal(reply.Reply.Op, bench.Nodes[lost].Replica!.CommitMin);
    }

    /// <summary>Somebody asks for an entry, and so it comes out that it has rotted.</summary>
    [Fact]
    public void An_entry_that_was_run_and_has_rotted_is_written_again()
    {
        using ClusterBench bench = new(3);
        bench.Run(ElectionTicks);
        TestClient client = Register(bench, 5);
        for (byte i = 0; i < 10; i++) Write(bench, client, i);
        byte holder = (byte)((bench.Primary() + 1) % 3);
        byte asker = (byte)((bench.Primary() + 2) % 3);
        DataFileLayout layout = new(bench.Configuration);
        MemoryFile file = bench.Nodes[holder].File;
        int offset = (int)layout.PrepareOffset(layout.SlotOf(5));
        Header entry = Header.Read(file.Bytes.AsSpan(offset));
        Assert.Equal(5UL, entry.Prepare.Op);
        file.Corrupt(offset + 200);

        Header get = Header.Create(Command.GetPrepare, Bench.Cluster, bench.Nodes[asker].Replica!.View, asker);
        get.GetPrepare = new GetPrepareFields { Op = 5, PrepareChecksum = entry.Checksum };
        get.SetChecksumBody([]);
        get.SetChecksum();
        byte[] bytes = new byte[Limits.HeaderSize];
        get.WriteTo(bytes);
        bench.Forge(new ClusterBench.Packet(asker, holder, 0, bytes));
        bench.Run(200);
        Assert.Equal(entry, Header.Read(file.Bytes.AsSpan(offset)));
    }

    [Fact]
    public void A_reply_that_has_rotted_is_read_now_and_then_and_got_from_another_replica()
    {
        using ClusterBench bench = new(3);
        bench.Run(ElectionTicks);
        TestClient client = Register(bench, 5);
        Write(bench, client, new byte[Limits.SectorSize]);
        bench.Run(20);
        byte rotten = (byte)((bench.Primary() + 1) % 3);
        MemoryFile file = bench.Nodes[rotten].File;
        int offset = (int)new DataFileLayout(bench.Configuration).ReplyOffset(0);
        byte[] sound = file.Bytes.AsSpan(offset, 2 * Limits.SectorSize).ToArray();
        Assert.Equal(Command.Reply, Header.Read(sound).Command);
        file.Corrupt(offset + Limits.HeaderSize);
        bench.Run(1000);
        Assert.Equal(sound, file.Bytes.AsSpan(offset, 2 * Limits.SectorSize).ToArray());
    }

    /// <summary>After a restart it would take slots that it has filled since for all that it ever had.</summary>
    [Fact]
    public void What_a_new_disk_may_have_forgotten_is_remembered_over_a_restart()
    {
        using ClusterBench bench = new(3);
        bench.Run(ElectionTicks);
        TestClient client = Register(bench, 5);
        for (byte i = 0; i < 10; i++) Write(bench, client, i);
        byte lost = (byte)((bench.Primary() + 1) % 3);
        Assert.Equal(0UL, Forgotten(bench, lost));
        bench.Crash(lost, new Random(1));
        bench.Replace(lost);
        bench.Start(lost);
        bench.Run(ElectionTicks);
        Assert.Equal(11UL, Forgotten(bench, lost));
        Write(bench, client, 77);
        bench.Crash(lost, new Random(2));
        bench.Start(lost);
        bench.Run(ElectionTicks);
        Assert.Equal(11UL, Forgotten(bench, lost));
    }

    /// <summary>What the newest copy of the superblock says.</summary>
    private static ulong Forgotten(ClusterBench bench, byte index)
    {
        ReadOnlySpan<byte> file = bench.Nodes[index].File.Bytes;
        SuperblockCopy newest = default;
        for (int i = 0; i < Limits.SuperblockCopies; i++)
        {
            SuperblockCopy copy = SuperblockCopy.Read(
                file.Slice((int)DataFileLayout.SuperblockOffset(i), SuperblockCopy.Size));
            if (copy.Sequence > newest.Sequence) newest = copy;
        }
        return newest.ForgottenOp;
    }
}
