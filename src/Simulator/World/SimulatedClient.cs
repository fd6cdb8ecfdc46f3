using System;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.World;

/// <summary>A client of the binary protocol, as careful as a real one: it registers, keeps one request in flight,
/// sends it again until it is answered, to the primary if it knows who that is, and checks that every answer belongs to
/// what it asked.</summary>
internal sealed class SimulatedClient(
    uint number, UInt128 cluster, int members, ulong resendNanoseconds, SimulatedNetwork network, TapeStream tape)
{
    private byte _target;
    private byte[] _request = [];
    private uint _generation;
    private UInt128 _requestChecksum;
    private UInt128 _context;
    private ulong _session;
    private uint _view;
    private uint _requestNumber;
    private ulong _resendAt;

    public UInt128 Id { get; private set; } = (UInt128)(number + 1) << 96;
    public bool Registered => _session != 0;
    public bool Waiting => _request.Length > 0;

    /// <summary>Operation of the request in flight, or of the last one.</summary>
    public Operation LastOperation { get; private set; }
    public uint LastRequestNumber => _requestNumber;
    public ulong Answered { get; private set; }
    public ulong Evictions { get; private set; }

    /// <summary>The greatest log position that an answer has named.</summary>
    public ulong OpAnswered { get; private set; }
    public UInt128 LastReplyChecksum { get; private set; }

    public void Register() => Start(Operation.Register, []);

    public void Request(Operation operation, ReadOnlySpan<byte> body)
    {
        Check.That(Registered);
        Start(operation, body);
    }

    private void Start(Operation operation, ReadOnlySpan<byte> body)
    {
        Check.That(!Waiting);
        byte[] message = new byte[Limits.HeaderSize + body.Length];
        body.CopyTo(message.AsSpan(Limits.HeaderSize));
        Header header = default;
        header.Cluster = cluster;
        header.Size = (uint)message.Length;
        header.Release = Header.ReleaseCurrent;
        header.Protocol = Header.ProtocolVersion;
        header.Command = Command.Request;
        header.Request.Client = Id;
        header.Request.Operation = operation;
        LastOperation = operation;
        if (operation != Operation.Register)
        {
            header.Request.Session = _session;
            header.Request.Parent = _context;
            header.Request.RequestNumber = ++_requestNumber;
        }
        header.SetChecksumBody(body);
        header.SetChecksum();
        header.WriteTo(message);
        _request = message;
        _requestChecksum = header.Checksum;
        Send(_target);
    }

    public void Tick()
    {
        if (!Waiting || network.Now < _resendAt) return;
        _target = (byte)tape.Below(members);
        Send(_target);
    }

    private void Send(byte replica)
    {
        network.Send((byte)members, replica, Id, _request);
        _resendAt = network.Now + resendNanoseconds + tape.Below(resendNanoseconds);
    }

    /// <summary>Whether an eviction counts: a primary of an older view that does not know yet that it is deposed cannot
    /// know a session that began after it.</summary>
    public bool Ends(in Header eviction) => eviction.View >= _view;

    /// <summary>True if this is the first answer to the request in flight.</summary>
    public bool Receive(byte[] message)
    {
        Header header = Header.Read(message);
        if (header.Command == Command.Eviction)
        {
            if (Ends(in header)) StartAnew();
            return false;
        }
        if (header.Command != Command.Reply || !Waiting) return false;
        if (header.Reply.RequestChecksum != _requestChecksum) return false;
        Header request = Header.Read(_request);
        Check.That(header.Reply.Client == Id);
        Check.That(header.Reply.RequestNumber == request.Request.RequestNumber);
        Check.That(header.Reply.Operation == request.Request.Operation);
        Check.That(header.Reply.Op > OpAnswered);
        OpAnswered = header.Reply.Op;
        _target = header.Replica;
        LastReplyChecksum = header.ChecksumBody;
        _context = header.Reply.Context;
        _view = header.View;
        if (header.Reply.Operation == Operation.Register) _session = header.Reply.Op;
        _request = [];
        Answered++;
        return true;
    }

    /// <summary>After an eviction the old name is dead: a new one, a new session.</summary>
    private void StartAnew()
    {
        Evictions++;
        Id = (UInt128)(number + 1) << 96 | ++_generation;
        _session = 0;
        _requestNumber = 0;
        _context = 0;
        _view = 0;
        _request = [];
        OpAnswered = 0;
    }
}
