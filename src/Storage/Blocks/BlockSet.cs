using System;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.Storage.Blocks;

/// <summary>Addresses that something untrusted refers to, each at most once.</summary>
internal sealed class BlockSet
{
    private const int WordBits = 64;

    private readonly NativeBuffer _bits;
    private readonly long _blocks;

    /// <param name="memory">Where the bits are from.</param>
    /// <param name="blocks">Blocks of the grid; addresses are 1 to this.</param>
    public BlockSet(StaticMemory memory, long blocks)
    {
        Check.That(blocks > 0 && blocks < int.MaxValue);
        _blocks = blocks;
        _bits = memory.Take((blocks + WordBits - 1) / WordBits * sizeof(ulong));
    }

    public long Count { get; private set; }

    /// <summary>One bit an address, from the first on.</summary>
    public ReadOnlySpan<ulong> Words => _bits.As<ulong>();

    public void Clear()
    {
        _bits.Span.Clear();
        Count = 0;
    }

    /// <summary>False: the grid has no such block, or it is in the set already.</summary>
    public bool TryAdd(ulong address)
    {
        if (address == 0 || address > (ulong)_blocks) return false;
        ref ulong word = ref _bits.As<ulong>()[(int)((address - 1) / WordBits)];
        ulong bit = 1UL << (int)((address - 1) % WordBits);
        if ((word & bit) != 0) return false;
        word |= bit;
        Count++;
        return true;
    }
}
