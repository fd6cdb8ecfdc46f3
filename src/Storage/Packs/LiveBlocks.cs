using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>The blocks of one checkpoint, by address: 64 bits of the checksum of each.</summary>
public sealed class LiveBlocks : IBlockVisitor
{
    private readonly NativeBuffer _marks;

    public LiveBlocks(StaticMemory memory, long blocks)
    {
        Check.That(blocks is > 0 and < int.MaxValue);
        Blocks = blocks;
        _marks = memory.Take(blocks * sizeof(ulong));
    }

    /// <summary>Blocks of the grid.</summary>
    public long Blocks { get; }

    public long Count { get; private set; }

    public void Clear()
    {
        _marks.As<ulong>().Clear();
        Count = 0;
    }

    /// <summary>Adds a block; some are named twice.</summary>
    public void Add(in BlockReference block)
    {
        Check.That(block.Address > 0 && block.Address <= (ulong)Blocks);
        ref ulong mark = ref _marks.As<ulong>()[(int)(block.Address - 1)];
        ulong added = MarkOf(block.Checksum);
        Check.That(mark == 0 || mark == added, "two blocks at one address");
        if (mark == 0) Count++;
        mark = added;
    }

    void IBlockVisitor.Visit(in BlockReference block, BlockKind kind) => Add(in block);

    /// <summary>0: the checkpoint does not need this block.</summary>
    public ulong Mark(long address) => _marks.As<ulong>()[(int)(address - 1)];

    /// <summary>What stands for a checksum; never 0.</summary>
    public static ulong MarkOf(UInt128 checksum)
    {
        ulong low = unchecked((ulong)checksum);
        return low == 0 ? 1 : low;
    }
}
