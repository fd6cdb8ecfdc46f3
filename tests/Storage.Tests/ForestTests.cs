using System;
using Deterministic.Storage.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Storage.Tests;

public sealed class ForestTests
{
    private static ForestBenchSizes Small { get; } = new(64 << 10, CacheFrames: 600, Blocks: 4096);

    [Fact]
    public void WhatWasWrittenIsFoundAfterFlushesAndMerges()
    {
        using ForestBench bench = new(Small, seed: 1);
        for (uint i = 0; i < 20_000; i++) Put(bench, ForestModel.Key(i * 7919 % 20_000), ForestModel.Value(i, 40));
        for (uint i = 0; i < 20_000; i += 17)
        {
            byte[] key = ForestModel.Key(i * 7919 % 20_000);
            bench.Run(forest => forest[0].Touch(key), forest =>
            {
                Assert.True(forest[0].TryGet(key, out ReadOnlySpan<byte> value));
                Assert.True(value.SequenceEqual(ForestModel.Value(i, 40)));
            });
        }
    }

    [Fact]
    public void EveryOperationAgreesWithTheModelThroughCrashes() => Prop.ForAll(
        ArbMap.Default.ArbFor<int>(), (int seed) => ForestModel.Run(seed, 1500)).QuickCheckThrowOnFailure();

    private static void Put(ForestBench bench, byte[] key, byte[] value) =>
        bench.Run(forest => forest[0].Touch(key), forest => forest[0].Put(key, value));
}
