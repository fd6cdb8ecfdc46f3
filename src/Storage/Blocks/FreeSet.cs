using System;
using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.Storage.Blocks;

/// <summary>Which blocks of the grid are in use. Space is reserved before work starts, so that work once begun never
/// runs out; addresses are acquired lowest first, in an order that the log alone decides. A released block stays in use
/// until a checkpoint that does not need it any more is durable: on this disk, and in a cluster on a quorum, for who
/// has only the checkpoint before may still ask for the block. So a checkpoint also holds what waits for it.</summary>
public sealed class FreeSet
{
    private const int WordBits = 64;

    private readonly NativeBuffer _acquired;

    /// <summary>Released since the last checkpoint was made.</summary>
    private readonly NativeBuffer _released;

    /// <summary>Released before the last checkpoint, which is not known to be durable.</summary>
    private readonly NativeBuffer _waiting;
    private readonly int _setSize;
    private int _lowestWord;
    private long _releasedCount;
    private long _waitingCount;

    /// <summary>A planted bug, see <see cref="StoragePlant.FreesEarly"/>.</summary>
    internal bool FreesEarly { get; set; }

    /// <param name="memory">Where the bits are from.</param>
    /// <param name="blocks">Blocks of the grid; addresses are 1 to this.</param>
    public FreeSet(StaticMemory memory, long blocks)
    {
        Check.That(blocks > 0 && blocks < int.MaxValue);
        Blocks = blocks;
        _setSize = (int)((blocks + WordBits - 1) / WordBits * sizeof(ulong));
        SizeBytes = 2 * _setSize;
        _acquired = memory.Take(_setSize);
        _released = memory.Take(_setSize);
        _waiting = memory.Take(_setSize);
        FillTail();
    }

    public long Blocks { get; }

    /// <summary>Bytes of the bits as they are written into a checkpoint.</summary>
    public int SizeBytes { get; }

    /// <summary>Blocks in use, released ones included.</summary>
    public long AcquiredCount { get; private set; }

    /// <summary>Released blocks that are still in use.</summary>
    public long ReleasedCount => _releasedCount + _waitingCount;

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
        Check.That(!IsReleased(address), "a block is released twice");
        WordOf(_released, address) |= BitOf(address);
        _releasedCount++;
        if (!FreesEarly) return;
        AwaitCheckpoint();
        FreeReleased();
    }

    public bool IsAcquired(ulong address) => (WordOf(_acquired, address) & BitOf(address)) != 0;

    public bool IsReleased(ulong address) =>
        ((WordOf(_released, address) | WordOf(_waiting, address)) & BitOf(address)) != 0;

    /// <summary>A checkpoint is being made: what was released until now waits for it to be durable. The one before is
    /// by now.</summary>
    public void AwaitCheckpoint()
    {
        Check.That(_waitingCount == 0, "the checkpoint before is not durable");
        _released.Span.CopyTo(_waiting.Span);
        _released.Span.Clear();
        _waitingCount = _releasedCount;
        _releasedCount = 0;
    }

    /// <summary>The last checkpoint is durable: what was released before it is free.</summary>
    public void FreeReleased()
    {
        Span<ulong> acquired = _acquired.As<ulong>();
        Span<ulong> waiting = _waiting.As<ulong>();
        for (int i = 0; i < acquired.Length; i++) acquired[i] &= ~waiting[i];
        waiting.Clear();
        AcquiredCount -= _waitingCount;
        _waitingCount = 0;
        _lowestWord = 0;
        Check.That(AcquiredCount >= 0);
    }

    /// <summary>The set as a checkpoint holds it, <see cref="SizeBytes"/>: the blocks in use, then those among them
    /// that are free once it is durable.</summary>
    public void WriteTo(Span<byte> bytes)
    {
        Check.That(bytes.Length == SizeBytes);
        _acquired.Span.CopyTo(bytes);
        _waiting.Span.CopyTo(bytes[_setSize..]);
    }

    /// <summary>Takes the set of a checkpoint; false if it cannot be one of this grid.</summary>
    public bool Read(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != SizeBytes) return false;
        bytes[.._setSize].CopyTo(_acquired.Span);
        bytes[_setSize..].CopyTo(_waiting.Span);
        _released.Span.Clear();
        ReadOnlySpan<ulong> acquired = _acquired.As<ulong>();
        ReadOnlySpan<ulong> waiting = _waiting.As<ulong>();
        long set = 0;
        long waits = 0;
        bool sound = TailIsFull();
        for (int i = 0; i < acquired.Length; i++)
        {
            set += BitOperations.PopCount(acquired[i]);
            waits += BitOperations.PopCount(waiting[i]);
            sound &= (waiting[i] & ~acquired[i]) == 0;
        }
        AcquiredCount = set - ((long)_setSize * 8 - Blocks);
        _waitingCount = waits;
        _releasedCount = 0;
        ReservedCount = 0;
        _lowestWord = 0;
        return sound;
    }

    /// <summary>Whether the blocks in use are these and no others, those apart that wait for the checkpoint.</summary>
    internal bool IsExactly(BlockSet blocks)
    {
        ReadOnlySpan<ulong> acquired = _acquired.As<ulong>();
        ReadOnlySpan<ulong> waiting = _waiting.As<ulong>();
        ReadOnlySpan<ulong> words = blocks.Words;
        Check.That(words.Length == acquired.Length && _releasedCount == 0);
        for (int i = 0; i < words.Length; i++) if ((words[i] & ~(acquired[i] & ~waiting[i])) != 0) return false;
        return blocks.Count == AcquiredCount - _waitingCount;
    }

    /// <summary>The bits behind the last block are always set, so that they are never found free.</summary>
    private void FillTail()
    {
        for (long bit = Blocks; bit < (long)_setSize * 8; bit++)
            WordOf(_acquired, (ulong)bit + 1) |= BitOf((ulong)bit + 1);
    }

    private bool TailIsFull()
    {
        for (long bit = Blocks; bit < (long)_setSize * 8; bit++)
            if (!IsAcquired((ulong)bit + 1) || IsReleased((ulong)bit + 1)) return false;
        return true;
    }

    private static ref ulong WordOf(NativeBuffer bits, ulong address)
    {
        Check.That(address > 0);
        return ref bits.As<ulong>()[(int)((address - 1) / WordBits)];
    }

    private static ulong BitOf(ulong address) => 1UL << (int)((address - 1) % WordBits);
}
