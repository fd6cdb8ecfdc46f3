using System;
using Deterministic.Core.Memory;

namespace Deterministic.Vsr;

public enum IoResult : byte
{
    Ok = 0,

    /// <summary>The device could not read; treated as corruption of what was asked for.</summary>
    ReadFailed = 1,

    /// <summary>The device did not take the write; a replica that cannot write stops.</summary>
    WriteFailed = 2,
}

/// <summary>The data file. Offsets, sizes and buffers are sector-aligned. Each call ends in exactly one later
/// <c>OnCompletion(token, result)</c>, never during the call itself; a write is durable when it completes.</summary>
public interface IDisk
{
    void Read(uint token, long offset, NativeBuffer buffer);
    void Write(uint token, long offset, NativeBuffer buffer);
}

/// <summary>Sends messages; may drop any. Takes its own reference on the message while it needs it.</summary>
public interface IMessageBus
{
    void SendToClient(UInt128 client, Message message);
    void SendToReplica(byte replica, Message message);
}

public interface IClock
{
    /// <summary>Nanoseconds since 1970 by the machine's clock; may jump.</summary>
    ulong RealtimeNanoseconds { get; }

    /// <summary>Nanoseconds since some start; never goes back.</summary>
    ulong MonotonicNanoseconds { get; }
}
