using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;

namespace Deterministic.Vsr.Tests;

public sealed class ReplicaTests
{
    [Fact]
    public void Fresh_file_opens_and_each_start_takes_a_new_view()
    {
        using Bench bench = new Bench().Open();
        Assert.Equal(ReplicaStatus.Normal, bench.Replica.Status);
        Assert.Equal(1u, bench.Replica.View);
        bench.Restart().Open();
        Assert.Equal(2u, bench.Replica.View);
    }

    [Fact]
    public void Registered_client_is_answered_with_its_body()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        Assert.Equal(1ul, client.Session);
        Header reply = bench.Call(client, "hello"u8);
        Assert.Equal(2ul, reply.Reply.Op);
        Assert.Equal("hello"u8.ToArray(), bench.Bus.LastBody[8..].ToArray());
    }

    [Fact]
    public void Reply_waits_for_the_journal_to_be_durable()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        client.Make(Bench.Cluster, Operation.Write, "x"u8);
        int sent = bench.Bus.Sent;
        bench.Deliver(client.Request);
        Assert.Equal(sent, bench.Bus.Sent);
        Assert.True(bench.Step());
        Assert.Equal(sent, bench.Bus.Sent);
        Assert.True(bench.Step());
        Assert.Equal(sent + 1, bench.Bus.Sent);
    }

    [Fact]
    public void Duplicate_request_is_answered_and_not_run_again()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        Header reply = bench.Call(client, "once"u8);
        client.RequestNumber--;
        bench.Deliver(client.Request);
        bench.Settle();
        Assert.Equal(reply.Checksum, bench.Bus.LastHeader.Checksum);
        Assert.Equal(1ul, bench.StateMachine.Count);
    }

    [Fact]
    public void Duplicate_request_after_restart_is_answered_from_the_reply_zone()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        Header reply = bench.Call(client, "durable"u8);
        bench.Restart().Open();
        Assert.Equal(0, bench.Bus.Sent);
        bench.Deliver(client.Request);
        bench.Settle();
        Assert.Equal(reply.Checksum, bench.Bus.LastHeader.Checksum);
        Assert.Equal("durable"u8.ToArray(), bench.Bus.LastBody[8..].ToArray());
        Assert.Equal(1ul, bench.StateMachine.Count);
    }

    [Fact]
    public void Duplicate_register_is_answered_with_the_same_session()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        bench.Deliver(client.Request);
        bench.Settle();
        Assert.Equal(client.Session, bench.Bus.LastHeader.Reply.Op);
        Assert.Equal(1, bench.Replica.SessionsCount);
    }

    [Fact]
    public void Request_with_another_parent_is_not_this_clients_history()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        client.Parent = 1;
        client.Make(Bench.Cluster, Operation.Write, "fork"u8);
        int sent = bench.Bus.Sent;
        bench.Deliver(client.Request);
        bench.Settle();
        Assert.Equal(sent, bench.Bus.Sent);
        Assert.Equal(0ul, bench.StateMachine.Count);
    }

    [Fact]
    public void Unknown_client_and_operation_and_old_session_are_evicted_with_the_reason()
    {
        using Bench bench = new Bench().Open();
        TestClient stranger = new(9) { Session = 3 };
        stranger.Make(Bench.Cluster, Operation.Write, []);
        bench.Deliver(stranger.Request);
        Assert.Equal(EvictionReason.NoSession, bench.Bus.LastHeader.Eviction.Reason);
        bench.Register(4);
        TestClient client = bench.Register(5);
        client.Make(Bench.Cluster, Operation.Noop, []);
        bench.Deliver(client.Request);
        Assert.Equal(EvictionReason.InvalidOperation, bench.Bus.LastHeader.Eviction.Reason);
        client.Make(Bench.Cluster, Operation.Query, []);
        bench.Deliver(client.Request);
        Assert.Equal(EvictionReason.InvalidBody, bench.Bus.LastHeader.Eviction.Reason);
        client.Session--;
        client.Make(Bench.Cluster, Operation.Write, []);
        bench.Deliver(client.Request);
        Assert.Equal(EvictionReason.SessionTooLow, bench.Bus.LastHeader.Eviction.Reason);
    }

    [Fact]
    public void One_client_too_many_evicts_the_one_that_was_quiet_longest()
    {
        using Bench bench = new Bench().Open();
        bench.Bus.All = [];
        List<TestClient> clients = [];
        for (int i = 0; i < bench.Configuration.SessionsMax; i++) clients.Add(bench.Register((UInt128)(100 + i)));
        bench.Call(clients[0], "still here"u8);
        bench.Bus.All.Clear();
        bench.Register(999);
        Header eviction = Assert.Single(bench.Bus.All, header => header.Command == Command.Eviction);
        Assert.Equal(clients[1].Id, eviction.Eviction.Client);
        Assert.Equal(EvictionReason.NoSession, eviction.Eviction.Reason);
        Assert.Equal(bench.Configuration.SessionsMax, bench.Replica.SessionsCount);
        bench.Call(clients[0], "and still"u8);
    }

    [Fact]
    public void Ping_is_answered_with_the_session()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        Header ping = Header.Create(Command.PingClient, Bench.Cluster, 0, 0);
        ping.PingClient.Client = 5;
        ping.PingClient.Timestamp = 42;
        ping.SetChecksumBody([]);
        ping.SetChecksum();
        byte[] bytes = new byte[Limits.HeaderSize];
        ping.WriteTo(bytes);
        bench.Deliver(bytes);
        Assert.Equal(Command.PongClient, bench.Bus.LastHeader.Command);
        Assert.Equal(42ul, bench.Bus.LastHeader.PingClient.Timestamp);
        Assert.Equal(client.Session, bench.Bus.LastHeader.PingClient.Session);
    }

    [Fact]
    public void Timestamps_rise_although_the_clock_goes_back()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        bench.Clock.RealtimeNanoseconds = 5_000;
        Assert.Equal(5_000ul, bench.Call(client, "a"u8).Reply.Timestamp);
        bench.Clock.RealtimeNanoseconds = 10;
        Assert.Equal(5_001ul, bench.Call(client, "b"u8).Reply.Timestamp);
        bench.Restart().Open();
        Assert.Equal(5_002ul, bench.Call(client, "c"u8).Reply.Timestamp);
    }

    [Fact]
    public void Full_pipeline_drops_and_the_resend_is_taken()
    {
        using Bench bench = new Bench().Open();
        List<TestClient> clients = [];
        for (int i = 0; i < 5; i++) clients.Add(bench.Register((UInt128)(10 + i)));
        int sent = bench.Bus.Sent;
        foreach (TestClient client in clients)
        {
            client.Make(Bench.Cluster, Operation.Write, "p"u8);
            bench.Deliver(client.Request);
        }
        Assert.Equal(bench.Configuration.PipelineMax, bench.Replica.PipelineCount);
        bench.Settle();
        Assert.Equal(sent + 4, bench.Bus.Sent);
        bench.Deliver(clients[4].Request);
        bench.Settle();
        Assert.Equal(sent + 5, bench.Bus.Sent);
    }

    [Fact]
    public void Prefetch_is_asked_again_until_it_is_ready()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        bench.StateMachine.PrefetchesUntilReady = 3;
        client.Make(Bench.Cluster, Operation.Write, "slow"u8);
        bench.Deliver(client.Request);
        bench.Settle();
        for (int i = 0; i < 3; i++) bench.Replica.OnCompletion(uint.MaxValue, IoResult.Ok);
        Assert.Equal(1ul, bench.StateMachine.Count);
    }

    [Fact]
    public void Ring_wraps_and_checkpoints_and_the_state_is_restored()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        for (int i = 0; i < 200; i++)
        {
            bench.Call(client, "again and again"u8);
            if (i % 13 == 0) bench.Restart().Open();
            Assert.Equal(ReplicaStatus.Normal, bench.Replica.Status);
            Assert.Equal((ulong)i + 1, bench.StateMachine.Count);
        }
        Assert.Equal(199ul, bench.Replica.CheckpointOp);
    }

    [Fact]
    public void Failed_write_stops_the_replica_and_nothing_is_said_any_more()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        int sent = bench.Bus.Sent;
        bench.Disk.FailWriteAfter = bench.Disk.WritesCompleted;
        client.Make(Bench.Cluster, Operation.Write, "lost"u8);
        bench.Deliver(client.Request);
        bench.Settle();
        Assert.Equal(ReplicaStatus.Stopped, bench.Replica.Status);
        Assert.Equal(StopReason.WriteFailed, bench.Replica.StopReason);
        Assert.Contains("write", bench.Replica.StopText(), StringComparison.Ordinal);
        Assert.Equal(sent, bench.Bus.Sent);
    }

    [Fact]
    public void Core_allocates_nothing_over_ten_thousand_operations()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        for (int i = 0; i < 1000; i++) bench.Call(client, "warm"u8);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10_000; i++) bench.Call(client, "steady"u8);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(11_000ul, bench.StateMachine.Count);
    }

    [Fact]
    public void Bytes_that_are_not_a_sound_message_are_dropped()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        client.Make(Bench.Cluster, Operation.Write, "body"u8);
        int sent = bench.Bus.Sent;
        for (int i = 0; i < client.Request.Length; i++)
        {
            byte[] bytes = client.Request.ToArray();
            bytes[i] ^= 1;
            bench.Deliver(bytes);
            bench.Settle();
        }
        Assert.Equal(sent, bench.Bus.Sent);
        Assert.Equal(0ul, bench.StateMachine.Count);
    }

    [Fact]
    public void Client_of_another_cluster_is_told_so()
    {
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        client.Make(Bench.Cluster + 1, Operation.Write, "body"u8);
        bench.Deliver(client.Request);
        bench.Settle();
        Assert.Equal(EvictionReason.WrongCluster, bench.Bus.LastHeader.Eviction.Reason);
        Assert.Equal(0ul, bench.StateMachine.Count);
    }
}
