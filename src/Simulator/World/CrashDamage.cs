using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Oracle;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>What a crash may do to bytes that were safely on the disk. One kind of damage a single replica must put
/// right alone; the other may cost it the file, but never make it answer wrongly.</summary>
internal sealed class CrashDamage(
    SimulatedDisk disk, DataFileLayout layout, FaultAtlas atlas, byte replica, TapeStream tape)
{
    private const int BlocksDamaged = 64;

    /// <summary>Blocks of the grid that were damaged.</summary>
    public ulong Blocks { get; private set; }

    /// <summary>For people: what the last crash of a replica of a cluster damaged.</summary>
    public string Told { get; private set; } = "";

    /// <summary>Up to two equal superblock copies, and redundant headers whose prepares are whole.</summary>
    /// <param name="preparesWhole">Nothing in the ring of prepares was being written.</param>
    public void Mendable(bool preparesWhole)
    {
        if (CopiesAreEqual())
        {
            for (int i = tape.Below(3); i > 0; i--)
                DamageSuperblock(tape.Below(Limits.SuperblockCopies / 2) * 2 + i - 1);
        }
        if (!preparesWhole) return;
        for (int i = tape.Below(3); i > 0; i--) DamageHeaders();
    }

    /// <summary>In a cluster: up to two equal superblock copies, and of all else what the atlas allows.</summary>
    public void OfCluster(Coverage coverage)
    {
        Told = "";
        Mendable(atlas.IsFrail(replica));
        for (int i = tape.Below(4); i > 0; i--)
        {
            int slot = SlotToDamage();
            if (!atlas.MayDamagePrepare(replica, slot) || !(atlas.IsFrail(replica) || IsWellBehindHead(slot))) continue;
            disk.Damage(layout.PrepareOffset(slot) + Sector(SizeIn(slot) + Limits.SectorSize - 1L));
            coverage.Hit("cluster", "prepare damaged");
            Told += $" slot {slot} of the journal,";
            if (!atlas.IsFrail(replica) || tape.Boolean()) continue;
            // Then nothing tells what was in the slot.
            disk.Damage(layout.HeaderSectorOffset(slot / DataFileLayout.HeadersPerSector));
            Told += $" sector {slot / DataFileLayout.HeadersPerSector} of headers,";
            coverage.Hit("cluster", "entry lost without a trace");
        }
        for (int i = tape.Below(4); i > 0; i--) DamageBlock(coverage);
        int session = tape.Below(layout.SessionsMax);
        if (tape.Boolean() || !atlas.MayDamageReply(replica, session)) return;
        disk.Damage(layout.ReplyOffset(session));
        coverage.Hit("cluster", "reply damaged");
        Told += $" reply {session},";
    }

    /// <summary>Whether the ring of headers tells what is in the slot, and of entries far beyond it.</summary>
    private bool IsWellBehindHead(int slot)
    {
        return OpIn(slot) > 0 && OpIn(slot) + (ulong)layout.JournalSlots / 4 < Head();
    }

    /// <summary>What decides the log is at its end or near it.</summary>
    private int SlotToDamage() => tape.Below(4) switch
    {
        2 => layout.SlotOf(Head()),
        3 => layout.SlotOf(ulong.Max(Head(), 4) - tape.Below(4UL)),
        _ => tape.Below(layout.JournalSlots),
    };

    private ulong Head()
    {
        ulong head = 0;
        for (int slot = 0; slot < layout.JournalSlots; slot++) head = ulong.Max(head, OpIn(slot));
        return head;
    }

    private Header Redundant(int slot) =>
        Header.Read(disk.At(layout.JournalHeadersOffset + (long)slot * Limits.HeaderSize, Limits.HeaderSize));

    private ulong OpIn(int slot)
    {
        Header header = Redundant(slot);
        return header.ValidChecksum() && header.Command == Command.Prepare ? header.Prepare.Op : 0;
    }

    private uint SizeIn(int slot) => OpIn(slot) == 0 ? Limits.HeaderSize : Redundant(slot).Size;

    /// <summary>Anything anywhere.</summary>
    public void Merciless()
    {
        for (int i = 1 + tape.Below(3); i > 0; i--)
        {
            switch (tape.Below(7))
            {
                case 0:
                    disk.Damage(layout.RepliesOffset + Sector(layout.GridOffset - layout.RepliesOffset));
                    break;
                case 1:
                    disk.Damage(layout.PrepareOffset(tape.Below(layout.JournalSlots)));
                    break;
                case 2:
                    DamageHeaders();
                    break;
                case 3:
                    DamageSuperblock(tape.Below(Limits.SuperblockCopies));
                    break;
                default:
                    DamageBlock(null);
                    break;
            }
        }
    }

    /// <summary>A few of the blocks that can be had from elsewhere.</summary>
    public void Repairable(List<BlockReference> blocks)
    {
        for (int i = tape.Below(4); i > 0 && blocks.Count > 0; i--)
        {
            BlockReference block = blocks[tape.Below(blocks.Count)];
            if (IsBlock(block.Address) && HeaderOf(block.Address).Checksum == block.Checksum) Damage(block.Address);
        }
    }

    /// <summary>Any sector of a block that has been written; addresses are taken lowest first, so most of those near
    /// the start are in use.</summary>
    private void DamageBlock(Coverage? coverage)
    {
        int address = tape.Below(BlocksDamaged);
        for (int i = 0; i < BlocksDamaged && !MayDamage((ulong)address + 1); i++)
            address = (address + 1) % BlocksDamaged;
        if (!MayDamage((ulong)address + 1)) return;
        coverage?.Hit("cluster", "block damaged");
        Damage((ulong)address + 1);
    }

    private bool MayDamage(ulong address) => IsBlock(address) && atlas.MayDamageBlock(replica, address);

    private void Damage(ulong address)
    {
        long offset = layout.BlockOffset(address);
        if (disk.IsWriting(offset, layout.BlockSize)) return;
        disk.Damage(offset + Sector(HeaderOf(address).Size + Limits.SectorSize - 1L));
        Blocks++;
        Told += $" block {address},";
    }

    private bool IsBlock(ulong address)
    {
        Header header = HeaderOf(address);
        return header.ValidChecksum() && header.Command == Command.Block;
    }

    private Header HeaderOf(ulong address) => Header.Read(disk.At(layout.BlockOffset(address), Limits.HeaderSize));

    private long Sector(long size) => tape.Below((int)(size / Limits.SectorSize)) * (long)Limits.SectorSize;

    private void DamageHeaders()
    {
        int sector = tape.Below(layout.JournalHeaderSectors);
        disk.Damage(layout.HeaderSectorOffset(sector));
        Told += $" sector {sector} of headers,";
    }

    private void DamageSuperblock(int copy)
    {
        disk.Damage(DataFileLayout.SuperblockOffset(copy));
        Told += $" copy {copy} of the superblock,";
    }

    /// <summary>No write of a superblock has begun and not ended: the copies differ only in their numbers.</summary>
    private bool CopiesAreEqual()
    {
        const int numberStart = 32;
        const int numberEnd = 48;
        ReadOnlySpan<byte> first = Copy(0);
        for (int i = 1; i < Limits.SuperblockCopies; i++)
        {
            ReadOnlySpan<byte> copy = Copy(i);
            if (!copy[..numberStart].SequenceEqual(first[..numberStart])) return false;
            if (!copy[numberEnd..].SequenceEqual(first[numberEnd..])) return false;
        }
        return true;
    }

    private ReadOnlySpan<byte> Copy(int copy) =>
        disk.At(DataFileLayout.SuperblockOffset(copy), SuperblockCopy.Size);
}
