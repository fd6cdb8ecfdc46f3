using System;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Has the state machine make its state durable, then points the superblock at it; and opens it
/// again.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    private readonly byte[] _sessionsTable;
    private readonly byte[] _checkpointRecord = new byte[CheckpointRecord.Size];
    private CheckpointState _checkpoint;

    private void CheckpointStart(in Header entry)
    {
        Check.That(entry.Prepare.Op == _schedule.Next(CheckpointOp));
        Check.That(_freedOp == CheckpointOp, "the checkpoint before is durable long before the next one");
        ref readonly CheckpointState parent = ref _superblock.Working.Checkpoint;
        _checkpoint = new CheckpointState
        {
            Prepare = entry,
            ParentId = CheckpointId,
            GrandparentId = parent.ParentId,
            Release = entry.Release,
        };
        _sessions.WriteTo(_sessionsTable);
        _replies.Flush();
        _stateMachine.CheckpointStart(entry.Prepare.Op, _sessionsTable);
        Tell(TraceCode.CheckpointStarted, entry.Prepare.Op, 0);
        _commitStage = CommitStage.CheckpointBlocks;
    }

    private bool AdvanceCheckpointBlocks()
    {
        if (!_stateMachine.CheckpointAdvance(out BlockReference root)) return false;
        Check.That(!root.IsNone);
        _checkpoint.Root = root;
        _commitStage = CommitStage.CheckpointReplies;
        return true;
    }

    private void CheckpointSuperblock()
    {
        Check.That(_replies.Flushed);
        _commitStage = CommitStage.CheckpointSuperblock;
    }

    /// <summary>The last checkpoint whose forerunner's blocks may be overwritten.</summary>
    private ulong _freedOp;

    /// <summary>Blocks are freed after an operation that is the same on all replicas, for it decides which addresses
    /// are used next: the first one that nobody commits unless a quorum has the checkpoint.</summary>
    private void FreeBlocks()
    {
        Check.That(_freedOp <= CheckpointOp);
        bool early = Has(ProtocolPlant.FreesAtStart) && CommitMin == CheckpointOp && CheckpointOp > 0 && _freedOp == 0;
        bool durable = early || _schedule.IsDurable(CheckpointOp, CommitMin, _replicaCount);
        if (_freedOp == CheckpointOp || !durable) return;
        _freedOp = CheckpointOp;
        _stateMachine.CheckpointDurable();
    }

    private void CheckpointEnd()
    {
        FreeBlocks();
        _options.Marks.Hit(Mark.CheckpointWritten);
        Tell(TraceCode.CheckpointDone, CheckpointOp, CheckpointId);
        _commitStage = CommitStage.Idle;
        TellObserver();
    }

    /// <summary>Tells of the checkpoint that a restart would find, unless blocks of it are still to come from other
    /// replicas: the next one will do.</summary>
    private void TellObserver()
    {
        Check.That(_commitStage == CommitStage.Idle);
        if (_observer is null || CheckpointOp == 0 || IncompleteOp != 0) return;
        ref readonly SuperblockCopy superblock = ref _superblock.Working;
        CheckpointRecord.Write(in superblock, _checkpointRecord);
        _observer.OnCheckpoint(CheckpointOp, superblock.Checkpoint.Root, _checkpointRecord);
    }

    private bool AdvanceRestore()
    {
        OpenResult result = _stateMachine.OpenAdvance();
        if (result == OpenResult.Waiting) return false;
        bool empty = _superblock.Working.Checkpoint.Root.IsNone || Has(ProtocolPlant.DropsSessions);
        bool taken = result == OpenResult.Opened && (empty || _sessions.Read(
            _stateMachine.OpenedSessions, _options.Cluster, _configuration.MessageSizeMax));
        if (!taken)
        {
            Stop(StopReason.CheckpointRefused);
            return false;
        }
        _commitStage = CommitStage.Idle;
        FreeBlocks();
        TellObserver();
        return true;
    }

    /// <summary>Stops if the state machine cannot go on.</summary>
    private void HeedStateMachine()
    {
        switch (_stateMachine.Problem)
        {
            case StateProblem.None: return;
            case StateProblem.BlockCorrupt: Stop(StopReason.BlockCorrupt); return;
            case StateProblem.CacheTooSmall: Stop(StopReason.CacheTooSmall); return;
            case StateProblem.GridFull: Stop(StopReason.GridFull); return;
            default: Stop(StopReason.WriteFailed); return;
        }
    }
}
