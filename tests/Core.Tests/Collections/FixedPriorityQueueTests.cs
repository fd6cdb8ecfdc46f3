using System.Collections.Generic;
using Deterministic.Core.Collections;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Core.Tests.Collections;

public sealed class FixedPriorityQueueTests
{
    [Fact]
    public void TheLeastPriorityComesFirstAndEqualOnesInTheOrderOfArrival()
    {
        FixedPriorityQueue<string> queue = new(4);
        Assert.True(queue.TryAdd(7, "late"));
        Assert.True(queue.TryAdd(3, "early, first"));
        Assert.True(queue.TryAdd(3, "early, second"));
        Assert.True(queue.TryPeek(out ulong priority));
        Assert.Equal(3ul, priority);
        Assert.Equal(["early, first", "early, second", "late"], TakeAll(queue));
    }

    [Fact]
    public void AFullQueueRefusesAndKeepsWhatItHas()
    {
        FixedPriorityQueue<int> queue = new(1);
        Assert.True(queue.TryAdd(2, 20));
        Assert.True(queue.IsFull);
        Assert.False(queue.TryAdd(1, 10));
        Assert.Equal([20], TakeAll(queue));
        Assert.True(queue.TryAdd(1, 10));
    }

    [Fact]
    public void AnEmptyQueueHasNothing()
    {
        FixedPriorityQueue<int> queue = new(1);
        Assert.False(queue.TryPeek(out _));
        Assert.False(queue.TryTake(out _));
    }

    /// <summary>Against a sorted dictionary of priority and arrival number. An operation below 12 adds with a quarter
    /// of itself as the priority, so that many are equal; all others take.</summary>
    [Fact]
    public void AgreesWithASortedDictionary() => Prop.ForAll(
        Gen.Choose(0, 19).ListOf().ToArbitrary(), Gen.Choose(1, 12).ToArbitrary(), static (operations, capacity) =>
        {
            FixedPriorityQueue<int> queue = new(capacity);
            SortedDictionary<(ulong, int), int> model = [];
            int number = 0;
            foreach (int operation in operations)
            {
                if (operation < 12)
                {
                    bool fits = model.Count < capacity;
                    ulong priority = (ulong)operation / 4;
                    Assert.Equal(fits, queue.TryAdd(priority, number));
                    if (fits) model.Add((priority, number), number);
                    number++;
                }
                else
                {
                    bool any = TryTake(model, out int expected);
                    Assert.Equal(any, queue.TryTake(out int actual));
                    if (any) Assert.Equal(expected, actual);
                }
                Assert.Equal(model.Count, queue.Count);
            }
        }).QuickCheckThrowOnFailure();

    private static bool TryTake(SortedDictionary<(ulong, int), int> model, out int item)
    {
        foreach (((ulong, int) key, int value) in model)
        {
            item = value;
            return model.Remove(key);
        }
        item = 0;
        return false;
    }

    private static List<T> TakeAll<T>(FixedPriorityQueue<T> queue)
    {
        List<T> items = [];
        while (queue.TryTake(out T item)) items.Add(item);
        return items;
    }
}
