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
    /// <summary>So many seeds from where the search begins have caught each of them.</summary>
    private const ulong SeedsMax = 400;

    /// <summary>What one replica does to its disk and its object store needs no others.</summary>
    private static readonly SimulationOptions _alone = new() { Replicas = 1, Standbys = 0 };

    [Theory]
    [InlineData(nameof(StoragePlant.FreesEarly), 1)]
    [InlineData(nameof(StoragePlant.SavesFreeSetEarly), 1)]
    [InlineData(nameof(StoragePlant.FlushDropsTombstones), 1)]
    [InlineData(nameof(StoragePlant.MergeKeepsOldest), 1)]
    [InlineData(nameof(StoragePlant.MergeDropsTombstones), 1)]
    [InlineData(nameof(StoragePlant.SignsEarly), 810)]
    [InlineData(nameof(StoragePlant.MergeFollowsReads), 1)]
    [InlineData(nameof(StoragePlant.ServesRot), 1)]
    [InlineData(nameof(StoragePlant.NamesMissingPacks), 210)]
    public void A_bug_of_the_storage_is_caught(string plant, ulong first) =>
        CheckCaught(new StorageBug(Enum.Parse<StoragePlant>(plant)), first);

    [Fact]
    public void An_upload_that_was_acknowledged_and_is_lost_later_is_caught() => CheckCaught(new LosesPacks(), 1);

    /// <param name="plant">The bug.</param>
    /// <param name="first">Shortly before a seed that has caught one which needs many.</param>
    private void CheckCaught(Plant plant, ulong first)
    {
        for (ulong seed = first; seed < first + SeedsMax; seed++)
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
