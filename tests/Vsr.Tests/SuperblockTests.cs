using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;
using Xunit;

namespace Deterministic.Vsr.Tests;

public sealed class SuperblockTests
{
    /// <summary>What one place may hold.</summary>
    private enum Place
    {
        Intact,
        Older,
        MuchOlder,
        Newer,
        Fork,
        Corrupt,
        Missing,
        Misplaced,
        Count,
    }

    private const int Copies = Limits.SuperblockCopies;

    [Fact]
    public void Every_damage_to_every_copy_is_decided_as_the_rules_say()
    {
        byte[][] contents = Contents();
        int opened = 0;
        int kinds = (int)Place.Count;
        for (int pattern = 0; pattern < kinds * kinds * kinds * kinds; pattern++)
        {
            Place[] places = new Place[Copies];
            byte[] bytes = new byte[Copies * SuperblockCopy.Size];
            for (int i = 0, rest = pattern; i < Copies; i++, rest /= kinds)
            {
                places[i] = (Place)(rest % kinds);
                Put(contents, places[i], i, bytes.AsSpan(i * SuperblockCopy.Size, SuperblockCopy.Size));
            }
            SuperblockQuorum quorum = SuperblockQuorum.Decide(bytes, SuperblockQuorum.ThresholdOpen);
            (StopReason problem, Place chosen) = Expect(places);
            Assert.True(quorum.Problem == problem, $"{string.Join(' ', places)}: {quorum.Problem}, not {problem}");
            if (problem != StopReason.None) continue;
            opened++;
            for (int i = 0; i < Copies; i++)
            {
                Assert.Equal(places[i] != chosen, (quorum.Degraded >> i & 1) == 1);
            }
            bool otherAge = Array.Exists(places, place => place != chosen && place < Place.Corrupt);
            Assert.Equal(otherAge, quorum.AgesDiffer);
        }
        Assert.True(opened > 100);
    }

    /// <summary>The rules once more, by counting.</summary>
    private static (StopReason, Place) Expect(Place[] places)
    {
        Place[] valid = [Place.Newer, Place.Intact, Place.Fork, Place.Older, Place.MuchOlder];
        int Count(Place place) => Array.FindAll(places, p => p == place).Length;
        bool any = false;
        foreach (Place place in valid) any |= Count(place) > 0;
        if (!any) return (StopReason.SuperblockNotFound, default);
        if (Count(Place.Intact) > 0 && Count(Place.Fork) > 0) return (StopReason.SuperblockFork, default);
        foreach (Place place in valid)
        {
            if (Count(place) < SuperblockQuorum.ThresholdOpen) continue;
            bool Has(Place other) => Count(other) > 0;
            bool skipped = (place == Place.Older && Has(Place.Newer)) ||
                (place == Place.MuchOlder && (Has(Place.Intact) || Has(Place.Fork) || Has(Place.Newer)));
            bool unconnected = (place == Place.Newer && Has(Place.Fork)) || (place == Place.Fork && Has(Place.Newer));
            if (skipped) return (StopReason.SuperblockParentSkipped, default);
            return (unconnected ? StopReason.SuperblockParentNotConnected : StopReason.None, place);
        }
        return (StopReason.SuperblockQuorumLost, default);
    }

    private static byte[][] Contents()
    {
        SuperblockCopy first = Read(Bench.Format(Bench.Small));
        byte[][] contents = new byte[(int)Place.Count][];
        first.Sequence = 7;
        SuperblockCopy older = Next(first, contents, Place.MuchOlder, first);
        SuperblockCopy intact = Next(older, contents, Place.Older, older);
        SuperblockCopy newer = Next(intact, contents, Place.Intact, intact);
        Next(newer, contents, Place.Newer, newer);
        SuperblockCopy fork = intact;
        fork.View += 5;
        Next(fork, contents, Place.Fork, fork);
        return contents;
    }

