using System;
using Deterministic.Core.Randomness;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Core.Tests.Randomness;

public sealed class PrngTests
{
    /// <summary>xoshiro256++ after splitmix64 of 42: pinned, because seeds are kept.</summary>
    [Fact]
    public void NumbersOfASeedNeverChange()
    {
        Prng prng = new(42);
        ulong[] drawn = [prng.Next(), prng.Next(), prng.Next()];
        Assert.Equal([0xD0764D4F4476689FUL, 0x519E4174576F3791UL, 0xFBE07CFB0C24ED8CUL], drawn);
    }

    [Fact]
    public void BelowStaysBelowAndReachesEverything()
    {
        Prng prng = new(1);
        Span<int> seen = stackalloc int[7];
        for (int i = 0; i < 7_000; i++) seen[prng.Below(7)]++;
        foreach (int count in seen) Assert.InRange(count, 800, 1200);
    }

    [Fact]
    public void RangeIncludesBothEnds()
    {
        Prng prng = new(2);
        bool min = false;
        bool max = false;
        for (int i = 0; i < 1000; i++)
        {
            int value = prng.Range(-3, 3);
            Assert.InRange(value, -3, 3);
            min |= value == -3;
            max |= value == 3;
        }
        Assert.True(min && max);
        Assert.InRange(prng.Range(int.MinValue, int.MaxValue), int.MinValue, int.MaxValue);
    }

    [Fact]
    public void ChanceFollowsTheRatio()
    {
        Prng prng = new(3);
        int hits = 0;
        for (int i = 0; i < 10_000; i++) hits += prng.Chance(new Ratio(3, 10)) ? 1 : 0;
        Assert.InRange(hits, 2_800, 3_200);
        Assert.False(prng.Chance(Ratio.Never));
        Assert.True(prng.Chance(Ratio.Always));
    }

    [Fact]
    public void ForksAndUsesAreIndependent()
    {
        Prng parent = new(4);
        Assert.NotEqual(parent.Fork().Next(), parent.Fork().Next());
        Assert.NotEqual(Prng.For(4, 0).Next(), Prng.For(4, 1).Next());
        Assert.Equal(Prng.For(4, 1).Next(), Prng.For(4, 1).Next());
    }

    [Fact]
    public void ShuffleKeepsAllItems() => Prop.ForAll<int[], ulong>((items, seed) =>
    {
        int[] shuffled = (int[])items.Clone();
        new Prng(seed).Shuffle(shuffled.AsSpan());
        Array.Sort(shuffled);
        int[] sorted = (int[])items.Clone();
        Array.Sort(sorted);
        return shuffled.AsSpan().SequenceEqual(sorted);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void ARatioAboveOneIsABug() => Assert.Throws<CheckFailedException>(() => new Ratio(2, 1));
}
