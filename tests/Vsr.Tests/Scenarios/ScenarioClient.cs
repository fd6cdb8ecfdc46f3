using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr.Tests.Support;

namespace Deterministic.Vsr.Tests.Scenarios;

/// <summary>A client of a scenario and what it was told.</summary>
internal sealed class ScenarioClient(byte number)
{
    private readonly TestClient _client = new(number);
    private readonly Dictionary<UInt128, UInt128> _answers = [];
    private byte _writes;
    private uint _view;

    public UInt128 Number => number;

    /// <summary>The last request has been answered.</summary>
    public bool Answered { get; private set; } = true;
    public bool Registered { get; private set; }
    public int Replies { get; private set; }
    public int Evictions { get; private set; }

    /// <summary>Why it was evicted last.</summary>
    public EvictionReason Reason { get; private set; }

    /// <summary>Of the last answer.</summary>
    public ulong Op { get; private set; }
    public ulong Timestamp { get; private set; }
    public ReadOnlySpan<byte> Request => _client.Request;

    public void MakeRegister()
    {
        _client.MakeRegister(Bench.Cluster);
        _client.RequestNumber = 0;
        _client.Parent = 0;
        Answered = false;
    }

    public void MakeWrite(bool large = false)
    {
        byte[] body = new byte[large ? Limits.SectorSize : 2];
        body[0] = number;
        body[1] = ++_writes;
        _client.Make(Bench.Cluster, Operation.Write, body);
        Answered = false;
    }

    /// <summary>Every request has one answer, whoever gives it and however often.</summary>
    public void Take(in Header reply)
    {
        if (reply.Command == Command.Eviction)
        {
            if (reply.View < _view) return;
            Evictions++;
            Reason = reply.Eviction.Reason;
            Registered = false;
            // The next session begins with the same bytes as this one.
            _answers.Clear();
        }
        if (reply.Command != Command.Reply) return;
        Replies++;
        bool fresh = _answers.TryAdd(reply.Reply.RequestChecksum, reply.Checksum);
        ClusterBench.Assert(
            fresh || _answers[reply.Reply.RequestChecksum] == reply.Checksum, "a request was answered in two ways");
        if (Answered || reply.Reply.RequestChecksum != Header.Read(Request).Checksum) return;
        ClusterBench.Assert(reply.Reply.Op > Op && reply.Reply.Timestamp > Timestamp, "answers go back");
        _client.Take(in reply);
        Answered = true;
        Registered = true;
        Op = reply.Reply.Op;
        _view = reply.View;
        Timestamp = reply.Reply.Timestamp;
    }
}

/// <summary>A client that reads outside of the log. A strong read must contain all that was answered before it was
/// sent.</summary>
internal sealed class ScenarioReader
{
    public const byte Number = 200;
    private readonly TestReader _reader = new(Number);
    private ulong _least;

    /// <summary>Of the last read; null while there is none.</summary>
    public ReadResult? Result { get; private set; }

    /// <summary>The entry up to which the answer's state goes.</summary>
    public ulong Commit { get; private set; }

    public byte[] Make(bool strong, ulong commitLeast, uint ageMaxMilliseconds, ulong answered)
    {
        Result = null;
        _least = strong ? answered : commitLeast;
        return strong ? _reader.Strong() : _reader.Stale(commitLeast, ageMaxMilliseconds);
    }

    public void Take(in Header reply)
    {
        if (reply.Command != Command.ReadReply || reply.ReadReply.Number != _reader.Number) return;
        Result = reply.ReadReply.Result;
        Commit = reply.ReadReply.Commit;
        if (Result != ReadResult.Answered) return;
        ClusterBench.Assert(Commit >= _least, $"a read saw {Commit}, and {_least} was known before");
    }
}
