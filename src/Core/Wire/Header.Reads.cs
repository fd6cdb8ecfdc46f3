using System;
using System.Runtime.InteropServices;

namespace Deterministic.Core.Wire;

/// <summary>How new the answer to a read outside of the log has to be.</summary>
public enum ReadConsistency : byte
{
    Reserved = 0,

    /// <summary>The primary answers after a quorum has confirmed its view: as if the read were in the log.</summary>
    Strong = 1,

    /// <summary>Any replica answers with what it has, unless that is older than the bounds of the read.</summary>
    Stale = 2,
}

/// <summary>What became of a read. Only an answered one has a body.</summary>
public enum ReadResult : byte
{
    Reserved = 0,
    Answered = 1,

    /// <summary>This replica's state is older than the read allows, or it does not know how old it is.</summary>
    TooOld = 2,

    /// <summary>Strong reads are for the primary, that of the reply's view if there is one.</summary>
    NotPrimary = 3,

    /// <summary>Too many reads wait; try again later.</summary>
    Busy = 4,

    /// <summary>The operation or a part of the batch changes something.</summary>
    NotARead = 5,
}

/// <summary>A client asks outside of the log and without a session; asking again does no harm.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct ReadFields
{
    [FieldOffset(0)] public UInt128 Client;

    /// <summary>Chosen by the client.</summary>
    [FieldOffset(16)] public ulong Number;

    /// <summary>Of a stale read: the least op that the state must contain; 0: any.</summary>
    [FieldOffset(24)] public ulong CommitLeast;

    /// <summary>Of a stale read: how long ago the state may have been the newest; 0: as long as it likes.</summary>
    [FieldOffset(32)] public uint AgeMaxMilliseconds;
    [FieldOffset(36)] public Operation Operation;
    [FieldOffset(37)] public ReadConsistency Consistency;
    [FieldOffset(38)] public ushort Reserved0;
    [FieldOffset(40)] public ulong Reserved1;
    [FieldOffset(48)] public UInt128 Reserved2;
    [FieldOffset(64)] public UInt128 Reserved3;
    [FieldOffset(80)] public UInt128 Reserved4;
    [FieldOffset(96)] public UInt128 Reserved5;
    [FieldOffset(112)] public UInt128 Reserved6;
}

/// <summary>The answer to a read.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct ReadReplyFields
{
    /// <summary>Checksum of the read's header.</summary>
    [FieldOffset(0)] public UInt128 ReadChecksum;
    [FieldOffset(16)] public UInt128 Client;
    [FieldOffset(32)] public ulong Number;

    /// <summary>The last entry that the state contains.</summary>
    [FieldOffset(40)] public ulong Commit;

    /// <summary>Of that entry; 0 if there is none.</summary>
    [FieldOffset(48)] public ulong Timestamp;
    [FieldOffset(56)] public Operation Operation;
    [FieldOffset(57)] public ReadConsistency Consistency;
    [FieldOffset(58)] public ReadResult Result;
    [FieldOffset(59)] public byte Reserved0;
    [FieldOffset(60)] public uint Reserved1;
    [FieldOffset(64)] public UInt128 Reserved2;
    [FieldOffset(80)] public UInt128 Reserved3;
    [FieldOffset(96)] public UInt128 Reserved4;
    [FieldOffset(112)] public UInt128 Reserved5;
}

/// <summary>The primary asks whether its view still stands, and is told so by replicas that work in it.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct ConfirmViewFields
{
    /// <summary>From 1, ascending within a view; repeated by the answer.</summary>
    [FieldOffset(0)] public ulong Round;
    [FieldOffset(8)] public ulong Reserved0;
    [FieldOffset(16)] public UInt128 Reserved1;
    [FieldOffset(32)] public UInt128 Reserved2;
    [FieldOffset(48)] public UInt128 Reserved3;
    [FieldOffset(64)] public UInt128 Reserved4;
    [FieldOffset(80)] public UInt128 Reserved5;
    [FieldOffset(96)] public UInt128 Reserved6;
    [FieldOffset(112)] public UInt128 Reserved7;
}

public partial struct Header
{
    private readonly string? InvalidRead()
    {
        if (InvalidFields(used: 38) is string reserved) return reserved;
        if (ReadRequest.Client == 0) return "client is zero";
        if (!IsRead(ReadRequest.Operation)) return "operation does not read";
        if (!IsConsistency(ReadRequest.Consistency)) return "consistency is unknown";
        bool bounded = ReadRequest.CommitLeast != 0 || ReadRequest.AgeMaxMilliseconds != 0;
        return bounded && ReadRequest.Consistency == ReadConsistency.Strong ? "a strong read has bounds" : null;
    }

    private readonly string? InvalidReadReply()
    {
        if (InvalidFields(used: 59) is string reserved) return reserved;
        if (ReadReply.ReadChecksum == 0) return "checksum is zero";
        if (ReadReply.Client == 0) return "client is zero";
        if (!IsRead(ReadReply.Operation)) return "operation does not read";
        if (!IsConsistency(ReadReply.Consistency)) return "consistency is unknown";
        if (ReadReply.Result is ReadResult.Reserved or > ReadResult.NotARead) return "result is unknown";
        if (ReadReply.Timestamp == 0 && ReadReply.Commit != 0) return "timestamp is zero";
        return ReadReply.Result != ReadResult.Answered && Size != HeaderSize ? "a refusal has a body" : null;
    }

    private static bool IsConsistency(ReadConsistency consistency) =>
        consistency is ReadConsistency.Strong or ReadConsistency.Stale;

    private static bool IsRead(Operation operation) => operation.Reads() || operation == Operation.Batch;
}
