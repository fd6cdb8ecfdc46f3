using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.Vsr;

namespace Deterministic.Fuzz;

/// <summary>Four places of a superblock. The input: the used front of each copy, then damage anywhere in them as
/// position u16 and a byte to flip with.</summary>
internal static class SuperblockTarget
{
    private const int FrontSize = 1024;
    private const int FrontsSize = Limits.SuperblockCopies * FrontSize;
    private const int DamageSize = 3;

    /// <summary>A history of superblocks, each naming the one before it unless a fault is drawn; every place holds one
    /// of them with a right checksum.</summary>
    public static byte[] Generate(TapeStream tape)
    {
        byte[][] history = new byte[4][];
        SuperblockCopy copy = Root();
        for (int i = 0; i < history.Length; i++)
        {
            history[i] = new byte[SuperblockCopy.Size];
            copy.Seal(history[i]);
            copy = Next(in copy, tape);
        }
        byte[] input = new byte[FrontsSize + DamageSize * tape.Below(4)];
        for (int place = 0; place < Limits.SuperblockCopies; place++)
        {
            Span<byte> front = input.AsSpan(place * FrontSize, FrontSize);
            if (tape.Chance(Ratio.OneIn(10))) continue;
            int generation = history.Length - 1 - tape.Weighted([10, 4, 1, 1]);
            SuperblockCopy placed = SuperblockCopy.Read(history[generation]);
            placed.Copy = (ushort)(tape.Chance(Ratio.OneIn(16)) ? tape.Below(6) : place);
            byte[] bytes = new byte[SuperblockCopy.Size];
            placed.WriteTo(bytes);
            bytes.AsSpan(0, FrontSize).CopyTo(front);
        }
        tape.Bytes(input.AsSpan(FrontsSize));
        return input;
    }

    public static void Run(ReadOnlySpan<byte> input, Tally tally)
    {
        byte[] bytes = Expand(input);
        Decide(bytes, SuperblockQuorum.ThresholdVerify, tally);
        StopReason problem = Decide(bytes, SuperblockQuorum.ThresholdOpen, tally);
        if (problem != StopReason.None) Check.That(StopReasons.Text(problem) != "unknown");
    }

    private static StopReason Decide(byte[] bytes, int threshold, Tally tally)
    {
        SuperblockQuorum quorum = SuperblockQuorum.Decide(bytes, threshold);
        tally.Count(quorum.Problem == StopReason.None);
        if (quorum.Problem != StopReason.None) return quorum.Problem;
        int holders = 0;
        for (int place = 0; place < Limits.SuperblockCopies; place++)
        {
            if ((quorum.Degraded >> place & 1) != 0) continue;
            ReadOnlySpan<byte> at = bytes.AsSpan(place * SuperblockCopy.Size, SuperblockCopy.Size);
            Check.That(SuperblockCopy.ChecksumOf(at) == quorum.Working.Checksum);
            Check.That(SuperblockCopy.Read(at).Copy == place);
            holders++;
        }
        Check.That(holders >= threshold);
        quorum.Working.Configuration();
        return StopReason.None;
    }

    private static byte[] Expand(ReadOnlySpan<byte> input)
    {
        byte[] bytes = new byte[Limits.SuperblockCopies * SuperblockCopy.Size];
        for (int place = 0; place < Limits.SuperblockCopies; place++)
        {
            ReadOnlySpan<byte> front = input[..int.Min(FrontSize, input.Length)];
            front.CopyTo(bytes.AsSpan(place * SuperblockCopy.Size));
            input = input[front.Length..];
        }
        for (; input.Length >= DamageSize; input = input[DamageSize..])
            bytes[BinaryPrimitives.ReadUInt16LittleEndian(input) % bytes.Length] ^= input[2];
        return bytes;
    }

    private static SuperblockCopy Root()
    {
        SuperblockCopy root = new()
        {
            Cluster = 77, Sequence = 1, Version = SuperblockCopy.VersionCurrent, Release = Header.ReleaseCurrent,
            ReplicaId = 5, ReplicaCount = 1,
        };
        root.SetConfiguration(Configuration.Tiny);
        root.Checkpoint.Prepare = Header.Root(77);
        return root;
    }

    private static SuperblockCopy Next(in SuperblockCopy before, TapeStream tape)
    {
        SuperblockCopy next = before;
        next.Parent = before.Checksum;
        next.Sequence++;
        next.View += (uint)tape.Below(3);
        next.LogView = next.View;
        next.CommitMax += (ulong)tape.Below(9);
        switch (tape.Weighted([20, 1, 1, 1, 1, 1, 1, 1, 1]))
        {
            case 0: break;
            case 1: next.Parent = tape.U64(); break;
            case 2: next.Sequence = tape.U64(); break;
            case 3: next.View = (uint)tape.Below(4); break;
            case 4: next.Version = (uint)tape.Below(4); break;
            case 5: next.Release = (uint)tape.Below(4); break;
            case 6: next.Cluster = tape.U64(); break;
            case 7: next.JournalSlots = unchecked((int)tape.U64()); break;
            default: next.Checkpoint.Prepare.Prepare.Op = tape.U64(); break;
        }
        return next;
    }
}
