using System;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.Storage;
using Deterministic.Storage.Blocks;

namespace Deterministic.Simulator.Oracle;

/// <summary>The machine under test with a judge beside it. What commits for the first time in the
/// cluster is checked against the naive database; what commits again, after a crash or on another replica, against the
/// first time.</summary>
internal sealed class OracleStateMachine(
    StateMachine.StateMachine real, IStateMachine machine, NaiveDatabase database, CommitHistory history,
    ReadAgreement reads, Twin? twin, CheckpointAgreement checkpoints, Ratio waits, TapeStream tape) : IStateMachine
{
    /// <summary>Rounds of reads before an operation that only a cold cache needs.</summary>
    private const int ColdRounds = 2;

    private BlockReference _root;
    private ulong _prefetchOp;
    private ulong _checkpointOp;
    private int _rounds;
    private uint _release;

    /// <summary>The last entry that this machine's state contains.</summary>
    public ulong Op { get; set; }

    /// <summary>The root of an opened state, until somebody has compared it.</summary>
    public UInt128? RestoredState { get; set; }

    /// <summary>A prefetch has said that it waits; whoever runs the disk must call the replica again.</summary>
    public bool Waits { get; set; }

    public ContentChecksum ContentChecksum() => new(real.Trees.Forest);

    public void Enter(uint release)
    {
        Check.That(release > _release, "the release of a state machine does not rise");
        _release = release;
        machine.Enter(release);
    }

    public bool Accepts(Operation operation, ReadOnlySpan<byte> body) => machine.Accepts(operation, body);

    public bool Shares(Operation operation, ReadOnlySpan<byte> body) => machine.Shares(operation, body);

    public bool Prefetch(in OperationContext context, ReadOnlySpan<byte> body)
    {
        if (Waits) return false;
        Waits = tape.Chance(waits);
        if (Waits) return false;
        Grid grid = real.Trees.Forest.Grid;
        long missed = grid.CacheMisses;
        bool ready = machine.Prefetch(context, body);
        if (_prefetchOp != context.Op) _rounds = 0;
        _prefetchOp = context.Op;
        if (grid.CacheMisses > missed && ++_rounds == ColdRounds) database.Coverage.Hit("storage", "cold rounds");
        return ready;
    }

    public int Commit(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        Check.That(context.Op > Op, "an entry was run twice");
        int size = machine.Commit(context, body, reply);
        ReadOnlySpan<byte> written = reply[..size];
        twin?.Commit(in context, body, written);
        if (context.Op > history.LastOp)
        {
            history.Add(context, _release, body, written);
            database.Check(context, body, written, reply.Length);
        }
        else
        {
            history.CheckReplay(context, _release, body, written);
        }
        Op = context.Op;
        return size;
    }

    public bool Reads(Operation operation, ReadOnlySpan<byte> body) => machine.Reads(operation, body);

    public bool PrefetchRead(in OperationContext context, ReadOnlySpan<byte> body)
    {
        if (!Waits) Waits = tape.Chance(waits);
        return !Waits && machine.PrefetchRead(context, body);
    }

    public int Read(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        int size = machine.Read(context, body, reply);
        reads.CheckRead(context, body, Op, reply[..size], reply.Length);
        return size;
    }

    public bool Maintain(ulong op)
    {
        twin?.Maintain(op);
        return machine.Maintain(op);
    }

    public void CheckpointStart(ulong op, ReadOnlySpan<byte> sessions)
    {
        Check.That(op >= Op);
        _checkpointOp = op;
        twin?.Checkpoint(op, sessions);
        machine.CheckpointStart(op, sessions);
    }

    public bool CheckpointAdvance(out BlockReference root)
    {
        if (!machine.CheckpointAdvance(out root)) return false;
        history.CheckState(_checkpointOp, root.Checksum);
        checkpoints.Compare(_checkpointOp, in root, real.Trees.Forest);
        twin?.Compare(in root, real);
        return true;
    }

    public void AwaitRepairs() => machine.AwaitRepairs();

    public int MissingBlocks(Span<BlockReference> blocks) => machine.MissingBlocks(blocks);

    public RepairResult Repair(in BlockReference block, ReadOnlySpan<byte> bytes) => machine.Repair(in block, bytes);

    public void VerifyAll() => machine.VerifyAll();

    public bool AllVerified => machine.AllVerified;

    public void CheckpointDurable() => machine.CheckpointDurable();

    public void OpenStart(in BlockReference root)
    {
        _root = root;
        machine.OpenStart(in root);
    }

    public OpenResult OpenAdvance()
    {
        OpenResult result = machine.OpenAdvance();
        if (result == OpenResult.Opened && !_root.IsNone) RestoredState = _root.Checksum;
        return result;
    }

    public ReadOnlySpan<byte> OpenedSessions => machine.OpenedSessions;

    public void Tick() => machine.Tick();

    public void OnCompletion(uint token, IoResult result) => machine.OnCompletion(token, result);

    public StateProblem Problem => machine.Problem;
}
