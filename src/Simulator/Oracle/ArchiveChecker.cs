using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;
using Deterministic.Simulator.World;
using Deterministic.StateMachine;
using Deterministic.Storage;
using Deterministic.Storage.Packs;
using Deterministic.Vsr;

namespace Deterministic.Simulator.Oracle;

/// <summary>Restores what an object store has at one instant: every checkpoint that its catalog names must open on an
/// empty disk, be what the log made it, and read to its end.</summary>
internal sealed class ArchiveChecker(
    SimulatedArchive archive, Configuration configuration, ComputeBackend compute, CommitHistory history,
    Coverage coverage)
{
    private readonly SortedDictionary<ulong, UInt128> _contents = [];
    private byte[]? _catalog;

    /// <summary>Blocks of the checkpoint that was restored last.</summary>
    public List<BlockReference> Blocks { get; } = [];

    /// <summary>Once the catalog has become another, the checkpoint that it names last must be there.</summary>
    public void CheckChange()
    {
        byte[]? catalog = archive.Store.Find($"{SimulatedArchive.Prefix}catalog");
        if (catalog == _catalog) return;
        _catalog = catalog;
        Check(newestOnly: true);
    }

    /// <summary>Restores all, or the newest alone; says how many.</summary>
    public int Check(bool newestOnly)
    {
        byte[]? bytes = archive.Store.Find($"{SimulatedArchive.Prefix}catalog");
        if (bytes is null) return 0;
        Catalog catalog = new();
        ContentProblem problem = catalog.Read(bytes, Simulation.Cluster);
        if (problem != ContentProblem.None)
        {
            Core.Check.That(archive.Damaged, "the catalog is damaged");
            coverage.Hit(archive.CoverageKind, "damage reported by a restore");
            return 0;
        }
        int restored = 0;
        for (int i = catalog.Count - 1; i >= 0 && (!newestOnly || restored == 0); i--)
        {
            Restore(catalog[i].Op);
            if (i != catalog.Newest) coverage.Hit(archive.CoverageKind, "older checkpoint restored");
            restored++;
        }
        return restored;
    }

    private void Restore(ulong op)
    {
        Blocks.Clear();
        using StaticMemory memory = new();
        FrozenStore store = new(archive.Store);
        CheckpointRestorer restorer = new(memory, new RestorerOptions
        {
            Store = store, Prefix = SimulatedArchive.Prefix, Cluster = Simulation.Cluster, Lanes = 2,
            PieceSize = 64 << 10, ManifestSizeMax = 1 << 20,
        });
        DataFileLayout layout = new(configuration);
        InstantDisk disk = new(memory.Take(layout.Size, Limits.SectorSize));
        bool chosen = CheckpointChoice.TryParse(Encoding.ASCII.GetBytes($"{op}"), out CheckpointChoice choice);
        Core.Check.That(chosen);
        restorer.Start(in choice);
        while (!restorer.IsDone && restorer.Failure.IsNone)
        {
            while (restorer.TryTake(out BlockReference block, out ReadOnlySpan<byte> bytes))
            {
                Blocks.Add(block);
                bytes.CopyTo(disk.Image.Slice(layout.BlockOffset(block.Address), bytes.Length));
            }
            if (restorer.IsDone || !restorer.Failure.IsNone) break;
            uint token = store.Complete(out ObjectResult result);
            restorer.OnObject(token, in result);
        }
        if (!restorer.Failure.IsNone)
        {
            Core.Check.That(
                archive.Damaged, $"a checkpoint of the catalog cannot be restored: {restorer.Failure.Problem}");
            coverage.Hit(archive.CoverageKind, "damage reported by a restore");
            return;
        }
        Open(restorer, op, disk, layout);
    }

    private void Open(CheckpointRestorer restorer, ulong op, InstantDisk disk, DataFileLayout layout)
    {
        StopReason reason = CheckpointRecord.Read(
            restorer.Checkpoint, out SuperblockCopy superblock, RollingUpgrade.Newer);
        Core.Check.That(reason == StopReason.None, "the record of a checkpoint cannot be used");
        BlockReference root = restorer.Head.Root;
        Core.Check.That(superblock.Checkpoint.Op == op && restorer.Head.Op == op, "a checkpoint of another time");
        Core.Check.That(superblock.Checkpoint.Root.Is(in root), "the record names another state than the manifest");
        history.CheckRestored(op, root.Checksum);
        using StaticMemory memory = new();
        StateMachine.StateMachine machine = new(memory, configuration, compute, new StorageOptions
        {
            Disk = disk, Cluster = Simulation.Cluster, GridOffset = layout.GridOffset, CacheSize = 0,
        });
        machine.OpenStart(in root);
        OpenResult result = machine.OpenAdvance();
        for (; result == OpenResult.Waiting; result = machine.OpenAdvance()) disk.Complete(machine);
        Core.Check.That(result == OpenResult.Opened, "a restored checkpoint does not open");
        ContentChecksum content = new(machine.Trees.Forest);
        while (!content.TryAdvance()) disk.Complete(machine);
        if (_contents.TryGetValue(op, out UInt128 known))
            Core.Check.That(known == content.Value, "a checkpoint was restored as something else than before");
        _contents[op] = content.Value;
        coverage.Hit(archive.CoverageKind, "checkpoint restored");
    }

    /// <summary>Reads what a store has now, and answers at once.</summary>
    private sealed class FrozenStore(SimulatedObjectStore store) : IObjectStore
    {
        private readonly Queue<(uint Token, ObjectResult Result)> _ended = new();

        public uint Complete(out ObjectResult result)
        {
            Core.Check.That(_ended.Count > 0, "a restore waits for nothing");
            (uint token, result) = _ended.Dequeue();
            return token;
        }

        public void Get(uint token, in ObjectKey key, long offset, NativeBuffer into)
        {
            byte[]? content = store.Find(key.ToString());
            if (content is null)
            {
                _ended.Enqueue((token, new ObjectResult { Status = ObjectStatus.NotFound }));
                return;
            }
            long from = long.Min(offset, content.Length);
            int size = (int)long.Min(content.Length - from, into.Length);
            content.AsSpan((int)from, size).CopyTo(into.Span);
            _ended.Enqueue((token, new ObjectResult { Size = size, ObjectSize = content.Length }));
        }

        public void Put(
            uint token, in ObjectKey key, NativeBuffer content, PutCondition condition, in ObjectTag tag) =>
            Core.Check.Unreachable();

        public void List(uint token, in ObjectKey prefix, in ObjectKey after, NativeBuffer into) =>
            Core.Check.Unreachable();

        public void Delete(uint token, in ObjectKey key) => Core.Check.Unreachable();

        public void MultipartStart(uint token, in ObjectKey key) => Core.Check.Unreachable();

        public void MultipartPart(uint token, uint upload, int part, NativeBuffer content) =>
            Core.Check.Unreachable();

        public void MultipartComplete(uint token, uint upload, int parts, PutCondition condition) =>
            Core.Check.Unreachable();

        public void MultipartAbort(uint token, uint upload) => Core.Check.Unreachable();
    }

    /// <summary>A disk that is only read; in the order of the calls.</summary>
    private sealed class InstantDisk(NativeBuffer image) : IDisk
    {
        private readonly Queue<uint> _ended = new();

        public NativeBuffer Image => image;

        public void Read(uint token, long offset, NativeBuffer buffer)
        {
            image.Slice(offset, (int)buffer.Length).CopyTo(buffer.Span);
            _ended.Enqueue(token);
        }

        public void Write(uint token, long offset, NativeBuffer buffer) => Core.Check.Unreachable();

        public void Complete(StateMachine.StateMachine machine)
        {
            Core.Check.That(_ended.Count > 0, "a restored state waits for nothing");
            machine.OnCompletion(_ended.Dequeue(), IoResult.Ok);
            Core.Check.That(machine.Problem == StateProblem.None, "a restored state cannot be read");
        }
    }
}
