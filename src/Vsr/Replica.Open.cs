using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>From a data file to status normal: superblock, journal, checkpoint, a new durable view, replay. A replica
/// of a cluster takes part in it as soon as it knows its journal: others may need its voice to find a primary, and it
/// may need a primary to find the blocks of its checkpoint.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    private enum OpenStep : byte
    {
        Superblock,
        Journal,
        Restore,
        View,
        Replay,
    }

    private OpenStep _openStep;

    /// <summary>Starts to open. Ends with status Normal, or Stopped and a <see cref="StopReason"/>.</summary>
    public void Open()
    {
        Check.That(Status == ReplicaStatus.Closed);
        Status = ReplicaStatus.Recovering;
        _openStep = OpenStep.Superblock;
        _superblock.Open();
    }

    private bool AdvanceOpen() => _openStep switch
    {
        OpenStep.Superblock => _superblock.Idle && StartJournal(),
        OpenStep.Journal => StartRestore(),
        OpenStep.Restore => AdvanceRestore() && StartAlone(),
        OpenStep.View => ViewIsDurable && StartReplay(),
        _ => AdvanceReplay(),
    };

    private bool StartJournal()
    {
        StopReason problem = CompareIdentity(in _superblock.Working);
        if (problem != StopReason.None)
        {
            Stop(problem);
            return false;
        }
        _openStep = OpenStep.Journal;
        _view = _superblock.Working.View;
        _logView = _superblock.Working.LogView;
        _forgottenOp = _superblock.Working.ForgottenOp;
        _promotion = _superblock.Working.Promotion;
        _journal.Recover(in _superblock.Working, _superblock.ViewHeaders, _schedule.PrepareMax(CheckpointOp));
        return false;
    }

    private StopReason CompareIdentity(in SuperblockCopy superblock)
    {
        if (superblock.Cluster != _options.Cluster) return StopReason.WrongCluster;
        if (superblock.ReplicaCount != _options.ReplicaCount) return StopReason.ReplicaCountUnsupported;
        if (superblock.ReplicaIndex != _options.ReplicaIndex) return StopReason.WrongReplica;
        SuperblockCopy expected = superblock;
        expected.SetConfiguration(_configuration);
        bool same = expected.MessageSizeMax == superblock.MessageSizeMax &&
            expected.JournalSlots == superblock.JournalSlots && expected.PipelineMax == superblock.PipelineMax &&
            expected.SessionsMax == superblock.SessionsMax && expected.BarOps == superblock.BarOps &&
            expected.JournalWritesMax == superblock.JournalWritesMax &&
            expected.JournalReadsMax == superblock.JournalReadsMax &&
            expected.StateSizeMax == superblock.StateSizeMax &&
            expected.BlockSize == superblock.BlockSize && expected.MemtableSize == superblock.MemtableSize;
        if (!same) return StopReason.WrongConfiguration;
        uint release = uint.Max(superblock.Release, superblock.Checkpoint.Release);
        if (release > _options.ReleaseMax) return StopReason.SuperblockReleaseUnsupported;
        if (superblock.Checkpoint.Release < _options.ReleaseMin) return StopReason.ReleaseTooOld;
        bool sound = _schedule.IsCheckpoint(superblock.Checkpoint.Op) && superblock.CommitMax >= CheckpointOp &&
            superblock.CommitMax <= _schedule.PrepareMax(CheckpointOp) && superblock.JournalStart <= CheckpointOp &&
            superblock.Promotion <= Promotion.KnowsNoLog &&
            superblock.Checkpoint.RootAddress <= (ulong)_layout.GridBlocks &&
            DataFileFormat.Suits(_configuration, _memberCount);
        return sound ? StopReason.None : StopReason.SuperblockConfigurationInvalid;
    }

    private bool StartRestore()
    {
        if (_journal.Problem != StopReason.None)
        {
            _options.Marks.Hit(Mark.JournalCorrupt);
            Stop(_journal.Problem, _journal.ProblemSlot, _journal.ProblemOp);
            return false;
        }
        if (!_journal.Recovered) return false;
        MarkRecovery();
        EnterRelease(_superblock.Working.Checkpoint.Release);
        if (_superblock.Working.IncompleteOp != 0) _stateMachine.VerifyAll();
        _stateMachine.OpenStart(_superblock.Working.Checkpoint.Root);
        _openStep = OpenStep.Restore;
        _commitStage = CommitStage.Open;
        if (!_isSingle) StartView();
        return true;
    }

    private void MarkRecovery()
    {
        Marks marks = _options.Marks;
        if (_superblock.RepairedCopies > 0) marks.Hit(Mark.SuperblockRepaired);
        if (_superblock.FoundTorn) marks.Hit(Mark.SuperblockTorn);
        if (_journal.Head >= _schedule.Next(CheckpointOp)) marks.Hit(Mark.CheckpointInterrupted);
        if (_journal.TornSlots > 0)
        {
            marks.Hit(Mark.JournalTorn);
            marks.Hit(Mark.JournalTruncated);
        }
        if (_journal.FixedSlots > 0) marks.Hit(Mark.JournalHeaderRepaired);
    }

    private bool StartReplay()
    {
        _openStep = OpenStep.Replay;
        return true;
    }

    /// <summary>What was read is the log.</summary>
    private void StartView()
    {
        CommitMin = CheckpointOp;
        Header head = _superblock.Working.Checkpoint.Prepare;
        if (_journal.Head > CommitMin) Check.That(_journal.TryKnown(_journal.Head, out head));
        Op = ulong.Max(_journal.Head, CommitMin);
        _headChecksum = head.Checksum;
        _headTimestamp = head.Prepare.Timestamp;
        _chainFrom = Op;
        DescendChain();
        CommitMax = _superblock.Working.CommitMax;
        _viewHeadersCount = _superblock.ViewHeaders.Length;
        _superblock.ViewHeaders.CopyTo(_viewHeaders);
        if (HeedRelease(HeadRelease) && !_isSingle) JoinCluster();
    }

    /// <summary>Alone in its quorum, a single replica has committed all that it has. It takes a new view at each start,
    /// so that entries of before and after a crash differ.</summary>
    private bool StartAlone()
    {
        Check.That(_isSingle);
        StartView();
        if (!Running) return false;
        FreeBlocks();
        CommitMax = Op;
        _view = checked(_view + 1);
        _logView = _view;
        _openStep = OpenStep.View;
        return true;
    }

    /// <summary>A replica of a cluster takes its place again. A primary does not, for what it had under way is lost:
    /// another one is chosen.</summary>
    private void JoinCluster()
    {
        Tell(TraceCode.Opened, Op, CheckpointOp);
        bool trusts = Has(ProtocolPlant.SpeaksInDoubt) || (Has(ProtocolPlant.TrustsNewDisk) && _view == 0) ||
            (Has(ProtocolPlant.TrustsPromoted) && _promotion != Promotion.None);
        if ((_journal.HeadUncertain || _promotion != Promotion.None) && !trusts)
        {
            _options.Marks.Hit(Mark.HeadUncertain);
            LoseHead();
        }
        else if (_logView < _view) EnterViewChange(_view);
        else if (PrimaryOf(_view) == _self && !Has(ProtocolPlant.KeepsPrimacy)) EnterViewChange(checked(_view + 1));
        else Status = ReplicaStatus.Normal;
        _primaryReady = IsPrimary;
        ResetTimeouts();
    }

    /// <summary>A single replica runs the entries after the checkpoint again.</summary>
    private bool AdvanceReplay()
    {
        if (AdvanceCommit() | AdvanceJournalReads()) return true;
        if (_commitStage != CommitStage.Idle || CommitMin < Op) return false;
        Status = ReplicaStatus.Normal;
        _primaryReady = true;
        Tell(TraceCode.Opened, Op, CheckpointOp);
        return true;
    }
}
