using System;
using System.Runtime.InteropServices;

namespace Deterministic.Core.Wire;

/// <summary>A replica tells that it is there, which checkpoint it has, and its own monotonic time.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct PingFields
{
    [FieldOffset(0)] public UInt128 CheckpointId;
    [FieldOffset(16)] public ulong CheckpointOp;

    /// <summary>Nanoseconds of the sender's monotonic clock.</summary>
    [FieldOffset(24)] public ulong Timestamp;

    /// <summary>The oldest and the newest release that the sender can run the log with.</summary>
    [FieldOffset(32)] public uint ReleaseMin;
    [FieldOffset(36)] public uint ReleaseMax;
    [FieldOffset(40)] public ulong Reserved0;
    [FieldOffset(48)] public UInt128 Reserved1;
    [FieldOffset(64)] public UInt128 Reserved2;
    [FieldOffset(80)] public UInt128 Reserved3;
    [FieldOffset(96)] public UInt128 Reserved4;
    [FieldOffset(112)] public UInt128 Reserved5;
}

/// <summary>The answer to a ping.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct PongFields
{
    /// <summary>Of the ping.</summary>
    [FieldOffset(0)] public ulong PingTimestamp;

    /// <summary>Nanoseconds since 1970 by the answering machine's clock.</summary>
    [FieldOffset(8)] public ulong Realtime;

    /// <summary>Last entry that anybody may have been answered from, as far as the sender knows; the primary
    /// does.</summary>
    [FieldOffset(16)] public ulong Commit;

    /// <summary>Last entry that the sender has run.</summary>
    [FieldOffset(24)] public ulong CommitMin;

    /// <summary>1 if the sender works in the header's view, which is durable with it; else 0.</summary>
    [FieldOffset(32)] public byte IsNormal;
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

/// <summary>The primary's heartbeat: how far the log is committed.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct CommitFields
{
    /// <summary>Checksum of the entry <see cref="Commit"/>.</summary>
    [FieldOffset(0)] public UInt128 CommitChecksum;
    [FieldOffset(16)] public UInt128 CheckpointId;
    [FieldOffset(32)] public ulong CheckpointOp;
    [FieldOffset(40)] public ulong Commit;

    /// <summary>Nanoseconds of the primary's monotonic clock, so that an old heartbeat is not taken for a new
    /// one.</summary>
    [FieldOffset(48)] public ulong Timestamp;
    [FieldOffset(56)] public ulong Reserved0;
    [FieldOffset(64)] public UInt128 Reserved1;
    [FieldOffset(80)] public UInt128 Reserved2;
    [FieldOffset(96)] public UInt128 Reserved3;
    [FieldOffset(112)] public UInt128 Reserved4;
}

/// <summary>A replica that takes part in the change to a view tells its new primary what it has. The body holds the
/// headers of the end of its log, <see cref="Op"/> first, each next one op lower; a blank one
/// (all zero) where it has none. Bit i of the sets is about header i.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct JoinViewFields
{
    /// <summary>The sender holds the entry durably.</summary>
    [FieldOffset(0)] public UInt128 Present;

    /// <summary>The sender has certainly never acknowledged an entry of this op (blank) or this entry.</summary>
    [FieldOffset(16)] public UInt128 Nack;
    [FieldOffset(32)] public ulong Op;
    [FieldOffset(40)] public ulong CommitMin;
    [FieldOffset(48)] public ulong CheckpointOp;

    /// <summary>The last view in which the sender's status was normal.</summary>
    [FieldOffset(56)] public uint LogView;
    [FieldOffset(60)] public uint Reserved0;
    [FieldOffset(64)] public UInt128 Reserved1;
    [FieldOffset(80)] public UInt128 Reserved2;
    [FieldOffset(96)] public UInt128 Reserved3;
    [FieldOffset(112)] public UInt128 Reserved4;
}

/// <summary>Asks the primary of a view for a <see cref="Command.View"/>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct GetViewFields
{
    /// <summary>Chosen by the sender; a sender that has forgotten its log believes only an answer with it.</summary>
    [FieldOffset(0)] public UInt128 Nonce;
    [FieldOffset(16)] public UInt128 Reserved0;
    [FieldOffset(32)] public UInt128 Reserved1;
    [FieldOffset(48)] public UInt128 Reserved2;
    [FieldOffset(64)] public UInt128 Reserved3;
    [FieldOffset(80)] public UInt128 Reserved4;
    [FieldOffset(96)] public UInt128 Reserved5;
    [FieldOffset(112)] public UInt128 Reserved6;
}

/// <summary>The primary tells where the log of its view begins to be new: the checkpoint (body, first) and the headers
/// of the log's end, <see cref="Op"/> first, without gaps.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct ViewFields
{
    /// <summary>Of the <see cref="Command.GetView"/> that this answers; 0: not asked for.</summary>
    [FieldOffset(0)] public UInt128 Nonce;
    [FieldOffset(16)] public ulong Op;
    [FieldOffset(24)] public ulong CommitMax;
    [FieldOffset(32)] public ulong CheckpointOp;
    [FieldOffset(40)] public ulong Reserved0;
    [FieldOffset(48)] public UInt128 Reserved1;
    [FieldOffset(64)] public UInt128 Reserved2;
    [FieldOffset(80)] public UInt128 Reserved3;
    [FieldOffset(96)] public UInt128 Reserved4;
    [FieldOffset(112)] public UInt128 Reserved5;
}

/// <summary>Asks for headers of a range of the log, both ends included; the answer is
/// <see cref="Command.Headers"/>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct GetHeadersFields
{
    [FieldOffset(0)] public ulong OpMin;
    [FieldOffset(8)] public ulong OpMax;
    [FieldOffset(16)] public UInt128 Reserved0;
    [FieldOffset(32)] public UInt128 Reserved1;
    [FieldOffset(48)] public UInt128 Reserved2;
    [FieldOffset(64)] public UInt128 Reserved3;
    [FieldOffset(80)] public UInt128 Reserved4;
    [FieldOffset(96)] public UInt128 Reserved5;
    [FieldOffset(112)] public UInt128 Reserved6;
}

/// <summary>Asks for one whole entry of the log; the answer is the entry itself.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct GetPrepareFields
{
    [FieldOffset(0)] public UInt128 PrepareChecksum;
    [FieldOffset(16)] public ulong Op;
    [FieldOffset(24)] public ulong Reserved0;
    [FieldOffset(32)] public UInt128 Reserved1;
    [FieldOffset(48)] public UInt128 Reserved2;
    [FieldOffset(64)] public UInt128 Reserved3;
    [FieldOffset(80)] public UInt128 Reserved4;
    [FieldOffset(96)] public UInt128 Reserved5;
    [FieldOffset(112)] public UInt128 Reserved6;
}

/// <summary>Asks for the stored reply of a session; the answer is the reply itself.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct GetReplyFields
{
    [FieldOffset(0)] public UInt128 ReplyChecksum;
    [FieldOffset(16)] public UInt128 Client;
    [FieldOffset(32)] public ulong Op;
    [FieldOffset(40)] public ulong Reserved0;
    [FieldOffset(48)] public UInt128 Reserved1;
    [FieldOffset(64)] public UInt128 Reserved2;
    [FieldOffset(80)] public UInt128 Reserved3;
    [FieldOffset(96)] public UInt128 Reserved4;
    [FieldOffset(112)] public UInt128 Reserved5;
}
