using System;
using Deterministic.Core.Wire;

namespace Deterministic.Core;

/// <summary>Which log entry is being run. The timestamp is the only time that a state machine may know.</summary>
public readonly struct OperationContext(ulong op, ulong timestamp, Operation operation)
{
    public ulong Op { get; } = op;

    /// <summary>Nanoseconds since 1970, strictly increasing over the log.</summary>
    public ulong Timestamp { get; } = timestamp;
    public Operation Operation { get; } = operation;
}

/// <summary>The deterministic machine behind the log. Same log, same bytes.</summary>
public interface IStateMachine
{
    /// <summary>Whether the request may enter the log at all; a refusal evicts the session, so it is for bugs of a
    /// client library only. Reads no state.</summary>
    bool Accepts(Operation operation, ReadOnlySpan<byte> body);

    /// <summary>True once everything that <see cref="Commit"/> may read is in memory. False: reads are under way, call
    /// again after a completion.</summary>
    bool Prefetch(in OperationContext context, ReadOnlySpan<byte> body);

    /// <summary>Runs the operation on the CPU alone and returns the size of the reply's body.</summary>
    int Commit(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply);

    /// <summary>The share of maintenance that follows an operation. False: reads or writes are under way, call again
    /// after a completion; nothing else may be asked meanwhile.</summary>
    bool Maintain(ulong op);

    /// <summary>Starts to make the state after an operation, and the caller's sessions with it, durable.</summary>
    void CheckpointStart(ulong op, ReadOnlySpan<byte> sessions);

    /// <summary>True once all blocks are on disk; <paramref name="root"/> then names the state. False: call again after
    /// a completion.</summary>
    bool CheckpointAdvance(out BlockReference root);

    /// <summary>The last checkpoint is what a restart will find: what only the one before needed may be
    /// overwritten.</summary>
    void CheckpointDurable();

    /// <summary>Starts to open the state that a root names, the empty one if it is none.</summary>
    void OpenStart(in BlockReference root);

    OpenResult OpenAdvance();

    /// <summary>The sessions of the checkpoint that was opened.</summary>
    ReadOnlySpan<byte> OpenedSessions { get; }

    /// <summary>Time goes on: what is done slowly beside all else may take a step. Nothing about the state follows from
    /// it.</summary>
    void Tick();

    /// <summary>A disk operation of the state machine's has ended.</summary>
    void OnCompletion(uint token, IoResult result);

    /// <summary>Why the state machine cannot go on, or None.</summary>
    StateProblem Problem { get; }
}

public enum OpenResult : byte
{
    /// <summary>Reads are under way; call again after a completion.</summary>
    Waiting = 0,
    Opened,

    /// <summary>The blocks are what they were, but no state of this release.</summary>
    Refused,
}

/// <summary>What keeps a state machine from going on.</summary>
public enum StateProblem : byte
{
    None = 0,

    /// <summary>A block cannot be read as what it was written.</summary>
    BlockCorrupt,

    /// <summary>An operation needs more blocks at once than the cache holds.</summary>
    CacheTooSmall,

    /// <summary>The grid has no room to make memory durable.</summary>
    GridFull,
    WriteFailed,
}
