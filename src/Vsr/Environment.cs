using System;

namespace Deterministic.Vsr;

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
