using System;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Scenarios;
using Deterministic.Vsr.Tests.Support;
using Xunit;
using static Deterministic.Vsr.Tests.Support.ClusterCalls;

namespace Deterministic.Vsr.Tests;

/// <summary>Standbys follow the log and have no voice in it. <see cref="ClusterBench"/> looks at everything that they
/// say and are told.</summary>
public sealed class StandbyTests
{
    private const int ElectionTicks = 1000;
    private const byte First = 3;

    /// <summary>A cluster with a primary, and a client.</summary>
    private static ClusterBench Ready(int replicas, int standbys, out TestClient client)
    {
        ClusterBench bench = new(replicas, standbys: standbys);
        bench.Run(ElectionTicks);
        client = Register(bench, 5);
        return bench;
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(6, 6)]
    public void Standbys_run_what_the_replicas_run_and_end_with_the_same_blocks(int replicas, int standbys)
    {
        using ClusterBench bench = Ready(replicas, standbys, out TestClient client);
        for (byte i = 0; i < 45; i++) Write(bench, client, i);
        bench.Run(100);
        Assert.All(bench.Nodes, node => Assert.Equal(46UL, node.Replica!.CommitMin));
        Assert.All(bench.Nodes, node => Assert.Equal(39UL, node.Replica!.CheckpointOp));
        Assert.Single(bench.Nodes.Select(node => node.Machine.Hash).Distinct());
        for (int i = 1; i < replicas + standbys; i++) Assert.True(ScenarioDamage.AreEqual(bench, 0, i));
        Assert.True(bench.Primary() < replicas);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void Standbys_do_not_stand_in_for_replicas(int replicas)
    {
        using ClusterBench bench = Ready(replicas, 6, out TestClient client);
        Write(bench, client, 1);
        byte primary = (byte)bench.Primary();
        int quorum = new Quorums(replicas).Replication;
        for (int away = 1; away <= replicas - quorum + 1; away++)
            bench.Crash((byte)((primary + away) % replicas), new Random(away));
        client.Make(Bench.Cluster, Operation.Write, [2]);
        int replies = bench.Replies.Count;
        bench.Send(primary, client.Request);
        bench.Run(ElectionTicks);
        Assert.Equal(replies, bench.Replies.Count);
        Assert.Equal(2UL, bench.CommittedMax);
    }

    /// <summary>No entry goes to it a second time, nothing waits for it, and once it is back it catches up.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_standby_that_is_away_costs_nothing_and_catches_up_by_a_checkpoint(int replicas)
    {
        using ClusterBench bench = Ready(replicas, 1, out TestClient client);
        byte away = (byte)replicas;
        int entries = 0;
        bench.Lose = packet =>
        {
            if (packet.To == away && packet.Header.Command == Command.Prepare) entries++;
            return packet.To == away || packet.From == away;
        };
        int writes = 3 * bench.Configuration.JournalSlots;
        for (int i = 0; i < writes; i++) Write(bench, client, (byte)i);
        Assert.Equal(writes, entries);
        Assert.Equal(0UL, bench.Marks.Count(Mark.PoolExhausted));
        Assert.Equal(0UL, bench.Nodes[away].Replica!.CheckpointOp);
        bench.Lose = _ => false;
        bench.Run(ElectionTicks);
        Write(bench, client, 1);
        bench.Run(ElectionTicks);
        Assert.Equal(bench.CommittedMax, bench.Nodes[away].Replica!.CommitMin);
        Assert.Equal(1UL, bench.Marks.Count(Mark.CheckpointTaken));
        Assert.Equal(0UL, bench.Nodes[away].Replica!.IncompleteOp);
    }

    [Fact]
    public void A_standby_whose_disk_stands_still_holds_nobody_up()
    {
        using ClusterBench bench = Ready(3, 1, out TestClient client);
        bench.Nodes[First].DiskStalls = true;
        uint view = bench.Nodes[0].Replica!.View;
        for (int i = 0; i < 60; i++) Write(bench, client, (byte)i);
        Assert.True(bench.Nodes[0].Replica!.CheckpointOp > 0);
        Assert.Equal(view, bench.Nodes[0].Replica!.View);
        Assert.Equal(0UL, bench.Marks.Count(Mark.PoolExhausted));
        bench.Nodes[First].DiskStalls = false;
        bench.Run(2 * ElectionTicks);
        Write(bench, client, 1);
        bench.Run(100);
        Assert.Equal(bench.CommittedMax, bench.Nodes[First].Replica!.CommitMin);
    }

    /// <summary>It has acknowledged nothing, so nothing is wrong with making its file anew.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_new_standby_of_a_cluster_that_runs_gets_everything_from_the_replicas(int replicas)
    {
        using ClusterBench bench = Ready(replicas, 1, out TestClient client);
        byte standby = (byte)replicas;
        for (int i = 0; i < 2 * bench.Configuration.JournalSlots; i++) Write(bench, client, (byte)i);
        bench.Crash(standby, new Random(1));
        bench.Replace(standby);
        bench.Start(standby);
        bench.Run(2 * ElectionTicks);
        Write(bench, client, 1);
        bench.Run(ElectionTicks);
        Assert.Equal(bench.CommittedMax, bench.Nodes[standby].Replica!.CommitMin);
        Assert.Equal(0UL, bench.Nodes[standby].Replica!.IncompleteOp);
    }

    [Fact]
    public void A_standby_follows_into_a_new_view()
    {
        using ClusterBench bench = Ready(3, 1, out TestClient client);
        byte old = (byte)bench.Primary();
        bench.Crash(old, new Random(1));
        Write(bench, client, 1);
        bench.Run(50);
        byte primary = (byte)bench.Primary();
        Assert.NotEqual(old, primary);
        Assert.Equal(bench.Nodes[primary].Replica!.View, bench.Nodes[First].Replica!.View);
        Assert.Equal(2UL, bench.Nodes[First].Replica!.CommitMin);
    }

    /// <summary>A single replica takes a new view at each start, and what it had not made durable it makes
    /// otherwise.</summary>
    [Fact]
    public void A_standby_gives_up_what_its_single_replica_has_lost()
    {
        using ClusterBench bench = Ready(1, 1, out TestClient client);
        Write(bench, client, 1);
        bench.Nodes[0].DiskStalls = true;
        client.Make(Bench.Cluster, Operation.Write, [2]);
        bench.Send(0, client.Request);
        bench.Settle();
        Assert.Equal(3UL, bench.Nodes[1].Replica!.Op);
        bench.Nodes[0].DiskStalls = false;
        bench.Crash(0, new Fate(""));
        bench.Start(0);
        bench.Run(100);
        Assert.Equal(2UL, bench.Nodes[1].Replica!.Op);
        Write(bench, client, 3);
        bench.Run(50);
        Assert.Equal(3UL, bench.Nodes[1].Replica!.CommitMin);
        Assert.Equal(bench.Nodes[0].Machine.Hash, bench.Nodes[1].Machine.Hash);
    }

    /// <summary>Here with an old copy of its file, otherwise from an archive: the cluster goes back behind what a
    /// standby has in its checkpoint, and may have come past that again.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(30)]
    public void A_standby_whose_cluster_was_restored_from_an_older_state_stops(int writesAfter)
    {
        using ClusterBench bench = Ready(1, 1, out TestClient client);
        Write(bench, client, 1);
        bench.Run(20);
        byte[] older = [.. bench.Nodes[0].File.Bytes];
        for (byte i = 0; i < 30; i++) Write(bench, client, i);
        bench.Run(20);
        Assert.Equal(19UL, bench.Nodes[1].Replica!.CheckpointOp);
        using ClusterBench restored = new(1, standbys: 1) { MayStop = true, MayDiffer = true };
        for (byte i = 0; i < 2; i++)
        {
            bench.Crash(i, new Random(1));
            restored.Crash(i, new Random(1));
            restored.Nodes[i].File = bench.Nodes[i].File;
        }
        older.CopyTo(restored.Nodes[0].File.Bytes, 0);
        restored.Start(0);
        restored.Run(50);
        TestClient other = Register(restored, 6);
        for (byte i = 0; i < writesAfter; i++) Write(restored, other, (byte)(i + 100));
        ulong op = restored.Nodes[0].Replica!.CommitMin;
        restored.Start(1);
        restored.Run(100);
        Assert.Equal(StopReason.LogForked, restored.Nodes[1].Replica!.StopReason);
        Assert.Contains("format --standby", restored.Nodes[1].Replica!.StopText(), StringComparison.Ordinal);
        Assert.Equal(op, restored.Nodes[0].Replica!.CommitMin);
    }

    /// <summary>Whatever comes in the name of a standby, with right checksums: nobody's view, log or vote follows from
    /// it.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void What_a_standby_never_says_is_dropped(int replicas)
    {
        using ClusterBench bench = Ready(replicas, 1, out TestClient client);
        Write(bench, client, 1);
        bench.Run(20);
        uint view = bench.Nodes[0].Replica!.View;
        // Nothing of what follows may help an entry that only the primary has.
        byte primary = (byte)bench.Primary();
        bench.Lose = packet => packet.To != ClusterBench.ToClient;
        client.Make(Bench.Cluster, Operation.Write, [2]);
        bench.Send(primary, client.Request);
        bench.Settle();
        bench.Nodes[primary].Replica!.TryEntry(3, out Header entry);
        ulong commit = bench.Nodes[primary].Replica!.CommitMin;
        for (byte to = 0; to < replicas; to++)
        {
            foreach (byte[] message in Impostures(view, (byte)replicas, in entry)) bench.Send(to, message);
            bench.Settle();
        }
        Assert.Equal(commit, bench.Nodes[primary].Replica!.CommitMin);
        for (int i = 0; i < replicas; i++)
        {
            Assert.Equal(ReplicaStatus.Normal, bench.Nodes[i].Replica!.Status);
            Assert.Equal(view, bench.Nodes[i].Replica!.View);
        }
    }

    private static System.Collections.Generic.IEnumerable<byte[]> Impostures(uint view, byte standby, in Header entry)
    {
        Header ok = Header.Create(Command.PrepareOk, Bench.Cluster, view, standby);
        ok.PrepareOk = new PrepareOkFields
        {
            Parent = entry.Prepare.Parent, PrepareChecksum = entry.Checksum, Client = entry.Prepare.Client,
            CheckpointId = entry.Prepare.CheckpointId, Op = entry.Prepare.Op, Timestamp = entry.Prepare.Timestamp,
            RequestNumber = entry.Prepare.RequestNumber, Operation = entry.Prepare.Operation,
        };
        Header commit = Header.Create(Command.Commit, Bench.Cluster, view + 3, standby);
        commit.Commit = new CommitFields { Commit = 3, CommitChecksum = entry.Checksum, Timestamp = 1 };
        Header confirmed = Header.Create(Command.ViewConfirmed, Bench.Cluster, view, standby);
        confirmed.ConfirmView.Round = 1;
        Header pong = Header.Create(Command.Pong, Bench.Cluster, view + 9, standby);
        pong.Pong.IsNormal = 1;
        Header[] headers =
        [
            ok, commit, confirmed, pong, Header.Create(Command.ExitView, Bench.Cluster, view + 1, standby),
            Header.Create(Command.GetView, Bench.Cluster, view + 5, standby),
        ];
        return headers.Select(header =>
        {
            header.SetChecksumBody([]);
            header.SetChecksum();
            Assert.Null(header.Invalid(Bench.Small.MessageSizeMax));
            byte[] bytes = new byte[Limits.HeaderSize];
            header.WriteTo(bytes);
            return bytes;
        }).ToList();
    }

    [Fact]
    public void A_standby_names_the_primary_and_passes_no_request_on()
    {
        using ClusterBench bench = Ready(3, 1, out TestClient client);
        client.Make(Bench.Cluster, Operation.Write, [1]);
        int replies = bench.Replies.Count;
        bench.Send(First, client.Request);
        bench.Run(20);
        Assert.Equal(replies, bench.Replies.Count);
        Header ping = Header.Create(Command.PingClient, Bench.Cluster, view: 0, replica: 0);
        ping.PingClient.Client = 5;
        ping.SetChecksumBody([]);
        ping.SetChecksum();
        byte[] bytes = new byte[Limits.HeaderSize];
        ping.WriteTo(bytes);
        bench.Send(First, bytes);
        bench.Settle();
        Header pong = bench.Replies[^1].Header;
        Assert.Equal(Command.PongClient, pong.Command);
        Assert.Equal(First, pong.Replica);
        Assert.Equal(3, pong.PingClient.ReplicaCount);
        Assert.Equal((uint)bench.Primary(), pong.View % 3);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void A_standby_answers_stale_reads_and_leaves_strong_ones_to_the_primary(int replicas)
    {
        using ClusterBench bench = Ready(replicas, 1, out TestClient client);
        Write(bench, client, 1);
        bench.Run(100);
        TestReader reader = new(9);
        bench.Send((byte)replicas, reader.Stale(commitLeast: 2, ageMaxMilliseconds: 500));
        bench.Settle();
        Assert.Equal(ReadResult.Answered, reader.Answer(bench).ReadReply.Result);
        Assert.Equal(1UL, TestReader.CountIn(reader.Answers(bench)[0].Bytes));
        bench.Send((byte)replicas, reader.Strong());
        bench.Settle();
        Assert.Equal(ReadResult.NotPrimary, reader.Answer(bench).ReadReply.Result);
        Assert.Equal((uint)bench.Primary(), reader.Answer(bench).View % (uint)replicas);
    }

    /// <summary>A backup and a primary are two of three, so that no later view can have begun without one of them; a
    /// standby and a primary are one.</summary>
    [Fact]
    public void A_standby_does_not_take_a_deposed_primary_at_its_word()
    {
        using ClusterBench bench = Ready(3, 1, out TestClient client);
        Write(bench, client, 1);
        bench.Run(100);
        byte old = (byte)bench.Primary();
        bool IsApart(byte index) => index == old || index == First;
        bench.Lose = packet => packet.To != ClusterBench.ToClient && IsApart(packet.From) != IsApart(packet.To);
        TestReader reader = new(9);
        bench.Run(30);
        bench.Send(First, reader.Stale());
        bench.Settle();
        Assert.Equal(ReadResult.Answered, reader.Answer(bench).ReadReply.Result);
        Assert.True(bench.Nodes[old].Replica!.IsPrimary);
        bench.Send(First, reader.Stale(ageMaxMilliseconds: 200));
        bench.Settle();
        Assert.Equal(ReadResult.TooOld, reader.Answer(bench).ReadReply.Result);
    }

    /// <summary>The cluster does not wait for a standby's software, the standby does.</summary>
    [Fact]
    public void A_release_rises_without_the_standbys_and_an_old_one_stops()
    {
        using ClusterBench bench = Ready(3, 1, out TestClient client);
        bench.MayStop = true;
        for (byte i = 0; i < 3; i++)
        {
            bench.ReleaseMax[i] = Header.ReleaseCurrent + 1;
            bench.Crash(i, new Random(i));
            bench.Start(i);
            bench.Run(ElectionTicks);
        }
        Assert.Equal(Header.ReleaseCurrent + 1, bench.Nodes[0].Replica!.Release);
        Assert.Equal(StopReason.ReleaseTooNew, bench.Nodes[First].Replica!.StopReason);
        bench.ReleaseMax[First] = Header.ReleaseCurrent + 1;
        bench.Crash(First, new Random(1));
        bench.Start(First);
        Write(bench, client, 1);
        bench.Run(ElectionTicks);
        Assert.Equal(bench.CommittedMax, bench.Nodes[First].Replica!.CommitMin);
        Assert.Equal(Header.ReleaseCurrent + 1, bench.Nodes[First].Replica!.Release);
    }

    /// <summary>Of four places to read blocks for others a standby that fetches everything may take two.</summary>
    [Fact]
    public void A_standby_that_fetches_everything_leaves_room_for_the_replicas()
    {
        using ClusterBench bench = Ready(3, 1, out TestClient client);
        for (byte i = 0; i < 45; i++) Write(bench, client, i);
        bench.Run(50);
        bench.Nodes[0].DiskStalls = true;
        int idle = bench.Nodes[0].Disk.Pending;
        for (int i = 0; i < 3; i++) bench.Send(0, GetBlocks(bench, from: First));
        bench.Deliver(0);
        bench.Deliver(0);
        bench.Deliver(0);
        Assert.Equal(2, bench.Nodes[0].Disk.Pending - idle);
        bench.Send(0, GetBlocks(bench, from: 1));
        bench.Deliver(bench.Packets.Count - 1);
        Assert.Equal(4, bench.Nodes[0].Disk.Pending - idle);
    }

    private static byte[] GetBlocks(ClusterBench bench, byte from)
    {
        byte[] body = new byte[4 * BlockReference.Size];
        for (ulong i = 0; i < 4; i++)
            new BlockReference(i + 1, 1).WriteTo(body.AsSpan((int)i * BlockReference.Size));
        Header header = Header.Create(
            Command.GetBlocks, Bench.Cluster, bench.Nodes[0].Replica!.View, from, body.Length);
        header.SetChecksumBody(body);
        header.SetChecksum();
        byte[] bytes = new byte[Limits.HeaderSize + body.Length];
        header.WriteTo(bytes);
        body.CopyTo(bytes.AsSpan(Limits.HeaderSize));
        return bytes;
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(6, 1)]
    public void Chaos_with_standbys_changes_no_log_and_takes_no_answer_back(int replicas, int standbys)
    {
        ulong taken = 0;
        for (int seed = 0; seed < 12; seed++)
        {
            ChaosRun run = new(replicas, seed, standbys);
            run.Run();
            taken += run.Marks.Count(Mark.CheckpointTaken);
        }
        Assert.True(taken > 0);
    }

    /// <summary>Were a standby's disk to count as a replica's, answers would be taken back.</summary>
    [Fact]
    public void Chaos_catches_a_standby_that_acknowledges()
    {
        int caught = 0;
        for (int seed = 0; seed < 60 && caught == 0; seed++)
        {
            try
            {
                new ChaosRun(3, seed, standbys: 2) { Plant = ProtocolPlant.StandbyAcknowledges }.Run();
            }
            catch (Exception exception) when (exception is InvalidOperationException or CheckFailedException)
            {
                caught++;
            }
        }
        Assert.Equal(1, caught);
    }
}
