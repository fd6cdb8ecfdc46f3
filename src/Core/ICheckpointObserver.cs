using System;
using Deterministic.Core.Wire;

namespace Deterministic.Core;

/// <summary>Is told of the checkpoints of a replica, to bring them elsewhere beside its work.</summary>
public interface ICheckpointObserver
{
    /// <summary>A checkpoint is durable on disk, or is the one that a replica has opened. Called before the next
    /// operation runs, so that the state machine still is what the checkpoint has.</summary>
    /// <param name="op">The operation after which it was made; above 0.</param>
    /// <param name="root">The block that names the state.</param>
    /// <param name="record">What is needed beside the blocks to open it; the same bytes each time that the same
    /// checkpoint is told. Valid during the call.</param>
    void OnCheckpoint(ulong op, in BlockReference root, ReadOnlySpan<byte> record);

    /// <summary>While set, no further operation is started. Asked before each one and again with each tick; the log
    /// that is run again at a start does not ask, nor does a replica of a cluster.</summary>
    bool HoldsBack { get; }
}
