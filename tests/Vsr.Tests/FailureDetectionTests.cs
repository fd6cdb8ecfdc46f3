using System;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;

namespace Deterministic.Vsr.Tests;

/// <summary>Who is taken for dead, and how soon.</summary>
public sealed class FailureDetectionTests
{
    private const int ElectionTicks = 1000;

    private static ClusterBench Create(int replicas, out byte primary)
    {
        ClusterBench bench = new(replicas);
        bench.Run(ElectionTicks);
        primary = (byte)bench.Primary();
        return bench;
    }

    /// <summary>Ticks until another replica is the primary.</summary>
    private static int TicksUntilAnother(ClusterBench bench, byte primary, int ticksMax)
    {
        for (int ticks = 0; ticks < ticksMax; ticks++)
        {
            if (bench.Primary() >= 0 && bench.Primary() != primary) return ticks;
            bench.Run(1);
        }
        return ticksMax;
    }

    /// <summary>Its heartbeats arrive, so that nobody misses it, and nothing reaches it.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public void A_primary_that_is_heard_and_hears_nobody_makes_way(int replicas)
    {
        using ClusterBench bench = Create(replicas, out byte primary);
        bench.Lose = packet => packet.To == primary;
        Assert.True(TicksUntilAnother(bench, primary, 600) < 600, ChaosRun.State(bench));
        Assert.True(bench.Marks.Count(Mark.PrimaryAbdicated) > 0);
        TestClient client = new(5);
        client.MakeRegister(Bench.Cluster);
        bench.Send((byte)bench.Primary(), client.Request);
        bench.Run(50);
        Assert.Contains(bench.Replies, reply => reply.Header.Command == Command.Reply && reply.Client == client.Id);
    }

    [Fact]
    public void A_primary_that_enough_others_reach_for_a_quorum_stays()
    {
        using ClusterBench bench = Create(5, out byte primary);
        byte near = (byte)((primary + 1) % 5);
        byte far = (byte)((primary + 2) % 5);
        bench.Lose = packet => packet.To == primary && packet.From != near && packet.From != far;
        bench.Run(1500);
        Assert.Equal(primary, bench.Primary());
        Assert.Equal(0UL, bench.Marks.Count(Mark.PrimaryAbdicated));
    }

    [Fact]
    public void On_a_good_network_a_dead_primary_is_replaced_within_four_hundred_milliseconds()
    {
        using ClusterBench bench = Create(3, out byte primary);
        bench.Crash(primary, new Random(1));
        Assert.InRange(TicksUntilAnother(bench, primary, 600), 12, 40);
    }

    /// <summary>Heartbeats that come in bursts are normal here: nobody is suspected, and a death is still found
    /// out.</summary>
    [Fact]
    public void Where_heartbeats_come_unevenly_nobody_is_suspected_for_it()
    {
        using ClusterBench bench = Create(3, out byte primary);
        bool closed = false;
        bench.Lose = packet => closed && packet.From == primary;
        for (int gap = 5; gap < 45; gap++) Interrupt(gap);
        ulong suspected = bench.Marks.Count(Mark.PrimarySuspected);
        for (int i = 0; i < 50; i++) Interrupt(45);
        Assert.Equal(suspected, bench.Marks.Count(Mark.PrimarySuspected));
        Assert.Equal(primary, bench.Primary());
        bench.Crash(primary, new Random(1));
        Assert.InRange(TicksUntilAnother(bench, primary, 600), 100, 330);

        void Interrupt(int ticks)
        {
            closed = true;
            bench.Run(ticks);
            closed = false;
            bench.Run(6);
        }
    }

    [Fact]
    public void One_backup_that_does_not_hear_the_primary_changes_nothing_for_the_others()
    {
        using ClusterBench bench = Create(3, out byte primary);
        byte lonely = (byte)((primary + 1) % 3);
        bench.Lose = packet => packet.From == primary && packet.To == lonely;
        bench.Run(2000);
        Assert.True(bench.Marks.Count(Mark.PrimarySuspected) > 0);
        Assert.Equal(primary, bench.Primary());
    }
}
