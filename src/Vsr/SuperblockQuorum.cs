using System;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

public enum SuperblockCopyState : byte
{
    Valid = 0,

    /// <summary>Nothing but zeroes, as a device hands out what was never written.</summary>
    Missing = 1,
    Corrupt = 2,

    /// <summary>A sound copy at the place of another one.</summary>
    Misplaced = 3,
}

/// <summary>What four places on disk amount to: the superblock to work with, or why there is none.</summary>
public struct SuperblockQuorum
{
    public StopReason Problem;

    /// <summary>Set if <see cref="Problem"/> is None.</summary>
    public SuperblockCopy Working;

    /// <summary>Bit i: copy i does not hold <see cref="Working"/>.</summary>
    public uint Degraded;

    /// <summary>A sound copy is older or newer than <see cref="Working"/>.</summary>
    public bool AgesDiffer;

    /// <summary>Copies alike that opening needs. With <see cref="ThresholdVerify"/> more than all copies together, so
    /// that an open cannot miss the last finished write.</summary>
    public const int ThresholdOpen = 2;
    public const int ThresholdVerify = 3;

    /// <summary>State of the copy in <paramref name="bytes"/>, found at the place of copy <paramref
    /// name="place"/>.</summary>
    public static SuperblockCopyState Examine(ReadOnlySpan<byte> bytes, int place, out SuperblockCopy copy)
    {
        Check.That(bytes.Length == SuperblockCopy.Size);
        Check.That(place is >= 0 and < Limits.SuperblockCopies);
        copy = SuperblockCopy.Read(bytes);
        if (!bytes.ContainsAnyExcept((byte)0)) return SuperblockCopyState.Missing;
        if (copy.Checksum != SuperblockCopy.ChecksumOf(bytes)) return SuperblockCopyState.Corrupt;
        bool zero = copy.ChecksumPadding == 0 && copy.CopyReserved0 == 0 && copy.CopyReserved1 == 0 &&
            copy.CopyReserved2 == 0;
        if (!zero) return SuperblockCopyState.Corrupt;
        return copy.Copy == place ? SuperblockCopyState.Valid : SuperblockCopyState.Misplaced;
    }

    /// <summary>Decides over all copies. <paramref name="bytes"/> holds them one after another.</summary>
    public static SuperblockQuorum Decide(ReadOnlySpan<byte> bytes, int threshold)
    {
        Check.That(bytes.Length == Limits.SuperblockCopies * SuperblockCopy.Size);
        Check.That(threshold is ThresholdOpen or ThresholdVerify);
        CopySet copies = default;
        int validCount = 0;
        for (int i = 0; i < Limits.SuperblockCopies; i++)
        {
            ReadOnlySpan<byte> place = bytes.Slice(i * SuperblockCopy.Size, SuperblockCopy.Size);
            if (Examine(place, i, out SuperblockCopy copy) == SuperblockCopyState.Valid) copies[validCount++] = copy;
        }
        SuperblockQuorum quorum = default;
        quorum.Problem = Choose(copies, validCount, threshold, out int chosen);
        if (quorum.Problem != StopReason.None) return quorum;
        quorum.Working = copies[chosen];
        quorum.Problem = Verify(copies, validCount, in quorum.Working);
        quorum.Degraded = (1u << Limits.SuperblockCopies) - 1;
        for (int i = 0; i < validCount; i++)
        {
            if (copies[i].Checksum == quorum.Working.Checksum) quorum.Degraded &= ~(1u << copies[i].Copy);
            else quorum.AgesDiffer = true;
        }
        return quorum;
    }

    /// <summary>The newest content that enough copies share.</summary>
    private static StopReason Choose(ReadOnlySpan<SuperblockCopy> copies, int count, int threshold, out int chosen)
    {
        chosen = -1;
        if (count == 0) return StopReason.SuperblockNotFound;
        for (int i = 0; i < count; i++)
        {
            int alike = 0;
            for (int j = 0; j < count; j++)
            {
                if (copies[i].Sequence == copies[j].Sequence && copies[i].Checksum != copies[j].Checksum)
                {
                    return StopReason.SuperblockFork;
                }
                if (copies[i].Checksum == copies[j].Checksum) alike++;
            }
            if (alike < threshold) continue;
            if (chosen < 0 || copies[i].Sequence > copies[chosen].Sequence) chosen = i;
        }
        return chosen < 0 ? StopReason.SuperblockQuorumLost : StopReason.None;
    }

    private static StopReason Verify(ReadOnlySpan<SuperblockCopy> copies, int count, in SuperblockCopy working)
    {
        if (working.Version != SuperblockCopy.VersionCurrent) return StopReason.SuperblockVersionUnsupported;
        for (int i = 0; i < count; i++)
        {
            ref readonly SuperblockCopy other = ref copies[i];
            if (other.Cluster != working.Cluster || other.ReplicaId != working.ReplicaId)
            {
                return StopReason.SuperblockMixed;
            }
            // A write starts only when the one before it is complete in three places: a copy two ahead proves that
            // the working content is not the last finished one.
            if (other.Sequence > working.Sequence && other.Sequence - working.Sequence > 1)
            {
                return StopReason.SuperblockParentSkipped;
            }
            StopReason problem = StopReason.None;
            if (other.Sequence > working.Sequence) problem = Follows(in working, in other);
            else if (working.Sequence - other.Sequence == 1) problem = Follows(in other, in working);
            if (problem != StopReason.None) return problem;
        }
        return StopReason.None;
    }

    private static StopReason Follows(in SuperblockCopy older, in SuperblockCopy newer)
    {
        Check.That(older.Sequence < newer.Sequence);
        if (newer.Parent != older.Checksum) return StopReason.SuperblockParentNotConnected;
        return IsMonotonic(in older, in newer) ? StopReason.None : StopReason.SuperblockNotMonotonic;
    }

    /// <summary>View, commit and checkpoint never go back.</summary>
    public static bool IsMonotonic(in SuperblockCopy older, in SuperblockCopy newer) =>
        newer.View >= older.View && newer.LogView >= older.LogView && newer.CommitMax >= older.CommitMax &&
        newer.Checkpoint.Op >= older.Checkpoint.Op && newer.View >= newer.LogView;

    [System.Runtime.CompilerServices.InlineArray(Limits.SuperblockCopies)]
    private struct CopySet
    {
        private SuperblockCopy _element;
    }
}
