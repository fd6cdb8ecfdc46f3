using System;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Blocks;

/// <summary>Blocks of the state that the disk does not hold as they should be, for whoever can get them from other
/// replicas: those that an operation waits for, and those that the scrubber has found. It keeps no promise that
/// anybody brings them; what is not brought stays on the list.</summary>
public sealed class BlockRepairs
{
    private const int FoundMax = 64;

    private readonly Forest _forest;

    /// <summary>What the scrubber has found and nobody has brought yet.</summary>
    private readonly BlockReference[] _found = new BlockReference[FoundMax];
    private int _foundCount;

    internal BlockRepairs(Forest forest)
    {
        _forest = forest;
        forest.Grid.HasRepairer = true;
    }

    /// <summary>Blocks that others have brought and that were written to their places.</summary>
    public ulong Repaired { get; private set; }

    /// <summary>Lists what is missing, first what is waited for; returns how many.</summary>
    public int List(Span<BlockReference> blocks)
    {
        Check.That(!blocks.IsEmpty);
        int count = _forest.Grid.ListFaults(blocks);
        if (!_forest.IsOpen) return count;
        while (_foundCount < FoundMax && _forest.Scrubber.TryTakeRot(out BlockReference block))
            if (IndexOf(in block) < 0) _found[_foundCount++] = block;
        for (int i = 0; i < _foundCount && count < blocks.Length;)
        {
            bool gone = !_forest.Has(in _found[i]) || _forest.Grid.TryRepairFromCache(in _found[i]);
            if (gone) Remove(i);
            else blocks[count++] = _found[i++];
        }
        return count;
    }

    /// <summary>Takes the bytes of a block that was listed; they may be anything.</summary>
    public RepairResult Take(in BlockReference block, ReadOnlySpan<byte> bytes)
    {
        Grid grid = _forest.Grid;
        bool fault = grid.IsFault(in block);
        int found = IndexOf(in block);
        if (!fault && found < 0) return RepairResult.Unwanted;
        if (!IsNeeded(in block))
        {
            grid.ForgetFault(in block);
            if (found >= 0) Remove(found);
            return RepairResult.Unwanted;
        }
        if (grid.IsRepairing) return RepairResult.Busy;
        if (!grid.TryRepair(in block, bytes)) return RepairResult.Unwanted;
        if (found >= 0) Remove(found);
        Repaired++;
        return RepairResult.Taken;
    }

    /// <summary>While the state is being opened nothing is written; later what it has let go of may be overwritten.
    /// </summary>
    private bool IsNeeded(in BlockReference block) => !_forest.IsOpen || _forest.Has(in block);

    private int IndexOf(in BlockReference block)
    {
        for (int i = 0; i < _foundCount; i++) if (_found[i].Is(in block)) return i;
        return -1;
    }

    private void Remove(int index)
    {
        Check.That(index >= 0 && index < _foundCount);
        _found.AsSpan(index + 1, --_foundCount - index).CopyTo(_found.AsSpan(index));
    }
}
