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
    /// <summary>What follows behaves as in this release of the software. Called before a checkpoint is opened, and
    /// between two operations when the log says so; releases only rise.</summary>
    void Enter(uint release);

    /// <summary>Whether the request may enter the log at all; a refusal evicts the session, so it is for bugs of a
    /// client library only. Reads no state.</summary>
    bool Accepts(Operation operation, ReadOnlySpan<byte> body);

    /// <summary>Whether the request may be run as a part of a <see cref="Operation.Batch"/> together with any others of
    /// which this is true, with the answer that it would get alone, of at most <see cref="Limits.SharedReplySizeMax"/>
    /// bytes. Reads no state.</summary>
    bool Shares(Operation operation, ReadOnlySpan<byte> body);

    /// <summary>True once everything that <see cref="Commit"/> may read is in memory. False: reads are under way, call
    /// again after a completion.</summary>
    bool Prefetch(in OperationContext context, ReadOnlySpan<byte> body);

    /// <summary>Runs the operation on the CPU alone and returns the size of the reply's body.</summary>
    int Commit(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply);

    /// <summary>Whether the request, sound or not, changes nothing, so that it may run outside of the log. Reads no
    /// state.</summary>
    bool Reads(Operation operation, ReadOnlySpan<byte> body);

    /// <summary>As <see cref="Prefetch"/> for a request that only reads, between two entries of the log; the context
    /// is that of the last entry. Once asked for, it is asked again until it is ready, and then run.</summary>
    bool PrefetchRead(in OperationContext context, ReadOnlySpan<byte> body);

    /// <summary>Answers as <see cref="Commit"/> would if the request were the next entry, and leaves the state as it
    /// is, down to what maintenance and checkpoints will do.</summary>
    int Read(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply);

    /// <summary>The share of maintenance that follows an operation. False: reads or writes are under way, call again
    /// after a completion; nothing else may be asked meanwhile.</summary>
    bool Maintain(ulong op);

    /// <summary>Starts to make the state after an operation, and the caller's sessions with it, durable.</summary>
    void CheckpointStart(ulong op, ReadOnlySpan<byte> sessions);

    /// <summary>True once all blocks are on disk; <paramref name="root"/> then names the state. False: call again after
    /// a completion.</summary>
    bool CheckpointAdvance(out BlockReference root);

    /// <summary>The last checkpoint, made or opened, is durable: what only the one before needed may be overwritten.
    /// Decides which addresses come next, so it is called after the same operation on every replica.</summary>
    void CheckpointDurable();

    /// <summary>Starts to open the state that a root names, the empty one if it is none.</summary>
    void OpenStart(in BlockReference root);

    OpenResult OpenAdvance();

    /// <summary>The sessions of the checkpoint that was opened.</summary>
    ReadOnlySpan<byte> OpenedSessions { get; }

    /// <summary>Called before opening if others can bring blocks that the disk lacks: they are waited for.</summary>
    void AwaitRepairs();

    /// <summary>Lists blocks that the disk does not hold as they should be, first those that are waited for; returns
    /// how many.</summary>
    int MissingBlocks(Span<BlockReference> blocks);

    /// <summary>Brings the bytes of a block that was listed; they may be anything.</summary>
    RepairResult Repair(in BlockReference block, ReadOnlySpan<byte> bytes);

    /// <summary>Asks that all blocks be read without pause, until <see cref="AllVerified"/>.</summary>
    void VerifyAll();

    /// <summary>Every block of the state was read since it was opened, and none was missing or damaged.</summary>
    bool AllVerified { get; }

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

/// <summary>What became of a block that was brought.</summary>
public enum RepairResult : byte
{
    /// <summary>Nobody waits for it any more, or these are not its bytes.</summary>
    Unwanted = 0,

    /// <summary>It is on its way to its place.</summary>
    Taken,

    /// <summary>Another one is still being written; offer it again after a completion.</summary>
    Busy,
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
