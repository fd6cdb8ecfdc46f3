using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;

namespace Deterministic.Vsr.Tests;

/// <summary>Power cuts at random points, also while opening, and whether everything acknowledged survives
/// them.</summary>
public sealed class CrashTests
{
    [Fact]
    public void Nothing_acknowledged_is_lost_and_nothing_runs_twice()
    {
        int crashesInOpen = 0;
        int torn = 0;
        int checkpoints = 0;
        for (int seed = 0; seed < 60; seed++) Run(seed, ref crashesInOpen, ref torn, ref checkpoints);
        Assert.True(crashesInOpen > 0 && torn > 0 && checkpoints > 0);
    }

    private static void Run(int seed, ref int crashesInOpen, ref int torn, ref int checkpoints)
    {
        Random random = new(seed);
        using Bench bench = new Bench().Open();
        TestClient client = bench.Register(5);
        byte[] body = new byte[12_000];
        ulong acknowledged = 0;
        while (acknowledged < 60)
        {
            random.NextBytes(body.AsSpan(0, 64));
            client.Make(Bench.Cluster, Operation.Write, body.AsSpan(0, random.Next(body.Length)));
            bool answered = false;
            while (!answered)
            {
                int before = bench.Bus.Sent;
                bench.Deliver(client.Request);
                int steps = random.Next(4) == 0 ? random.Next(12) : 1000;
                while (steps-- > 0 && bench.Step())
                {
                }
                answered = bench.Bus.Sent > before;
                if (random.Next(6) == 0) Reopen(bench, random, ref crashesInOpen, ref torn);
            }
            acknowledged++;
            client.Take(bench.Bus.LastHeader);
            Assert.Equal(acknowledged, BinaryPrimitives.ReadUInt64LittleEndian(bench.Bus.LastBody));
        }
        if (bench.Replica.CheckpointOp > 0) checkpoints++;
    }

    private static void Reopen(Bench bench, Random random, ref int crashesInOpen, ref int torn)
    {
        Header last = bench.Bus.LastHeader;
        byte[] lastBody = bench.Bus.Sent > 0 ? bench.Bus.LastBody.ToArray() : [];
        bench.Restart(random);
        bench.Replica.Open();
        while (random.Next(3) == 0)
        {
            for (int steps = random.Next(60); steps > 0 && bench.Step(); steps--)
            {
            }
            if (bench.Replica.Status != ReplicaStatus.Normal) crashesInOpen++;
            bench.Restart(random);
            bench.Replica.Open();
        }
        bench.Settle();
        Assert.True(bench.Replica.Status == ReplicaStatus.Normal, bench.Replica.StopText());
        torn += bench.Replica.TornJournalSlots;
        bench.Bus.Remember(last, lastBody);
    }
}
