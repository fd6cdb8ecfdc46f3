using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;

namespace Deterministic.Vsr.Tests;

/// <summary>What an observer of checkpoints is told and when, and what it can hold back.</summary>
public sealed class ObserverTests
{
    private const int Interval = 20;

    [Fact]
    public void Each_checkpoint_is_told_once_it_is_durable_and_before_the_next_operation()
    {
        TestObserver observer = new();
        using Bench bench = new Bench(observer: observer).Open();
        TestClient client = bench.Register(5);
        List<ulong> told = [];
        for (int i = 0; i < 100; i++)
        {
            int before = observer.Told;
            bench.Call(client, "x"u8);
            if (observer.Told == before) continue;
            Assert.Equal(before + 1, observer.Told);
            Assert.Equal(bench.Replica.CheckpointOp, observer.LastOp);
            // Op 1 opened the session; the checkpoint has every operation up to its own and no other.
            Assert.Equal(observer.LastOp - 1, observer.LastCount);
            Assert.Equal(Limits.SuperblockCopies, observer.LastCopies);
            Assert.Equal(StopReason.None, CheckpointRecord.Read(observer.LastRecord, out SuperblockCopy record));
            Assert.Equal(observer.LastOp, record.Checkpoint.Op);
            Assert.Equal(observer.LastRoot, record.Checkpoint.Root);
            told.Add(observer.LastOp);
        }
        Assert.Equal([19ul, 39ul, 59ul, 79ul, 99ul], told);
    }

    [Fact]
    public void The_checkpoint_that_was_opened_is_told_once_before_the_log_is_run_again()
    {
        TestObserver observer = new();
        using Bench bench = new Bench(observer: observer).Open();
        TestClient client = bench.Register(5);
        Assert.Equal(0, observer.Told);
        for (int i = 0; i < Interval + 5; i++) bench.Call(client, "x"u8);
        Assert.Equal(1, observer.Told);
        byte[] record = observer.LastRecord.ToArray();
        bench.Restart().Open();
        Assert.Equal(2, observer.Told);
        Assert.Equal(19ul, observer.LastOp);
        Assert.Equal(18ul, observer.LastCount);
        Assert.Equal(record, observer.LastRecord.ToArray());
        Assert.Equal(ReplicaStatus.Normal, bench.Replica.Status);
        Assert.Equal((ulong)Interval + 5, bench.StateMachine.Count);
    }

    [Fact]
    public void Held_back_operations_are_durable_but_run_only_when_the_observer_lets_go()
    {
        TestObserver observer = new();
        using Bench bench = new Bench(observer: observer).Open();
        TestClient client = bench.Register(5);
        bench.Call(client, "before"u8);
        observer.HoldsBack = true;
        client.Make(Bench.Cluster, Operation.Write, "held"u8);
        int sent = bench.Bus.Sent;
        bench.Deliver(client.Request);
        for (int i = 0; i < 10; i++) bench.Settle();
        Assert.Equal(sent, bench.Bus.Sent);
        Assert.Equal(1ul, bench.StateMachine.Count);
        Assert.True(bench.Replica.IsHeldBack);
        observer.HoldsBack = false;
        bench.Replica.Tick();
        bench.Settle();
        Assert.Equal(sent + 1, bench.Bus.Sent);
        Assert.Equal(2ul, bench.StateMachine.Count);
        Assert.False(bench.Replica.IsHeldBack);
    }

    [Fact]
    public void Opening_never_waits_for_the_observer()
    {
        TestObserver observer = new();
        using Bench bench = new Bench(observer: observer).Open();
        TestClient client = bench.Register(5);
        for (int i = 0; i < Interval + 5; i++) bench.Call(client, "x"u8);
        observer.HoldsBack = true;
        bench.Restart().Open();
        Assert.Equal(ReplicaStatus.Normal, bench.Replica.Status);
        Assert.Equal((ulong)Interval + 5, bench.StateMachine.Count);
    }

    [Fact]
    public void Telling_allocates_nothing()
    {
        using Bench bench = new Bench(observer: new TestObserver()).Open();
        TestClient client = bench.Register(5);
        for (int i = 0; i < 200; i++) bench.Call(client, "warm"u8);
        int told = bench.Observer!.Told;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 200; i++) bench.Call(client, "steady"u8);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(told + 200 / Interval, bench.Observer.Told);
    }
}
