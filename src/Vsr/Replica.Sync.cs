using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>A replica that the log does not reach any more takes a checkpoint of the others: its superblock names it,
/// and its owner makes the replica anew on the file. Blocks come when they are needed, and all of them soon. Until all
/// are here the replica does not vouch for the checkpoint.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>Without progress for so long, entries that are missing are held to be gone from the journals of the
    /// others.</summary>
    private const int StuckTicks = 200;

    /// <summary>For so long it is waited that others have the checkpoint too.</summary>
    private const int StuckLongTicks = 2000;

    private int _stuckTicks;
    private ulong _stuckAt;

    /// <summary>The checkpoint in <see cref="_checkpoint"/> is being taken; nothing else goes on.</summary>
    private bool _taking;

    /// <summary>Time has passed: has anything else?</summary>
    private void TickProgress()
    {
        bool wants = _anchorOp != 0 || _commitStage == CommitStage.Open ||
            (Status == ReplicaStatus.Normal && CommitMin < CommitMax) || (IsPrimary && !_primaryReady);
        // What takes long on this replica's own disk is no reason to give up.
        wants &= _commitStage == CommitStage.Idle || WantsBlocks;
        if (!wants || CommitMin != _stuckAt) _stuckTicks = 0;
        else if (_stuckTicks < StuckLongTicks) _stuckTicks++;
        _stuckAt = CommitMin;
    }

    /// <summary>Whether only a checkpoint helps: there is a newer one, and what lies between cannot be had.</summary>
    private bool Needs(in CheckpointState checkpoint, in ViewFields view)
    {
        if (checkpoint.Op <= CheckpointOp || checkpoint.Op <= CommitMin) return false;
        bool overwritten = view.Op > CommitMin + (ulong)_configuration.JournalSlots;
        bool stuck = overwritten || _stuckTicks >= StuckTicks;
        // What this replica has of the log stays on its disk, so that nothing is lost even if nobody else keeps it.
        return stuck && (_schedule.IsDurable(checkpoint.Op, view.CommitMax, _replicaCount) ||
            _stuckTicks >= StuckLongTicks);
    }

    /// <summary>Takes the checkpoint of a view's primary if need be; true if so.</summary>
    private bool TryTake(Message message)
    {
        ref Header view = ref message.Header;
        CheckpointState checkpoint = MemoryMarshal.Read<CheckpointState>(message.Body);
        if (_taking || view.View < _superblock.Working.View || !Needs(in checkpoint, in view.ViewChange)) return false;
        if (!IsSound(in checkpoint, in view.ViewChange) || !TryReadLog(message, out int count)) return false;
        _taking = true;
        _checkpoint = checkpoint;
        _view = view.View;
        _logView = view.View;
        _viewHeadersCount = int.Min(count, _viewHeaders.Length);
        _viewLog.AsSpan(0, _viewHeadersCount).CopyTo(_viewHeaders);
        _options.Marks.Hit(Mark.CheckpointTaken);
        Tell(TraceCode.CheckpointTaken, checkpoint.Op, CommitMin);
        return true;
    }

    private bool IsSound(in CheckpointState checkpoint, in ViewFields view)
    {
        Header prepare = checkpoint.Prepare;
        return prepare.ValidChecksum() && prepare.Command == Command.Prepare &&
            prepare.Invalid(_configuration.MessageSizeMax) is null && prepare.Cluster == _options.Cluster &&
            checkpoint.Op == view.CheckpointOp && _schedule.IsCheckpoint(checkpoint.Op) &&
            view.Op <= _schedule.PrepareMax(checkpoint.Op) &&
            checkpoint.RootAddress is > 0 && checkpoint.RootAddress <= (ulong)_layout.GridBlocks;
    }

    /// <summary>The superblock names the checkpoint; what is in memory counts no more.</summary>
    private bool AdvanceTaking()
    {
        if (!_taking || _superblock.Working.Checkpoint.Op != _checkpoint.Op || !_superblock.Idle) return false;
        Status = ReplicaStatus.Outdated;
        return true;
    }

    /// <summary>Every block of a checkpoint that was taken has come.</summary>
    private bool IsComplete => _superblock.Working.IncompleteOp != 0 && Status == ReplicaStatus.Normal &&
        _stateMachine.AllVerified;
}
