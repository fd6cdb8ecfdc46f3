using System;
using System.Runtime.InteropServices;

namespace Deterministic.Core.Wire;

/// <summary>Steps in which two replicas prove to each other that they are of one cluster.</summary>
public enum HelloStep : byte
{
    Reserved = 0,

    /// <summary>The one that connects says who it is and gives its nonce.</summary>
    Call = 1,

    /// <summary>The one that was called gives its own nonce, and its proof over both.</summary>
    Answer = 2,

    /// <summary>The one that connects gives its proof.</summary>
    Confirm = 3,
}

/// <summary>A replica, the one in the frame, opens a connection to another one.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct HelloFields
{
    /// <summary>Bytes of a nonce and of a proof.</summary>
    public const int SecretSize = 32;

    /// <summary>Drawn for this connection by the sender; zero in a <see cref="HelloStep.Confirm"/>.</summary>
    [FieldOffset(0)] public UInt128 NonceLow;
    [FieldOffset(16)] public UInt128 NonceHigh;

    /// <summary>Shows that the sender knows the cluster's secret; zero in a <see cref="HelloStep.Call"/>.</summary>
    [FieldOffset(32)] public UInt128 ProofLow;
    [FieldOffset(48)] public UInt128 ProofHigh;

    /// <summary>The replica that is spoken to.</summary>
    [FieldOffset(64)] public byte Receiver;
    [FieldOffset(65)] public HelloStep Step;
    [FieldOffset(66)] public ushort Reserved0;
    [FieldOffset(68)] public uint Reserved1;
    [FieldOffset(72)] public ulong Reserved2;

    /// <summary>Stands for the sizes of the sender's data file; zero in a <see cref="HelloStep.Call"/>.</summary>
    [FieldOffset(80)] public UInt128 Configuration;
    [FieldOffset(96)] public UInt128 Reserved3;
    [FieldOffset(112)] public UInt128 Reserved4;
}

/// <summary>What a replica does at the moment, as it is told to an operator. Append only.</summary>
public enum ReplicaRole : byte
{
    Reserved = 0,

    /// <summary>Reads its data file.</summary>
    Recovering = 1,
    Primary = 2,
    Backup = 3,
    ViewChange = 4,

    /// <summary>Its journal may have lost its end; it waits until a primary tells it the log.</summary>
    RecoveringHead = 5,

    /// <summary>Follows the log and has no voice in it.</summary>
    Standby = 6,
}

/// <summary>How a replica stands, with its durable view in the frame. A question has only <see cref="Client"/> and
/// <see cref="Timestamp"/>, which the answer repeats.</summary>
[StructLayout(LayoutKind.Explicit, Size = 128)]
public struct StatusFields
{
    [FieldOffset(0)] public UInt128 Client;
    [FieldOffset(16)] public ulong Timestamp;
    [FieldOffset(24)] public ulong Op;

    /// <summary>Last entry that the state machine has run.</summary>
    [FieldOffset(32)] public ulong CommitMin;

    /// <summary>Last entry that is known to be committed.</summary>
    [FieldOffset(40)] public ulong CommitMax;
    [FieldOffset(48)] public ulong CheckpointOp;
    [FieldOffset(56)] public uint SessionsCount;
    [FieldOffset(60)] public ReplicaRole Role;
    [FieldOffset(61)] public byte ReplicaCount;

    /// <summary>Bit i: replica i is connected; standbys come after the replicas.</summary>
    [FieldOffset(62)] public ushort Connected;

    /// <summary>Checkpoint that the replica is fetching because the log no longer reaches back to what it has; 0:
    /// none.</summary>
    [FieldOffset(64)] public ulong SyncOp;

    /// <summary>The release that the log is run with; 0 before it is known. The frame has the newest one that the
    /// sender's software knows.</summary>
    [FieldOffset(72)] public uint Release;
    [FieldOffset(76)] public uint Reserved1;
    [FieldOffset(80)] public UInt128 Reserved2;
    [FieldOffset(96)] public UInt128 Reserved3;
    [FieldOffset(112)] public UInt128 Reserved4;
}

public partial struct Header
{
    private readonly string? InvalidHello()
    {
        if (Size != HeaderSize) return "hello has a body";
        if (Hello.Receiver >= Limits.MembersMax) return "no such replica";
        if (Replica == Hello.Receiver) return "a replica does not connect to itself";
        bool nonce = (Hello.NonceLow | Hello.NonceHigh) != 0;
        bool proof = (Hello.ProofLow | Hello.ProofHigh) != 0;
        bool right = Hello.Step switch
        {
            HelloStep.Call => nonce && !proof,
            HelloStep.Answer => nonce && proof,
            HelloStep.Confirm => !nonce && proof,
            _ => false,
        };
        if (!right) return "nonce and proof do not fit the step";
        if (proof != (Hello.Configuration != 0)) return "the configuration belongs to the proof";
        bool zero = Hello.Reserved0 == 0 && Hello.Reserved1 == 0 && Hello.Reserved2 == 0 && Hello.Reserved3 == 0 &&
            Hello.Reserved4 == 0;
        return zero ? null : "reserved bytes of the hello are not zero";
    }

    private readonly string? InvalidStatus()
    {
        if (Size != HeaderSize) return "status has a body";
        if (Status.Client == 0) return "client is zero";
        if (Command == Command.GetStatus) return InvalidFields(used: 24);
        if (Status.Role is ReplicaRole.Reserved or > ReplicaRole.Standby) return "role is unknown";
        if (Status.ReplicaCount is 0 or > Limits.ReplicasMax) return "replica count is out of bounds";
        int members = Status.ReplicaCount + Limits.StandbysMax;
        if (Replica >= members) return "no such replica";
        if (Status.Connected >> members != 0) return "connected to a replica that is not there";
        bool isStandby = Replica >= Status.ReplicaCount;
        bool hasVoice = Status.Role is ReplicaRole.Primary or ReplicaRole.Backup;
        if (isStandby ? hasVoice : Status.Role == ReplicaRole.Standby) return "a standby has no voice";
        return InvalidFields(used: 76);
    }
}
