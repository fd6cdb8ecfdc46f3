using System;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;
using static Deterministic.Vsr.Tests.Support.ClusterCalls;

namespace Deterministic.Vsr.Tests;

/// <summary>Nobody is left behind: what a replica that was away asks for it gets soon, and a primary that is far ahead
/// of it makes pauses.</summary>
public sealed class BackPressureTests
{
    private const int ElectionTicks = 1000;

    /// <summary>A quarter of the journal, and more.</summary>
    private const int EntriesAhead = 12;

    [Fact]
    public void Who_asks_for_more_entries_than_are_read_at_a_time_gets_them_all()
    {
        using ClusterBench bench = new(3);
        bench.Run(ElectionTicks);
        TestClient client = Register(bench, 5);
        for (byte i = 0; i < EntriesAhead; i++) Write(bench, client, i);
        byte holder = (byte)bench.Primary(), asker = (byte)((holder + 1) % 3);
        Assert.True(bench.Configuration.JournalReadsMax < EntriesAhead - 2);
        bench.Nodes[holder].DiskStalls = true;
        for (ulong op = 2; op < EntriesAhead; op++) Ask(bench, holder, asker, op);
        ulong[] came = [];
        bench.Lose = packet =>
        {
            bool entry = packet.To == asker && packet.Header.Command == Command.Prepare;
            if (entry) came = [.. came, packet.Header.Prepare.Op];
            return entry;
        };
        bench.Settle();
        Assert.Empty(came);
        bench.Nodes[holder].DiskStalls = false;
        bench.Settle();
        Assert.Equal(Enumerable.Range(2, EntriesAhead - 2).Select(static op => (ulong)op), came.Order());
    }

    [Fact]
    public void An_answer_that_is_lost_is_missed_soon_where_answers_come_quickly()
    {
        const int soon = 15;
        using ClusterBench bench = new(3);
        bench.Run(ElectionTicks);
        TestClient client = Register(bench, 5);
        byte away = (byte)((bench.Primary() + 1) % 3);
        bench.Lose = packet => packet.To == away || packet.From == away;
        for (byte i = 0; i < 24; i++) Write(bench, client, i);
        bool lost = false;
        bench.Lose = packet =>
        {
            bool last = packet.To == away && packet.Header.Command == Command.Prepare && packet.Header.Prepare.Op == 25;
            if (!last || lost) return false;
            lost = true;
            return true;
        };
        while (bench.Nodes[away].Replica!.CommitMin < 24) bench.Run(1);
        Assert.True(lost);
        bench.Run(soon);
        Assert.Equal(25UL, bench.Nodes[away].Replica!.CommitMin);
    }

    [Fact]
    public void A_primary_makes_pauses_while_a_replica_far_behind_comes_nearer()
    {
        using ClusterBench bench = new(3);
        byte primary = Ahead(bench, out byte behind);
        int pauses = 0;
        for (ulong tick = 0; tick < 100; tick++)
        {
            Say(bench, primary, behind, 1 + tick % 2);
            bench.Settle();
            if (bench.Nodes[primary].Replica!.IsFull) pauses++;
            bench.Tick(primary);
        }
        Assert.Equal(20, pauses);
    }

    [Fact]
    public void No_pauses_are_made_for_a_replica_that_stands_still()
    {
        using ClusterBench bench = new(3);
        byte primary = Ahead(bench, out byte behind);
        Say(bench, primary, behind, 1);
        bench.Settle();
        int last = 0;
        for (int tick = 0; tick < 100; tick++)
        {
            Say(bench, primary, behind, 1);
            bench.Settle();
            if (bench.Nodes[primary].Replica!.IsFull) last = tick;
            bench.Tick(primary);
        }
        Assert.InRange(last, 1, 51);
    }

    [Fact]
    public void No_pauses_are_made_for_one_that_is_near_or_that_the_journal_no_longer_reaches()
    {
        using ClusterBench bench = new(3);
        byte primary = Ahead(bench, out byte behind);
        TestClient client = Register(bench, 6);
        ulong slots = (ulong)bench.Configuration.JournalSlots;
        while (bench.Nodes[primary].Replica!.CommitMax < slots + 4) Write(bench, client, 1);
        ulong commit = bench.Nodes[primary].Replica!.CommitMax;
        for (ulong tick = 0; tick < 20; tick++)
        {
            Say(bench, primary, behind, tick % 2 == 0 ? commit - slots / 4 : commit - slots - 1);
            bench.Settle();
            Assert.False(bench.Nodes[primary].Replica!.IsFull);
            bench.Tick(primary);
        }
    }

    /// <summary>The primary has committed entries that one replica, which is cut off, does not have.</summary>
    private static byte Ahead(ClusterBench bench, out byte behind)
    {
        bench.Run(ElectionTicks);
        byte away = (byte)((bench.Primary() + 1) % 3);
        bench.Lose = packet => packet.To == away || packet.From == away;
        TestClient client = Register(bench, 5);
        for (byte i = 0; i < EntriesAhead; i++) Write(bench, client, i);
        behind = away;
        return (byte)bench.Primary();
    }

    /// <summary>As if the replica told what it has run.</summary>
    private static void Say(ClusterBench bench, byte to, byte from, ulong commit)
    {
        Header pong = Header.Create(Command.Pong, Bench.Cluster, bench.Nodes[to].Replica!.View, from);
        pong.Pong = new PongFields { Commit = commit, CommitMin = commit, IsNormal = 1 };
        Forge(bench, to, from, pong);
    }

    private static void Ask(ClusterBench bench, byte to, byte from, ulong op)
    {
        DataFileLayout layout = new(bench.Configuration);
        MemoryFile file = bench.Nodes[to].File;
        Header entry = Header.Read(file.Bytes.AsSpan((int)layout.PrepareOffset(layout.SlotOf(op))));
        Assert.Equal(op, entry.Prepare.Op);
        Header get = Header.Create(Command.GetPrepare, Bench.Cluster, bench.Nodes[to].Replica!.View, from);
        get.GetPrepare = new GetPrepareFields { Op = op, PrepareChecksum = entry.Checksum };
        Forge(bench, to, from, get);
    }

    private static void Forge(ClusterBench bench, byte to, byte from, Header header)
    {
        header.SetChecksumBody([]);
        header.SetChecksum();
        byte[] bytes = new byte[Limits.HeaderSize];
        header.WriteTo(bytes);
        bench.Forge(new ClusterBench.Packet(from, to, 0, bytes));
    }
}
