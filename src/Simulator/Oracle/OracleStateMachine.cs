using System;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Oracle;

/// <summary>The machine under test with a judge beside it. What commits for the first time is checked against the naive
/// database; what commits again, after a crash, against the first time.</summary>
internal sealed class OracleStateMachine(
    StateMachine.StateMachine real, IStateMachine machine, NaiveDatabase database, CommitHistory history,
    Ratio waits, TapeStream tape) : IStateMachine
{
    /// <summary>The last entry that this machine's state contains.</summary>
    public ulong Op { get; set; }

    /// <summary>Set by a restore until somebody has compared it.</summary>
    public UInt128? RestoredState { get; set; }

    /// <summary>A prefetch has said that it waits; whoever runs the disk must call the replica again.</summary>
    public bool Waits { get; set; }

    public UInt128 StateChecksum() => real.StateChecksum();

    public bool Accepts(Operation operation, ReadOnlySpan<byte> body) => machine.Accepts(operation, body);

    public bool Prefetch(in OperationContext context, ReadOnlySpan<byte> body)
    {
        if (Waits) return false;
        Waits = tape.Chance(waits);
        return !Waits && machine.Prefetch(context, body);
    }

    public int Commit(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        Check.That(context.Op > Op, "an entry was run twice");
        int size = machine.Commit(context, body, reply);
        ReadOnlySpan<byte> written = reply[..size];
        if (context.Op > history.LastOp)
        {
            history.Add(context, body, written);
            database.Check(context, body, written, reply.Length);
        }
        else
        {
            history.CheckReplay(context, body, written);
        }
        Op = context.Op;
        return size;
    }

    public void CheckpointStart()
    {
        history.CheckState(Op, real.StateChecksum());
        machine.CheckpointStart();
    }

    public int CheckpointRead(Span<byte> part) => machine.CheckpointRead(part);

    public void RestoreStart() => machine.RestoreStart();

    public void RestoreWrite(ReadOnlySpan<byte> part) => machine.RestoreWrite(part);

    public bool RestoreEnd()
    {
        if (!machine.RestoreEnd()) return false;
        RestoredState = real.StateChecksum();
        return true;
    }
}
