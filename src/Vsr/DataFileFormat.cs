using System;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Where a new data file goes: synchronous, offsets and sizes in sectors.</summary>
public interface IFormatSink
{
    void Write(long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Everything written so far is durable when this returns.</summary>
    void Flush();
}

/// <summary>Lays out a new data file. The superblock comes last, after a flush: a file whose formatting was cut short
/// has none and does not open.</summary>
public static class DataFileFormat
{
    /// <summary>None, or why such a file cannot be made (nothing is written then). Old superblocks are erased first;
    /// the caller sees to it that the file is <see cref="DataFileLayout.Size"/> long.</summary>
    public static StopReason Write<TSink>(ReplicaOptions options, ref TSink sink) where TSink : IFormatSink
    {
        if (options.ReplicaCount != 1) return StopReason.ReplicaCountUnsupported;
        if (options.ReplicaIndex >= options.ReplicaCount) return StopReason.WrongReplica;
        DataFileLayout layout = new(options.Configuration);
        byte[] superblock = new byte[SuperblockCopy.Size];
        for (int copy = 0; copy < Limits.SuperblockCopies; copy++)
        {
            sink.Write(DataFileLayout.SuperblockOffset(copy), superblock);
        }
        sink.Flush();
        WriteJournal(options.Cluster, layout, ref sink);
        sink.Flush();
        SuperblockCopy root = Root(options);
        root.Seal(superblock);
        for (ushort copy = 0; copy < Limits.SuperblockCopies; copy++)
        {
            root.Copy = copy;
            root.WriteTo(superblock);
            sink.Write(DataFileLayout.SuperblockOffset(copy), superblock);
        }
        sink.Flush();
        return StopReason.None;
    }

    private static void WriteJournal<TSink>(UInt128 cluster, DataFileLayout layout, ref TSink sink)
        where TSink : IFormatSink
    {
        byte[] headers = new byte[layout.JournalHeadersSize];
        byte[] sector = new byte[Limits.SectorSize];
        for (int slot = 0; slot < layout.JournalSlots; slot++)
        {
            Header header = slot == 0 ? Header.Root(cluster) : Header.ReservedSlot(cluster, slot);
            header.WriteTo(headers.AsSpan(slot * Limits.HeaderSize));
            header.WriteTo(sector);
            sink.Write(layout.PrepareOffset(slot), sector);
        }
        sink.Write(layout.JournalHeadersOffset, headers);
    }

    private static SuperblockCopy Root(ReplicaOptions options)
    {
        SuperblockCopy root = new()
        {
            Cluster = options.Cluster,
            Sequence = 1,
            Version = SuperblockCopy.VersionCurrent,
            Release = Header.ReleaseCurrent,
            ReplicaIndex = options.ReplicaIndex,
            ReplicaCount = options.ReplicaCount,
        };
        root.SetConfiguration(options.Configuration);
        root.Checkpoint.Prepare = Header.Root(options.Cluster);
        root.Checkpoint.Release = Header.ReleaseCurrent;
        Span<byte> identity = stackalloc byte[17];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128LittleEndian(identity, options.Cluster);
        identity[16] = options.ReplicaIndex;
        root.ReplicaId = Checksum.Of(identity);
        return root;
    }
}
