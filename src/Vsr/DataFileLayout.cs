using Deterministic.Core;

namespace Deterministic.Vsr;

/// <summary>Where everything is in a data file. Offsets and sizes in bytes, all multiples of the sector.</summary>
public sealed class DataFileLayout
{
    /// <summary>Room between superblock copies, so that no single device fault near one harms the next.</summary>
    public const int SuperblockCopyStride = 6 * Limits.SectorSize;
    public const int HeadersPerSector = Limits.SectorSize / Limits.HeaderSize;

    public DataFileLayout(Configuration configuration)
    {
        MessageSizeMax = configuration.MessageSizeMax;
        JournalSlots = configuration.JournalSlots;
        SessionsMax = configuration.SessionsMax;
        Check.That(SuperblockCopyStride >= SuperblockCopy.Size);
        Check.That(ClientSessions.TableSize(SessionsMax) <= configuration.MessageBodySizeMax);
        JournalHeadersOffset = (long)Limits.SuperblockCopies * SuperblockCopyStride;
        JournalPreparesOffset = JournalHeadersOffset + JournalHeadersSize;
        RepliesOffset = JournalPreparesOffset + (long)JournalSlots * MessageSizeMax;
        GridOffset = RepliesOffset + (long)SessionsMax * MessageSizeMax;
        BlockSize = configuration.BlockSize;
        GridBlocks = configuration.GridBlocks;
        Size = GridOffset + GridBlocks * BlockSize;
        Check.That(Size % Limits.SectorSize == 0);
    }

    public int MessageSizeMax { get; }
    public int JournalSlots { get; }
    public int SessionsMax { get; }
    public long JournalHeadersOffset { get; }
    public int JournalHeadersSize => JournalSlots * Limits.HeaderSize;
    public int JournalHeaderSectors => JournalHeadersSize / Limits.SectorSize;
    public long JournalPreparesOffset { get; }
    public long RepliesOffset { get; }
    public long GridOffset { get; }
    public int BlockSize { get; }
    public long GridBlocks { get; }
    public long Size { get; }

    public static long SuperblockOffset(int copy)
    {
        Check.That(copy is >= 0 and < Limits.SuperblockCopies);
        return (long)copy * SuperblockCopyStride;
    }

    public int SlotOf(ulong op) => (int)(op % (ulong)JournalSlots);

    public long HeaderSectorOffset(int sector)
    {
        Check.That(sector >= 0 && sector < JournalHeaderSectors);
        return JournalHeadersOffset + (long)sector * Limits.SectorSize;
    }

    public long PrepareOffset(int slot)
    {
        Check.That(slot >= 0 && slot < JournalSlots);
        return JournalPreparesOffset + (long)slot * MessageSizeMax;
    }

    public long ReplyOffset(int session)
    {
        Check.That(session >= 0 && session < SessionsMax);
        return RepliesOffset + (long)session * MessageSizeMax;
    }

    /// <summary>Where a block of the grid is; addresses count from 1.</summary>
    public long BlockOffset(ulong address)
    {
        Check.That(address > 0 && address <= (ulong)GridBlocks);
        return GridOffset + (long)(address - 1) * BlockSize;
    }

    public static int SectorCeiling(int size) =>
        checked(size + Limits.SectorSize - 1) / Limits.SectorSize * Limits.SectorSize;
}
