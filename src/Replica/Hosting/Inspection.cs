using System;
using System.IO;
using System.Linq;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Replica.Commands;
using Deterministic.Replica.Io;
using Deterministic.StateMachine;
using Deterministic.Vsr;

namespace Deterministic.Replica.Hosting;

/// <summary>Reads a whole data file without changing it: verifies every part, runs the log over the checkpoint as a
/// start would, and prints the checksum of the state that comes out.</summary>
internal sealed class Inspection(TextWriter output)
{
    private bool _damaged;

    public int Run(string path)
    {
        using DataFile? file = DataFile.TryOpenExisting(path, writable: false, out string error);
        if (file is null)
        {
            Console.Error.WriteLine(error);
            return ExitCode.Failed;
        }
        using DataFileSource source = new(file);
        SuperblockReport superblock = DataFileInspection.Superblock(source);
        PrintSuperblock(superblock);
        if (superblock.Problem != StopReason.None)
        {
            Console.Error.WriteLine($"{path}: {StopReasons.Text(superblock.Problem)}");
            return ExitCode.Failed;
        }
        JournalReport journal = DataFileInspection.Journal(source, superblock);
        Print("journal",
            $"{journal.Slots.Length} slots, head at op {journal.Head}, {journal.BadSlots} with a damaged part");
        CheckpointReport checkpoint = DataFileInspection.Checkpoint(source, superblock);
        string stateSize = SizeText.Format((long)checkpoint.StateSize);
        Print("checkpoint", $"op {superblock.Working.Checkpoint.Op}, " + (checkpoint.Sound
            ? $"{checkpoint.Blocks} blocks, {stateSize}, sound"
            : $"block {checkpoint.BadBlock} of {checkpoint.Blocks} is DAMAGED"));
        _damaged |= !checkpoint.Sound;
        if (checkpoint.Sound) PrintState(source, superblock, journal);
        output.WriteLine(_damaged ? "The file is damaged." : "Everything that was read is sound.");
        return _damaged ? ExitCode.Failed : ExitCode.Ok;
    }

    private void PrintSuperblock(SuperblockReport report)
    {
        Print("superblock", string.Join(", ", report.Copies.Select((state, i) =>
            $"copy {i} {state} ({report.Sequences[i]})")));
        if (report.Problem != StopReason.None) return;
        SuperblockCopy working = report.Working;
        Print("cluster", $"{working.Cluster}, replica {working.ReplicaIndex} of {working.ReplicaCount}");
        Print("view", $"{working.View}, log view {working.LogView}, commit at least {working.CommitMax}");
        Configuration sizes = report.Configuration!;
        Print("sizes", $"message {SizeText.Format(sizes.MessageSizeMax)}, {sizes.JournalSlots} journal slots, " +
            $"{sizes.SessionsMax} sessions, state up to {SizeText.Format(sizes.StateSizeMax)}, " +
            $"checkpoint every {sizes.CheckpointIntervalOps} ops");
    }

    private void PrintState(DataFileSource source, SuperblockReport superblock, JournalReport journal)
    {
        Configuration configuration = superblock.Configuration!;
        using StaticMemory memory = new();
        StateMachine.StateMachine machine = new(memory, configuration, ComputeBackends.Select());
        if (!TryRestore(source, superblock, machine))
        {
            Print("state", StopReasons.Text(StopReason.CheckpointRefused));
            _damaged = true;
            return;
        }
        ulong op = Replay(source, superblock, journal, machine);
        string size = SizeText.Format(machine.Trees.Forest.SizeBytes);
        Print("state", $"as of op {op}, {size} of {SizeText.Format(configuration.StateSizeMax)}");
        for (TreeId tree = 0; tree < TreeId.Count; tree++)
            Print($"  {tree.ToString().ToLowerInvariant()}", $"{machine.Trees.Forest[(int)tree].Count:N0} entries");
        Print("state checksum", $"{machine.StateChecksum():x32}");
        if (op == journal.Head) return;
        Print("journal", $"ops after {op} cannot be run although op {journal.Head} is there: DAMAGED");
        _damaged = true;
    }

    private static bool TryRestore(DataFileSource source, SuperblockReport superblock, IStateMachine machine)
    {
        CheckpointState checkpoint = superblock.Working.Checkpoint;
        if (checkpoint.Blocks == 0) return true;
        DataFileLayout layout = new(superblock.Configuration!);
        byte[] block = new byte[layout.MessageSizeMax];
        machine.RestoreStart();
        for (long i = 0; i < (long)checkpoint.Blocks; i++)
        {
            if (!source.TryRead(layout.BlockOffset((byte)checkpoint.Area, i), block)) return false;
            Header header = Header.Read(block);
            if (header.Block.Kind == BlockKind.CheckpointState)
                machine.RestoreWrite(block.AsSpan(Limits.HeaderSize, (int)header.Size - Limits.HeaderSize));
        }
        return machine.RestoreEnd();
    }

    /// <summary>Runs the entries after the checkpoint; returns the last op that could be run.</summary>
    private static ulong Replay(
        DataFileSource source, SuperblockReport superblock, JournalReport journal, IStateMachine machine)
    {
        DataFileLayout layout = new(superblock.Configuration!);
        byte[] slot = new byte[layout.MessageSizeMax];
        byte[] reply = new byte[superblock.Configuration!.MessageBodySizeMax];
        ulong op = superblock.Working.Checkpoint.Op;
        UInt128 parent = superblock.Working.Checkpoint.Prepare.Checksum;
        while (true)
        {
            JournalSlotReport next = journal.Slots[layout.SlotOf(op + 1)];
            if (next.Prepare != SlotContent.Prepare || next.Header.Prepare.Op != op + 1) return op;
            if (next.Header.Prepare.Parent != parent) return op;
            if (!source.TryRead(layout.PrepareOffset(next.Slot), slot)) return op;
            op++;
            parent = next.Header.Checksum;
            if (next.Header.Prepare.Operation < Operation.Write) continue;
            OperationContext context = new(op, next.Header.Prepare.Timestamp, next.Header.Prepare.Operation);
            machine.Commit(context, slot.AsSpan(Limits.HeaderSize, (int)next.Header.Size - Limits.HeaderSize), reply);
        }
    }

    private void Print(string name, string text) => output.WriteLine($"{name,-16} {text}");
}
