using System;
using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.Storage.Blocks;

/// <summary>Which blocks of the grid are in use. Space is reserved before work starts, so that work once begun never
/// runs out; addresses are acquired lowest first, in an order that the log alone decides. A released block stays in use
/// until a checkpoint that does not need it any more is durable.</summary>
public sealed class FreeSet
{
    private const int WordBits = 64;

    private readonly NativeBuffer _acquired;
    private readonly NativeBuffer _released;
    private int _lowestWord;

    /// <summary>A planted bug, see <see cref="StoragePlant.FreesEarly"/>.</summary>
    internal bool FreesEarly { get; set; }

    /// <param name="memory">Where the bits are from.</param>
    /// <param name="blocks">Blocks of the grid; addresses are 1 to this.</param>
    public FreeSet(StaticMemory memory, long blocks)
    {
        Check.That(blocks > 0 && blocks < int.MaxValue);
        Blocks = blocks;
        SizeBytes = (int)((blocks + WordBits - 1) / WordBits * sizeof(ulong));
        _acquired = memory.Take(SizeBytes);
        _released = memory.Take(SizeBytes);
        FillTail();
    }

    public long Blocks { get; }

    /// <summary>Bytes of the bits as they are written into a checkpoint.</summary>
    public int SizeBytes { get; }

    /// <summary>Blocks in use, released ones included.</summary>
    public long AcquiredCount { get; private set; }

    /// <summary>Blocks that the next durable checkpoint frees.</summary>
    public long ReleasedCount { get; private set; }

    public long ReservedCount { get; private set; }

    /// <summary>Blocks that may still be reserved.</summary>
    public long FreeCount => Blocks - AcquiredCount - ReservedCount;

    /// <summary>Sets blocks aside; false if there are not as many.</summary>
    public bool TryReserve(long blocks)
    {
        Check.That(blocks >= 0);
        if (blocks > FreeCount) return false;
        ReservedCount += blocks;
        return true;
    }

    /// <summary>Gives back what was reserved and not acquired.</summary>
    public void Forfeit(long blocks)
    {
        Check.That(blocks >= 0 && blocks <= ReservedCount);
        ReservedCount -= blocks;
    }

    /// <summary>Takes one reserved block: the lowest that is free.</summary>
    public ulong Acquire()
    {
        Check.That(ReservedCount > 0);
        Span<ulong> words = _acquired.As<ulong>();
        int word = _lowestWord;
        while (words[word] == ulong.MaxValue) word++;
        _lowestWord = word;
        int bit = BitOperations.TrailingZeroCount(~words[word]);
        words[word] |= 1UL << bit;
        ReservedCount--;
        AcquiredCount++;
        ulong address = (ulong)word * WordBits + (ulong)bit + 1;
        Check.That(address <= (ulong)Blocks);
        return address;
    }

    /// <summary>Lets go of a block; it is free once the next checkpoint is durable.</summary>
    public void Release(ulong address)
    {
        Check.That(IsAcquired(address));
        ref ulong word = ref WordOf(_released, address);
        ulong bit = BitOf(address);
        Check.That((word & bit) == 0, "a block is released twice");
        word |= bit;
        ReleasedCount++;
        if (FreesEarly) FreeReleased();
    }

    public bool IsAcquired(ulong address) => (WordOf(_acquired, address) & BitOf(address)) != 0;

    public bool IsReleased(ulong address) => (WordOf(_released, address) & BitOf(address)) != 0;

    /// <summary>The checkpoint that was written last is durable: what was released before it is free.</summary>
    public void FreeReleased()
    {
        Span<ulong> acquired = _acquired.As<ulong>();
        Span<ulong> released = _released.As<ulong>();
        for (int i = 0; i < acquired.Length; i++) acquired[i] &= ~released[i];
        released.Clear();
        AcquiredCount -= ReleasedCount;
        ReleasedCount = 0;
        _lowestWord = 0;
        Check.That(AcquiredCount >= 0);
    }

    /// <summary>Bytes <paramref name="from"/> on of the set as it will be when the checkpoint that holds it is
    /// durable: what is released counts as free.</summary>
    public void WriteTo(int from, Span<byte> bytes)
    {
        ReadOnlySpan<byte> acquired = _acquired.Slice(from, bytes.Length);
        ReadOnlySpan<byte> released = _released.Slice(from, bytes.Length);
        for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)(acquired[i] & ~released[i]);
    }

    /// <summary>Takes the set of a checkpoint; false if it cannot be one of this grid.</summary>
    public bool Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != SizeBytes) return false;
        bytes.CopyTo(_acquired.Span);
        _released.Span.Clear();
        long set = 0;
        foreach (ulong word in _acquired.As<ulong>()) set += BitOperations.PopCount(word);
        long tail = (long)SizeBytes * 8 - Blocks;
        bool tailSet = TailIsFull();
        AcquiredCount = set - tail;
        ReleasedCount = 0;
        ReservedCount = 0;
        _lowestWord = 0;
        return tailSet;
    }

    /// <summary>Whether the blocks in use are these and no others.</summary>
    internal bool IsExactly(BlockSet blocks)
    {
        ReadOnlySpan<ulong> acquired = _acquired.As<ulong>();
        ReadOnlySpan<ulong> words = blocks.Words;
        Check.That(words.Length == acquired.Length);
        for (int i = 0; i < words.Length; i++) if ((words[i] & ~acquired[i]) != 0) return false;
        return blocks.Count == AcquiredCount;
    }

    /// <summary>The bits behind the last block are always set, so that they are never found free.</summary>
    private void FillTail()
    {
        for (long bit = Blocks; bit < (long)SizeBytes * 8; bit++)
            WordOf(_acquired, (ulong)bit + 1) |= BitOf((ulong)bit + 1);
    }

    private bool TailIsFull()
    {
        for (long bit = Blocks; bit < (long)SizeBytes * 8; bit++)
            if (!IsAcquired((ulong)bit + 1)) return false;
        return true;
    }

    private static ref ulong WordOf(NativeBuffer bits, ulong address)
    {
        Check.That(address > 0);
        return ref bits.As<ulong>()[(int)((address - 1) / WordBits)];
    }

    private static ulong BitOf(ulong address) => 1UL << (int)((address - 1) % WordBits);
}
