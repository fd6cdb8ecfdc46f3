using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace Deterministic.Core.Wire;

/// <summary>The 256 bytes before every message, in every journal slot and before every block. The first 128 bytes are
/// the same for all; the rest depends on <see cref="Command"/>. Little-endian, no holes, unused bytes zero.
/// <see cref="Checksum"/> covers bytes 16 to 255, so a header alone is verifiable and pins its body.</summary>
[StructLayout(LayoutKind.Explicit, Size = Limits.HeaderSize)]
public partial struct Header
{
    public const ushort ProtocolVersion = 1;

    /// <summary>The release of this software, the newest that it can run the log with.</summary>
    public const uint ReleaseCurrent = 1;

    /// <summary>The oldest release that this software can still run the log with, and whose clients it
    /// serves.</summary>
    public const uint ReleaseOldest = 1;

    [FieldOffset(0)] public UInt128 Checksum;
    [FieldOffset(16)] public UInt128 ChecksumPadding;
    [FieldOffset(32)] public UInt128 ChecksumBody;
    [FieldOffset(48)] public UInt128 ChecksumBodyPadding;
    [FieldOffset(64)] public UInt128 NonceReserved;
    [FieldOffset(80)] public UInt128 Cluster;
    [FieldOffset(96)] public uint Size;
    [FieldOffset(100)] public uint Epoch;
    [FieldOffset(104)] public uint View;
    [FieldOffset(108)] public uint Release;
    [FieldOffset(112)] public ushort Protocol;
    [FieldOffset(114)] public Command Command;
    [FieldOffset(115)] public byte Replica;
    [FieldOffset(116)] public uint FrameReserved0;
    [FieldOffset(120)] public ulong FrameReserved1;

    [FieldOffset(128)] public RequestFields Request;
    [FieldOffset(128)] public PrepareFields Prepare;
    [FieldOffset(128)] public PrepareOkFields PrepareOk;
    [FieldOffset(128)] public ReplyFields Reply;
    [FieldOffset(128)] public EvictionFields Eviction;
    [FieldOffset(128)] public PingClientFields PingClient;
    [FieldOffset(128)] public BlockFields Block;
    [FieldOffset(128)] public PingFields Ping;
    [FieldOffset(128)] public PongFields Pong;
    [FieldOffset(128)] public CommitFields Commit;
    [FieldOffset(128)] public JoinViewFields JoinView;
    [FieldOffset(128)] public GetViewFields GetView;
    [FieldOffset(128)] public ViewFields ViewChange;
    [FieldOffset(128)] public GetHeadersFields GetHeaders;
    [FieldOffset(128)] public GetPrepareFields GetPrepare;
    [FieldOffset(128)] public GetReplyFields GetReply;
    [FieldOffset(128)] public ReadFields ReadRequest;
    [FieldOffset(128)] public ReadReplyFields ReadReply;
    [FieldOffset(128)] public ConfirmViewFields ConfirmView;
    [FieldOffset(128)] public HelloFields Hello;
    [FieldOffset(128)] public StatusFields Status;

    [UnscopedRef]
    private readonly ReadOnlySpan<byte> Bytes =>
        MemoryMarshal.AsBytes(MemoryMarshal.CreateReadOnlySpan(in this, 1));

    /// <summary>Copies the header out of the front of <paramref name="message"/>; any alignment.</summary>
    public static Header Read(ReadOnlySpan<byte> message)
    {
        Core.Check.That(message.Length >= Limits.HeaderSize);
        return MemoryMarshal.Read<Header>(message);
    }

    /// <summary>The header in place; <paramref name="message"/> must be 16-byte aligned native memory.</summary>
    public static ref Header At(Span<byte> message)
    {
        Core.Check.That(message.Length >= Limits.HeaderSize);
        return ref MemoryMarshal.AsRef<Header>(message);
    }

    public readonly void WriteTo(Span<byte> message)
    {
        Core.Check.That(message.Length >= Limits.HeaderSize);
        MemoryMarshal.Write(message, in this);
    }

