using System;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>What a crash may do to bytes that were safely on the disk. One kind of damage a single replica must put
/// right alone; the other may cost it the file, but never make it answer wrongly.</summary>
internal sealed class CrashDamage(SimulatedDisk disk, DataFileLayout layout, TapeStream tape)
{
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

    /// <summary>Anything anywhere.</summary>
    public void Merciless()
    {
        for (int i = 1 + tape.Below(3); i > 0; i--)
        {
            switch (tape.Below(5))
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
                    disk.Damage(layout.BlockOffset(1 + (ulong)tape.Below(64)) + Sector(layout.BlockSize));
                    break;
                default:
                    DamageSuperblock(tape.Below(Limits.SuperblockCopies));
                    break;
            }
        }
    }

    private long Sector(long size) => tape.Below((int)(size / Limits.SectorSize)) * (long)Limits.SectorSize;

    private void DamageHeaders() =>
        disk.Damage(layout.HeaderSectorOffset(tape.Below(layout.JournalHeaderSectors)));

    private void DamageSuperblock(int copy) => disk.Damage(DataFileLayout.SuperblockOffset(copy));

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
        disk.Image.Slice(DataFileLayout.SuperblockOffset(copy), SuperblockCopy.Size);
}
