using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Simulator.World;

namespace Deterministic.Simulator.Tests;

/// <summary>A disk that now and then says that a write is done and does not do it.</summary>
internal sealed class LosesWrites : Plant
{
    public override bool LosesWrite(ulong number, long offset) => number % 40 == 0;
}

/// <summary>An oracle that is wrong by one row; the checker must notice that the two differ.</summary>
internal sealed class CountsWrongly : Plant
{
    public override uint OracleLimit(uint limit) => limit + 1;
}

/// <summary>A machine whose queries leave out the last row of their answer.</summary>
internal sealed class DropsRows : Plant
{
    public override IStateMachine Replace(IStateMachine machine) => new Dropping(machine);

    private sealed class Dropping(IStateMachine machine) : Wrapped(machine)
    {
        public override int Commit(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
        {
            int size = base.Commit(context, body, reply);
            return context.Operation == Operation.Query ? WithoutLastRow(reply, size) : size;
        }

        /// <summary>Works on answers of one list of rows with ids alone; leaves others as they are.</summary>
        private static int WithoutLastRow(Span<byte> reply, int size)
        {
            WireReader reader = new(reply[..size]);
            if (reader.U16() != 0 || reader.U8() != 1 || reader.U8() != (byte)ResultKind.Rows) return size;
            NameTable.Read(ref reader);
            int countAt = reader.Position;
            uint rows = reader.U32();
            if (rows == 0) return size;
            int last = 0;
            for (uint i = 0; i < rows; i++)
            {
                last = reader.Position;
                Value.Read(ref reader);
                if (reader.U8() != 0) reader.F32();
                for (int pairs = reader.U16(); pairs > 0; pairs--)
                {
                    reader.U16();
                    Value.Read(ref reader);
                }
            }
            BinaryPrimitives.WriteUInt32LittleEndian(reply[countAt..], rows - 1);
            reply[reader.Position..size].CopyTo(reply[last..]);
            return size - (reader.Position - last);
        }
    }
}

/// <summary>A machine that after a crash does not carry out the writes that are replayed, but repeats what it had
/// answered.</summary>
internal sealed class StaleAfterCrash : Plant
{
    private readonly SortedDictionary<ulong, byte[]> _replies = [];

    public override IStateMachine Replace(IStateMachine machine) => new Stale(machine, _replies);

    private sealed class Stale(IStateMachine machine, SortedDictionary<ulong, byte[]> replies) : Wrapped(machine)
    {
        public override int Commit(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
        {
            if (context.Operation == Operation.Write && replies.TryGetValue(context.Op, out byte[]? said))
            {
                said.CopyTo(reply);
                return said.Length;
            }
            int size = base.Commit(context, body, reply);
            replies[context.Op] = reply[..size].ToArray();
            return size;
        }
    }
}

/// <summary>A machine that names another root than it wrote.</summary>
internal sealed class SpoilsCheckpoints : Plant
{
    public override IStateMachine Replace(IStateMachine machine) => new Spoiling(machine);

    private sealed class Spoiling(IStateMachine machine) : Wrapped(machine)
    {
        public override bool CheckpointAdvance(out BlockReference root)
        {
            bool done = base.CheckpointAdvance(out root);
            if (done) root = new BlockReference(root.Address, root.Checksum ^ 1);
            return done;
        }
    }
}

/// <summary>A machine whose refusals have a wrong letter at their end.</summary>
internal sealed class MisspellsRefusals : Plant
{
    public override IStateMachine Replace(IStateMachine machine) => new Misspelling(machine);

    private sealed class Misspelling(IStateMachine machine) : Wrapped(machine)
    {
        public override int Commit(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
        {
            int size = base.Commit(context, body, reply);
            bool refused = BinaryPrimitives.ReadUInt16LittleEndian(reply) != (ushort)ErrorCode.Ok;
            if (refused) reply[size - 1] ^= 1;
            return size;
        }
    }
}

/// <summary>Another machine in front of the real one.</summary>
internal abstract class Wrapped(IStateMachine machine) : IStateMachine
{
    public void Enter(uint release) => machine.Enter(release);

    public bool Accepts(Operation operation, ReadOnlySpan<byte> body) => machine.Accepts(operation, body);

    public bool Shares(Operation operation, ReadOnlySpan<byte> body) => machine.Shares(operation, body);

    public bool Prefetch(in OperationContext context, ReadOnlySpan<byte> body) => machine.Prefetch(context, body);

    public virtual int Commit(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply) =>
        machine.Commit(context, body, reply);

    public bool Reads(Operation operation, ReadOnlySpan<byte> body) => machine.Reads(operation, body);

    public bool PrefetchRead(in OperationContext context, ReadOnlySpan<byte> body) =>
        machine.PrefetchRead(context, body);

    public virtual int Read(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply) =>
        machine.Read(context, body, reply);

    public bool Maintain(ulong op) => machine.Maintain(op);

    public void CheckpointStart(ulong op, ReadOnlySpan<byte> sessions) => machine.CheckpointStart(op, sessions);

    public virtual bool CheckpointAdvance(out BlockReference root) => machine.CheckpointAdvance(out root);

    public void AwaitRepairs() => machine.AwaitRepairs();

    public int MissingBlocks(Span<BlockReference> blocks) => machine.MissingBlocks(blocks);

    public RepairResult Repair(in BlockReference block, ReadOnlySpan<byte> bytes) => machine.Repair(in block, bytes);

    public void VerifyAll() => machine.VerifyAll();

    public bool AllVerified => machine.AllVerified;

    public void CheckpointDurable() => machine.CheckpointDurable();

    public void OpenStart(in BlockReference root) => machine.OpenStart(in root);

    public OpenResult OpenAdvance() => machine.OpenAdvance();

    public ReadOnlySpan<byte> OpenedSessions => machine.OpenedSessions;

    public void Tick() => machine.Tick();

    public void OnCompletion(uint token, IoResult result) => machine.OnCompletion(token, result);

    public StateProblem Problem => machine.Problem;
}
