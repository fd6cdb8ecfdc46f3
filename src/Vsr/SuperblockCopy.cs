using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>A checkpoint: the state after one op, and the block that names all of it. Its identity is the checksum of
/// these bytes, which hold the identities of the two checkpoints before it.</summary>
[StructLayout(LayoutKind.Explicit, Size = 512)]
public struct CheckpointState
{
    /// <summary>The log entry that the checkpoint comes after.</summary>
    [FieldOffset(0)] public Header Prepare;
    [FieldOffset(256)] public UInt128 ParentId;
    [FieldOffset(272)] public UInt128 GrandparentId;

    /// <summary>The root block; 0 for the empty state of a new file.</summary>
    [FieldOffset(288)] public UInt128 RootChecksum;
    [FieldOffset(304)] public ulong RootAddress;
    [FieldOffset(312)] public ulong Reserved2;
    [FieldOffset(320)] public ulong Reserved3;
    [FieldOffset(328)] public uint Reserved4;
    [FieldOffset(332)] public uint Release;
    [FieldOffset(336)] public UInt128 Reserved0;
    [FieldOffset(352)] public CheckpointReserved Reserved1;

    public readonly ulong Op => Prepare.Prepare.Op;

    public BlockReference Root
    {
        readonly get => new(RootAddress, RootChecksum);
        set
        {
            RootAddress = value.Address;
            RootChecksum = value.Checksum;
        }
    }

    [UnscopedRef]
    private readonly ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in this, 1));

    public readonly UInt128 Id() => Checksum.Of(Bytes);
}

[InlineArray(160)]
public struct CheckpointReserved
{
    private byte _element;
}

/// <summary>How far a replica has come whose file was a standby's before (<see cref="DataFilePromotion"/>). What it
/// holds is good; what it may have said with the file that is lost it has to assume.</summary>
public enum Promotion : byte
{
    /// <summary>All the way, or it never was one.</summary>
    None = 0,

    /// <summary>It may have taken part in later views than the file knows of.</summary>
    KnowsNoView = 1,

    /// <summary>Its view is later than any that it took part in, and it has not been told the log yet.</summary>
    KnowsNoLog = 2,
}

/// <summary>The durable root of a replica: identity, sizes, view and checkpoint. Four copies are kept; all but
/// <see cref="Copy"/> is covered by the checksum, so equal copies have equal checksums.</summary>
[StructLayout(LayoutKind.Explicit, Size = 1024)]
public struct SuperblockCopy
{
    /// <summary>Bytes of one copy on disk: the struct, the headers of the view, zeroes.</summary>
    public const int Size = 2 * Limits.SectorSize;
    public const int ViewHeadersMax = 16;
    public const uint VersionCurrent = 3;
    private const int ViewHeadersOffset = 1024;
    private const int ChecksumStart = 48;

    [FieldOffset(0)] public UInt128 Checksum;
    [FieldOffset(16)] public UInt128 ChecksumPadding;

    /// <summary>Which copy this is, to find out writes that went to the wrong place.</summary>
    [FieldOffset(32)] public ushort Copy;
    [FieldOffset(34)] public ushort CopyReserved0;
    [FieldOffset(36)] public uint CopyReserved1;
    [FieldOffset(40)] public ulong CopyReserved2;

    [FieldOffset(48)] public UInt128 Parent;
    [FieldOffset(64)] public UInt128 Cluster;
    [FieldOffset(80)] public ulong Sequence;
    [FieldOffset(88)] public uint Version;
    [FieldOffset(92)] public uint Release;
    [FieldOffset(96)] public UInt128 ReplicaId;
    [FieldOffset(112)] public byte ReplicaIndex;
    [FieldOffset(113)] public byte ReplicaCount;
    [FieldOffset(114)] public ushort Reserved0;
    [FieldOffset(116)] public uint Reserved1;
    [FieldOffset(120)] public uint View;

    /// <summary>The last view in which the replica's status was normal.</summary>
    [FieldOffset(124)] public uint LogView;
    [FieldOffset(128)] public ulong CommitMax;
    [FieldOffset(136)] public int MessageSizeMax;
    [FieldOffset(140)] public int JournalSlots;
    [FieldOffset(144)] public int PipelineMax;
    [FieldOffset(148)] public int SessionsMax;
    [FieldOffset(152)] public int BarOps;
    [FieldOffset(156)] public int JournalWritesMax;
    [FieldOffset(160)] public int JournalReadsMax;
    [FieldOffset(164)] public int BlockSize;
    [FieldOffset(168)] public long StateSizeMax;
    [FieldOffset(176)] public CheckpointState Checkpoint;
    [FieldOffset(688)] public long MemtableSize;

