using System;
using Deterministic.Core;
using Deterministic.Storage.Tests.Support;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Storage.Tests;

/// <summary>The comparison with the model notices these bugs within as many seeds.</summary>
public sealed class PlantedBugTests(ITestOutputHelper output)
{
    private const int Steps = 1500;

    [Theory]
    [InlineData((byte)StoragePlant.FreesEarly, 3)]
    [InlineData((byte)StoragePlant.SavesFreeSetEarly, 3)]
    [InlineData((byte)StoragePlant.FlushDropsTombstones, 3)]
    [InlineData((byte)StoragePlant.MergeKeepsOldest, 3)]
    [InlineData((byte)StoragePlant.MergeDropsTombstones, 3)]
    public void AModelRunNoticesIt(byte plant, int seedsMax)
    {
        for (int seed = 1; seed <= seedsMax; seed++)
        {
            Assert.False(IsCaught(seed, StoragePlant.None, out string how), how);
            if (!IsCaught(seed, (StoragePlant)plant, out how)) continue;
            output.WriteLine($"{(StoragePlant)plant}: seed {seed}, {how}");
            return;
        }
        Assert.Fail($"{(StoragePlant)plant} was not noticed");
    }

    private static bool IsCaught(int seed, StoragePlant plant, out string how)
    {
        how = "";
        try
        {
            ForestModel.Run(seed, Steps, plant);
            return false;
        }
        catch (Exception e) when (e is CheckFailedException or InvalidOperationException or Xunit.Sdk.XunitException)
        {
            how = e.Message;
            return true;
        }
    }
}
