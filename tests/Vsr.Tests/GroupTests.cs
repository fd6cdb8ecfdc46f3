using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Vsr.Tests;

/// <summary>Requests of several clients in one entry of the log.</summary>
public sealed class GroupTests
{
    private static (Bench Bench, List<TestClient> Clients) Open(int clients)
    {
        Bench bench = new Bench().Open();
        bench.StateMachine.SharesRequests = true;
        return (bench, [.. Enumerable.Range(1, clients).Select(id => bench.Register((UInt128)id))]);
    }

    private static void Send(Bench bench, TestClient client, ReadOnlySpan<byte> body)
    {
        client.Make(Bench.Cluster, Operation.Write, body);
        bench.Deliver(client.Request);
    }

    [Fact]
    public void Requests_that_come_while_entries_are_under_way_share_the_next_one()
    {
        (Bench bench, List<TestClient> clients) = Open(6);
        using Bench _ = bench;
        bench.Bus.All = [];
        foreach (TestClient client in clients) Send(bench, client, [(byte)client.Id]);
        Assert.Equal(1, bench.Replica.PipelineCount);
        bench.Settle();
        Assert.Equal([7UL, 8, 8, 8, 8, 8], bench.Bus.All.Select(static reply => reply.Reply.Op));
        Assert.Equal(
            clients.Select(static client => Header.Read(client.Request).Checksum),
            bench.Bus.All.Select(static reply => reply.Reply.RequestChecksum));
        Assert.Equal(6UL, bench.StateMachine.Count);
        Assert.Equal(1UL, bench.Marks.Count(Mark.RequestsGrouped));
    }

    /// <summary>Entries of others may keep the pipeline filled for ever, so that there is never a moment without
    /// one.</summary>
    [Fact]
    public void The_last_place_of_the_pipeline_is_for_those_who_have_gathered()
    {
        (Bench bench, List<TestClient> clients) = Open(4);
        using Bench _ = bench;
        Assert.Equal(4, bench.Configuration.PipelineMax);
        foreach (TestClient client in clients)
        {
            bench.StateMachine.SharesRequests = client.Id == 2;
            Send(bench, client, [(byte)client.Id]);
        }
        Assert.Equal(4, bench.Replica.PipelineCount);
        bench.Bus.All = [];
        bench.Settle();
        Assert.Equal([1, 3, 4, 2], bench.Bus.All.Select(static reply => (int)reply.Reply.Client));
    }

    [Fact]
    public void Each_member_has_its_own_answer_and_gets_it_again_after_a_restart()
    {
        (Bench bench, List<TestClient> clients) = Open(5);
        using Bench _ = bench;
        foreach (TestClient client in clients) Send(bench, client, [(byte)client.Id, 7]);
        bench.Settle();
        bench.Restart().Open();
        Assert.Equal(5UL, bench.StateMachine.Count);
        foreach (TestClient client in clients)
        {
            bench.Deliver(client.Request);
            bench.Settle();
            Assert.Equal(client.Id, bench.Bus.LastHeader.Reply.Client);
            Assert.Equal((byte)client.Id, bench.Bus.LastBody[8]);
        }
        Assert.Equal(5UL, bench.StateMachine.Count);
    }

    [Fact]
    public void A_request_that_is_sent_again_while_it_gathers_is_run_once()
    {
        (Bench bench, List<TestClient> clients) = Open(4);
        using Bench _ = bench;
        foreach (TestClient client in clients) Send(bench, client, [1]);
        ulong known = bench.Marks.Count(Mark.DuplicateInFlight);
        foreach (TestClient client in clients) bench.Deliver(client.Request);
        Assert.Equal(known + 4, bench.Marks.Count(Mark.DuplicateInFlight));
        bench.Settle();
        Assert.Equal(4UL, bench.StateMachine.Count);
    }

    [Fact]
    public void What_gathers_alone_becomes_an_entry_of_its_own()
    {
        (Bench bench, List<TestClient> clients) = Open(2);
        using Bench _ = bench;
        foreach (TestClient client in clients) Send(bench, client, [1]);
        bench.Settle();
        Assert.Equal(4UL, bench.Replica.Op);
        Assert.Equal(0UL, bench.Marks.Count(Mark.RequestsGrouped));
    }

