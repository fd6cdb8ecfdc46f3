using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Blocks;

/// <summary>Damaged blocks: a read that failed stays pending as a fault until the right bytes have been written to
/// their place from elsewhere; then it is done again. The cache is not touched otherwise. One block is repaired at a
/// time.</summary>
public sealed partial class Grid
{
    private readonly NativeBuffer _repairBuffer;
    private BlockReference _repair;
    private int _faults;
    private bool _gaveUp;

    /// <summary>Somebody gets damaged blocks from elsewhere, so that a fault is waited for until it is given
    /// up.</summary>
    public bool HasRepairer { get; set; }

    /// <summary>A block that was asked for cannot be had.</summary>
    public bool HasLostBlock => _faults > 0 && (!HasRepairer || _gaveUp);

    /// <summary>The right bytes of a block are on their way to the disk.</summary>
    public bool IsRepairing => !_repair.IsNone;

    private int RepairSlot => _writes.Length;

    /// <summary>A block that could not be read as what it should be, until it is repaired; the lowest address
    /// first.</summary>
    public bool TryFault(out BlockReference block)
    {
        block = default;
        for (int frame = 0; _faults > 0 && frame < _frames.Count; frame++)
        {
            if (_frames.State(frame) != FrameState.Faulty) continue;
            if (block.IsNone || _frames.Address(frame) < block.Address) block = BlockOf(frame);
        }
        return !block.IsNone;
    }

    /// <summary>Blocks whose reads have failed, each once; returns how many.</summary>
    public int ListFaults(Span<BlockReference> blocks)
    {
        int count = 0;
        for (int frame = 0; _faults > 0 && frame < _frames.Count && count < blocks.Length; frame++)
        {
            if (_frames.State(frame) != FrameState.Faulty) continue;
            BlockReference block = BlockOf(frame);
            bool listed = block.Is(in _repair);
            for (int i = 0; i < count; i++) listed |= blocks[i].Is(in block);
            if (!listed) blocks[count++] = block;
        }
        return count;
    }

    /// <summary>Whether a read of just this block has failed.</summary>
    public bool IsFault(in BlockReference block)
    {
        for (int frame = 0; _faults > 0 && frame < _frames.Count; frame++)
            if (_frames.State(frame) == FrameState.Faulty && BlockOf(frame).Is(in block)) return true;
        return false;
    }

    /// <summary>Takes the right bytes of a damaged block from elsewhere and has them written. The state still has to
    /// refer to the block, or what has taken its place is overwritten. False if the bytes are not right, or while
    /// another block is repaired.</summary>
    public bool TryRepair(in BlockReference block, ReadOnlySpan<byte> bytes)
    {
        if (IsRepairing || bytes.Length != BlockSize || !IsSound(bytes, in block)) return false;
        if (IsWriting(in block)) return true;
        _repair = block;
        bytes.CopyTo(_repairBuffer.Span);
        int size = SectorCeiling((int)Header.Read(bytes).Size);
        BlocksWritten++;
        BytesWritten += size;
        _options.Disk.Write(
            TokenBit | WriteBit | (uint)RepairSlot, OffsetOf(block.Address), _repairBuffer.Part(0, size));
        return true;
    }

    /// <summary>The same with the bytes that the cache has; false if it has none.</summary>
    public bool TryRepairFromCache(in BlockReference block)
    {
        int frame = _frames.Find(block.Address);
        // The parts of a run are no blocks any more once they have been joined.
        bool cached = frame >= 0 && _frames.Run(frame) == 1 && _frames.State(frame) == FrameState.Clean;
        return cached && TryRepair(in block, _frames.Buffer(frame).Span);
    }

    /// <summary>The block cannot be had anywhere.</summary>
    public void GiveUp(in BlockReference block)
    {
        Check.That(HasRepairer);
        _gaveUp |= IsFault(in block);
    }

    /// <summary>Lets go of failed reads of a block that the state does not refer to any more.</summary>
    public void ForgetFault(in BlockReference block)
    {
        for (int frame = 0; _faults > 0 && frame < _frames.Count; frame++)
            if (_frames.State(frame) == FrameState.Faulty && BlockOf(frame).Is(in block)) Drop(_frames.Head(frame));
    }

    private void OnRepaired(IoResult result)
    {
        Check.That(IsRepairing);
        BlockReference block = _repair;
        _repair = default;
        if (result != IoResult.Ok) WriteFailed = true;
        for (int frame = 0; _faults > 0 && frame < _frames.Count; frame++)
        {
            if (_frames.State(frame) != FrameState.Faulty || !BlockOf(frame).Is(in block)) continue;
            _faults--;
            _frames.SetState(frame, FrameState.Loading);
            _attempts[frame] = 1;
            Check.That(_readQueue.TryAdd(frame));
        }
    }

    private BlockReference BlockOf(int frame) => new(_frames.Address(frame), _frames.Checksum(frame));
}