    public readonly UInt128 ComputeChecksum() => Core.Checksum.Of(Bytes[16..]);

    public void SetChecksumBody(ReadOnlySpan<byte> body)
    {
        Core.Check.That(body.Length == Size - Limits.HeaderSize);
        ChecksumBody = Core.Checksum.Of(body);
    }

    /// <summary>Last step of making a header: every other field must be final.</summary>
    public void SetChecksum() => Checksum = ComputeChecksum();

    public readonly bool ValidChecksum() => Checksum == ComputeChecksum();

    public readonly bool ValidChecksumBody(ReadOnlySpan<byte> body) =>
        body.Length == Size - Limits.HeaderSize && ChecksumBody == Core.Checksum.Of(body);
}

/// <summary>A client asks. <see cref="Parent"/> is the context of the client's last reply (0 for a register).</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct RequestFields
{
    [FieldOffset(0)] public UInt128 Parent;
    [FieldOffset(16)] public UInt128 ParentPadding;
    [FieldOffset(32)] public UInt128 Client;
    [FieldOffset(48)] public ulong Session;
    [FieldOffset(56)] public ulong Timestamp;
    [FieldOffset(64)] public uint RequestNumber;
    [FieldOffset(68)] public Operation Operation;
    [FieldOffset(69)] public byte Reserved0;
    [FieldOffset(70)] public ushort Reserved1;
    [FieldOffset(72)] public uint PreviousLatencyMicroseconds;
    [FieldOffset(76)] public uint Reserved2;
    [FieldOffset(80)] public UInt128 Reserved3;
    [FieldOffset(96)] public UInt128 Reserved4;
    [FieldOffset(112)] public UInt128 Reserved5;
}

/// <summary>One entry of the log. <see cref="Parent"/> is the checksum of the entry before it.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct PrepareFields
{
    [FieldOffset(0)] public UInt128 Parent;
    [FieldOffset(16)] public UInt128 RequestChecksum;
    [FieldOffset(32)] public UInt128 CheckpointId;
    [FieldOffset(48)] public UInt128 Client;
    [FieldOffset(64)] public ulong Op;
    [FieldOffset(72)] public ulong Commit;
    [FieldOffset(80)] public ulong Timestamp;
    [FieldOffset(88)] public uint RequestNumber;
    [FieldOffset(92)] public Operation Operation;
    [FieldOffset(93)] public byte Reserved0;
    [FieldOffset(94)] public ushort Reserved1;
    [FieldOffset(96)] public UInt128 Reserved2;
    [FieldOffset(112)] public UInt128 Reserved3;
}

/// <summary>A replica says that it holds the prepare durably.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct PrepareOkFields
{
    [FieldOffset(0)] public UInt128 Parent;
    [FieldOffset(16)] public UInt128 PrepareChecksum;
    [FieldOffset(32)] public UInt128 CheckpointId;
    [FieldOffset(48)] public UInt128 Client;
    [FieldOffset(64)] public ulong Op;
    [FieldOffset(72)] public ulong CommitMin;
    [FieldOffset(80)] public ulong Timestamp;
    [FieldOffset(88)] public uint RequestNumber;
    [FieldOffset(92)] public Operation Operation;
    [FieldOffset(93)] public byte Reserved0;
    [FieldOffset(94)] public ushort Reserved1;
    [FieldOffset(96)] public UInt128 Reserved2;
    [FieldOffset(112)] public UInt128 Reserved3;
}