    [Fact]
    public void A_group_grows_no_larger_than_half_a_message()
    {
        (Bench bench, List<TestClient> clients) = Open(7);
        using Bench _ = bench;
        byte[] body = new byte[2000];
        for (int round = 0; round < 3; round++)
        {
            bench.Bus.All = [];
            foreach (TestClient client in clients) Send(bench, client, body);
            bench.Settle();
            foreach (Header reply in bench.Bus.All) clients[(int)reply.Reply.Client - 1].Take(in reply);
            Assert.Equal(
                [1, 3, 3],
                bench.Bus.All.GroupBy(static reply => reply.Reply.Op).Select(static group => group.Count()));
        }
        Assert.Equal(21UL, bench.StateMachine.Count);
    }

    /// <summary>A backup that becomes the primary knows whose requests are in the entries that it took over.</summary>
    [Fact]
    public void A_new_primary_runs_no_request_of_a_group_again()
    {
        using ClusterBench bench = new(3) { SharesRequests = true };
        bench.Run(1000);
        List<TestClient> clients = [];
        for (int id = 1; id <= 5; id++)
        {
            TestClient client = new((UInt128)id);
            client.MakeRegister(Bench.Cluster);
            byte primary = (byte)bench.Primary();
            bench.Send(primary, client.Request);
            bench.Run(50);
            client.Take(bench.Replies.Last(reply => reply.Client == client.Id).Header);
            clients.Add(client);
        }
        byte old = (byte)bench.Primary();
        foreach (TestClient client in clients)
        {
            client.Make(Bench.Cluster, Operation.Write, [(byte)client.Id]);
            bench.Send(old, client.Request);
        }
        bench.Run(50);
        Assert.True(bench.Marks.Count(Mark.RequestsGrouped) > 0);
        bench.Crash(old, new Random(1));
        bench.Run(1000);
        byte next = (byte)bench.Primary();
        int replies = bench.Replies.Count;
        foreach (TestClient client in clients) bench.Send(next, client.Request);
        bench.Run(50);
        Assert.Equal(replies + 5, bench.Replies.Count);
        Assert.Equal(5UL, bench.Nodes[next].Machine.Count);
    }

    [Fact]
    public void Small_replies_reach_the_disk_with_the_next_checkpoint()
    {
        (Bench bench, List<TestClient> clients) = Open(1);
        using Bench _ = bench;
        byte[] before = Zone(bench);
        while (bench.Replica.CheckpointOp == 0)
        {
            Assert.Equal(before, Zone(bench));
            bench.Call(clients[0], "reply"u8);
        }
        Assert.NotEqual(before, Zone(bench));
    }

    private static byte[] Zone(Bench bench) =>
        bench.File.Bytes.AsSpan((int)bench.Layout.ReplyOffset(0), Limits.SectorSize).ToArray();

    [Fact]
    public void A_group_holds_what_was_put_in_and_damage_is_no_group()
    {
        Gen<byte[]> bodies = Gen.Choose(1, 60).SelectMany(static size => Gen.Elements<byte>(0, 1, 255).ArrayOf(size));
        Arbitrary<byte[][]> groups = Arb.From(Gen.Choose(2, 9).SelectMany(count => bodies.ArrayOf(count)));
        Prop.ForAll(groups, static requests =>
        {
            byte[] body = new byte[4096];
            GroupMember[] members = new GroupMember[requests.Length];
            requests[0].CopyTo(body, 0);
            int used = GroupBody.Begin(body, Operation.Write, requests[0].Length);
            for (int i = 0; i < requests.Length; i++)
            {
                members[i] = new GroupMember
                {
                    Client = (UInt128)(i + 1), RequestChecksum = (UInt128)(i + 100), RequestNumber = (uint)i + 1,
                };
                if (i == 0) continue;
                int expected = GroupBody.SizeWith(used, i, requests[i].Length);
                used = GroupBody.Add(body, used, Operation.Write, requests[i]);
                Assert.Equal(expected, used + (i + 1) * GroupMember.Size);
            }
            Span<byte> whole = body.AsSpan(0, GroupBody.End(body, used, members));
            Assert.True(GroupBody.TryRead(whole, out ReadOnlySpan<byte> batch, out ReadOnlySpan<GroupMember> read));
            Assert.Equal(requests.Length, read.Length);
            Assert.Equal(members[^1].Client, read[^1].Client);
            WireReader reader = new(batch[2..]);
            foreach (byte[] request in requests)
            {
                Assert.Equal((uint)Operation.Write, reader.U32());
                Assert.Equal(request, reader.Bytes(reader.U32()).ToArray());
            }
            Assert.True(reader.AtEnd);
            for (int size = 0; size < whole.Length; size++)
                Assert.False(GroupBody.TryRead(whole[..size], out _, out _));
            whole[0]++;
            Assert.False(GroupBody.TryRead(whole, out _, out _));
        }).QuickCheckThrowOnFailure();
    }
}