    /// <summary>The op after which this file's journal begins: 0, or the checkpoint that the file was recovered
    /// from.</summary>
    [FieldOffset(696)] public ulong JournalStart;

    /// <summary>Headers behind the copy's own fields: how the log of <see cref="LogView"/> began, its head of then
    /// first.</summary>
    [FieldOffset(704)] public uint ViewHeadersCount;
    [FieldOffset(708)] public uint Reserved2;

    /// <summary>The checkpoint that was taken from other replicas and whose blocks are not all here yet; 0:
    /// none.</summary>
    [FieldOffset(712)] public ulong IncompleteOp;

    /// <summary>Head of the log that was told to a replica that had lost the end of its own: it denies nothing up to
    /// there. 0: it never had.</summary>
    [FieldOffset(720)] public ulong ForgottenOp;

    /// <summary>What a replica whose file was a standby's does not know yet.</summary>
    [FieldOffset(728)] public Promotion Promotion;
    [FieldOffset(729)] public byte Reserved3;
    [FieldOffset(730)] public ushort Reserved4;
    [FieldOffset(732)] public uint Reserved5;
    [FieldOffset(736)] public SuperblockReserved Reserved6;

    /// <summary>Reads the copy at the front of <paramref name="bytes"/> (<see cref="Size"/> of them); any
    /// content.</summary>
    public static SuperblockCopy Read(ReadOnlySpan<byte> bytes)
    {
        Check.That(bytes.Length == Size);
        return MemoryMarshal.Read<SuperblockCopy>(bytes);
    }

    /// <summary>The header of the view in place <paramref name="index"/> of a copy on disk.</summary>
    public static Header ViewHeader(ReadOnlySpan<byte> bytes, int index)
    {
        Check.That(bytes.Length == Size && index is >= 0 and < ViewHeadersMax);
        return Header.Read(bytes[(ViewHeadersOffset + index * Limits.HeaderSize)..]);
    }

    public readonly void WriteTo(Span<byte> bytes, ReadOnlySpan<Header> viewHeaders = default)
    {
        Check.That(bytes.Length == Size);
        Check.That(viewHeaders.Length == ViewHeadersCount && viewHeaders.Length <= ViewHeadersMax);
        bytes.Clear();
        MemoryMarshal.Write(bytes, in this);
        for (int i = 0; i < viewHeaders.Length; i++)
            viewHeaders[i].WriteTo(bytes[(ViewHeadersOffset + i * Limits.HeaderSize)..]);
    }

    /// <summary>The checksum of a copy on disk: of everything but the checksum itself and the copy's number.</summary>
    public static UInt128 ChecksumOf(ReadOnlySpan<byte> bytes)
    {
        Check.That(bytes.Length == Size);
        return Core.Checksum.Of(bytes[ChecksumStart..]);
    }

    /// <summary>Lays the copy out in <paramref name="bytes"/> and sets its checksum.</summary>
    public void Seal(Span<byte> bytes, ReadOnlySpan<Header> viewHeaders = default)
    {
        WriteTo(bytes, viewHeaders);
        Checksum = ChecksumOf(bytes);
        WriteTo(bytes, viewHeaders);
    }

    /// <summary>The sizes that the file was formatted with, or null if no configuration has them.</summary>
    public readonly Configuration? Configuration()
    {
        bool possible = Core.Configuration.IsValid(
            MessageSizeMax, JournalSlots, PipelineMax, SessionsMax, BarOps,
            JournalWritesMax, JournalReadsMax, StateSizeMax, BlockSize, MemtableSize);
        return possible
            ? new Configuration(
                MessageSizeMax, JournalSlots, PipelineMax, SessionsMax, BarOps,
                JournalWritesMax, JournalReadsMax, StateSizeMax, BlockSize, MemtableSize)
            : null;
    }

    public void SetConfiguration(Configuration configuration)
    {
        MessageSizeMax = configuration.MessageSizeMax;
        JournalSlots = configuration.JournalSlots;
        PipelineMax = configuration.PipelineMax;
        SessionsMax = configuration.SessionsMax;
        BarOps = configuration.BarOps;
        JournalWritesMax = configuration.JournalWritesMax;
        JournalReadsMax = configuration.JournalReadsMax;
        StateSizeMax = configuration.StateSizeMax;
        BlockSize = configuration.BlockSize;
        MemtableSize = configuration.MemtableSize;
    }
}

[InlineArray(288)]
public struct SuperblockReserved
{
    private byte _element;
}
