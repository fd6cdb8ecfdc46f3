using System;
using System.Runtime.InteropServices;
using Deterministic.Core;

namespace Deterministic.Vsr;

/// <summary>What is kept of a data file beside the blocks of a checkpoint, so that another file can be made out of
/// both: a superblock as if nothing had happened before the checkpoint or since, and thus the same bytes however often
/// the replica was started in between. The state of all replicas of a cluster is the same, so the record of any of them
/// serves for each, with its index.</summary>
public static class CheckpointRecord
{
    /// <summary>Bytes of a record.</summary>
    public const int Size = 1024;

    /// <summary>Views of one file before those of a file recovered from it. A replica takes one at each
    /// start.</summary>
    private const int GenerationBits = 16;

    /// <param name="superblock">One that names the checkpoint.</param>
    /// <param name="bytes"><see cref="Size"/> of them.</param>
    public static void Write(in SuperblockCopy superblock, Span<byte> bytes)
    {
        Check.That(bytes.Length == Size && superblock.Checkpoint.Op > 0);
        SuperblockCopy record = superblock;
        record.Copy = 0;
        record.Parent = 0;
        record.Sequence = 1;
        record.Release = record.Checkpoint.Release;
        record.View = record.Checkpoint.Prepare.View;
        record.LogView = record.View;
        record.CommitMax = record.Checkpoint.Op;
        record.ReplicaId = 0;
        record.JournalStart = 0;
        record.ViewHeadersCount = 0;
        record.IncompleteOp = 0;
        record.ForgottenOp = 0;
        record.Checksum = 0;
        MemoryMarshal.Write(bytes, in record);
    }

    /// <summary>Takes untrusted bytes. The superblock that comes out is the first one of a new file: its view is above
    /// those that the log may have seen after the checkpoint. None, or why no file can be made.</summary>
    /// <param name="bytes">A record.</param>
    /// <param name="superblock">Of the replica that wrote it.</param>
    /// <param name="releaseMax">The newest release that the caller can run the log with.</param>
    public static StopReason Read(
        ReadOnlySpan<byte> bytes, out SuperblockCopy superblock, uint releaseMax = Core.Wire.Header.ReleaseCurrent)
    {
        superblock = default;
        if (bytes.Length != Size) return StopReason.SuperblockConfigurationInvalid;
        SuperblockCopy record = MemoryMarshal.Read<SuperblockCopy>(bytes);
        if (record.Version != SuperblockCopy.VersionCurrent) return StopReason.SuperblockVersionUnsupported;
        if (record.Release > releaseMax) return StopReason.SuperblockReleaseUnsupported;
        if (record.ReplicaCount is 0 or > Limits.ReplicasMax) return StopReason.ReplicaCountUnsupported;
        Configuration? sizes = record.Configuration();
        uint generation = record.View >> GenerationBits;
        bool possible = sizes is not null && record.ReplicaIndex < record.ReplicaCount && record.Sequence == 1 &&
            record.Checkpoint.Op > 0 && new CheckpointSchedule(sizes).IsCheckpoint(record.Checkpoint.Op) &&
            record.CommitMax == record.Checkpoint.Op && DataFileFormat.Suits(sizes, record.ReplicaCount) &&
            !record.Checkpoint.Root.IsNone &&
            record.Checkpoint.RootAddress <= (ulong)sizes.GridBlocks &&
            record.Checkpoint.Prepare.ValidChecksum() && record.Checkpoint.Prepare.Cluster == record.Cluster &&
            generation < uint.MaxValue >> GenerationBits;
        if (!possible) return StopReason.SuperblockConfigurationInvalid;
        superblock = record;
        superblock.View = generation + 1 << GenerationBits;
        superblock.LogView = superblock.View;
        superblock.JournalStart = superblock.Checkpoint.Op;
        return StopReason.None;
    }
}
