using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>From one primary to the next: a quorum wants to leave the view, tells the new primary what it has, and the
/// new primary tells everybody what the log is.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    private readonly JoinViewQuorum _joins;

    /// <summary>The end of the log with which <see cref="_logView"/> began, its head first.</summary>
    private readonly Header[] _viewHeaders = new Header[SuperblockCopy.ViewHeadersMax];
    private int _viewHeadersCount;

    /// <summary>How the log ended that the primary told, if it is longer than this replica can hold.</summary>
    private readonly Header[] _told = new Header[SuperblockCopy.ViewHeadersMax];
    private int _toldCount;

    /// <summary>Replicas that want to leave the view.</summary>
    private uint _exitVotes;

    /// <summary>The log of the view is installed; it counts once it is durable.</summary>
    private bool _entering;

    /// <summary>This replica has said once what it has.</summary>
    private bool _joined;

    /// <summary>The primary has all that it must hold, and may make new entries.</summary>
    private bool _primaryReady;

    /// <summary>The head of the log with which the view began.</summary>
    private ulong _inheritedOp;

    /// <summary>What an answer must carry that a replica believes which does not know its own log.</summary>
    private UInt128 _nonce;

    private bool ViewIsDurable => Has(ProtocolPlant.ForgetsView) || (_superblock.Working.View == _view &&
        (_superblock.Working.LogView == _logView || Has(ProtocolPlant.ForgetsLogView)) &&
        _superblock.Working.ForgottenOp == _forgottenOp && _superblock.Working.Promotion == _promotion);

    /// <summary>The one place that makes views and checkpoints durable, one change at a time.</summary>
    private bool AdvanceSuperblock()
    {
        bool open = _superblock.Working.Sequence > 0 && _superblock.Problem == StopReason.None;
        bool known = Status != ReplicaStatus.Recovering || _openStep > OpenStep.Superblock;
        if (!open || !known || !_superblock.Idle) return false;
        bool checkpoint = (_taking || _commitStage == CommitStage.CheckpointSuperblock) &&
            _superblock.Working.Checkpoint.Op != _checkpoint.Op;
        bool complete = !_taking && IsComplete;
        if (ViewIsDurable && !checkpoint && !complete) return false;
        if (_view < _superblock.Working.View) return false;
        SuperblockCopy next = _superblock.Working;
        ReadOnlySpan<Header> headers = _superblock.ViewHeaders;
        if (next.LogView != _logView || _taking) headers = _viewHeaders.AsSpan(0, _viewHeadersCount);
        next.View = _view;
        if (!Has(ProtocolPlant.ForgetsLogView)) next.LogView = _logView;
        if (Has(ProtocolPlant.ForgetsHead)) headers = [];
        next.ForgottenOp = _forgottenOp;
        next.Promotion = _promotion;
        next.CommitMax = ulong.Max(next.CommitMax, CommitMin);
        if (checkpoint)
        {
            next.Checkpoint = _checkpoint;
            next.CommitMax = ulong.Max(next.CommitMax, _checkpoint.Op);
            next.Release = _checkpoint.Release;
            if (_taking) next.IncompleteOp = _checkpoint.Op;
        }
        if (complete)
        {
            next.IncompleteOp = 0;
            _options.Marks.Hit(Mark.CheckpointComplete);
        }
        _superblock.Write(in next, headers);
        return true;
    }

    private void OnExitView(in Header exit)
    {
        if (exit.View < _view || Status == ReplicaStatus.RecoveringHead) return;
        if (exit.View > _view) EnterViewChange(exit.View);
        _exitVotes |= 1u << exit.Replica;
        SecondDoubt();
        CountExitVotes();
    }

    /// <summary>This replica has lost faith in its view.</summary>
    private void VoteToExit()
    {
        if (Status == ReplicaStatus.RecoveringHead || _isSingle || _isStandby) return;
        _exitVotes |= 1u << _self;
        SendExitView();
        CountExitVotes();
    }

    private void SendExitView()
    {
        if ((_exitVotes & 1u << _self) == 0 || _superblock.Working.View != _view) return;
        if (NewMessage(Command.ExitView) is Message message) SealAndBroadcast(message);
    }

    private void CountExitVotes()
    {
        if (System.Numerics.BitOperations.PopCount(_exitVotes) < _quorums.ViewChange) return;
        EnterViewChange(checked(_view + 1));
    }

    /// <summary>No requests any more, and no new entries of an older view, until the log of this one is
    /// known.</summary>
    private void EnterViewChange(uint view)
    {
        bool again = view == _view && Status is ReplicaStatus.Recovering or ReplicaStatus.RecoveringHead;
        Check.That(view > _view || again);
        _options.Marks.Hit(Mark.ViewChanged);
        Tell(TraceCode.ViewEntered, view, _logView);
        _view = view;
        Status = ReplicaStatus.ViewChange;
        _exitVotes = 0;
        _entering = false;
        _joined = false;
        _primaryReady = false;
        _anchorOp = 0;
        _toldCount = 0;
        DropGathered();
        _joins.Clear();
        ForgetRepairs();
        ResetTimeouts();
    }

    /// <summary>Tells the new primary what this replica has, or notes it if it is the one.</summary>
    private void SendJoinView()
    {
        bool may = Status == ReplicaStatus.ViewChange && !_entering && ViewIsDurable && _logView < _view &&
            !_headUnknown && !_isStandby;
        if (!may) return;
        // Whoever names a log view tells how that view's log began, whether or not it can hold all of it.
        ulong head = _viewHeadersCount == 0 ? Op : ulong.Max(Op, _viewHeaders[0].Prepare.Op);
        int count = (int)ulong.Min((ulong)_configuration.PipelineMax + 1, head + 1);
        if (NewMessage(Command.JoinView, count * Limits.HeaderSize) is not Message message) return;
        UInt128 present = 0;
        UInt128 nack = 0;
        message.Body.Clear();
        for (int i = 0; i < count; i++)
        {
            ulong op = head - (ulong)i;
            bool beyond = op > Op && i < _viewHeadersCount;
            if (beyond) _viewHeaders[i].WriteTo(message.Body[(i * Limits.HeaderSize)..]);
            UInt128 bit = UInt128.One << i;
            // What may be left from a log that was given up is not told, and not denied, for it may also be what was
            // acknowledged.
            bool known = TryHeaderAt(op, out Header header);
            bool proved = op >= _chainFrom || op <= CommitMin || IsOfLogView(in header);
            if (known && proved && !beyond) header.WriteTo(message.Body[(i * Limits.HeaderSize)..]);
            // What is damaged is neither there nor denied.
            if (op > CommitMin && _journal.IsFaulty(op) && !Has(ProtocolPlant.DeniesDamaged)) continue;
            if (_journal.TryHeader(op, out _)) present |= proved ? bit : 0;
            else if (op > CommitMin && op > _forgottenOp) nack |= bit;
        }
        message.Header.JoinView = new JoinViewFields
        {
            Present = present, Nack = nack, Op = head, CommitMin = CommitMin, CheckpointOp = CheckpointOp,
            LogView = _logView,
        };
        Seal(message);
        byte primary = PrimaryOf(_view);
        if (primary == _self) OnJoinView(message);
        else SendToReplica(primary, message);
        message.Release();
    }

    /// <summary>Whether an entry is of the log that <see cref="_logView"/> has, whatever lies between it and the head:
    /// made in that view, or among those with which the view began.</summary>
    private bool IsOfLogView(in Header entry)
    {
        if (entry.Command != Command.Prepare) return false;
        if (entry.View == _logView) return true;
        foreach (ref readonly Header header in _viewHeaders.AsSpan(0, _viewHeadersCount))
            if (header.Checksum == entry.Checksum) return true;
        return false;
    }

    private void OnJoinView(Message message)
    {
        ref Header join = ref message.Header;
        if (join.View < _view || PrimaryOf(join.View) != _self || Status == ReplicaStatus.RecoveringHead) return;
        if (join.View > _view) EnterViewChange(join.View);
        if (Status != ReplicaStatus.ViewChange || _entering) return;
        if (!_joins.TryAdd(in join, message.Body, _configuration.MessageSizeMax))
        {
            _options.Marks.Hit(Mark.MessageInvalid);
            return;
        }
        // Its own word counts once its view is durable.
        if (!_joins.Has(_self) && join.Replica != _self) return;
        DecideLog();
    }

    private void DecideLog()
    {
        if (!_joins.Has(_self)) return;
        JoinViewOutcome outcome = _joins.Decide(out ulong op, out ulong commitMax);
        if (outcome == JoinViewOutcome.Lost) _options.Marks.Hit(Mark.LogLost);
        // A primary so far behind cannot hold the log; the timeout gives the next one its chance.
        if (outcome != JoinViewOutcome.Complete || op > _schedule.PrepareMax(CheckpointOp)) return;
        if (op < Op) _options.Marks.Hit(Mark.LogTruncated);
        InstallLog(_joins.Log(op), commitMax);
    }

    /// <summary>The log ends with these headers, its head first; blank ones are unknown. Counts once the superblock
    /// says so. If the view's log is longer than this replica can hold yet, how it ended has been kept.</summary>
    private void InstallLog(ReadOnlySpan<Header> log, ulong commitMax)
    {
        Header head = log[0];
        Check.That(Status == ReplicaStatus.ViewChange && !_entering && head.Size != 0);
        Check.That(head.Prepare.Op >= CommitMin, "what was committed is in every later log");
        // A newer word about this view may have led to an anchor that an older one has made needless.
        _anchorOp = 0;
        _viewHeadersCount = 0;
        bool connected = true;
        _journal.RemoveAfter(head.Prepare.Op);
        for (int i = 0; i < log.Length; i++)
        {
            connected &= log[i].Size != 0;
            if (connected && i < _viewHeaders.Length) _viewHeaders[_viewHeadersCount++] = log[i];
            if (log[i].Size == 0 || log[i].Prepare.Op <= CommitMin) continue;
            _journal.Accept(in log[i]);
        }
        if (_toldCount > 0 && _told[0].Prepare.Op > head.Prepare.Op)
        {
            _viewHeadersCount = _toldCount;
            _told.AsSpan(0, _toldCount).CopyTo(_viewHeaders);
        }
        LearnCommit(ulong.Min(commitMax, head.Prepare.Op));
        if (!Has(ProtocolPlant.KeepsAcknowledgements)) Array.Clear(_acknowledged);
        Array.Clear(_orderedOps);
        _chainFrom = head.Prepare.Op;
        Op = head.Prepare.Op;
        _viewHead = Op;
        _headChecksum = head.Checksum;
        _headTimestamp = head.Prepare.Timestamp;
        DescendChain();
        _inheritedOp = Op;
        _headUnknown = false;
        _promotion = Promotion.None;
        _logView = _view;
        _entering = true;
        Tell(TraceCode.LogInstalled, Op, head.Checksum);
    }

    /// <summary>Goes on with the change of view when something has become durable or has been repaired.</summary>
    private bool AdvanceView()
    {
        if (_entering && ViewIsDurable)
        {
            _entering = false;
            Status = ReplicaStatus.Normal;
            _exitVotes = 0;
            ResetTimeouts();
            Tell(TraceCode.ViewStarted, _view, (UInt128)PrimaryOf(_view));
            if (IsPrimary) BroadcastView();
            return true;
        }
        if (Status == ReplicaStatus.ViewChange && !_entering && !_joined && ViewIsDurable)
        {
            _joined = true;
            SendJoinView();
            return true;
        }
        if (!IsPrimary || _primaryReady || !HasWholeLog()) return false;
        _primaryReady = true;
        ResendPrepares();
        return true;
    }

    /// <summary>Every entry that is not run yet is durable here.</summary>
    private bool HasWholeLog()
    {
        if (_commitStage == CommitStage.Open || (!ChainIsWhole && CommitMin < Op)) return false;
        for (ulong op = CommitMin + 1; op <= Op; op++)
            if (!_journal.TryHeader(op, out _)) return false;
        return true;
    }

    private void BroadcastView()
    {
        for (byte replica = 0; replica < _memberCount; replica++)
            if (replica != _self) SendView(replica, nonce: 0);
    }

    private void SendView(byte replica, UInt128 nonce)
    {
        if (!IsPrimary || !ViewIsDurable) return;
        int count = (int)ulong.Min((ulong)_configuration.PipelineMax + 1, Op + 1 - ulong.Min(_chainFrom, Op));
        if (count == 0) count = 1;
        int size = Header.ViewCheckpointSize + count * Limits.HeaderSize;
        if (NewMessage(Command.View, size) is not Message message) return;
        CheckpointState checkpoint = _superblock.Working.Checkpoint;
        MemoryMarshal.Write(message.Body, in checkpoint);
        for (int i = 0; i < count; i++)
        {
            HeaderAt(Op - (ulong)i).WriteTo(
                message.Body[(Header.ViewCheckpointSize + i * Limits.HeaderSize)..]);
        }
        message.Header.ViewChange = new ViewFields
        {
            Nonce = nonce, Op = Op, CommitMax = CommitMax, CheckpointOp = CheckpointOp,
        };
        SealAndSend(replica, message);
    }

    private Header HeaderAt(ulong op)
    {
        if (_journal.TryKnown(op, out Header header)) return header;
        Check.That(op == CheckpointOp);
        return _superblock.Working.Checkpoint.Prepare;
    }

    /// <summary>The journal of a file that was made out of a checkpoint does not have the entry that it came
    /// after.</summary>
    private bool TryHeaderAt(ulong op, out Header header)
    {
        if (_journal.TryKnown(op, out header)) return true;
        if (op > 0 && op == CheckpointOp) header = _superblock.Working.Checkpoint.Prepare;
        return op > 0 && op == CheckpointOp;
    }

    private void OnGetView(in Header get)
    {
        // A replica that asks may be the only one that knows of a view that had begun; it can come back in no earlier
        // one. What a standby knows of views does not count.
        bool later = get.View > _view && get.Replica < _replicaCount;
        if (later && Status is (ReplicaStatus.Normal or ReplicaStatus.ViewChange)) EnterViewChange(get.View);
        else if (IsPrimary && get.View <= _view) SendView(get.Replica, get.GetView.Nonce);
    }

    private void SendGetView()
    {
        bool may = !IsPrimary && !_entering && _superblock.Working.View == _view && !KnowsNoView;
        if (!may || NewMessage(Command.GetView) is not Message message) return;
        if (_headUnknown && _nonce == 0) _nonce = (UInt128)_random.Next() << 64 | _random.Next() | 1;
        message.Header.GetView.Nonce = _nonce;
        SealAndBroadcast(message);
    }

    private void OnView(Message message)
    {
        ref Header view = ref message.Header;
        if (view.View < _view || view.Replica != PrimaryOf(view.View) || view.Replica == _self) return;
        if (_headUnknown && (_nonce == 0 || view.ViewChange.Nonce != _nonce)) return;
        if (_isStandby && view.ViewChange.Op < CommitMin)
        {
            // Of the view that it follows this is an old word that was late; the log of a later one has all that was
            // run before.
            if (view.View > _logView) Stop(StopReason.LogForked);
            return;
        }
        if (_headUnknown) _forgottenOp = ulong.Max(_forgottenOp, view.ViewChange.Op);
        if (TryTake(message)) return;
        if (view.View == _view && _entering) return;
        if (view.View == _view && Status == ReplicaStatus.Normal)
        {
            bool longer = view.ViewChange.Op > Op && TryReadLog(message, out _);
            if (longer) Anchor(_viewLog[0].Prepare.Op, _viewLog[0].Checksum);
            return;
        }
        if (view.View > _view || Status == ReplicaStatus.RecoveringHead) EnterViewChange(view.View);
        if (!TryReadLog(message, out int count)) return;
        ReadOnlySpan<Header> log = _viewLog.AsSpan(0, count);
        if (view.ViewChange.Op <= _schedule.PrepareMax(CheckpointOp))
        {
            InstallLog(log, view.ViewChange.CommitMax);
            return;
        }
        _toldCount = int.Min(count, _told.Length);
        log[.._toldCount].CopyTo(_told);
        Anchor(log[0].Prepare.Op, log[0].Checksum);
    }

    private readonly Header[] _viewLog = new Header[Header.HeadersMax];

    /// <summary>The headers in a view message, which must be a chain.</summary>
    private bool TryReadLog(Message message, out int count)
    {
        ReadOnlySpan<byte> bytes = message.Body[Header.ViewCheckpointSize..];
        count = bytes.Length / Limits.HeaderSize;
        ulong op = message.Header.ViewChange.Op;
        for (int i = 0; i < count; i++)
        {
            Header header = Header.Read(bytes[(i * Limits.HeaderSize)..]);
            bool sound = header.ValidChecksum() && header.Command == Command.Prepare &&
                header.Invalid(_configuration.MessageSizeMax) is null && header.Cluster == _options.Cluster &&
                header.Prepare.Op == op - (ulong)i && (i == 0 || header.Checksum == _viewLog[i - 1].Prepare.Parent);
            if (!sound)
            {
                _options.Marks.Hit(Mark.MessageInvalid);
                return false;
            }
            _viewLog[i] = header;
        }
        // Only the log's first entry, which no replica runs, has none.
        return op == 0 || HeedRelease(_viewLog[0].Release);
    }
}
