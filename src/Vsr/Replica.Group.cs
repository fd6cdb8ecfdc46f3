using System;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Group commit: while entries are under way, requests that may share one gather for the next.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>Entries that are not run yet with which requests gather, though all are committed.</summary>
    private const int GatherDepth = 2;

    /// <summary>By session, the entry that its last request went into. Counts only while that is not run, and all such
    /// entries are this primary's own.</summary>
    private readonly ulong[] _orderedOps;

    /// <summary>Whose requests have gathered.</summary>
    private readonly GroupMember[] _members;
    private int _membersCount;

    /// <summary>The first request that gathered; with more of them, their batch in its place.</summary>
    private Message? _gathered;
    private int _gatheredSize;

    /// <summary>Half of a message, so that the answers have room too.</summary>
    private int GroupSizeMax => _configuration.MessageBodySizeMax / 2;

    /// <summary>One entry at a time is on its way to the disks while another is being run: with more of them at once
    /// each would carry fewer requests.</summary>
    private bool Gathers => Op > CommitMax || PipelineCount >= int.Min(GatherDepth, _configuration.PipelineMax);

    /// <summary>Brings a request that is in order into the log, alone or with others.</summary>
    private void Order(Message message, int session)
    {
        ref Header header = ref message.Header;
        bool waits = _gathered is not null || Gathers;
        if (waits && _stateMachine.Shares(header.Request.Operation, message.Body) && TryGather(message)) return;
        if (!TryPrepare(message)) return;
        _orderedOps[session] = Op;
    }

    private bool TryGather(Message message)
    {
        int size = message.Body.Length;
        if (GroupBody.SizeWith(_gatheredSize, _membersCount, size) > GroupSizeMax)
        {
            PrepareGathered();
            // No room for so large a request in company, or none in the pipeline.
            if (_gathered is not null || GroupBody.SizeWith(0, 0, size) > GroupSizeMax) return false;
        }
        ref Header header = ref message.Header;
        _members[_membersCount] = new GroupMember
        {
            Client = header.Request.Client, RequestChecksum = header.Checksum,
            RequestNumber = header.Request.RequestNumber,
        };
        if (_gathered is null)
        {
            _gathered = message.Reference();
            _gatheredSize = size;
        }
        else
        {
            Operation first = _gathered.Header.Request.Operation;
            Span<byte> body = _gathered.Buffer.Slice(Limits.HeaderSize, _configuration.MessageBodySizeMax);
            if (_membersCount == 1) _gatheredSize = GroupBody.Begin(body, first, _gatheredSize);
            _gatheredSize = GroupBody.Add(body, _gatheredSize, header.Request.Operation, message.Body);
        }
        _membersCount++;
        return true;
    }

    /// <summary>The last place of the pipeline is for those who have gathered: requests that share no entry could
    /// keep it filled for ever.</summary>
    private bool AdvanceGathered()
    {
        bool last = PipelineCount + 1 >= _configuration.PipelineMax;
        if (_gathered is null || (Gathers && !last) || IsFull) return false;
        PrepareGathered();
        Check.That(_gathered is null);
        return true;
    }

    /// <summary>What has gathered becomes the next entry, if there may be one.</summary>
    private void PrepareGathered()
    {
        if (_gathered is not Message message) return;
        Check.That(_membersCount > 0);
        if (_membersCount > 1 && !IsFull)
        {
            Span<byte> body = message.Buffer.Slice(Limits.HeaderSize, _configuration.MessageBodySizeMax);
            int size = GroupBody.End(body, _gatheredSize, _members.AsSpan(0, _membersCount));
            message.Header.Size = (uint)(Limits.HeaderSize + size);
            message.Header.SetChecksumBody(message.Body);
            PrepareEntry(message, new PrepareFields { Operation = Operation.Group }, HeadRelease);
            _options.Marks.Hit(Mark.RequestsGrouped);
        }
        else if (!TryPrepare(message)) return;
        for (int i = 0; i < _membersCount; i++)
        {
            // A session that has been lost meanwhile is not answered.
            int session = _sessions.Find(_members[i].Client);
            if (session >= 0) _orderedOps[session] = Op;
        }
        DropGathered();
    }

    /// <summary>Clients that have no answer send again, to whoever is the primary.</summary>
    private void DropGathered()
    {
        _gathered?.Release();
        _gathered = null;
        _gatheredSize = 0;
        _membersCount = 0;
    }

    private bool IsGathered(UInt128 client)
    {
        for (int i = 0; i < _membersCount; i++)
            if (_members[i].Client == client) return true;
        return false;
    }

    /// <summary>Every member of a group gets its part of the answer. Returns what the answers add up to.</summary>
    private UInt128 AnswerGroup(Message prepare, ReadOnlySpan<byte> answers)
    {
        bool whole = GroupBody.TryRead(
            prepare.Body, out ReadOnlySpan<byte> batch, out ReadOnlySpan<GroupMember> members);
        Check.That(whole);
        GroupParts parts = new(batch);
        GroupReplies replies = new(answers, members.Length);
        UInt128 sum = 0;
        foreach (ref readonly GroupMember member in members)
        {
            bool more = parts.TryNext(out Operation operation);
            Check.That(more);
            ReadOnlySpan<byte> body = replies.Next();
            Header reply = MakeReply(in prepare.Header, in member, operation, body);
            sum = unchecked(sum + reply.ChecksumBody);
            AnswerMember(in reply, body);
        }
        Check.That(replies.AtEnd);
        return sum;
    }

    private void AnswerMember(in Header reply, ReadOnlySpan<byte> body)
    {
        int index = EnterReply(in reply);
        if (index < 0) return;
        bool kept = _replies.TryKeep(index, in reply, body);
        Check.That(kept);
        if (!IsPrimary) return;
        if (_messages.TryTake() is not Message message)
        {
            // The client asks again, and the answer is at hand.
            _options.Marks.Hit(Mark.PoolExhausted);
            return;
        }
        message.Header = reply;
        body.CopyTo(message.Body);
        SendToClient(reply.Reply.Client, message);
        message.Release();
    }
}
