using System;
using Deterministic.Storage.Packs;
using Deterministic.Storage.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Storage.Tests.Packs;

public sealed class UploaderTests(ITestOutputHelper output)
{
    [Fact]
    public void ACheckpointInTheStoreIsTheOneOnDisk()
    {
        using UploadBench bench = new(seed: 1, faulty: false);
        bench.Write(3000, keySpace: 3000);
        bench.Checkpoint();
        bench.Settle();
        Assert.True(bench.Uploader.Failure.IsNone, bench.Uploader.Failure.Text);
        Assert.Equal(bench.Forest.Op, bench.Uploader.OpCommitted);
        Assert.Equal(1, bench.CheckAll());
        Assert.Equal(0u, bench.Uploader.Lag);
    }

    [Fact]
    public void ASmallChangeCostsLittle()
    {
        using UploadBench bench = new(seed: 2, faulty: false);
        bench.Write(10_000, keySpace: 10_000);
        bench.Checkpoint();
        bench.Settle();
        ulong first = bench.Uploader.BytesPut;
        bench.Write(10, keySpace: 10_000);
        bench.Checkpoint();
        bench.Settle();
        ulong second = bench.Uploader.BytesPut - first;
        output.WriteLine($"state {bench.Forest.Forest.SizeBytes}, first upload {first}, after 10 writes {second}");
        Assert.True(first > (ulong)bench.Forest.Forest.SizeBytes / 2);
        Assert.True(second * 10 < first);
        Assert.Equal(2, bench.CheckAll());
    }

    [Fact]
    public void KeptCheckpointsRestoreThroughErrorsAndCrashes() => Prop.ForAll(
        ArbMap.Default.ArbFor<int>(), (int seed) => RunRandom(seed)).Check(Config.QuickThrowOnFailure.WithMaxTest(15));

    [Fact]
    public void ACrashAfterAnyCompletionLosesNothing()
    {
        int last = int.MaxValue;
        for (int at = 1; at <= last; at++)
        {
            using UploadBench bench = new(seed: 3, faulty: false, keep: 1);
            int left = at;
            for (int round = 0; round < 3; round++)
            {
                bench.Write(150, keySpace: 300);
                bench.Checkpoint();
                for (; left > 0 && !bench.Uploader.IsIdle; left--) bench.Step();
            }
            if (left > 0) last = at;
            bench.Crash();
            bench.CheckAll();
            bench.Settle();
            Assert.Equal(bench.Forest.Op, bench.Uploader.OpCommitted);
            Assert.Equal(1, bench.CheckAll());
        }
        Assert.InRange(last, 40, 1000);
    }

    [Fact]
    public void WhatNothingNeedsIsRemoved()
    {
        using UploadBench bench = new(seed: 4, faulty: false, keep: 2);
        for (int round = 0; round < 30; round++)
        {
            bench.Write(300, keySpace: 1000);
            bench.Checkpoint();
            bench.Settle();
        }
        long stored = 0;
        foreach (byte[] each in bench.Store.Objects.Values) stored += each.Length;
        Assert.True(bench.Uploader.ObjectsDeleted > 30);
        Assert.True(stored < 8 * bench.Forest.Forest.SizeBytes, $"{stored} for {bench.Forest.Forest.SizeBytes}");
        Assert.Equal(2, bench.CheckAll());
    }

    [Fact]
    public void AnUploadThatIsOvertakenGoesOnWithTheNewest()
    {
        using UploadBench bench = new(seed: 5, faulty: false);
        for (int round = 0; round < 8; round++)
        {
            bench.Write(4000, keySpace: 8000);
            bench.Checkpoint();
            for (int i = 0; i < 6; i++) bench.Step();
        }
        Assert.True(bench.Uploader.HoldsBack);
        bench.Settle();
        Assert.True(bench.Uploader.CheckpointsAbandoned > 0);
        Assert.False(bench.Uploader.HoldsBack);
        Assert.Equal(bench.Forest.Op, bench.Uploader.OpCommitted);
        Assert.True(bench.CheckAll() > 0);
    }

    [Fact]
    public void AnotherHistoryIsNotWrittenOver()
    {
        using UploadBench bench = new(seed: 6, faulty: false);
        bench.Write(100, keySpace: 100);
        bench.Checkpoint();
        bench.Settle();
        bench.History = 100;
        // The same checkpoint in another file, which then goes its own way.
        bench.Crash();
        bench.Settle();
        Assert.True(bench.Uploader.Failure.IsNone);
        bench.Write(100, keySpace: 100);
        bench.Checkpoint();
        bench.History = 101;
        bench.Crash();
        bench.Settle();
        Assert.Equal(PacksProblem.AnotherHistory, bench.Uploader.Failure.Problem);
        Assert.False(bench.Uploader.HoldsBack);
        Assert.Equal(1, bench.CheckAll());
    }

    [Fact]
    public void AnUploaderThatWasSupersededCommitsNothing()
    {
        using UploadBench bench = new(seed: 7, faulty: false);
        bench.Write(100, keySpace: 100);
        bench.Checkpoint();
        bench.Settle();
        Catalog catalog = new();
        catalog.Read(bench.Store.Objects["cluster-7/catalog"], cluster: 7);
        catalog.Writer = 12345;
        catalog.Epoch++;
        byte[] bytes = new byte[Catalog.SizeMax];
        int size = catalog.Write(bytes, cluster: 7);
        bench.Store.Objects["cluster-7/catalog"] = bytes[..size];
        bench.Write(100, keySpace: 100);
        bench.Checkpoint();
        bench.Settle();
        Assert.Equal(PacksProblem.Superseded, bench.Uploader.Failure.Problem);
        Assert.Equal(1, bench.CheckAll());
    }

    private static void RunRandom(int seed)
    {
        Random random = new(seed);
        using UploadBench bench = new(seed, faulty: true, keep: random.Next(1, 4));
        for (int round = 0; round < 12; round++)
        {
            for (int i = random.Next(1, 4); i > 0; i--) bench.Write(random.Next(1, 400), keySpace: 2000);
            bench.Checkpoint();
            if (random.Next(2) == 0) bench.Settle();
            for (int i = random.Next(60); i > 0 && !bench.Uploader.IsIdle; i--) bench.Step();
            Assert.True(bench.Uploader.Failure.IsNone, bench.Uploader.Failure.Text);
            if (random.Next(4) != 0) continue;
            bench.Crash();
            bench.CheckAll();
        }
        bench.Settle();
        Assert.True(bench.Uploader.Failure.IsNone, bench.Uploader.Failure.Text);
        Assert.Equal(bench.Forest.Op, bench.Uploader.OpCommitted);
        Assert.True(bench.CheckAll() > 0);
    }
}
