using Deterministic.Core.Tracing;
using Xunit;

namespace Deterministic.Core.Tests.Tracing;

public sealed class TraceTests
{
    [Fact]
    public void TheHashOfARunNeverChanges()
    {
        Trace trace = new(4);
        for (ulong i = 0; i < 10; i++) trace.Add(TraceCode.Committed, 1, i, i * i);
        Assert.Equal("ca5ad75b066688bdde2d700cd67ed153", trace.Hash.ToString("x32"));
    }

    [Fact]
    public void TheHashDependsOnEveryFieldAndOnTheOrder()
    {
        Assert.Equal(HashOf((1, 2, 3), (4, 5, 6)), HashOf((1, 2, 3), (4, 5, 6)));
        Assert.NotEqual(HashOf((1, 2, 3), (4, 5, 6)), HashOf((4, 5, 6), (1, 2, 3)));
        Assert.NotEqual(HashOf((1, 2, 3)), HashOf((2, 2, 3)));
        Assert.NotEqual(HashOf((1, 2, 3)), HashOf((1, 3, 3)));
        Assert.NotEqual(HashOf((1, 2, 3)), HashOf((1, 2, 4)));
        Assert.NotEqual(HashOf((1, 0, 0)), HashOf((1, 0, 0), (1, 0, 0)));
    }

    [Fact]
    public void TheRingKeepsTheNewest()
    {
        Trace trace = new(4);
        for (ulong i = 0; i < 6; i++) trace.Add(TraceCode.Prepared, 0, i, 0);
        Assert.Equal(4, trace.Kept);
        Assert.Equal(6UL, trace.Count);
        Assert.Equal(2UL, trace.Recent(0).A);
        Assert.Equal(5UL, trace.Recent(3).A);
        Assert.Equal(5U, trace.Recent(3).Sequence);
    }

    [Fact]
    public void MarksCountAndAddUp()
    {
        Marks one = new();
        Marks two = new();
        one.Hit(Mark.JournalTorn);
        two.Hit(Mark.JournalTorn);
        two.Hit(Mark.SessionEvicted);
        one.Add(two);
        Assert.Equal(2UL, one.Count(Mark.JournalTorn));
        Assert.Equal(1UL, one.Count(Mark.SessionEvicted));
        Assert.Equal(0UL, one.Count(Mark.PipelineFull));
    }

    private static System.UInt128 HashOf(params (byte Replica, ulong A, ulong B)[] events)
    {
        Trace trace = new(4);
        foreach ((byte replica, ulong a, ulong b) in events) trace.Add(TraceCode.Prepared, replica, a, b);
        return trace.Hash;
    }
}
