using System;
using System.Buffers.Binary;
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
    /// <param name="options">Whose file it is.</param>
    /// <param name="sink">The file.</param>
    /// <param name="nonce">What no other file was made with, so that two files of one replica can be told apart;
    /// 0 where that does not matter.</param>
    public static StopReason Write<TSink>(ReplicaOptions options, ref TSink sink, UInt128 nonce = default)
        where TSink : IFormatSink => Write(options, ref sink, nonce, lost: false);

    /// <summary>A file for a replica of a running cluster that has lost its own. It must not deny what it may have
    /// acknowledged, so its journal is not empty but unreadable: it waits until a primary has told it the log, and
    /// takes a checkpoint of the others. A single replica has nobody to ask.</summary>
    public static StopReason WriteLost<TSink>(ReplicaOptions options, ref TSink sink, UInt128 nonce)
        where TSink : IFormatSink
    {
        if (options.ReplicaCount < LostReplicaCountMin) return StopReason.ReplicaCountUnsupported;
        // A standby has acknowledged nothing: it is formatted as if it were new.
        if (options.IsStandby) return StopReason.WrongReplica;
        return Write(options, ref sink, nonce, lost: true);
    }

    /// <summary>Fewer replicas cannot go on without one that says nothing at first.</summary>
    public const int LostReplicaCountMin = 3;

    /// <summary>Whether the members of a cluster of this size can be as small and as far apart as that.</summary>
    public static bool Suits(Configuration configuration, int memberCount) => memberCount == 1 ||
        (configuration.PipelineMax < SuperblockCopy.ViewHeadersMax &&
        configuration.BlockSize <= configuration.MessageSizeMax &&
        configuration.BarOps + configuration.PipelineMax + 1 < configuration.CheckpointIntervalOps);

    /// <summary>Stands for the sizes of a data file and the number of replicas: equal for all replicas of a cluster,
    /// for the state that follows from a log depends on them. Not zero.</summary>
    public static UInt128 ConfigurationId(ReplicaOptions options)
    {
        SuperblockCopy sizes = new() { ReplicaCount = options.ReplicaCount };
        sizes.SetConfiguration(options.Configuration);
        byte[] bytes = new byte[SuperblockCopy.Size];
        sizes.WriteTo(bytes);
        UInt128 id = Checksum.Of(bytes);
        return id == 0 ? 1 : id;
    }

    private static StopReason Write<TSink>(ReplicaOptions options, ref TSink sink, UInt128 nonce, bool lost)
        where TSink : IFormatSink
    {
        if (options.ReplicaCount is 0 or > Limits.ReplicasMax) return StopReason.ReplicaCountUnsupported;
        if (options.ReplicaIndex >= options.MemberCount) return StopReason.WrongReplica;
        if (!Suits(options.Configuration, options.MemberCount)) return StopReason.WrongConfiguration;
        SuperblockCopy root = Root(options);
        root.ReplicaId = IdOf(in root, nonce);
        WriteWithoutSuperblock(in root, options.Configuration, ref sink, lost);
        WriteSuperblock(root, ref sink);
        return StopReason.None;
    }

    /// <summary>The first half of making a file out of a checkpoint: everything but the blocks, which the caller
    /// writes before <see cref="FinishRecovery"/>. Until then the file does not open.</summary>
    /// <param name="superblock">From <see cref="CheckpointRecord.Read"/>.</param>
    /// <param name="sink">The file, <see cref="DataFileLayout.Size"/> long.</param>
    public static void StartRecovery<TSink>(in SuperblockCopy superblock, ref TSink sink) where TSink : IFormatSink
    {
        Configuration? configuration = superblock.Configuration();
        Check.That(configuration is not null && superblock.Checkpoint.Op > 0);
        WriteWithoutSuperblock(in superblock, configuration!, ref sink);
    }

    /// <summary>Makes the blocks durable that were written, and then the superblock that names them.</summary>
    public static void FinishRecovery<TSink>(in SuperblockCopy superblock, ref TSink sink, UInt128 nonce)
        where TSink : IFormatSink
    {
        Check.That(superblock.Sequence == 1 && superblock.Checkpoint.Op > 0);
        SuperblockCopy root = superblock;
        root.ReplicaId = IdOf(in root, nonce);
        sink.Flush();
        WriteSuperblock(root, ref sink);
    }

    private static void WriteWithoutSuperblock<TSink>(
        in SuperblockCopy root, Configuration configuration, ref TSink sink, bool lost = false)
        where TSink : IFormatSink
    {
        byte[] superblock = new byte[SuperblockCopy.Size];
        for (int copy = 0; copy < Limits.SuperblockCopies; copy++)
        {
            sink.Write(DataFileLayout.SuperblockOffset(copy), superblock);
        }
        sink.Flush();
        WriteJournal(root.Cluster, new DataFileLayout(configuration), ref sink, lost);
        sink.Flush();
    }

    private static void WriteSuperblock<TSink>(SuperblockCopy root, ref TSink sink) where TSink : IFormatSink
    {
        byte[] superblock = new byte[SuperblockCopy.Size];
        root.Seal(superblock);
        for (ushort copy = 0; copy < Limits.SuperblockCopies; copy++)
        {
            root.Copy = copy;
            root.WriteTo(superblock);
            sink.Write(DataFileLayout.SuperblockOffset(copy), superblock);
        }
        sink.Flush();
    }

    private static void WriteJournal<TSink>(UInt128 cluster, DataFileLayout layout, ref TSink sink, bool lost)
        where TSink : IFormatSink
    {
        byte[] headers = new byte[layout.JournalHeadersSize];
        byte[] sector = new byte[Limits.SectorSize];
        for (int slot = 0; slot < layout.JournalSlots; slot++)
        {
            Header header = slot == 0 ? Header.Root(cluster) : Header.ReservedSlot(cluster, slot);
            if (lost) header = default;
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
            Release = options.ReleaseMin,
            ReplicaIndex = options.ReplicaIndex,
            ReplicaCount = options.ReplicaCount,
        };
        root.SetConfiguration(options.Configuration);
        root.Checkpoint.Prepare = Header.Root(options.Cluster);
        root.Checkpoint.Release = options.ReleaseMin;
        return root;
    }

    private static UInt128 IdOf(in SuperblockCopy superblock, UInt128 nonce)
    {
        Span<byte> identity = stackalloc byte[33];
        BinaryPrimitives.WriteUInt128LittleEndian(identity, superblock.Cluster);
        identity[16] = superblock.ReplicaIndex;
        BinaryPrimitives.WriteUInt128LittleEndian(identity[17..], nonce);
        return Checksum.Of(identity);
    }
}