/// <summary>The answer. <see cref="Context"/> hashes this reply's log entry and chains the session's next request to
/// it.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct ReplyFields
{
    [FieldOffset(0)] public UInt128 RequestChecksum;
    [FieldOffset(16)] public UInt128 RequestChecksumPadding;
    [FieldOffset(32)] public UInt128 Context;
    [FieldOffset(48)] public UInt128 Client;
    [FieldOffset(64)] public ulong Op;
    [FieldOffset(72)] public ulong Commit;
    [FieldOffset(80)] public ulong Timestamp;
    [FieldOffset(88)] public uint RequestNumber;
    [FieldOffset(92)] public Operation Operation;
    [FieldOffset(93)] public byte Reserved0;
    [FieldOffset(94)] public ushort Reserved1;
    [FieldOffset(96)] public UInt128 Reserved2;
    [FieldOffset(112)] public UInt128 Reserved3;
}

/// <summary>The primary ends a session.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct EvictionFields
{
    [FieldOffset(0)] public UInt128 Client;
    [FieldOffset(16)] public EvictionReason Reason;
    [FieldOffset(17)] public byte Reserved0;
    [FieldOffset(18)] public ushort Reserved1;
    [FieldOffset(20)] public uint Reserved2;
    [FieldOffset(24)] public ulong Reserved3;
    [FieldOffset(32)] public UInt128 Reserved4;
    [FieldOffset(48)] public UInt128 Reserved5;
    [FieldOffset(64)] public UInt128 Reserved6;
    [FieldOffset(80)] public UInt128 Reserved7;
    [FieldOffset(96)] public UInt128 Reserved8;
    [FieldOffset(112)] public UInt128 Reserved9;
}

/// <summary>Ping and pong between a client and a replica; the pong repeats the timestamp and tells the session, if
/// any, and how many replicas the cluster has: with the view in the frame that says which one is the
/// primary.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct PingClientFields
{
    [FieldOffset(0)] public UInt128 Client;
    [FieldOffset(16)] public ulong Timestamp;
    [FieldOffset(24)] public ulong Session;

    /// <summary>0 in a ping.</summary>
    [FieldOffset(32)] public byte ReplicaCount;
    [FieldOffset(33)] public byte Reserved0;
    [FieldOffset(34)] public ushort Reserved1;
    [FieldOffset(36)] public uint Reserved2;
    [FieldOffset(40)] public ulong Reserved3;
    [FieldOffset(48)] public UInt128 Reserved4;
    [FieldOffset(64)] public UInt128 Reserved5;
    [FieldOffset(80)] public UInt128 Reserved6;
    [FieldOffset(96)] public UInt128 Reserved7;
    [FieldOffset(112)] public UInt128 Reserved8;
}

/// <summary>What a block is for.</summary>
public enum BlockKind : byte
{
    Reserved = 0,

    /// <summary>Entries of a table.</summary>
    Entries = 1,

    /// <summary>Part of one value that is too large for a block of entries.</summary>
    LargeValue = 2,

    /// <summary>The blocks of one table with their first keys.</summary>
    TableIndex = 3,

    /// <summary>Part of a checkpoint's own data: tables, free blocks, sessions.</summary>
    Trailer = 4,

    /// <summary>Names everything of one checkpoint.</summary>
    Root = 5,

    /// <summary>Bloom filter over the keys of one table.</summary>
    Filter = 6,
}

/// <summary>An immutable block of the grid. Whoever refers to it knows its address and its header's
/// checksum.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct BlockFields
{
    [FieldOffset(0)] public UInt128 Reserved9;
    [FieldOffset(16)] public UInt128 Reserved0;
    [FieldOffset(32)] public UInt128 Reserved1;
    [FieldOffset(48)] public UInt128 Reserved2;
    [FieldOffset(64)] public UInt128 Reserved3;
    [FieldOffset(80)] public UInt128 Reserved4;

    /// <summary>Number of the block in the grid, from 1.</summary>
    [FieldOffset(96)] public ulong Address;

    /// <summary>The op after which the block was made.</summary>
    [FieldOffset(104)] public ulong Snapshot;
    [FieldOffset(112)] public BlockKind Kind;
    [FieldOffset(113)] public byte Reserved5;
    [FieldOffset(114)] public ushort Reserved6;
    [FieldOffset(116)] public uint Reserved7;
    [FieldOffset(120)] public ulong Reserved8;
}
