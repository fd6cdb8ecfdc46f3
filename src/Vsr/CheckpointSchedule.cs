using Deterministic.Core;

namespace Deterministic.Vsr;

/// <summary>Which operations are checkpoints and how far the log may run ahead of one. A checkpoint falls on the last
/// operation of a bar; the first is one less than the interval because operations count from 0.</summary>
public sealed class CheckpointSchedule(Configuration configuration)
{
    private readonly ulong _barOps = (ulong)configuration.BarOps;
    private readonly ulong _pipelineMax = (ulong)configuration.PipelineMax;

    public ulong IntervalOps { get; } = (ulong)configuration.CheckpointIntervalOps;

    /// <summary>0 is the checkpoint that every file is formatted with.</summary>
    public bool IsCheckpoint(ulong op) => op == 0 || (op + 1) % IntervalOps == 0;

    public ulong Next(ulong checkpoint)
    {
        Check.That(IsCheckpoint(checkpoint));
        return checkpoint == 0 ? IntervalOps - 1 : checked(checkpoint + IntervalOps);
    }

    /// <summary>The op by which the checkpoint after <paramref name="checkpoint"/> has to be under way: one bar after
    /// it.</summary>
    public ulong TriggerOfNext(ulong checkpoint) => Next(checkpoint) + _barOps;

    /// <summary>Last op whose journal slot holds nothing that a restart from <paramref name="checkpoint"/>
    /// needs.</summary>
    public ulong PrepareMax(ulong checkpoint) => TriggerOfNext(checkpoint) + 2 * _pipelineMax;

    /// <summary>With <paramref name="commit"/> committed, a commit quorum is known to hold <paramref
    /// name="checkpoint"/>: a pipeline past its trigger nobody acknowledges without it. A single replica is its own
    /// quorum at once.</summary>
    public bool IsDurable(ulong checkpoint, ulong commit, int replicaCount)
    {
        Check.That(IsCheckpoint(checkpoint));
        Check.That(replicaCount > 0);
        if (checkpoint == 0) return true;
        return replicaCount == 1 ? commit >= checkpoint : commit > checkpoint + _barOps + _pipelineMax;
    }
}
