using System;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>One entry after the other through the state machine: prefetch, execute, and after some a
/// checkpoint.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    private enum CommitStage : byte
    {
        Idle,

        /// <summary>The checkpoint is being opened.</summary>
        Open,
        Prefetch,
        Execute,
        Maintain,
        CheckpointBlocks,
        CheckpointReplies,
        CheckpointSuperblock,
        Read,
    }

    private CommitStage _commitStage;
    private Message? _committing;
    private bool _ownReading;

    /// <summary>Takes over the caller's reference on <paramref name="prepare"/>.</summary>
    private void CommitStart(Message prepare)
    {
        Check.That(_commitStage == CommitStage.Idle && _committing is null);
        Check.That(prepare.Header.Prepare.Op == CommitMin + 1);
        Check.That(prepare.Header.Prepare.Op <= CommitMax);
        if (_isStandby && !FollowsState(in prepare.Header))
        {
            prepare.Release();
            Stop(StopReason.LogForked, op: prepare.Header.Prepare.Op);
            return;
        }
        _committing = prepare;
        EnterRelease(prepare.Header.Release);
        _commitStage = CommitStage.Prefetch;
    }

    /// <summary>Whether an entry names the one that was run last. Among replicas it does; but a standby may have run
    /// what its cluster, restored from an older state, has not.</summary>
    private bool FollowsState(in Header entry)
    {
        Check.That(entry.Prepare.Op == CommitMin + 1);
        if (CommitMin == CheckpointOp)
            return entry.Prepare.Parent == _superblock.Working.Checkpoint.Prepare.Checksum;
        return !_journal.TryKnown(CommitMin, out Header last) || entry.Prepare.Parent == last.Checksum;
    }

    /// <summary>True if something moved.</summary>
    private bool AdvanceCommit()
    {
        switch (_commitStage)
        {
            case CommitStage.Idle:
                return CommitOrRead();
            case CommitStage.Open:
                return AdvanceRestore();
            case CommitStage.Prefetch:
                return Prefetch();
            case CommitStage.Execute:
                return Execute();
            case CommitStage.Maintain:
                return Maintain();
            case CommitStage.Read:
                return AdvanceRead();
            case CommitStage.CheckpointBlocks:
                return AdvanceCheckpointBlocks();
            case CommitStage.CheckpointReplies:
                if (!_replies.Flushed) return false;
                CheckpointSuperblock();
                return true;
            default:
                if (_superblock.Working.Checkpoint.Op != _checkpoint.Op) return false;
                CheckpointEnd();
                return true;
        }
    }

    /// <summary>Starts with the next committed entry, from memory or from the journal.</summary>
    private bool CommitNext()
    {
        ulong op = CommitMin + 1;
        bool replays = Status == ReplicaStatus.Recovering && _openStep == OpenStep.Replay;
        bool may = Status == ReplicaStatus.Normal || replays;
        if (!may || op > CommitMax || op > Op || _ownReading) return false;
        if (!ChainIsWhole && !Has(ProtocolPlant.CommitsWithoutChain)) return false;
        if (ObserverHoldsBack && Status == ReplicaStatus.Normal) return false;
        if (!_journal.TryHeader(op, out Header header)) return false;
        if (RecentAt(op) is Message recent && recent.Header.Checksum == header.Checksum)
        {
            CommitStart(recent.Reference());
            return true;
        }
        if (!_journal.CanRead(own: true) || _messages.TryTake() is not Message message) return false;
        _ownReading = true;
        _journal.ReadPrepare(op, message, Journal<TDisk>.OwnRead);
        return false;
    }

    /// <summary>The next entry was read from the journal. A single replica cannot go on without it; others get it
    /// again.</summary>
    private void OnOwnRead(Message message, in Header expected, bool sound)
    {
        _ownReading = false;
        _options.Marks.Hit(Mark.JournalReplayed);
        if (!sound && _isSingle)
            Stop(StopReason.JournalSlotUnreadable, _layout.SlotOf(CommitMin + 1), CommitMin + 1);
        bool wanted = sound && _commitStage == CommitStage.Idle && expected.Prepare.Op == CommitMin + 1 &&
            Status is ReplicaStatus.Normal or ReplicaStatus.Recovering;
        if (wanted && _journal.TryHeader(CommitMin + 1, out Header header) && header.Checksum == expected.Checksum)
            CommitStart(message.Reference());
    }

    private bool Prefetch()
    {
        Message prepare = _committing!;
        bool runs = LogEntry.TryRequest(
            in prepare.Header, prepare.Body, out ReadOnlySpan<byte> request, out OperationContext context);
        if (runs && !_stateMachine.Prefetch(in context, request))
        {
            _options.Marks.Hit(Mark.PrefetchWaited);
            return false;
        }
        _commitStage = CommitStage.Execute;
        return true;
    }

    private bool Execute()
    {
        Message prepare = _committing!;
        if (_messages.TryTake() is not Message reply)
        {
            _options.Marks.Hit(Mark.PoolExhausted);
            return false;
        }
        Header entry = prepare.Header;
        int bodySize = 0;
        Span<byte> room = reply.Buffer.Slice(Limits.HeaderSize, _configuration.MessageBodySizeMax);
        bool runs = LogEntry.TryRequest(
            in prepare.Header, prepare.Body, out ReadOnlySpan<byte> request, out OperationContext context);
        if (runs) bodySize = _stateMachine.Commit(in context, request, room);
        Check.That(bodySize >= 0 && bodySize <= _configuration.MessageBodySizeMax);
        CommitMin = entry.Prepare.Op;
        UInt128 answers = 0;
        if (entry.Prepare.Operation == Operation.Group) answers = AnswerGroup(prepare, room[..bodySize]);
        else if (entry.Prepare.Client != 0) answers = Answer(in entry, reply, bodySize);
        Tell(TraceCode.Committed, CommitMin, answers);
        reply.Release();
        DropRecent(CommitMin);
        if (_chainFrom <= CommitMin) _chainFrom = CommitMin + 1;
        OnRun();
        _commitStage = CommitStage.Maintain;
        return true;
    }

    /// <summary>The client has its answer; the next entry waits until the state is in order.</summary>
    private bool Maintain()
    {
        Message prepare = _committing!;
        Check.That(prepare.Header.Prepare.Op == CommitMin);
        if (!_stateMachine.Maintain(CommitMin)) return false;
        Header entry = prepare.Header;
        _committing = null;
        prepare.Release();
        FreeBlocks();
        if (_schedule.IsCheckpoint(CommitMin)) CheckpointStart(in entry);
        else _commitStage = CommitStage.Idle;
        return true;
    }

    /// <summary>A reply is a function of the log alone, so it names the entry's view, not the current one.</summary>
    private Header MakeReply(
        in Header entry, in GroupMember member, Operation operation, ReadOnlySpan<byte> body)
    {
        Header reply = Header.Create(
            Command.Reply, _options.Cluster, entry.View, (byte)(entry.View % _options.ReplicaCount), body.Length);
        reply.Release = entry.Release;
        reply.Reply = new ReplyFields
        {
            RequestChecksum = member.RequestChecksum,
            Client = member.Client,
            Op = entry.Prepare.Op,
            Commit = entry.Prepare.Op,
            Timestamp = entry.Prepare.Timestamp,
            RequestNumber = member.RequestNumber,
            Operation = operation,
        };
        reply.SetChecksumBody(body);
        reply.Reply.Context = reply.ComputeChecksum();
        reply.SetChecksum();
        return reply;
    }

    /// <summary>Enters a reply into the table of sessions; its index there, or -1 if the session is gone: the entry
    /// counts, nobody is answered.</summary>
    private int EnterReply(in Header reply)
    {
        if (reply.Reply.Operation == Operation.Register)
        {
            _options.Marks.Hit(Mark.SessionRegistered);
            int registered = _sessions.Register(in reply, out UInt128 evicted);
            if (evicted != 0 && IsPrimary) SendEviction(evicted, EvictionReason.NoSession);
            return registered;
        }
        int index = _sessions.Find(reply.Reply.Client);
        if (index >= 0) _sessions.Update(index, in reply);
        return index;
    }

    /// <summary>Keeps the reply, whose body is in the message, and sends it; returns the checksum of the
    /// body.</summary>
    private UInt128 Answer(in Header entry, Message message, int bodySize)
    {
        GroupMember member = new()
        {
            Client = entry.Prepare.Client, RequestChecksum = entry.Prepare.RequestChecksum,
            RequestNumber = entry.Prepare.RequestNumber,
        };
        ReadOnlySpan<byte> body = message.Buffer.Slice(Limits.HeaderSize, bodySize);
        Header reply = MakeReply(in entry, in member, entry.Prepare.Operation, body);
        message.Header = reply;
        int index = EnterReply(in reply);
        if (index < 0) return reply.ChecksumBody;
        if (!_replies.TryKeep(index, in reply, body)) _replies.Write(index, message);
        if (IsPrimary) SendToClient(reply.Reply.Client, message);
        return reply.ChecksumBody;
    }
}
