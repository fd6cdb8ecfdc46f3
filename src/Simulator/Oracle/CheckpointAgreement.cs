using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Packs;

namespace Deterministic.Simulator.Oracle;

/// <summary>The checkpoints of all replicas of a cluster: at the same entry of the log they have the same root, the
/// same blocks at the same addresses, and the same addresses free.</summary>
internal sealed class CheckpointAgreement : IDisposable
{
    private readonly StaticMemory _memory = new();
    private readonly LiveBlocks _blocks;

    /// <summary>By the entry after which it was made: its root and the marks of its blocks by address.</summary>
    private readonly SortedDictionary<ulong, (BlockReference Root, ulong[] Marks)> _checkpoints = [];

    public CheckpointAgreement(long gridBlocks) => _blocks = new LiveBlocks(_memory, gridBlocks);

    /// <summary>Checkpoints, and blocks of them, that a second or later replica wrote, and that agreed.</summary>
    public ulong Compared { get; private set; }
    public ulong BlocksCompared { get; private set; }

    /// <summary>A replica has written its blocks.</summary>
    public void Compare(ulong op, in BlockReference root, Forest forest)
    {
        forest.CopyLiveBlocks(_blocks);
        FreeSet free = forest.Grid.Free;
        bool known = _checkpoints.TryGetValue(op, out (BlockReference Root, ulong[] Marks) first);
        Check.That(!known || root.Is(in first.Root), "two replicas have different roots");
        ulong[] marks = known ? first.Marks : new ulong[_blocks.Blocks + 1];
        for (int address = 1; address <= _blocks.Blocks; address++)
        {
            ulong mark = _blocks.Mark(address);
            bool used = free.IsAcquired((ulong)address) && !free.IsReleased((ulong)address);
            Check.That(used == (mark != 0), "a block is neither free nor of the checkpoint");
            Check.That(!known || mark == marks[address], "two replicas have different blocks");
            marks[address] = mark;
        }
        if (!known)
        {
            _checkpoints.Add(op, (root, marks));
            return;
        }
        Compared++;
        BlocksCompared += (ulong)_blocks.Count;
    }

    /// <summary>The marks of a checkpoint's blocks by address; null if nobody has written it.</summary>
    public ulong[]? MarksOf(ulong op) =>
        _checkpoints.TryGetValue(op, out (BlockReference Root, ulong[] Marks) found) ? found.Marks : null;

    public void Dispose() => _memory.Dispose();
}
