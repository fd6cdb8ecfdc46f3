using System;
using System.Globalization;
using System.Linq;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;
using static Deterministic.Vsr.Tests.Support.ClusterCalls;

namespace Deterministic.Vsr.Tests;

/// <summary>A cluster goes on to the next release of its state machine without a stop, all replicas after the same
/// entry. The machine of these tests computes another state from release 2 on, and whatever two replicas run is
/// compared.</summary>
public sealed class UpgradeTests
{
    private const int ElectionTicks = 1000;
    private const uint Next = Header.ReleaseCurrent + 1;

    private static ClusterBench Create(int replicas, out TestClient client)
    {
        ClusterBench bench = new(replicas);
        bench.Run(ElectionTicks);
        client = Register(bench, 5);
        for (byte i = 0; i < 10; i++) Write(bench, client, i);
        return bench;
    }

    /// <summary>Stops a replica and starts it with software that knows releases up to <see cref="Next"/>.</summary>
    private static void Update(ClusterBench bench, int replica, uint release = Next)
    {
        bench.Crash((byte)replica, new Random(replica));
        bench.ReleaseMax[replica] = release;
        bench.Start((byte)replica);
        bench.Run(ElectionTicks);
    }

    private static uint[] Releases(ClusterBench bench) =>
        bench.Nodes.Select(node => node.Replica!.Release).ToArray();

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public void The_release_rises_once_the_last_replica_knows_the_newer_one(int replicas)
    {
        using ClusterBench bench = Create(replicas, out TestClient client);
        for (int i = 0; i < replicas; i++)
        {
            Assert.All(Releases(bench), release => Assert.Equal(Header.ReleaseCurrent, release));
            Update(bench, i);
            Write(bench, client, (byte)i);
        }
        bench.Run(ElectionTicks);
        Assert.All(Releases(bench), release => Assert.Equal(Next, release));
        Assert.Equal((ulong)replicas, bench.Marks.Count(Mark.ReleaseEntered));
        // A client of the older release is still served.
        Header reply = Write(bench, client, 99);
        Assert.Equal(Next, reply.Release);
        Assert.Equal(12UL + (ulong)replicas + 1, reply.Reply.Op);
    }

    [Fact]
    public void Without_a_word_of_every_replica_the_release_stays()
    {
        using ClusterBench bench = Create(3, out TestClient client);
        byte away = (byte)((bench.Primary() + 1) % 3);
        for (byte i = 0; i < 3; i++)
            if (i != away) Update(bench, i);
        bench.Crash(away, new Random(1));
        bench.Run(ElectionTicks);
        Write(bench, client, 1);
        Assert.All(bench.Nodes.Where(node => node.Replica is not null),
            node => Assert.Equal(Header.ReleaseCurrent, node.Replica!.Release));
        bench.ReleaseMax[away] = Next;
        bench.Start(away);
        bench.Run(ElectionTicks);
        Assert.All(Releases(bench), release => Assert.Equal(Next, release));
    }

    /// <summary>The journal holds entries of both releases: each is run again as it was at first, before and after a
    /// checkpoint that knows the newer one.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    public void After_a_restart_each_entry_is_run_with_its_own_release(int writes)
    {
        using ClusterBench bench = Create(3, out TestClient client);
        for (int i = 0; i < 3; i++) Update(bench, i);
        for (byte i = 0; i < writes; i++) Write(bench, client, i);
        for (byte i = 0; i < 3; i++) bench.Crash(i, new Random(i));
        for (byte i = 0; i < 3; i++) bench.Start(i);
        bench.Run(2 * ElectionTicks);
        Write(bench, client, 77);
        bench.Run(100);
        Assert.All(Releases(bench), release => Assert.Equal(Next, release));
        Assert.Single(bench.Nodes.Select(node => node.Machine.Hash).Distinct());
    }

    /// <summary>Its log holds entries, or its checkpoint is, of a release that it does not know.</summary>
    [Theory]
    [InlineData(1, StopReason.ReleaseTooNew)]
    [InlineData(40, StopReason.SuperblockReleaseUnsupported)]
    public void Older_software_refuses_what_newer_software_has_gone_on_with(int writes, StopReason reason)
    {
        using ClusterBench bench = Create(3, out TestClient client);
        for (int i = 0; i < 3; i++) Update(bench, i);
        for (byte i = 0; i < writes; i++) Write(bench, client, i);
        bench.Run(100);
        byte old = (byte)((bench.Primary() + 1) % 3);
        Assert.Equal(reason, Refusal(bench, old));
        bench.ReleaseMax[old] = Next;
        bench.Start(old);
        bench.Run(ElectionTicks);
        Write(bench, client, 5);
        bench.Run(100);
        Assert.Equal(bench.CommittedMax, bench.Nodes[old].Replica!.CommitMin);
    }

    /// <summary>It learns of the newer release by the first entry that it is sent, and acknowledges nothing.</summary>
    [Fact]
    public void Older_software_that_missed_the_upgrade_stops_at_its_first_entry()
    {
        using ClusterBench bench = Create(3, out TestClient client);
        for (int i = 0; i < 3; i++) Update(bench, i);
        Assert.All(Releases(bench), release => Assert.Equal(Next, release));
        Write(bench, client, 1);
        byte old = (byte)((bench.Primary() + 1) % 3);
        bench.Crash(old, new Random(1));
        bench.ReleaseMax[old] = Header.ReleaseCurrent;
        bench.Replace(old);
        Assert.Equal(StopReason.ReleaseTooNew, Refusal(bench, old));
        Assert.DoesNotContain(bench.Packets,
            packet => packet.From == old && packet.Header.Command == Command.PrepareOk);
    }

    /// <summary>The log still reaches back to the beginning, which was the older release's.</summary>
    [Fact]
    public void A_new_disk_with_newer_software_runs_an_old_log()
    {
        using ClusterBench bench = Create(3, out TestClient client);
        byte lost = (byte)((bench.Primary() + 1) % 3);
        bench.Crash(lost, new Random(1));
        bench.ReleaseMax[lost] = Next;
        bench.Replace(lost);
        bench.Start(lost);
        bench.Run(2 * ElectionTicks);
        Write(bench, client, 1);
        bench.Run(100);
        Assert.Equal(bench.CommittedMax, bench.Nodes[lost].Replica!.CommitMin);
        Assert.All(Releases(bench), release => Assert.Equal(Header.ReleaseCurrent, release));
    }

    /// <summary>Starts a replica with the older software and waits until it stops.</summary>
    private static StopReason Refusal(ClusterBench bench, byte replica)
    {
        if (bench.Nodes[replica].Replica is not null) bench.Crash(replica, new Random(1));
        bench.ReleaseMax[replica] = Header.ReleaseCurrent;
        string text = Assert.Throws<InvalidOperationException>(() =>
        {
            bench.Start(replica);
            bench.Run(2 * ElectionTicks);
        }).Message;
        StopReason reason = bench.Nodes[replica].Replica!.StopReason;
        Assert.Contains(StopReasons.Text(reason), text, StringComparison.Ordinal);
        bench.Crash(replica, new Random(1));
        return reason;
    }

    /// <summary>Replicas get the newer software one after the other amid chaos; all run every entry alike, and in the
    /// end all run the newer release.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public void Chaos_does_not_keep_a_cluster_from_an_upgrade(int replicas)
    {
        string seeds = Environment.GetEnvironmentVariable("DETERMINISTIC_CHAOS_SEEDS") ?? "10";
        for (int seed = 0; seed < int.Parse(seeds, CultureInfo.InvariantCulture); seed++)
            new ChaosRun(replicas, seed) { Release = Next }.Run();
    }
}
