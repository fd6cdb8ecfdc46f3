using System;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;
using static Deterministic.Vsr.Tests.Support.ClusterCalls;

namespace Deterministic.Vsr.Tests;

/// <summary>A standby takes the place of a replica that is gone for good.</summary>
public sealed class PromotionTests
{
    private const int ElectionTicks = 1000;
    private const byte Standby = 3;

    private static ClusterBench Ready(out TestClient client, out byte primary)
    {
        ClusterBench bench = new(3, standbys: 1);
        bench.Run(ElectionTicks);
        client = Register(bench, 5);
        primary = (byte)bench.Primary();
        return bench;
    }

    private static void Promote(ClusterBench bench, byte index)
    {
        if (bench.Nodes[Standby].Replica is not null) bench.Crash(Standby, new Random(1));
        bench.Promote(Standby, index);
        bench.Start(index);
    }

    /// <summary>And needs no block of the others, however many there are.</summary>
    [Fact]
    public void A_promoted_standby_goes_on_with_what_it_has_and_counts()
    {
        using ClusterBench bench = Ready(out TestClient client, out byte primary);
        for (int i = 0; i < 2 * bench.Configuration.JournalSlots; i++) Write(bench, client, (byte)i);
        bench.Run(50);
        byte gone = (byte)((primary + 1) % 3);
        byte other = (byte)((primary + 2) % 3);
        bench.Crash(gone, new Random(1));
        Promote(bench, gone);
        bench.Run(2 * ElectionTicks);
        Write(bench, client, 1);
        bench.Run(100);
        Assert.Equal(bench.CommittedMax, bench.Nodes[gone].Replica!.CommitMin);
        Assert.Equal(0UL, bench.Marks.Count(Mark.CheckpointTaken));
        Assert.Equal(0UL, bench.Marks.Count(Mark.BlockRepaired));
        bench.Crash(other, new Random(1));
        Header reply = Write(bench, client, 2);
        Assert.Equal(bench.CommittedMax, reply.Reply.Op);
    }

    /// <summary>What the replica had acknowledged with its own disk may be all that a quorum had.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(40)]
    public void A_promoted_standby_denies_no_entry_even_after_restarts(int ticksBeforeRestart)
    {
        using ClusterBench bench = Ready(out TestClient client, out byte primary);
        byte slow = (byte)((primary + 1) % 3);
        byte gone = (byte)((primary + 2) % 3);
        bool IsAway(byte index) => index == slow || index == Standby;
        bench.Lose = packet => packet.To != ClusterBench.ToClient && (IsAway(packet.To) || IsAway(packet.From));
        Header reply = Write(bench, client, 7);
        bench.Crash(gone, new Random(1));
        bench.Crash(primary, new Random(1));
        bench.Lose = _ => false;
        Promote(bench, gone);
        bench.Run(ticksBeforeRestart);
        bench.Crash(gone, new Random(2));
        bench.Start(gone);
        bench.Run(2 * ElectionTicks);
        Assert.Equal(-1, bench.Primary());
        bench.Start(primary);
        bench.Run(3 * ElectionTicks);
        Header next = Write(bench, client, 8);
        Assert.Equal(reply.Reply.Op + 1, next.Reply.Op);
    }

    /// <summary>The replica that is gone was among those that began the latest view, of which neither the third one nor
    /// the standby knows: without it an older view must not come to life again.</summary>
    [Fact]
    public void A_promoted_standby_begins_with_a_view_later_than_any_that_the_replica_took_part_in()
    {
        using ClusterBench bench = Ready(out TestClient client, out byte old);
        byte next = (byte)((old + 1) % 3);
        byte gone = (byte)((old + 2) % 3);
        bool IsOfNext(byte index) => index == next || index == gone;
        bench.Lose = packet => packet.To != ClusterBench.ToClient && IsOfNext(packet.To) != IsOfNext(packet.From);
        bench.Run(ElectionTicks);
        Assert.True(bench.Nodes[next].Replica!.IsPrimary && bench.Nodes[old].Replica!.IsPrimary);
        Header reply = Write(bench, client, 7);
        uint view = bench.Nodes[next].Replica!.View;
        bench.Crash(gone, new Random(1));
        bool IsApart(byte index) => index == next;
        bench.Lose = packet => packet.To != ClusterBench.ToClient && IsApart(packet.To) != IsApart(packet.From);
        Promote(bench, gone);
        bench.Run(ElectionTicks);
        // The old primary and the promoted one would be a quorum of the old view.
        client.Make(Bench.Cluster, Operation.Write, [9]);
        bench.Send(old, client.Request);
        bench.Run(100);
        Assert.Equal(reply.Reply.Op, bench.CommittedMax);
        bench.Lose = _ => false;
        bench.Run(2 * ElectionTicks);
        Assert.True(bench.Nodes[gone].Replica!.View > view + 1);
        Header after = Write(bench, client, 8);
        Assert.True(after.Reply.Op > reply.Reply.Op);
        bench.Run(100);
        Assert.All(bench.Nodes.Take(3), node => Assert.Equal(bench.CommittedMax, node.Replica!.CommitMin));
    }

