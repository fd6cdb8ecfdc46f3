using System;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>The replica's end of the network.</summary>
internal sealed class SimulatedBus(SimulatedNetwork network, Trace trace) : IMessageBus
{
    public void SendToClient(UInt128 client, Message message)
    {
        Header header = message.Header;
        ulong op = header.Command == Command.Reply ? header.Reply.Op : 0;
        trace.Add(TraceCode.ReplySent, 0, op, unchecked((ulong)header.Checksum));
        network.Send(client, toReplica: false, message.Bytes);
    }

    public void SendToReplica(byte replica, Message message) => Check.Unreachable();
}
