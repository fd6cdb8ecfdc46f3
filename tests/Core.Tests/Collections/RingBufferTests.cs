using System.Collections.Generic;
using Deterministic.Core.Collections;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Core.Tests.Collections;

public sealed class RingBufferTests
{
    [Fact]
    public void AFullQueueRefuses()
    {
        RingBuffer<string> queue = new(2);
        Assert.True(queue.TryAdd("a"));
        Assert.True(queue.TryAdd("b"));
        Assert.False(queue.TryAdd("c"));
        Assert.True(queue.TryTake(out string first));
        Assert.Equal("a", first);
        Assert.True(queue.TryAdd("c"));
        Assert.Equal("c", queue[1]);
    }

    [Fact]
    public void AnEmptyQueueHasNothing()
    {
        RingBuffer<int> queue = new(1);
        Assert.False(queue.TryTake(out _));
        Assert.Throws<CheckFailedException>(() => queue[0]);
    }

    [Fact]
    public void ItBehavesAsAQueueThatStopsAtItsCapacity() =>
        Prop.ForAll<byte, int?[]>((capacitySeed, steps) =>
        {
            RingBuffer<int> queue = new(capacitySeed % 5 + 1);
            Queue<int> model = new();
            foreach (int? step in steps)
            {
                if (step is int value)
                {
                    bool room = model.Count < queue.Capacity;
                    if (queue.TryAdd(value) != room) return false;
                    if (room) model.Enqueue(value);
                }
                else
                {
                    bool any = model.TryDequeue(out int expected);
                    if (queue.TryTake(out int taken) != any || (any && taken != expected)) return false;
                }
                if (queue.Count != model.Count) return false;
            }
            return true;
        }).QuickCheckThrowOnFailure();
}
