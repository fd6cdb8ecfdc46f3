using System;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

public enum SlotContent : byte
{
    Bad,
    Reserved,
    Prepare,
}

/// <summary>What bytes from the journal are, for the journal itself and for inspection.</summary>
public static class JournalSlot
{
    /// <summary>A header of either ring: sound, of this cluster, and of this slot, so that a read or write that went
    /// to the wrong place shows.</summary>
    public static SlotContent Examine(in Header header, UInt128 cluster, int slot, int slots, int messageSizeMax)
    {
        Check.That(slot >= 0 && slot < slots);
        if (!header.ValidChecksum() || header.Cluster != cluster) return SlotContent.Bad;
        if (header.Command is not (Command.Reserved or Command.Prepare)) return SlotContent.Bad;
        if (header.Invalid(messageSizeMax) is not null) return SlotContent.Bad;
        if (header.Prepare.Op % (ulong)slots != (ulong)slot) return SlotContent.Bad;
        if (header.Command == Command.Prepare) return SlotContent.Prepare;
        return header.Prepare.Op == (ulong)slot ? SlotContent.Reserved : SlotContent.Bad;
    }

    /// <summary>Whether what follows a sound header is its body and then zeroes to the end of the sector.</summary>
    public static bool ValidBody(in Header header, ReadOnlySpan<byte> slot)
    {
        int size = (int)header.Size;
        int padded = DataFileLayout.SectorCeiling(size);
        Check.That(slot.Length >= padded);
        return header.ValidChecksumBody(slot[Limits.HeaderSize..size]) &&
            !slot[size..padded].ContainsAnyExcept((byte)0);
    }
}
