using System;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.World;
using Deterministic.Storage;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Simulator.Tests;

/// <summary>Bugs planted in the storage engine and in the archive of checkpoints: each is caught, and for its own
/// reason.</summary>
public sealed class StoragePlantTests(ITestOutputHelper output)
{
    /// <summary>The first of these seeds has caught each of them.</summary>
    private const ulong SeedsMax = 200;

    /// <summary>What one replica does to its disk and its object store needs no others.</summary>
    private static readonly SimulationOptions _alone = new() { Replicas = 1 };

    [Theory]
    [InlineData(nameof(StoragePlant.FreesEarly))]
    [InlineData(nameof(StoragePlant.SavesFreeSetEarly))]
    [InlineData(nameof(StoragePlant.FlushDropsTombstones))]
    [InlineData(nameof(StoragePlant.MergeKeepsOldest))]
    [InlineData(nameof(StoragePlant.MergeDropsTombstones))]
    [InlineData(nameof(StoragePlant.SignsEarly))]
    [InlineData(nameof(StoragePlant.MergeFollowsReads))]
    [InlineData(nameof(StoragePlant.ServesRot))]
    [InlineData(nameof(StoragePlant.NamesMissingPacks))]
    public void A_bug_of_the_storage_is_caught(string plant) =>
        CheckCaught(new StorageBug(Enum.Parse<StoragePlant>(plant)));

    [Fact]
    public void An_upload_that_was_acknowledged_and_is_lost_later_is_caught() => CheckCaught(new LosesPacks());

    private void CheckCaught(Plant plant)
    {
        for (ulong seed = 1; seed <= SeedsMax; seed++)
        {
            SimulationResult result = SimulationResult.Of(Tape.Seeded(seed), plant, _alone, static _ => { });
            if (result.Passed) continue;
            output.WriteLine($"{seed} seeds: {result.Failure}");
            Assert.DoesNotContain("too few", result.Failure, StringComparison.Ordinal);
            Assert.DoesNotContain("not every client", result.Failure, StringComparison.Ordinal);
            return;
        }
        Assert.Fail("not caught");
    }

    private sealed class StorageBug(StoragePlant bug) : Plant
    {
        public override StoragePlant Storage => bug;
    }

    /// <summary>A store that acknowledges packs, shows them once, and does not have them any more.</summary>
    private sealed class LosesPacks : Plant
    {
        private int _read;

        public override bool LosesObject(string key) =>
            key.Contains("/packs/", StringComparison.Ordinal) && ++_read % 8 == 0;
    }
}
