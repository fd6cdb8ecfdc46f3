using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>What the checkers of the simulator look at.</summary>
public sealed partial class Replica<TStateMachine, TDisk, TBus, TClock>
{
    /// <summary>The last view whose log is durable here.</summary>
    internal uint LogView => _superblock.Working.LogView;

    /// <summary>What a restart will know to be committed.</summary>
    internal ulong CommitDurable => _superblock.Working.CommitMax;

    /// <summary>The superblock has been read.</summary>
    internal bool IsIdentified => _superblock.Working.Sequence > 0;

    /// <summary>No slot of the journal is damaged, as far as this replica knows, and what it may have acknowledged and
    /// forgotten is run.</summary>
    internal bool LogIsWhole => _journal.NextFaulty(0) < 0 && CommitMin >= _forgottenOp;

    /// <summary>The header that the log has at <paramref name="op"/>; false if the ring of the journal is past
    /// it.</summary>
    internal bool TryEntry(ulong op, out Header header) => _journal.TryKnown(op, out header);

    /// <summary>The replicas whose acknowledgements of an entry this one counts; bit i is replica i.</summary>
    internal uint AcknowledgedBy(ulong op) =>
        op > CommitMax && op <= Op && op - CommitMax <= (ulong)_acknowledged.Length ? Acknowledged(op) : 0;
}
