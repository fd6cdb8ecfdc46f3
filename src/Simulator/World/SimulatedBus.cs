using System;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Oracle;
using Deterministic.Vsr;

namespace Deterministic.Simulator.World;

/// <summary>A replica's end of the network.</summary>
internal sealed class SimulatedBus(
    byte replica, SimulatedNetwork network, SimulatedLinks links, SpokenWord spoken, ReadAgreement reads,
    Trace trace) : IMessageBus
{
    public void SendToClient(UInt128 client, Message message)
    {
        Header header = message.Header;
        ulong op = header.Command == Command.Reply ? header.Reply.Op : 0;
        if (op > 0) reads.NoteAnswer(network.Now, op);
        if (header.Command == Command.ReadReply) reads.Hear(in header, network.Now);
        trace.Add(TraceCode.ReplySent, replica, op, unchecked((ulong)header.Checksum));
        network.Send(replica, links.Clients, client, message.Bytes);
    }

    public void SendToReplica(byte other, Message message)
    {
        Check.That(other != replica && other < links.Clients);
        spoken.Hear(in message.Header);
        network.Send(replica, other, 0, message.Bytes);
    }
}
