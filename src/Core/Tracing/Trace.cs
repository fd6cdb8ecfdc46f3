using System;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Deterministic.Core.Tracing;

/// <summary>What a trace event tells; the meaning of its two arguments stands beside each. Append only.</summary>
public enum TraceCode : ushort
{
    None = 0,

    /// <summary>Op of the log's head, op of the checkpoint.</summary>
    Opened = 1,

    /// <summary>Request number, low half of the request's checksum.</summary>
    RequestReceived = 2,

    /// <summary>Op, low half of the prepare's checksum.</summary>
    Prepared = 3,

    /// <summary>Op, low half of the prepare's checksum.</summary>
    PrepareDurable = 4,

    /// <summary>Op, low half of the reply's body checksum.</summary>
    Committed = 5,

    /// <summary>Op, low half of the reply's checksum.</summary>
    ReplySent = 6,

    /// <summary>Session, reason.</summary>
    SessionEvicted = 7,

    /// <summary>Op, 0.</summary>
    CheckpointStarted = 8,

    /// <summary>Op, low half of the checkpoint's identifier.</summary>
    CheckpointDone = 9,

    /// <summary>Sequence, copy.</summary>
    SuperblockWritten = 10,

    /// <summary>Slot, recovery decision.</summary>
    SlotRecovered = 11,

    /// <summary>Offset, size.</summary>
    DiskRead = 12,

    /// <summary>Offset, low half of the checksum of what was written.</summary>
    DiskWritten = 13,

    /// <summary>Offset, kind of the fault.</summary>
    DiskFault = 14,

    /// <summary>Tick, 0.</summary>
    Crashed = 15,

    /// <summary>Tick, 0.</summary>
    Restarted = 16,

    /// <summary>Low half of the message's checksum, why.</summary>
    MessageDropped = 17,

    /// <summary>Client, low half of the reply's checksum.</summary>
    ReplyReceived = 18,

    /// <summary>Op, low half of the checksum of the whole state.</summary>
    StateChecked = 19,

    /// <summary>Kind and status of a request to the object store, token.</summary>
    ObjectRequestEnded = 20,

    /// <summary>Op of a checkpoint of others, commit here.</summary>
    CheckpointTaken = 24,

    /// <summary>View, log view.</summary>
    ViewEntered = 21,

    /// <summary>Op of the head, low half of its checksum.</summary>
    LogInstalled = 22,

    /// <summary>View, primary.</summary>
    ViewStarted = 23,

    /// <summary>Op of the last entry in the state, low half of the reply's checksum.</summary>
    ReadAnswered = 25,
}

/// <summary>One traced decision: 24 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct TraceEvent
{
    [FieldOffset(0)] public TraceCode Code;
    [FieldOffset(2)] public byte Replica;
    [FieldOffset(3)] public byte Reserved0;

    /// <summary>Low bits of the number of events before this one.</summary>
    [FieldOffset(4)] public uint Sequence;
    [FieldOffset(8)] public ulong A;
    [FieldOffset(16)] public ulong B;
}

/// <summary>The last events in a ring, for people, and a running hash over all events, for machines: two runs that
/// decided the same have the same <see cref="Hash"/>, on every machine.</summary>
public sealed class Trace
{
    private readonly TraceEvent[] _ring;
    private ulong _hashLow = 0x243F_6A88_85A3_08D3;
    private ulong _hashHigh = 0x1319_8A2E_0370_7344;

    public Trace(int capacity = 1024)
    {
        Check.That(capacity > 0);
        Check.That(BitOperations.IsPow2(capacity));
        _ring = new TraceEvent[capacity];
    }

    /// <summary>Events so far.</summary>
    public ulong Count { get; private set; }

    /// <summary>Events that the ring still holds.</summary>
    public int Kept => Count < (ulong)_ring.Length ? (int)Count : _ring.Length;

    /// <summary>Of every event so far, in their order.</summary>
    public UInt128 Hash => new(_hashHigh, _hashLow);

    public void Add(TraceCode code, byte replica, ulong a, ulong b)
    {
        Check.That(code != TraceCode.None);
        ref TraceEvent slot = ref _ring[(int)(Count & (ulong)(_ring.Length - 1))];
        slot.Code = code;
        slot.Replica = replica;
        slot.Sequence = (uint)(Count & uint.MaxValue);
        slot.A = a;
        slot.B = b;
        Count++;
        Mix((ulong)code | (ulong)replica << 16);
        Mix(a);
        Mix(b);
    }

    /// <summary>A kept event; 0 is the oldest one.</summary>
    public ref readonly TraceEvent Recent(int index)
    {
        Check.That(index >= 0 && index < Kept);
        ulong number = Count - (ulong)Kept + (ulong)index;
        return ref _ring[(int)(number & (ulong)(_ring.Length - 1))];
    }

    /// <summary>Two lanes with their own odd multipliers; each step is a bijection of the lane, so that no event is
    /// lost in a state that forgets.</summary>
    private void Mix(ulong word)
    {
        unchecked
        {
            _hashLow = BitOperations.RotateLeft((_hashLow ^ word) * 0x9E37_79B9_7F4A_7C15, 29);
            _hashHigh = BitOperations.RotateLeft((_hashHigh + word) * 0xC2B2_AE3D_27D4_EB4F, 31) ^ _hashLow;
        }
    }
}
