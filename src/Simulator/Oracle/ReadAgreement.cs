using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Oracle;

/// <summary>What reads outside of the log may be answered with. The answer is that of the state after the entry that it
/// names, and has no bytes that the state machine did not give. A strong one names no entry before those that anybody
/// had run when it was sent, which is a little more than that it takes its place among the requests in the order of
/// time. A stale one keeps its bounds: what it says it has seen, and every request that was answered longer ago than
/// its greatest age.</summary>
internal sealed class ReadAgreement(LogAgreement log, NaiveDatabase database, CommitHistory history)
{
    private const ulong NanosecondsPerMillisecond = 1_000_000;

    /// <summary>By the checksum of the read: its header, and the last entry that anybody had run.</summary>
    private readonly SortedDictionary<UInt128, (Header Read, ulong Op)> _asked = [];

    /// <summary>By entry of the state and checksum of the request: checksum of the answer.</summary>
    private readonly SortedDictionary<(ulong Op, UInt128 Request), UInt128> _answers = [];

    /// <summary>When requests were answered, each later than the one before it and of a later entry.</summary>
    private readonly List<(ulong Time, ulong Op)> _answered = [];

    /// <summary>What the state machine has just said to a read.</summary>
    private UInt128 _said;

    /// <summary>A read is sent for the first time.</summary>
    public void Ask(in Header read) => _asked.Add(read.Checksum, (read, log.Op));

    /// <summary>A request is answered.</summary>
    public void NoteAnswer(ulong now, ulong op)
    {
        if (_answered.Count == 0 || op > _answered[^1].Op) _answered.Add((now, op));
    }

    /// <param name="context">The entry is the last one that the state has.</param>
    /// <param name="body">Of the read.</param>
    /// <param name="stateOp">The last entry that the state machine has run.</param>
    /// <param name="reply">What it says.</param>
    /// <param name="capacity">Of a reply.</param>
    public void CheckRead(
        in OperationContext context, ReadOnlySpan<byte> body, ulong stateOp, ReadOnlySpan<byte> reply, int capacity)
    {
        Check.That(context.Op >= stateOp, "a read names an entry before that of its state");
        _said = Checksum.Of(reply);
        UInt128 request = Checksum.Of(body) ^ (UInt128)(byte)context.Operation;
        bool known = _answers.TryGetValue((stateOp, request), out UInt128 before);
        Check.That(!known || before == _said, "the same read of the same state had two answers");
        _answers[(stateOp, request)] = _said;
        bool newest = stateOp == history.LastOp;
        if (newest) database.Check(in context, body, reply, capacity);
        database.Coverage.Hit("read", newest ? "compared" : "of an earlier state");
        if (known) database.Coverage.Hit("read", "compared with another");
    }

    /// <summary>A replica sends an answer.</summary>
    public void Hear(in Header reply, ulong now)
    {
        ref readonly ReadReplyFields said = ref reply.ReadReply;
        bool known = _asked.TryGetValue(said.ReadChecksum, out (Header Read, ulong Op) asked);
        Check.That(known, "an answer to a read that nobody has sent");
        ReadFields read = asked.Read.ReadRequest;
        bool strong = read.Consistency == ReadConsistency.Strong;
        database.Coverage.Hit("read", $"{read.Consistency} {said.Result}");
        Check.That(said.Result != ReadResult.NotARead, "a read was held to change something");
        Check.That(said.Result != (strong ? ReadResult.TooOld : ReadResult.NotPrimary), "a read was refused oddly");
        if (said.Result != ReadResult.Answered) return;
        Check.That(reply.ChecksumBody == _said, "a read was given another answer than the state machine's");
        if (strong)
        {
            Check.That(said.Commit >= asked.Op, "a strong read was answered from an old state");
            return;
        }
        Check.That(said.Commit >= read.CommitLeast, "a stale read lacks an entry that it asked for");
        ulong age = read.AgeMaxMilliseconds * NanosecondsPerMillisecond;
        if (age == 0 || age > now) return;
        Check.That(said.Commit >= AnsweredBy(now - age), "a stale read was answered from an older state than allowed");
        database.Coverage.Hit("read", "age judged");
    }

    /// <summary>A reader has an answer.</summary>
    public void CheckReceived(in Header reply)
    {
        bool committed = reply.ReadReply.Result != ReadResult.Answered || reply.ReadReply.Commit <= log.Op;
        Check.That(committed, "a read was answered from what is not committed");
    }

    /// <summary>The last entry that somebody had been answered from.</summary>
    private ulong AnsweredBy(ulong time)
    {
        int last = _answered.Count - 1;
        while (last >= 0 && _answered[last].Time > time) last--;
        return last < 0 ? 0 : _answered[last].Op;
    }
}
