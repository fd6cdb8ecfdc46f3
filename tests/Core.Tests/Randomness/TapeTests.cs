using System;
using System.Collections.Generic;
using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Core.Tests.Randomness;

public sealed class TapeTests
{
    [Fact]
    public void ASeedIsARun() => Prop.ForAll<ulong>(seed =>
        Run(Tape.Seeded(seed)) == Run(Tape.Seeded(seed))).QuickCheckThrowOnFailure();

    [Fact]
    public void AReplayRepeatsTheRunAndRecordsTheSame() => Prop.ForAll<ulong>(seed =>
    {
        Tape seeded = Tape.Seeded(seed);
        string first = Run(seeded);
        Tape replay = Tape.Replay(seeded.Recording);
        return Run(replay) == first
            && replay.Recording.Save().AsSpan().SequenceEqual(seeded.Recording.Save());
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void OneMoreDrawOfOneConsumerChangesNoOther()
    {
        Tape one = Tape.Seeded(7);
        Tape two = Tape.Seeded(7);
        two.Stream(TapeConsumer.Disk).U64();
        Assert.Equal(one.Stream(TapeConsumer.Network).U64(), two.Stream(TapeConsumer.Network).U64());
    }

    [Fact]
    public void AReplayAnswersZeroPastTheEndAndReducesWhatIsTooLarge()
    {
        TapeRecording recording = new();
        recording[TapeConsumer.Disk].AddRange([17, 9]);
        Tape tape = Tape.Replay(recording);
        TapeStream stream = tape.Stream(TapeConsumer.Disk);
        Assert.Equal(7, stream.Below(10));
        Assert.True(stream.Chance(Ratio.OneIn(100)));
        Assert.Equal(0, stream.Below(10));
        Assert.False(stream.Chance(Ratio.Percent(99)));
        Assert.Equal(5, stream.Range(5, 9));
        Assert.Equal([7UL, 1, 0, 0, 0], tape.Recording[TapeConsumer.Disk]);
    }

    [Fact]
    public void AnyEditedRecordingIsAValidRun() => Prop.ForAll<ulong[], ulong[]>((workload, disk) =>
    {
        TapeRecording recording = new();
        recording[TapeConsumer.Workload].AddRange(workload);
        recording[TapeConsumer.Disk].AddRange(disk);
        Tape first = Tape.Replay(recording);
        string run = Run(first);
        first.Recording.Trim();
        return Run(Tape.Replay(first.Recording)) == run;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void SavedBytesLoadAndDamageIsSeen() => Prop.ForAll<ulong, int>((seed, position) =>
    {
        Tape tape = Tape.Seeded(seed);
        Run(tape);
        byte[] bytes = tape.Recording.Save();
        Assert.True(TapeRecording.TryLoad(bytes, out TapeRecording loaded));
        Assert.Equal(bytes, loaded.Save());
        Assert.Equal(seed, loaded.Seed);
        bytes[(int)((uint)position % bytes.Length)] ^= 0x10;
        Assert.False(TapeRecording.TryLoad(bytes, out _));
        Assert.False(TapeRecording.TryLoad(bytes.AsSpan(0, bytes.Length - 1), out _));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void ExhaustiveTapesVisitEveryCombinationOnce()
    {
        Tape tape = Tape.Exhaustive();
        SortedSet<string> seen = new(StringComparer.Ordinal);
        int runs = 0;
        while (tape.NextRun())
        {
            // Three numbers of which the second is drawn only after a one, from another stream.
            int a = tape.Stream(TapeConsumer.Disk).Below(3);
            int b = a == 1 ? tape.Stream(TapeConsumer.Network).Range(4, 7) : 0;
            bool c = tape.Stream(TapeConsumer.Disk).Chance(Ratio.OneIn(1000));
            Assert.True(seen.Add($"{a} {b} {c}"));
            runs++;
        }
        Assert.Equal((1 + 4 + 1) * 2, runs);
    }

    [Fact]
    public void ASubsetHasItsSizeAndCanBeAnyAndEndsWhenNoChoicesAreLeft()
    {
        Tape tape = Tape.Exhaustive();
        SortedSet<uint> seen = [];
        while (tape.NextRun())
        {
            uint set = tape.Stream(TapeConsumer.Disk).Subset(4, 2);
            Assert.Equal(2, BitOperations.PopCount(set));
            seen.Add(set);
        }
        Assert.Equal([0b0011u, 0b0101u, 0b0110u, 0b1001u, 0b1010u, 0b1100u], seen);
        Assert.Equal(0b0111u, Tape.Replay(new TapeRecording()).Stream(TapeConsumer.Disk).Subset(5, 3));
    }

    [Fact]
    public void AChoiceThatIsTakenForEverFailsTheRun()
    {
        TapeStream stream = Tape.Replay(new TapeRecording()).Stream(TapeConsumer.Disk);
        Assert.Throws<CheckFailedException>(() =>
        {
            while (stream.Below(2) == 0) _ = stream;
        });
    }

    [Fact]
    public void AnExhaustiveTapeWithoutAChoiceRunsOnce()
    {
        Tape tape = Tape.Exhaustive();
        Assert.True(tape.NextRun());
        Assert.Equal(0, tape.Stream(TapeConsumer.Disk).Below(1));
        Assert.False(tape.NextRun());
    }

    [Fact]
    public void WeightsOfZeroAreNeverPicked()
    {
        Tape tape = Tape.Exhaustive();
        List<int> picked = [];
        while (tape.NextRun()) picked.Add(tape.Stream(TapeConsumer.Disk).Weighted([0, 5, 0, 1]));
        Assert.DoesNotContain(0, picked);
        Assert.DoesNotContain(2, picked);
        Assert.Contains(1, picked);
        Assert.Contains(3, picked);
    }

    /// <summary>A made-up consumer of choices of every kind.</summary>
    private static string Run(Tape tape)
    {
        TapeStream workload = tape.Stream(TapeConsumer.Workload);
        TapeStream disk = tape.Stream(TapeConsumer.Disk);
        int steps = workload.Range(1, 20);
        string log = "";
        for (int i = 0; i < steps; i++)
        {
            log += workload.Weighted([1, 0, 3, 2]) switch
            {
                0 => $"a{workload.U64()}",
                2 => $"b{workload.Range(-1000L, 1000)}",
                _ => $"c{workload.Boolean()}",
            };
            if (!disk.Chance(Ratio.OneIn(3))) continue;
            byte[] bytes = new byte[disk.Below(20)];
            disk.Bytes(bytes);
            log += Convert.ToHexString(bytes);
        }
        return log;
    }
}
