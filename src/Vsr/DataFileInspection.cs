using System;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Where an inspection reads from. False: nothing could be read there, <paramref name="into"/> is
/// undefined.</summary>
public interface IInspectionSource
{
    bool TryRead(long offset, Span<byte> into);
}

/// <summary>The superblock's copies and what they amount to.</summary>
public sealed class SuperblockReport
{
    public SuperblockCopyState[] Copies { get; } = new SuperblockCopyState[Limits.SuperblockCopies];
    public ulong[] Sequences { get; } = new ulong[Limits.SuperblockCopies];
    public StopReason Problem { get; init; }

    /// <summary>Set if <see cref="Problem"/> is None.</summary>
    public SuperblockCopy Working { get; init; }
    public UInt128 CheckpointId { get; init; }
    public Configuration? Configuration { get; init; }

    /// <summary>What to open this file with; only without a problem. If it is a standby's, there are as many at
    /// least.</summary>
    public ReplicaOptions Options(
        ulong seed = 0, uint releaseMax = Header.ReleaseCurrent, byte standbyCount = 0) => new()
    {
        StandbyCount = (byte)int.Max(standbyCount, Working.ReplicaIndex + 1 - Working.ReplicaCount),
        ReleaseMax = releaseMax,
        Seed = seed,
        Cluster = Working.Cluster,
        ReplicaIndex = Working.ReplicaIndex,
        ReplicaCount = Working.ReplicaCount,
        Configuration = Configuration ?? throw new InvalidOperationException(StopReasons.Text(Problem)),
    };
}

/// <summary>One journal slot as it is on disk.</summary>
public readonly struct JournalSlotReport(int slot, SlotContent redundant, SlotContent prepare, Header header)
{
    public int Slot { get; } = slot;

    /// <summary>In the ring of headers.</summary>
    public SlotContent Redundant { get; } = redundant;

    /// <summary>In the ring of prepares, body included.</summary>
    public SlotContent Prepare { get; } = prepare;

    /// <summary>The prepare's header, or the redundant one, or zero.</summary>
    public Header Header { get; } = header;
}

public sealed class JournalReport
{
    public required JournalSlotReport[] Slots { get; init; }

    /// <summary>Greatest op of a sound prepare.</summary>
    public ulong Head { get; init; }

    /// <summary>Slots in which one of the two is unreadable.</summary>
    public int BadSlots { get; init; }
}

/// <summary>Looks at a data file without opening it: changes nothing and needs no replica.</summary>
public static class DataFileInspection
{
    /// <param name="source">The file.</param>
    /// <param name="releaseMax">The newest release that is known here.</param>
    public static SuperblockReport Superblock<TSource>(TSource source, uint releaseMax = Header.ReleaseCurrent)
        where TSource : IInspectionSource
    {
        byte[] copies = new byte[Limits.SuperblockCopies * SuperblockCopy.Size];
        for (int i = 0; i < Limits.SuperblockCopies; i++)
        {
            Span<byte> place = copies.AsSpan(i * SuperblockCopy.Size, SuperblockCopy.Size);
            if (!source.TryRead(DataFileLayout.SuperblockOffset(i), place)) place.Clear();
        }
        SuperblockQuorum quorum = SuperblockQuorum.Decide(copies, SuperblockQuorum.ThresholdOpen);
        Configuration? configuration = quorum.Problem == StopReason.None ? quorum.Working.Configuration() : null;
        StopReason problem = quorum.Problem;
        uint release = uint.Max(quorum.Working.Release, quorum.Working.Checkpoint.Release);
        if (problem == StopReason.None && release > releaseMax) problem = StopReason.SuperblockReleaseUnsupported;
        if (problem == StopReason.None && configuration is null) problem = StopReason.SuperblockConfigurationInvalid;
        SuperblockReport report = new()
        {
            Problem = problem,
            Working = quorum.Working,
            CheckpointId = quorum.Working.Checkpoint.Id(),
            Configuration = configuration,
        };
        for (int i = 0; i < Limits.SuperblockCopies; i++)
        {
            ReadOnlySpan<byte> place = copies.AsSpan(i * SuperblockCopy.Size, SuperblockCopy.Size);
            report.Copies[i] = SuperblockQuorum.Examine(place, i, out SuperblockCopy copy);
            report.Sequences[i] = report.Copies[i] == SuperblockCopyState.Valid ? copy.Sequence : 0;
        }
        return report;
    }

    /// <summary>Reads every slot; <paramref name="superblock"/> must be without a problem.</summary>
    public static JournalReport Journal<TSource>(TSource source, SuperblockReport superblock)
        where TSource : IInspectionSource
    {
        Check.That(superblock.Problem == StopReason.None);
        DataFileLayout layout = new(superblock.Configuration!);
        byte[] headers = new byte[layout.JournalHeadersSize];
        byte[] slotBytes = new byte[layout.MessageSizeMax];
        if (!source.TryRead(layout.JournalHeadersOffset, headers)) Array.Clear(headers);
        JournalSlotReport[] slots = new JournalSlotReport[layout.JournalSlots];
        ulong head = 0;
        int bad = 0;
        for (int slot = 0; slot < slots.Length; slot++)
        {
            UInt128 cluster = superblock.Working.Cluster;
            Header redundant = Header.Read(headers.AsSpan(slot * Limits.HeaderSize));
            SlotContent first = JournalSlot.Examine(in redundant, cluster, slot, slots.Length, layout.MessageSizeMax);
            if (!source.TryRead(layout.PrepareOffset(slot), slotBytes)) Array.Clear(slotBytes);
            Header prepare = Header.Read(slotBytes);
            SlotContent second = JournalSlot.Examine(in prepare, cluster, slot, slots.Length, layout.MessageSizeMax);
            if (second != SlotContent.Bad && !JournalSlot.ValidBody(in prepare, slotBytes)) second = SlotContent.Bad;
            if (second == SlotContent.Prepare && prepare.Prepare.Op > head) head = prepare.Prepare.Op;
            if (first == SlotContent.Bad || second == SlotContent.Bad) bad++;
            Header known = second != SlotContent.Bad ? prepare : first != SlotContent.Bad ? redundant : default;
            slots[slot] = new JournalSlotReport(slot, first, second, known);
        }
        return new JournalReport { Slots = slots, Head = head, BadSlots = bad };
    }
}
