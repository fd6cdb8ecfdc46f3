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

    /// <summary>Starts handing out the whole state as it is now; no commits until <see cref="CheckpointRead"/>
    /// returned 0.</summary>
    void CheckpointStart();

    /// <summary>Next part of the state in its canonical order: the same bytes on every replica with the same log. 0:
    /// the end.</summary>
    int CheckpointRead(Span<byte> part);

    /// <summary>Forgets all state and takes a new one in parts of any size.</summary>
    void RestoreStart();
    void RestoreWrite(ReadOnlySpan<byte> part);

    /// <summary>False if the parts were not a whole state.</summary>
    bool RestoreEnd();
}
