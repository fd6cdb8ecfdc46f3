using System;
using System.Collections.Generic;
using Deterministic.Core.Wire;
using Deterministic.Storage.Tests.Support;
using Xunit;

namespace Deterministic.Storage.Tests;

/// <summary>Damage to any block of a checkpoint - entries, parts of large values, indexes, trailer pages, root - is
/// reported as such once the block is needed. No read gives a wrong value.</summary>
public sealed class CorruptionTests
{
    private const ulong Operations = 230;

    [Fact]
    public void EveryDamageIsReportedWhereItIsNeeded()
    {
        var kinds = new SortedSet<BlockKind>();
        for (int seed = 1; seed <= 4; seed++)
        {
            using var forest = new DamagedForest(seed, Operations);
            Assert.False(forest.Reports(image => { }));
            var random = new Random(seed);
            foreach (ulong address in forest.Acquired) kinds.Add(Damage(forest, address, random));
        }
        Assert.Equal(
            [
                BlockKind.Entries, BlockKind.LargeValue, BlockKind.TableIndex, BlockKind.Trailer, BlockKind.Root,
                BlockKind.Filter,
            ],
            kinds);
    }

    /// <summary>A flipped bit, another block's bytes, and what was there before.</summary>
    private static BlockKind Damage(DamagedForest forest, ulong address, Random random)
    {
        bool needed = forest.Needed.Contains(address);
        Header header = Header.Read(forest.Block(address));
        int size = (int)header.Size;
        int bit = random.Next(8 * size);
        Assert.Equal(needed, forest.Reports(
            image => forest.BlockOf(image, address)[bit / 8] ^= (byte)(1 << bit % 8)));
        ulong other = forest.Acquired[random.Next(forest.Acquired.Count)];
        Assert.Equal(needed && other != address, forest.Reports(
            image => forest.Block(other).CopyTo(forest.BlockOf(image, address))));
        bool rewritten = !forest.BlockBefore(address)[..size].SequenceEqual(forest.Block(address)[..size]);
        Assert.Equal(needed && rewritten, forest.Reports(
            image => forest.BlockBefore(address).CopyTo(forest.BlockOf(image, address))));
        return header.Block.Kind;
    }
}
