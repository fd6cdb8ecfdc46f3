using System;
using System.Globalization;
using System.IO;
using System.Linq;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Replica.Commands;
using Deterministic.Replica.Hosting.Metrics;
using Deterministic.Replica.Io;
using Deterministic.StateMachine;
using Deterministic.Storage;
using Deterministic.Storage.Blocks;
using Deterministic.Vsr;

namespace Deterministic.Replica.Hosting;

/// <summary>Reads a whole data file without changing it: verifies every part, runs the log over the checkpoint as a
/// start would unless only the checkpoint is asked for, and prints the checksum of the state that comes out.</summary>
internal sealed class Inspection(TextWriter output, bool checkpointOnly)
{
    private const long CacheSize = 256L << 20;

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
        PrintState(source, superblock, journal);
        output.WriteLine(_damaged ? "The file is damaged." : "Everything that was read is sound.");
        return _damaged ? ExitCode.Failed : ExitCode.Ok;
    }

    private void PrintSuperblock(SuperblockReport report)
    {
        Print("superblock", string.Join(", ", report.Copies.Select((state, i) =>
            $"copy {i} {state} ({report.Sequences[i]})")));
        if (report.Problem != StopReason.None) return;
        SuperblockCopy working = report.Working;
        int standby = working.ReplicaIndex - working.ReplicaCount;
        string whose = standby < 0 ? $"replica {working.ReplicaIndex}" : $"standby {standby}";
        Print("cluster", $"{working.Cluster}, {whose} of {working.ReplicaCount}");
        Print("release", $"{working.Checkpoint.Release} at the checkpoint; this program knows up to " +
            $"{Header.ReleaseCurrent}");
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
        InspectionDisk disk = new(source);
        StateMachine.StateMachine machine = new(memory, configuration, ComputeBackends.Select(), new StorageOptions
        {
            Disk = disk,
            Cluster = superblock.Working.Cluster,
            GridOffset = new DataFileLayout(configuration).GridOffset,
            CacheSize = CacheSize,
        });
        CheckpointState checkpoint = superblock.Working.Checkpoint;
        machine.Enter(checkpoint.Release);
        machine.OpenStart(checkpoint.Root);
        OpenResult opened = OpenResult.Waiting;
        bool read = Pump(machine, disk, () => (opened = machine.OpenAdvance()) != OpenResult.Waiting);
        if (!read || opened != OpenResult.Opened)
        {
            Print("checkpoint", $"op {checkpoint.Op}, DAMAGED: " +
                StopReasons.Text(read ? StopReason.CheckpointRefused : StopReason.BlockCorrupt));
            _damaged = true;
            return;
        }
        Forest forest = machine.Trees.Forest;
        PrintCheckpoint(checkpoint.Op, forest);
        Print("checkpoint root", $"block {checkpoint.Root.Address}, checksum {checkpoint.Root.Checksum:x32}");
        PrintBlocks(source, forest);
        ulong op = checkpointOnly ? checkpoint.Op : Replay(source, superblock, journal, machine, disk);
        ContentChecksum checksum = new(forest);
        if (!Pump(machine, disk, checksum.TryAdvance))
        {
            Print("state", "DAMAGED: " + StopReasons.Text(StopReason.BlockCorrupt));
            _damaged = true;
            return;
        }
        string size = SizeText.Format(forest.SizeBytes);
        Print("state", $"as of op {op}, {size} of {SizeText.Format(configuration.StateSizeMax)}");
        for (TreeId tree = 0; tree < TreeId.Count; tree++)
            Print($"  {tree.ToString().ToLowerInvariant()}", $"{checksum.Counts[(int)tree]:N0} entries");
        Print("state checksum", $"{checksum.Value:x32}");
        if (checkpointOnly || op >= journal.Head) return;
        Print("journal", $"ops after {op} cannot be run although op {journal.Head} is there: DAMAGED");
        _damaged = true;
    }

    /// <summary>What the checkpoint takes and what it took to write it, before any later entry of the log.</summary>
    private void PrintCheckpoint(ulong op, Forest forest)
    {
        ReplicaFigures figures = default;
        figures.Take(forest);
        FreeSet free = forest.Grid.Free;
        Print("checkpoint", $"op {op}, {free.AcquiredCount:N0} of {free.Blocks:N0} blocks of " +
            $"{SizeText.Format(forest.Grid.BlockSize)} in use, {free.FreeCount:N0} free");
        long written = figures.BytesFlushed + figures.BytesMerged + figures.BytesOfCheckpoints;
        Print("write amplification", $"{Ratio(figures.WriteAmplification)}: {SizeText.Format(written)} written for " +
            $"{SizeText.Format(figures.BytesPut)} put (flushes {SizeText.Format(figures.BytesFlushed)}, merges " +
            $"{SizeText.Format(figures.BytesMerged)}, checkpoints {SizeText.Format(figures.BytesOfCheckpoints)})");
        Print("space amplification", $"{Ratio(figures.SpaceAmplification)}: {SizeText.Format(figures.UsedSize)} of " +
            $"blocks for {SizeText.Format(figures.DataSize)} of entries");
        for (int level = 0; level < Forest.LevelCount; level++)
        {
            LevelFigures found = forest.Level(level);
            if (found.Tables == 0) continue;
            Print($"  level {level}", $"{found.Runs} runs, {found.Tables:N0} tables, {found.Blocks:N0} blocks, " +
                $"{SizeText.Format(found.DataSize)} of entries");
        }
        Print("merges due", SizeText.Format(figures.CompactionDebt));
    }

    /// <summary>The scrubber of a running replica passes the same blocks; here all are read at once.</summary>
    private void PrintBlocks(DataFileSource source, Forest forest)
    {
        BlockVerification verification = new(source, forest.Grid);
        forest.VisitBlocks(verification);
        string damage = verification.IsSound ? "" : $"; the first damaged one is block {verification.FirstDamaged}";
        Print("blocks read", verification.Text + damage);
        _damaged |= !verification.IsSound;
    }

    private static string Ratio(double ratio) => ratio.ToString("0.00", CultureInfo.InvariantCulture);

    /// <summary>Carries out disk operations until the step is done; false if blocks are damaged.</summary>
    private static bool Pump(IStateMachine machine, InspectionDisk disk, Func<bool> step)
    {
        while (!step())
        {
            if (machine.Problem != StateProblem.None) return false;
            if (!disk.TryComplete(out uint token, out IoResult result)) return false;
            machine.OnCompletion(token, result);
        }
        return true;
    }

    /// <summary>Runs the entries after the checkpoint; returns the last op that could be run.</summary>
    private static ulong Replay(
        DataFileSource source, SuperblockReport superblock, JournalReport journal, IStateMachine machine,
        InspectionDisk disk)
    {
        DataFileLayout layout = new(superblock.Configuration!);
        byte[] slot = new byte[layout.MessageSizeMax];
        byte[] reply = new byte[superblock.Configuration!.MessageBodySizeMax];
        ulong op = superblock.Working.Checkpoint.Op;
        UInt128 parent = superblock.Working.Checkpoint.Prepare.Checksum;
        uint release = superblock.Working.Checkpoint.Release;
        while (true)
        {
            JournalSlotReport next = journal.Slots[layout.SlotOf(op + 1)];
            if (next.Prepare != SlotContent.Prepare || next.Header.Prepare.Op != op + 1) return op;
            if (next.Header.Prepare.Parent != parent) return op;
            if (!source.TryRead(layout.PrepareOffset(next.Slot), slot)) return op;
            parent = next.Header.Checksum;
            ulong running = op + 1;
            if (next.Header.Release > Header.ReleaseCurrent) return op;
            if (next.Header.Release != release) machine.Enter(next.Header.Release);
            release = next.Header.Release;
            Header entry = next.Header;
            ReadOnlySpan<byte> body = slot.AsSpan(Limits.HeaderSize, (int)entry.Size - Limits.HeaderSize);
            if (LogEntry.TryRequest(in entry, body, out ReadOnlySpan<byte> part, out OperationContext context))
            {
                // A request begins where its entry's body does.
                ReadOnlyMemory<byte> request = slot.AsMemory(Limits.HeaderSize, part.Length);
                if (!Pump(machine, disk, () => machine.Prefetch(context, request.Span))) return op;
                machine.Commit(context, request.Span, reply);
            }
            if (!Pump(machine, disk, () => machine.Maintain(running))) return op;
            op = running;
        }
    }

    private void Print(string name, string text) => output.WriteLine($"{name,-16} {text}");
}
