using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Accel.Tests;

public sealed class TopKTests
{
    [Fact]
    public void The_best_come_first_and_ties_go_to_the_smaller_id()
    {
        using StaticMemory memory = new();
        TopK top = new(memory, 10);
        top.Reset(3);

        Assert.True(top.Add(Scores.AscendingKey(0.5f), 9, 109));
        Assert.True(top.Add(Scores.AscendingKey(0.25f), 8, 108));
        Assert.Equal(ulong.MaxValue, top.Threshold);
        Assert.True(top.Add(Scores.AscendingKey(0.5f), 7, 107));
        Assert.Equal(Scores.AscendingKey(0.5f), top.Threshold);
        Assert.False(top.Add(Scores.AscendingKey(0.75f), 1, 101));
        Assert.False(top.Add(Scores.AscendingKey(0.5f), 10, 110));
        Assert.True(top.Add(Scores.AscendingKey(0.5f), 6, 106));

        ulong[] payloads = Array.ConvertAll(top.Sort().ToArray(), candidate => candidate.Payload);
        Assert.Equal([108, 106, 107], payloads);
    }

    [Fact]
    public void Any_order_of_arrival_gives_the_first_k_of_the_sorted_candidates()
    {
        using StaticMemory memory = new();
        TopK top = new(memory, 64);
        Gen<(int, int, int)> cases =
            from count in Gen.Choose(0, 200)
            from limit in Gen.Choose(1, 64)
            from seed in Gen.Choose(0, int.MaxValue)
            select (count, limit, seed);
        Prop.ForAll(cases.ToArbitrary(), drawn =>
        {
            (int count, int limit, int seed) = drawn;
            Random random = new(seed);
            int keys = random.Next(1, 30);
            List<(ulong Key, UInt128 Tie)> all = [];
            for (int i = 0; i < count; i++) all.Add(((ulong)random.Next(keys), new UInt128((ulong)random.Next(3),
                (ulong)i)));
            top.Reset(limit);
            foreach ((ulong key, UInt128 tie) in all)
            {
                ulong threshold = top.Threshold;
                bool taken = top.Add(key, tie, (ulong)tie);
                Assert.True(!taken || key <= threshold);
            }
            all.Sort();

            ReadOnlySpan<Candidate> best = top.Sort();

            Assert.Equal(int.Min(limit, count), best.Length);
            for (int i = 0; i < best.Length; i++)
            {
                Assert.Equal(all[i], (best[i].Key, best[i].Tie));
                Assert.Equal((ulong)all[i].Tie, best[i].Payload);
            }
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void It_allocates_nothing_after_construction()
    {
        using StaticMemory memory = new();
        TopK top = new(memory, TopK.CapacityMax);
        memory.Seal();
        Fill(top);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Fill(top);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        static void Fill(TopK top)
        {
            top.Reset(TopK.CapacityMax);
            for (ulong i = 0; i < 30_000; i++) top.Add(i * 7919 % 30_011, i, i);
            ReadOnlySpan<Candidate> best = top.Sort();
            Core.Check.That(best.Length == TopK.CapacityMax && best[0].Key == 0);
        }
    }

    [Fact]
    public void Adding_after_sorting_is_a_bug()
    {
        using StaticMemory memory = new();
        TopK top = new(memory, 2);
        top.Add(1, 1, 1);
        top.Sort();
        Assert.Throws<CheckFailedException>(() => top.Add(2, 2, 2));
    }
}

public sealed class ScoresTests
{
    [Fact]
    public void Keys_order_singles_and_convert_back()
    {
        Prop.ForAll<int, int>((x, y) => Compare(BitConverter.Int32BitsToSingle(x), BitConverter.Int32BitsToSingle(y)))
            .QuickCheckThrowOnFailure();
        float[] edges =
        [
            float.NegativeInfinity, float.MinValue, -1f, -float.Epsilon, -0f, 0f, float.Epsilon, 1f, float.MaxValue,
            float.PositiveInfinity,
        ];
        foreach (float x in edges)
        {
            foreach (float y in edges) Compare(x, y);
        }

        static void Compare(float x, float y)
        {
            if (float.IsNaN(x) || float.IsNaN(y)) return;
            Assert.Equal(x.CompareTo(y) * (x == y ? 0 : 1), Scores.AscendingKey(x).CompareTo(Scores.AscendingKey(y)));
            Assert.Equal(Scores.AscendingKey(x) < Scores.AscendingKey(y),
                Scores.DescendingKey(x) > Scores.DescendingKey(y));
            Assert.Equal(x + 0f, Scores.SingleFromAscending(Scores.AscendingKey(x)));
            Assert.Equal(x + 0f, Scores.SingleFromDescending(Scores.DescendingKey(x)));
        }
    }

    [Fact]
    public void Keys_order_doubles_and_convert_back()
    {
        Prop.ForAll<long, long>((x, y) => Compare(BitConverter.Int64BitsToDouble(x), BitConverter.Int64BitsToDouble(y)))
            .QuickCheckThrowOnFailure();
        Prop.ForAll<NormalFloat, NormalFloat>((x, y) => Compare(x.Get, y.Get)).QuickCheckThrowOnFailure();
        Compare(-0d, 0d);
        Compare(double.NegativeInfinity, double.PositiveInfinity);

        static void Compare(double x, double y)
        {
            if (double.IsNaN(x) || double.IsNaN(y)) return;
            Assert.Equal(x < y, Scores.AscendingKey(x) < Scores.AscendingKey(y));
            Assert.Equal(x == y, Scores.AscendingKey(x) == Scores.AscendingKey(y));
            Assert.Equal(x < y, Scores.DescendingKey(x) > Scores.DescendingKey(y));
            Assert.Equal(x + 0d, Scores.DoubleFromAscending(Scores.AscendingKey(x)));
            Assert.Equal(x + 0d, Scores.DoubleFromDescending(Scores.DescendingKey(x)));
        }
    }

    [Fact]
    public void Keys_order_integers_and_convert_back() => Prop.ForAll<int, int>((x, y) =>
    {
        Assert.Equal(x < y, Scores.AscendingKey(x) < Scores.AscendingKey(y));
        Assert.Equal(x < y, Scores.DescendingKey(x) > Scores.DescendingKey(y));
        Assert.Equal(x, Scores.Int32FromAscending(Scores.AscendingKey(x)));
        Assert.Equal(x, Scores.Int32FromDescending(Scores.DescendingKey(x)));
        long longX = (long)x * y, longY = (long)y * y;
        Assert.Equal(longX < longY, Scores.AscendingKey(longX) < Scores.AscendingKey(longY));
        Assert.Equal(longX, Scores.Int64FromAscending(Scores.AscendingKey(longX)));
        Assert.Equal(longX, Scores.Int64FromDescending(Scores.DescendingKey(longX)));
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Not_a_number_has_no_key() =>
        Assert.Throws<CheckFailedException>(() => Scores.AscendingKey(float.NaN));
}
