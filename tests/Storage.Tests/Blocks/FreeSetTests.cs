using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage.Blocks;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Storage.Tests.Blocks;

public sealed class FreeSetTests : IDisposable
{
    /// <summary>The last word of bits is used in part.</summary>
    private const int Blocks = 70;

    private readonly StaticMemory _memory = new();

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void WhatIsReservedCanBeAcquiredWhateverOthersReserve()
    {
        FreeSet set = NewSet();
        Assert.True(set.TryReserve(60));
        Assert.False(set.TryReserve(11));
        Assert.True(set.TryReserve(10));
        Assert.Equal(0, set.FreeCount);
        for (ulong address = 1; address <= Blocks; address++) Assert.Equal(address, set.Acquire());
        Assert.Equal(Blocks, set.AcquiredCount);
        Assert.Equal(0, set.ReservedCount);
        Assert.Throws<CheckFailedException>(() => set.Acquire());
    }

    [Fact]
    public void WhatIsForfeitedIsForOthers()
    {
        FreeSet set = NewSet();
        Assert.True(set.TryReserve(Blocks));
        set.Acquire();
        set.Forfeit(20);
        Assert.Equal(20, set.FreeCount);
        Assert.True(set.TryReserve(20));
        Assert.False(set.TryReserve(1));
        Assert.Throws<CheckFailedException>(() => set.Forfeit(Blocks));
    }

    [Fact]
    public void TheLowestFreeBlockIsAcquired()
    {
        FreeSet set = NewSet(acquired: 10);
        foreach (ulong address in (ulong[])[7, 3]) set.Release(address);
        set.AwaitCheckpoint();
        set.FreeReleased();
        Assert.True(set.TryReserve(3));
        Assert.Equal(3UL, set.Acquire());
        Assert.Equal(7UL, set.Acquire());
        Assert.Equal(11UL, set.Acquire());
    }

    /// <summary>The checkpoint before the release needs the block until the one after it is durable.</summary>
    [Fact]
    public void WhatIsReleasedIsFreeOnlyAfterACheckpointIsDurable()
    {
        FreeSet set = NewSet(acquired: Blocks);
        set.Release(5);
        Assert.True(set.IsAcquired(5) && set.IsReleased(5));
        Assert.Equal(1, set.ReleasedCount);
        Assert.Equal(0, set.FreeCount);
        Assert.False(set.TryReserve(1));
        set.AwaitCheckpoint();
        Assert.True(set.IsAcquired(5) && set.IsReleased(5));
        set.FreeReleased();
        Assert.False(set.IsAcquired(5) || set.IsReleased(5));
        Assert.Equal(0, set.ReleasedCount);
        Assert.True(set.TryReserve(1));
        Assert.Equal(5UL, set.Acquire());
    }

    /// <summary>Whoever opens a checkpoint that is not known to be durable goes on like the set that it was written
    /// from: what was released before it is in use until it is, and what is released after it longer.</summary>
    [Fact]
    public void ACheckpointHoldsWhatWillBeFreeOnceItIsDurable()
    {
        FreeSet set = NewSet(acquired: 20);
        set.Release(9);
        set.AwaitCheckpoint();
        byte[] bytes = new byte[set.SizeBytes];
        set.WriteTo(bytes);
        Assert.True(set.IsAcquired(9));
        FreeSet opened = NewSet();
        Assert.True(opened.Read(bytes));
        Assert.Equal(20, opened.AcquiredCount);
        Assert.True(opened.IsReleased(9));
        opened.Release(8);
        opened.FreeReleased();
        Assert.Equal(19, opened.AcquiredCount);
        Assert.True(opened.IsReleased(8) && !opened.IsReleased(9));
        Assert.Equal(0, opened.ReservedCount);
        Assert.True(opened.TryReserve(2));
        Assert.Equal(9UL, opened.Acquire());
        Assert.Equal(21UL, opened.Acquire());
    }

    [Fact]
    public void BlocksThatAreNotInUseCannotBeReleasedNorAnyTwice()
    {
        FreeSet set = NewSet(acquired: 3);
        Assert.Throws<CheckFailedException>(() => set.Release(4));
        set.Release(2);
        Assert.Throws<CheckFailedException>(() => set.Release(2));
    }

    /// <summary>Bits behind the last block are set in every checkpoint; bytes in which one is not are none.</summary>
    [Fact]
    public void BytesOfAnotherGridAreRefused()
    {
        FreeSet set = NewSet();
        byte[] bytes = new byte[set.SizeBytes];
        set.WriteTo(bytes);
        Assert.True(NewSet().Read(bytes));
        Assert.False(NewSet().Read(bytes.AsSpan(1)));
        bytes[Blocks / 8] ^= 1 << Blocks % 8;
        Assert.False(NewSet().Read(bytes));
    }

    [Fact]
    public void ItAgreesWithAListOfStates() => Prop.ForAll(ArbMap.Default.ArbFor<int>(), (int seed) =>
    {
        var random = new Random(seed);
        FreeSet set = NewSet();
        char[] states = new char[Blocks + 1];
        states.AsSpan().Fill('f');
        int reserved = 0;
        for (int step = 0; step < 300; step++)
        {
            int count = random.Next(8);
            ulong address = (ulong)random.Next(1, Blocks + 1);
            switch (random.Next(10))
            {
                case 0:
                    set.FreeReleased();
                    states.AsSpan().Replace('w', 'f');
                    set.AwaitCheckpoint();
                    states.AsSpan().Replace('r', 'w');
                    break;
                case 1:
                    count = Math.Min(count, reserved);
                    set.Forfeit(count);
                    reserved -= count;
                    break;
                case < 4:
                    bool enough = count + reserved <= states.AsSpan(1).Count('f');
                    Assert.Equal(enough, set.TryReserve(count));
                    if (enough) reserved += count;
                    break;
                case < 7 when reserved > 0:
                    Assert.Equal(Array.IndexOf(states, 'f', 1), (int)set.Acquire());
                    states[Array.IndexOf(states, 'f', 1)] = 'a';
                    reserved--;
                    break;
                case >= 7 when states[address] == 'a':
                    set.Release(address);
                    states[address] = 'r';
                    break;
            }
            Assert.Equal(states[address] != 'f', set.IsAcquired(address));
            Assert.Equal(states[address] is 'r' or 'w', set.IsReleased(address));
            Assert.Equal(states.AsSpan(1).Count('f') - reserved, set.FreeCount);
            Assert.Equal(states.AsSpan(1).Count('r') + states.AsSpan(1).Count('w'), set.ReleasedCount);
        }
    }).QuickCheckThrowOnFailure();

    private FreeSet NewSet(int acquired = 0)
    {
        FreeSet set = new(_memory, Blocks);
        Assert.True(set.TryReserve(acquired));
        for (; acquired > 0; acquired--) set.Acquire();
        return set;
    }
}
