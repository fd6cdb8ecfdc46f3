using System;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;
using static Deterministic.Vsr.Tests.Support.ClusterCalls;

namespace Deterministic.Vsr.Tests;

/// <summary>Reads outside of the log.</summary>
public sealed class ReadTests
{
    private const int ElectionTicks = 1000;

    /// <summary>A cluster with a primary that has run a registration and two writes.</summary>
    private static ClusterBench Ready(int replicas, out TestClient client, out byte primary)
    {
        ClusterBench bench = new(replicas);
        bench.Run(ElectionTicks);
        client = Register(bench, 5);
        Write(bench, client, 1);
        Write(bench, client, 2);
        bench.Run(50);
        primary = (byte)bench.Primary();
        return bench;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void A_strong_read_sees_what_was_answered_and_leaves_no_entry(int replicas)
    {
        using ClusterBench bench = Ready(replicas, out TestClient client, out byte primary);
        TestReader reader = new(9);
        ulong op = bench.Nodes[primary].Replica!.Op;
        bench.Send(primary, reader.Strong());
        bench.Settle();
        Header reply = reader.Answer(bench);
        Assert.Equal(ReadResult.Answered, reply.ReadReply.Result);
        Assert.Equal(reader.Number, reply.ReadReply.Number);
        Assert.Equal(op, reply.ReadReply.Commit);
        Assert.Equal(2UL, TestReader.CountIn(reader.Answers(bench)[0].Bytes));
        Assert.Equal(op, bench.Nodes[primary].Replica!.Op);
        Write(bench, client, 3);
        bench.Send(primary, reader.Strong());
        bench.Settle();
        Assert.Equal(3UL, TestReader.CountIn(reader.Answers(bench)[0].Bytes));
    }

    [Fact]
    public void A_backup_sends_strong_reads_to_the_primary_of_its_view()
    {
        using ClusterBench bench = Ready(3, out _, out byte primary);
        TestReader reader = new(9);
        bench.Send((byte)((primary + 1) % 3), reader.Strong());
        bench.Settle();
        Header reply = reader.Answer(bench);
        Assert.Equal(ReadResult.NotPrimary, reply.ReadReply.Result);
        Assert.Equal((uint)primary, reply.View % 3);
    }

    [Fact]
    public void A_primary_that_is_cut_off_never_answers_a_strong_read_and_says_so_once_it_knows()
    {
        using ClusterBench bench = Ready(3, out TestClient client, out byte old);
        bench.Lose = packet => packet.From == old != (packet.To == old) && packet.To != ClusterBench.ToClient;
        for (int tries = 0; tries < 100 && bench.Primary() == old; tries++) bench.Run(20);
        Assert.NotEqual(old, bench.Primary());
        client.Make(Bench.Cluster, Operation.Write, [3]);
        bench.Send((byte)bench.Primary(), client.Request);
        bench.Run(50);
        Assert.Equal(4UL, bench.CommittedMax);

        TestReader reader = new(9);
        Assert.True(bench.Nodes[old].Replica!.IsPrimary);
        bench.Send(old, reader.Strong());
        bench.Run(100);
        Assert.Empty(reader.Answers(bench));
        bench.Lose = _ => false;
        bench.Run(ElectionTicks);
        Assert.Equal(ReadResult.NotPrimary, reader.Answer(bench).ReadReply.Result);
    }

    [Fact]
    public void Reads_that_wait_share_a_confirmation_and_the_next_round_takes_all_that_came_meanwhile()
    {
        using ClusterBench bench = Ready(3, out _, out byte primary);
        TestReader[] readers = [.. Enumerable.Range(20, 30).Select(id => new TestReader((UInt128)id))];
        bench.Lose = packet => packet.Header.Command == Command.ViewConfirmed;
        foreach (TestReader reader in readers) bench.Send(primary, reader.Strong());
        bench.Settle();
        Assert.Equal(0UL, bench.Marks.Count(Mark.ViewConfirmed));
        bench.Lose = _ => false;
        bench.Run(20);
        Assert.All(readers, reader => Assert.Equal(ReadResult.Answered, reader.Answer(bench).ReadReply.Result));
        Assert.Equal(2UL, bench.Marks.Count(Mark.ViewConfirmed));
    }

    [Fact]
    public void A_confirmation_that_was_under_way_when_a_read_came_does_not_serve_it()
    {
        using ClusterBench bench = Ready(3, out _, out byte primary);
        TestReader first = new(20);
        TestReader second = new(21);
        byte[] confirmed = [];
        bench.Lose = packet =>
        {
            if (packet.Header.Command != Command.ViewConfirmed) return false;
            confirmed = packet.Bytes;
            return true;
        };
        bench.Send(primary, first.Strong());
        bench.Settle();
        bench.Lose = packet => packet.Header.Command == Command.ViewConfirmed;
        bench.Send(primary, second.Strong());
        bench.Send(primary, confirmed);
        bench.Settle();
        Assert.Single(first.Answers(bench));
        Assert.Empty(second.Answers(bench));
    }

    [Fact]
    public void A_stale_read_is_answered_by_any_replica_with_what_it_has_run()
    {
        using ClusterBench bench = Ready(3, out TestClient client, out byte primary);
        byte away = (byte)((primary + 1) % 3);
        bench.Lose = packet => packet.To == away && packet.From != ClusterBench.ToClient;
        ulong timestamp = client.LastTimestamp;
        Write(bench, client, 3);
        TestReader reader = new(9);
        bench.Send(away, reader.Stale());
        bench.Settle();
        Header reply = reader.Answer(bench);
        Assert.Equal(ReadResult.Answered, reply.ReadReply.Result);
        Assert.Equal(3UL, reply.ReadReply.Commit);
        Assert.Equal(timestamp, reply.ReadReply.Timestamp);
        Assert.Equal(2UL, TestReader.CountIn(reader.Answers(bench)[0].Bytes));

        bench.Send(away, reader.Stale(commitLeast: 3));
        bench.Settle();
        Assert.Equal(ReadResult.Answered, reader.Answer(bench).ReadReply.Result);
        bench.Send(away, reader.Stale(commitLeast: 4));
        bench.Settle();
        Assert.Equal(ReadResult.TooOld, reader.Answer(bench).ReadReply.Result);
        bench.Send(primary, reader.Stale(commitLeast: 4));
        bench.Settle();
        Assert.Equal(ReadResult.Answered, reader.Answer(bench).ReadReply.Result);
    }

    private static ReadResult ReadStale(ClusterBench bench, byte replica, uint ageMaxMilliseconds)
    {
        TestReader reader = new(9);
        bench.Send(replica, reader.Stale(ageMaxMilliseconds: ageMaxMilliseconds));
        bench.Settle();
        ReadResult result = reader.Answer(bench).ReadReply.Result;
        bench.Replies.Clear();
        return result;
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void An_idle_cluster_is_not_old_and_a_replica_that_hears_nobody_gets_old(int replicas)
    {
        using ClusterBench bench = Ready(replicas, out _, out byte primary);
        byte away = (byte)((primary + 1) % replicas);
        bench.Run(500);
        for (byte i = 0; i < replicas; i++) Assert.Equal(ReadResult.Answered, ReadStale(bench, i, 300));
        bench.Lose = packet => packet.To == away && packet.From != ClusterBench.ToClient;
        bench.Run(100);
        Assert.Equal(ReadResult.TooOld, ReadStale(bench, away, 900));
        Assert.Equal(ReadResult.Answered, ReadStale(bench, away, 1500));
        Assert.Equal(ReadResult.Answered, ReadStale(bench, away, 0));
    }

    /// <summary>Its blocks come late, or its process stands still.</summary>
    [Fact]
    public void A_stale_read_is_judged_by_the_age_that_the_state_has_when_it_is_answered()
    {
        using ClusterBench bench = Ready(3, out _, out byte primary);
        byte slow = (byte)((primary + 1) % 3);
        bench.Run(500);
        ClusterBench.Node node = bench.Nodes[slow];
        node.Machine.ReadPrefetchesUntilReady = int.MaxValue;
        TestReader reader = new(9);
        bench.Send(slow, reader.Stale(ageMaxMilliseconds: 300));
        bench.Settle();
        Assert.DoesNotContain(bench.Replies, packet => packet.Header.Command == Command.ReadReply);
        node.Clock.MonotonicNanoseconds += 1_000_000_000;
        node.Machine.ReadPrefetchesUntilReady = 0;
        bench.Tick(slow);
        Assert.Equal(ReadResult.TooOld, reader.Answer(bench).ReadReply.Result);
    }

    [Fact]
    public void A_replica_that_hears_only_an_old_primary_gets_old()
    {
        using ClusterBench bench = Ready(5, out _, out byte old);
        byte with = (byte)((old + 1) % 5);
        bench.Run(100);
        bench.Lose = packet => packet.To != ClusterBench.ToClient &&
            (packet.To == old || packet.To == with) != (packet.From == old || packet.From == with);
        bench.Run(ElectionTicks);
        Assert.NotEqual(old, bench.Primary());
        Assert.Equal(ReadResult.TooOld, ReadStale(bench, with, 2000));
        Assert.Equal(ReadResult.TooOld, ReadStale(bench, old, 2000));
        Assert.Equal(ReadResult.Answered, ReadStale(bench, (byte)bench.Primary(), 300));
    }

    /// <summary>With a commit that is known and not run yet, only what was known before counts.</summary>
    [Fact]
    public void A_replica_that_knows_of_entries_that_it_lacks_gets_old()
    {
        using ClusterBench bench = Ready(3, out TestClient client, out byte primary);
        byte away = (byte)((primary + 1) % 3);
        bench.Run(100);
        bench.Lose = packet => packet.To == away && packet.Header.Command is Command.Prepare or Command.Headers;
        Write(bench, client, 3);
        bench.Run(100);
        Assert.Equal(ReadResult.TooOld, ReadStale(bench, away, 900));
        Assert.Equal(ReadResult.Answered, ReadStale(bench, primary, 300));
        bench.Lose = _ => false;
        bench.Run(200);
        Assert.Equal(ReadResult.Answered, ReadStale(bench, away, 300));
    }

    [Fact]
    public void A_replica_without_a_primary_still_answers_stale_reads()
    {
        using ClusterBench bench = Ready(3, out _, out byte primary);
        byte left = (byte)((primary + 1) % 3);
        for (byte i = 0; i < 3; i++)
            if (i != left) bench.Crash(i, new Random(i));
        bench.Run(ElectionTicks);
        TestReader reader = new(9);
        bench.Send(left, reader.Stale());
        bench.Settle();
        Assert.Equal(ReadResult.Answered, reader.Answer(bench).ReadReply.Result);
        bench.Send(left, reader.Strong());
        bench.Settle();
        Assert.Equal(ReadResult.NotPrimary, reader.Answer(bench).ReadReply.Result);
    }

    [Fact]
    public void What_changes_something_is_no_read()
    {
        using ClusterBench bench = Ready(1, out _, out byte primary);
        TestReader reader = new(9);
        bench.Send(primary, reader.Make(new ReadFields { Consistency = ReadConsistency.Stale }, Operation.Batch));
        bench.Settle();
        Assert.Equal(ReadResult.NotARead, reader.Answer(bench).ReadReply.Result);
        Assert.Equal(0, bench.Nodes[0].Machine.ReadsRun);
    }

    [Fact]
    public void With_all_places_taken_a_read_is_refused_and_one_client_has_one_place()
    {
        using ClusterBench bench = Ready(3, out _, out byte primary);
        bench.Lose = packet => packet.Header.Command == Command.ViewConfirmed;
        TestReader greedy = new(1000);
        for (int i = 0; i < 2 * Limits.ReadsMax; i++) bench.Send(primary, greedy.Strong());
        TestReader[] others = [.. Enumerable.Range(20, Limits.ReadsMax - 1).Select(id => new TestReader((UInt128)id))];
        foreach (TestReader other in others) bench.Send(primary, other.Strong());
        bench.Settle();
        Assert.DoesNotContain(bench.Replies, packet => packet.Header.Command == Command.ReadReply);
        TestReader last = new(2000);
        bench.Send(primary, last.Strong());
        bench.Settle();
        Assert.Equal(ReadResult.Busy, last.Answer(bench).ReadReply.Result);
        bench.Lose = _ => false;
        bench.Run(20);
        Assert.Equal(ReadResult.Answered, greedy.Answer(bench).ReadReply.Result);
        Assert.All(others, other => Assert.Equal(ReadResult.Answered, other.Answer(bench).ReadReply.Result));
        Assert.Equal(Limits.ReadsMax, bench.Nodes[primary].Machine.ReadsRun);
    }

    [Fact]
    public void Entries_and_reads_take_turns()
    {
        using ClusterBench bench = Ready(1, out TestClient client, out _);
        TestClient other = Register(bench, 6);
        EchoStateMachine machine = bench.Nodes[0].Machine;
        machine.ReadPrefetchesUntilReady = 40;
        machine.ReadsBefore = [];
        TestReader[] readers = [.. Enumerable.Range(20, 10).Select(id => new TestReader((UInt128)id))];
        foreach (TestReader reader in readers) bench.Send(0, reader.Stale());
        client.Make(Bench.Cluster, Operation.Write, [3]);
        bench.Send(0, client.Request);
        other.Make(Bench.Cluster, Operation.Write, [4]);
        bench.Send(0, other.Request);
        bench.Run(50 * readers.Length);
        Assert.Equal(readers.Length, machine.ReadsRun);
        Assert.Equal([1, 2], machine.ReadsBefore);
    }

    [Fact]
    public void Reads_allocate_nothing()
    {
        using Bench bench = new Bench().Open();
        TestReader reader = new(9);
        byte[] strong = reader.Strong();
        byte[] stale = reader.Stale(ageMaxMilliseconds: 1);
        long allocated = 0;
        for (int i = 0; i < 1000; i++)
        {
            // What the first rounds bring is compiled, not kept.
            if (i == 500) allocated = GC.GetAllocatedBytesForCurrentThread();
            bench.Deliver(strong);
            bench.Deliver(stale);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - allocated);
        Assert.Equal(2000, bench.StateMachine.ReadsRun);
        Assert.Equal(ReadResult.Answered, bench.Bus.LastHeader.ReadReply.Result);
    }

    [Fact]
    public void A_reader_of_another_cluster_is_told_so_once_there_is_a_view()
    {
        using ClusterBench bench = new(3);
        TestReader reader = new(9);
        Header header = Header.Read(reader.Strong());
        header.Cluster = Bench.Cluster + 1;
        header.SetChecksum();
        header.WriteTo(reader.Message);
        bench.Lose = packet => packet.Header.Command == Command.JoinView;
        bench.Run(ElectionTicks);
        Assert.Equal(ReplicaStatus.ViewChange, bench.Nodes[0].Replica!.Status);
        bench.Send(0, reader.Message);
        bench.Settle();
        Assert.DoesNotContain(bench.Replies, packet => packet.Header.Command == Command.Eviction);
        bench.Lose = _ => false;
        bench.Run(ElectionTicks);
        bench.Send(0, reader.Message);
        bench.Settle();
        Assert.Contains(bench.Replies, packet => packet.Header.Command == Command.Eviction &&
            packet.Header.Eviction.Reason == EvictionReason.WrongCluster);
    }
}
