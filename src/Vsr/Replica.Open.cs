using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>From a data file to status normal: superblock, journal, checkpoint, a new durable view, replay.</summary>
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
    private Message? _replaying;

    /// <summary>Starts to open. Ends with status Normal, or Stopped and a <see cref="StopReason"/>.</summary>
    public void Open()
    {
        Check.That(Status == ReplicaStatus.Closed);
        Status = ReplicaStatus.Recovering;
        if (_options.ReplicaCount != 1)
        {
            Stop(StopReason.ReplicaCountUnsupported);
            return;
        }
        _openStep = OpenStep.Superblock;
        _superblock.Open();
    }

    private bool AdvanceOpen() => _openStep switch
    {
        OpenStep.Superblock => _superblock.Idle && StartJournal(),
        OpenStep.Journal => StartRestore(),
        OpenStep.Restore => AdvanceRestore(),
        OpenStep.View => _superblock.Idle && StartReplay(),
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
        _journal.Recover(
            in _superblock.Working.Checkpoint, _superblock.Working.CommitMax, _schedule.PrepareMax(CheckpointOp),
            _superblock.Working.JournalStart);
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
        bool sound = _schedule.IsCheckpoint(superblock.Checkpoint.Op) && superblock.CommitMax >= CheckpointOp &&
            superblock.CommitMax <= _schedule.PrepareMax(CheckpointOp) && superblock.JournalStart <= CheckpointOp &&
            superblock.Checkpoint.RootAddress <= (ulong)_layout.GridBlocks;
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
        _openStep = OpenStep.Restore;
        _stateMachine.OpenStart(_superblock.Working.Checkpoint.Root);
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

    /// <summary>A single replica takes a new view at each start, so that entries of before and after a crash
    /// differ.</summary>
    private void StartView()
    {
        CommitMin = CheckpointOp;
        _openStep = OpenStep.View;
        SuperblockCopy next = _superblock.Working;
        next.View = checked(next.View + 1);
        next.LogView = next.View;
        _superblock.Write(in next);
    }

    private bool StartReplay()
    {
        _openStep = OpenStep.Replay;
        Header head = _superblock.Working.Checkpoint.Prepare;
        if (_journal.Head > CommitMin) Check.That(_journal.TryHeader(_journal.Head, out head));
        Op = _journal.Head > CommitMin ? _journal.Head : CommitMin;
        _journaled = Op;
        _headChecksum = head.Checksum;
        _headTimestamp = head.Prepare.Timestamp;
        return true;
    }

    /// <summary>Runs the entries after the checkpoint again; alone in its quorum, a single replica has committed them
    /// all.</summary>
    private bool AdvanceReplay()
    {
        if (AdvanceCommit()) return true;
        if (_commitStage != CommitStage.Idle) return false;
        if (CommitMin == Op)
        {
            Check.That(_replaying is null);
            Status = ReplicaStatus.Normal;
            Tell(TraceCode.Opened, Op, CheckpointOp);
            return true;
        }
        if (_replaying is null)
        {
            _replaying = _messages.TryTake();
            if (_replaying is null) return false;
            _journal.Read(CommitMin + 1, _replaying);
            return false;
        }
        if (!_journal.TryTakeRead(out bool sound)) return false;
        _options.Marks.Hit(Mark.JournalReplayed);
        if (!sound)
        {
            Stop(StopReason.JournalSlotUnreadable, _layout.SlotOf(CommitMin + 1), CommitMin + 1);
            return false;
        }
        CommitStart(_replaying);
        _replaying = null;
        return true;
    }
}