    [Fact]
    public void A_promoted_standby_that_the_log_does_not_reach_any_more_takes_a_checkpoint()
    {
        using ClusterBench bench = Ready(out TestClient client, out byte primary);
        Write(bench, client, 1);
        bench.Run(20);
        bench.Crash(Standby, new Random(1));
        for (int i = 0; i < 3 * bench.Configuration.JournalSlots; i++) Write(bench, client, (byte)i);
        byte gone = (byte)((primary + 1) % 3);
        bench.Crash(gone, new Random(1));
        Promote(bench, gone);
        bench.Run(2 * ElectionTicks);
        Write(bench, client, 2);
        bench.Run(ElectionTicks);
        Assert.Equal(bench.CommittedMax, bench.Nodes[gone].Replica!.CommitMin);
        Assert.Equal(1UL, bench.Marks.Count(Mark.CheckpointTaken));
        Assert.Equal(0UL, bench.Nodes[gone].Replica!.IncompleteOp);
        SuperblockCopy superblock = Superblock(bench.Nodes[gone].File).Working;
        Assert.Equal(Promotion.None, superblock.Promotion);
        Assert.True(superblock.ForgottenOp > 0);
    }

    private static SuperblockReport Superblock(MemoryFile file) => DataFileInspection.Superblock(file);

    /// <summary>However few of its writes reach the disk.</summary>
    [Fact]
    public void Promotion_leaves_the_file_of_the_standby_or_that_of_the_replica()
    {
        using ClusterBench bench = Ready(out TestClient client, out _);
        for (byte i = 0; i < 25; i++) Write(bench, client, i);
        bench.Crash(Standby, new Random(1));
        byte[] before = [.. bench.Nodes[Standby].File.Bytes];
        SuperblockCopy old = Superblock(bench.Nodes[Standby].File).Working;
        Assert.True(old.ViewHeadersCount > 0 && old.Checkpoint.Op > 0);
        int promoted = 0;
        for (int writes = 0; writes <= 2 * Limits.SuperblockCopies; writes++)
        {
            MemoryFile file = new(new DataFileLayout(bench.Configuration)) { SinkWritesLeft = writes };
            before.CopyTo(file.Bytes, 0);
            // An earlier write had left a copy behind.
            file.Corrupt(DataFileLayout.SuperblockOffset(3) + 200);
            Assert.Equal(StopReason.None, DataFilePromotion.Write(file, ref file, 1));
            SuperblockReport report = Superblock(file);
            Assert.Equal(StopReason.None, report.Problem);
            bool isReplica = report.Working.ReplicaIndex == 1;
            Assert.True(isReplica || report.Working.ReplicaIndex == Standby);
            Assert.Equal(isReplica ? Promotion.KnowsNoView : Promotion.None, report.Working.Promotion);
            Assert.Equal(old.Checkpoint.Id(), report.CheckpointId);
            if (isReplica) promoted++;
            // Once more, to another replica even: what a crash has left must not be in the way.
            file.SinkWritesLeft = -1;
            StopReason again = DataFilePromotion.Write(file, ref file, 2);
            Assert.Equal(isReplica ? StopReason.WrongReplica : StopReason.None, again);
            Assert.Equal(isReplica ? 1 : 2, Superblock(file).Working.ReplicaIndex);
        }
        Assert.InRange(promoted, 1, 2 * Limits.SuperblockCopies);
    }

    [Theory]
    [InlineData(3, 1, 0, 1, StopReason.WrongReplica)]
    [InlineData(3, 1, 3, 3, StopReason.WrongReplica)]
    [InlineData(2, 1, 2, 1, StopReason.ReplicaCountUnsupported)]
    [InlineData(1, 1, 1, 0, StopReason.ReplicaCountUnsupported)]
    public void What_cannot_be_promoted_stays_as_it_is(
        byte replicas, byte standbys, byte index, byte to, StopReason expected)
    {
        MemoryFile file = new(new DataFileLayout(Bench.Small));
        ReplicaOptions options = new()
        {
            Cluster = Bench.Cluster, ReplicaIndex = index, ReplicaCount = replicas, StandbyCount = standbys,
            Configuration = Bench.Small,
        };
        Assert.Equal(StopReason.None, DataFileFormat.Write(options, ref file));
        byte[] before = [.. file.Bytes];
        Assert.Equal(expected, DataFilePromotion.Write(file, ref file, to));
        Assert.Equal(before, file.Bytes);
    }

    [Fact]
    public void A_standby_is_formatted_anew_and_not_as_one_that_has_lost_something()
    {
        MemoryFile file = new(new DataFileLayout(Bench.Small));
        ReplicaOptions options = new()
        {
            Cluster = Bench.Cluster, ReplicaIndex = 3, ReplicaCount = 3, StandbyCount = 1, Configuration = Bench.Small,
        };
        Assert.Equal(StopReason.WrongReplica, DataFileFormat.WriteLost(options, ref file, 1));
    }

    /// <summary>One replica, the one that may lose the end of its log anyhow, is gone amid the faults, and a standby
    /// takes its place.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public void Chaos_with_a_promotion_changes_no_log_and_takes_no_answer_back(int replicas)
    {
        for (int seed = 0; seed < 15; seed++) new ChaosRun(replicas, seed, standbys: 1) { Promotes = true }.Run();
    }
}