    /// <summary>Seals one generation and returns the next, which names it as its parent.</summary>
    private static SuperblockCopy Next(SuperblockCopy copy, byte[][] contents, Place place, SuperblockCopy next)
    {
        byte[] bytes = new byte[SuperblockCopy.Size];
        copy.Seal(bytes);
        contents[(int)place] = bytes;
        next.Parent = copy.Checksum;
        next.Sequence = copy.Sequence + 1;
        next.View = copy.View + 1;
        next.LogView = next.View;
        return next;
    }

    private static SuperblockCopy Read(MemoryFile file) =>
        SuperblockCopy.Read(file.Bytes.AsSpan(0, SuperblockCopy.Size));

    private static void Put(byte[][] contents, Place place, int index, Span<byte> to)
    {
        to.Clear();
        if (place == Place.Missing) return;
        contents[(int)(place is Place.Corrupt or Place.Misplaced ? Place.Intact : place)].CopyTo(to);
        SuperblockCopy copy = SuperblockCopy.Read(to);
        copy.Copy = (ushort)(place == Place.Misplaced ? (index + 1) % Copies : index);
        copy.WriteTo(to);
        if (place == Place.Corrupt) to[3000] ^= 1;
    }

    [Fact]
    public void Two_damaged_copies_are_rewritten_at_open()
    {
        using Bench bench = new();
        bench.File.Corrupt(DataFileLayout.SuperblockOffset(1) + 200);
        bench.File.Bytes.AsSpan((int)DataFileLayout.SuperblockOffset(3), SuperblockCopy.Size).Clear();
        bench.Open();
        Assert.Equal(ReplicaStatus.Normal, bench.Replica.Status);
        Assert.Equal(2, bench.Replica.RepairedSuperblockCopies);
        bench.Restart().Open();
        Assert.Equal(0, bench.Replica.RepairedSuperblockCopies);
    }

    [Fact]
    public void Crash_anywhere_in_a_superblock_write_leaves_a_file_that_opens()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            Random random = new(seed);
            using Bench bench = new();
            bench.Replica.Open();
            for (int steps = seed % 60; steps > 0 && bench.Step(); steps--)
            {
            }
            bench.Restart(random).Open();
            Assert.True(bench.Replica.Status == ReplicaStatus.Normal, $"seed {seed}: {bench.Replica.StopText()}");
        }
    }

    [Fact]
    public void File_of_another_version_cluster_or_size_is_refused_with_its_reason()
    {
        Assert.Equal(StopReason.SuperblockVersionUnsupported, OpenChanged((ref SuperblockCopy c) => c.Version++));
        Assert.Equal(StopReason.SuperblockReleaseUnsupported, OpenChanged((ref SuperblockCopy c) => c.Release++));
        Assert.Equal(StopReason.WrongCluster, OpenChanged((ref SuperblockCopy c) => c.Cluster++));
        Assert.Equal(StopReason.WrongConfiguration, OpenChanged((ref SuperblockCopy c) => c.PipelineMax--));
        Assert.Equal(StopReason.ReplicaCountUnsupported, OpenChanged((ref SuperblockCopy c) => c.ReplicaCount = 3));
        using Bench empty = new(file: new MemoryFile(new DataFileLayout(Bench.Small)));
        Assert.Equal(StopReason.SuperblockNotFound, empty.Open().Replica.StopReason);
    }

    private delegate void Change(ref SuperblockCopy copy);

    private static StopReason OpenChanged(Change change)
    {
        using Bench bench = new();
        SuperblockCopy copy = Read(bench.File);
        change(ref copy);
        byte[] bytes = new byte[SuperblockCopy.Size];
        copy.Seal(bytes);
        for (ushort i = 0; i < Copies; i++)
        {
            copy.Copy = i;
            copy.WriteTo(bytes);
            bench.File.Write(DataFileLayout.SuperblockOffset(i), bytes);
        }
        bench.Open();
        Assert.Equal(ReplicaStatus.Stopped, bench.Replica.Status);
        Assert.True(bench.Replica.StopText().Length > 20);
        return bench.Replica.StopReason;
    }
}
