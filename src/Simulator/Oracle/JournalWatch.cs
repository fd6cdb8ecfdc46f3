using System;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Simulator.World;
using Deterministic.Vsr;

namespace Deterministic.Simulator.Oracle;

/// <summary>Tells the log which entries are on one replica's disk: those whose writes have ended, and those that a
/// crash left whole in the midst of their writes.</summary>
internal sealed class JournalWatch(SimulatedDisk disk, DataFileLayout layout, LogAgreement log, byte replica)
{
    /// <summary>A write has ended.</summary>
    public void Note(long offset, ReadOnlySpan<byte> written)
    {
        if (offset < layout.JournalPreparesOffset || offset >= layout.RepliesOffset) return;
        Header header = Header.Read(written);
        Check.That(header.ValidChecksum() && header.Command is Command.Prepare or Command.Reserved);
        if (header.Command == Command.Prepare) log.Hold(replica, header.Checksum);
    }

    /// <summary>Whose requests are in an entry that this replica has committed; none unless it is a group.</summary>
    public GroupMember[] MembersOf(in Header entry)
    {
        if (entry.Prepare.Operation != Operation.Group) return [];
        ReadOnlySpan<byte> place = disk.At(layout.PrepareOffset(layout.SlotOf(entry.Prepare.Op)), (int)entry.Size);
        Check.That(Header.Read(place).Checksum == entry.Checksum, "an entry was committed that is not on the disk");
        bool whole = GroupBody.TryRead(place[Limits.HeaderSize..], out _, out ReadOnlySpan<GroupMember> members);
        Check.That(whole, "a group that is none was committed");
        return members.ToArray();
    }

    /// <summary>The power has gone.</summary>
    public void NoteAll()
    {
        for (int slot = 0; slot < layout.JournalSlots; slot++)
        {
            long offset = layout.PrepareOffset(slot);
            Header header = Header.Read(disk.At(offset, Limits.HeaderSize));
            bool sound = header.ValidChecksum() && header.Command == Command.Prepare &&
                header.Size <= (uint)layout.MessageSizeMax;
            if (sound && header.ValidChecksumBody(disk.At(offset, (int)header.Size).Slice(Limits.HeaderSize)))
                log.Hold(replica, header.Checksum);
        }
    }
}
