using System;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Oracle;
using Deterministic.Simulator.Workload;

namespace Deterministic.Simulator.World;

/// <summary>A client that only reads, outside of the log: strong reads of whoever is the primary, stale ones, with
/// bounds or without, of any replica. It has one read in flight and asks again until it is answered, or told that the
/// state is too old.</summary>
internal sealed class SimulatedReader(
    uint number, UInt128 cluster, int replicas, int members, ulong resendNanoseconds, SimulatedNetwork network,
    ReadAgreement reads, TapeStream tape)
{
    private readonly UInt128 _id = (UInt128)(number + 1) << 64;
    private byte[] _read = [];
    private UInt128 _checksum;
    private ulong _number;
    private ulong _resendAt;
    private ulong _commitSeen;
    private byte _target;

    /// <summary>The next try goes to the target, which somebody has named.</summary>
    private bool _directed;

    public UInt128 Id => _id;
    public bool Waiting => _read.Length > 0;

    public void Read(in GeneratedRequest request)
    {
        Check.That(!Waiting);
        byte[] message = new byte[Limits.HeaderSize + request.Body.Length];
        request.Body.CopyTo(message, Limits.HeaderSize);
        Header header = Header.Create(Command.Read, cluster, 0, 0, request.Body.Length);
        header.ReadRequest.Client = _id;
        header.ReadRequest.Number = ++_number;
        header.ReadRequest.Operation = request.Operation;
        header.ReadRequest.Consistency = tape.Boolean() ? ReadConsistency.Stale : ReadConsistency.Strong;
        if (header.ReadRequest.Consistency == ReadConsistency.Stale) DrawBounds(ref header.ReadRequest);
        header.SetChecksumBody(request.Body);
        header.SetChecksum();
        header.WriteTo(message);
        _read = message;
        _checksum = header.Checksum;
        reads.Ask(in header);
        Send();
    }

    /// <summary>None, what this reader has seen, an age, or both.</summary>
    private void DrawBounds(ref ReadFields read)
    {
        int kind = tape.Below(4);
        if (kind is 1 or 3) read.CommitLeast = _commitSeen;
        if (kind is 2 or 3) read.AgeMaxMilliseconds = (uint)(100 << tape.Below(6));
        _target = (byte)tape.Below(members);
    }

    public void Tick()
    {
        if (!Waiting || network.Now < _resendAt) return;
        if (!_directed) _target = (byte)tape.Below(members);
        Send();
    }

    private void Send()
    {
        _directed = false;
        network.Send((byte)members, _target, _id, _read);
        _resendAt = network.Now + resendNanoseconds + tape.Below(resendNanoseconds);
    }

    /// <summary>True if this ends the read in flight.</summary>
    public bool Receive(byte[] message)
    {
        Header header = Header.Read(message);
        bool answers = Waiting && header.Command == Command.ReadReply && header.ReadReply.ReadChecksum == _checksum;
        if (!answers) return false;
        Check.That(header.ReadReply.Client == _id && header.ReadReply.Number == _number);
        reads.CheckReceived(in header);
        if (header.ReadReply.Result == ReadResult.NotPrimary)
        {
            // With the next tick it asks whom the view names, unless that is the same replica.
            byte primary = (byte)(header.View % (uint)replicas);
            _directed = primary != _target;
            if (_directed) _resendAt = network.Now;
            _target = primary;
            return false;
        }
        if (header.ReadReply.Result == ReadResult.Busy) return false;
        if (header.ReadReply.Result == ReadResult.Answered)
            _commitSeen = ulong.Max(_commitSeen, header.ReadReply.Commit);
        _read = [];
        return true;
    }
}
