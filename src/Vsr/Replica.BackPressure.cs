using Deterministic.Core;
using Deterministic.Core.Tracing;

namespace Deterministic.Vsr;

/// <summary>A replica that was away has to run faster than the log grows, before the journals of the others go round:
/// otherwise it takes one checkpoint after the other and never stands with them. So a primary makes pauses while one
/// is far behind and comes nearer. They are short, and never more than a fifth of the time, and one that is away or
/// stands still gets none.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>One tick of so many is a pause.</summary>
    private const ulong PauseEveryTicks = 5;

    /// <summary>A replica is away if it has said nothing for so long: two pings and more.</summary>
    private const ulong ProgressTicks = 50;

    private struct Progress
    {
        /// <summary>What it has run.</summary>
        public ulong Commit;

        /// <summary>When it had run more than before.</summary>
        public ulong At;
    }

    private readonly Progress[] _progress = new Progress[Limits.ReplicasMax];

    private void HearProgress(byte replica, ulong commit)
    {
        Check.That(replica < _memberCount && replica != _self);
        // Nobody waits for a standby.
        if (replica >= _replicaCount) return;
        ref Progress progress = ref _progress[replica];
        if (commit != progress.Commit) progress = new Progress { Commit = commit, At = Ticks };
    }

    /// <summary>New entries wait until the next tick.</summary>
    private bool Pauses => Ticks % PauseEveryTicks == 0 && IsFollowed;

    /// <summary>Somebody far behind comes after. Who is behind by more than the journal holds takes a checkpoint
    /// instead.</summary>
    private bool IsFollowed
    {
        get
        {
            ulong slots = (ulong)_configuration.JournalSlots;
            for (byte replica = 0; replica < _replicaCount; replica++)
            {
                ref readonly Progress progress = ref _progress[replica];
                if (replica == _self || progress.Commit == 0 || progress.At + ProgressTicks < Ticks) continue;
                ulong behind = CommitMax > progress.Commit ? CommitMax - progress.Commit : 0;
                if (behind > slots / 4 && behind <= slots) return true;
            }
            return false;
        }
    }
}
