using Deterministic.Simulator.Linearizability;
using Xunit;

namespace Deterministic.Simulator.Tests.Linearizability;

/// <summary>Two words of operations that returned, one of operations that did not.</summary>
public sealed class ConfigurationSetTests
{
    private readonly ConfigurationSet<RegisterOperation, long?, RegisterModel> _set = new(new RegisterModel(null), 2);

    [Fact]
    public void WhatIsThereIsSuperfluous()
    {
        Assert.True(_set.TryAdd(7, [ulong.MaxValue, 5, 0], 1));
        Assert.False(_set.TryAdd(7, [ulong.MaxValue, 5, 0], 1));
        Assert.Equal(1, _set.Count);
    }

    [Fact]
    public void AnotherStateOrAnotherSetIsAnotherConfiguration()
    {
        Assert.True(_set.TryAdd(7, [ulong.MaxValue, 5, 0], 1));
        Assert.True(_set.TryAdd(7, [ulong.MaxValue, 5, 0], 2));
        Assert.True(_set.TryAdd(7, [ulong.MaxValue, 4, 0], 1));
        Assert.True(_set.TryAdd(7, [5, 0, 0], 1));
        Assert.True(_set.TryAdd(7, [0, 5, 0], 1));
    }

    [Fact]
    public void MoreOfThoseThatDidNotReturnIsSuperfluousFewerOrOthersAreNot()
    {
        Assert.True(_set.TryAdd(7, [1, 0, 0b0110], 1));
        Assert.False(_set.TryAdd(7, [1, 0, 0b1110], 1));
        Assert.True(_set.TryAdd(7, [1, 0, 0b1001], 1));
        Assert.True(_set.TryAdd(7, [1, 0, 0b0010], 1));
        Assert.False(_set.TryAdd(7, [1, 0, 0b0011], 1));
        Assert.True(_set.TryAdd(7, [1, 0, 0], 1));
    }

    [Fact]
    public void ItGrows()
    {
        for (ulong i = 0; i < 5_000; i++) Assert.True(_set.TryAdd(i % 100, [i, i, 0], 1));
        for (ulong i = 0; i < 5_000; i++) Assert.False(_set.TryAdd(i % 100, [i, i, i], 1));
    }
}
