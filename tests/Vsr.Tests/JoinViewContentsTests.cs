using System;
using System.Collections.Generic;
using System.Linq;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;
using static Deterministic.Vsr.Tests.Support.ClusterCalls;

namespace Deterministic.Vsr.Tests;

/// <summary>What a replica tells of its log in a change of view.</summary>
public sealed class JoinViewContentsTests
{
    private const int ElectionTicks = 1000;
    private const int GivenUp = 3;

    /// <summary>An old primary has entries that nobody else got. Of the log that the others made instead it hears only
    /// the head; what lies below it in its journal is not of that log.</summary>
    [Fact]
    public void Entries_left_of_a_log_that_was_given_up_are_neither_told_nor_denied()
    {
        using ClusterBench bench = new(3);
        bench.Run(ElectionTicks);
        byte old = (byte)bench.Primary();
        byte next = (byte)((old + 1) % 3);
        byte third = (byte)((old + 2) % 3);
        TestClient client = Register(bench, 5);
        ulong agreed = bench.CommittedMax;
        GiveEntriesToOne(bench, old);
        bench.Crash(old, new Random(1));
        bench.Lose = _ => false;
        bench.Run(ElectionTicks);
        Assert.Equal(next, bench.Primary());
        for (byte i = 0; i <= GivenUp; i++) Write(bench, client, i);
        ulong head = agreed + GivenUp + 1;
        Assert.Equal(head, bench.Nodes[next].Replica!.Op);

        List<ClusterBench.Packet> joins = [];
        bench.Lose = packet => (packet.To == old || packet.From == old) && IsLost(packet, joins);
        bench.Start(old);
        bench.Run(ElectionTicks);
        Assert.Equal(head, bench.Nodes[old].Replica!.Op);
        uint view = bench.Nodes[old].Replica!.View;
        bench.Crash(next, new Random(1));
        bench.Run(ElectionTicks);

        ClusterBench.Packet join = joins.First(packet => packet.To == third);
        Assert.Equal(head, join.Header.JoinView.Op);
        Assert.Equal(view, join.Header.JoinView.LogView);
        for (int i = 0; i <= GivenUp; i++)
        {
            bool told = Header.Read(join.Bytes.AsSpan((1 + i) * Limits.HeaderSize)).Command == Command.Prepare;
            Assert.Equal(i == 0, told);
            bool present = (join.Header.JoinView.Present >> i & 1) != 0;
            bool denied = (join.Header.JoinView.Nack >> i & 1) != 0;
            Assert.False(i > 0 && (present || denied), $"header {i}");
        }
    }

    /// <summary>The primary has entries that reach nobody.</summary>
    private static void GiveEntriesToOne(ClusterBench bench, byte primary)
    {
        ulong before = bench.Nodes[primary].Replica!.Op;
        bench.Lose = packet => packet.From == primary;
        for (byte i = 0; i < GivenUp; i++)
        {
            TestClient client = new((UInt128)100 + i);
            client.MakeRegister(Bench.Cluster);
            bench.Send(primary, client.Request);
        }
        bench.Settle();
        Assert.Equal(before + GivenUp, bench.Nodes[primary].Replica!.Op);
    }

    private static bool IsLost(ClusterBench.Packet packet, List<ClusterBench.Packet> joins)
    {
        if (packet.Header.Command == Command.JoinView) joins.Add(packet);
        return packet.Header.Command is not (Command.View or Command.ExitView or Command.GetView);
    }
}
