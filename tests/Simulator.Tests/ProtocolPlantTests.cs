using System;
using System.Collections.Generic;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.Timeline;
using Deterministic.Simulator.World;
using Deterministic.Vsr;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.Simulator.Tests;

/// <summary>Bugs planted in the protocol between replicas, each a line: every one is caught.</summary>
public sealed class ProtocolPlantTests(ITestOutputHelper output)
{
    private const ulong SeedsMax = 600;

    /// <summary>Where the search begins for bugs that need many seeds: shortly before one that has caught them. A
    /// change of the protocol or of the worlds makes it longer, not wrong.</summary>
    private static readonly SortedDictionary<ProtocolPlant, (int Replicas, ulong Seed)> _near = new()
    {
        [ProtocolPlant.AcceptsOldEntries] = (3, 131),
        [ProtocolPlant.CommitsForeignLog] = (3, 49),
        [ProtocolPlant.CommitsWithoutChain] = (3, 25),
        [ProtocolPlant.DeniesDamaged] = (3, 55),
        [ProtocolPlant.ForgetsHead] = (3, 39),
        [ProtocolPlant.SkipsConfirmation] = (3, 95),
        [ProtocolPlant.UpgradesAlone] = (3, 46),
    };

    public static TheoryData<string> Plants
    {
        get
        {
            TheoryData<string> plants = [];
            for (ProtocolPlant plant = ProtocolPlant.None + 1; plant < ProtocolPlant.Count; plant++)
                plants.Add(plant.ToString());
            return plants;
        }
    }

    [Theory]
    [MemberData(nameof(Plants))]
    public void A_bug_of_the_protocol_is_caught(string name)
    {
        ProtocolPlant plant = Enum.Parse<ProtocolPlant>(name);
        (int replicas, ulong first) = _near.TryGetValue(plant, out (int, ulong) near) ? near : (3, 1);
        // The others need no standbys, and are where they were before there were any.
        int standbys = plant is ProtocolPlant.StandbyAcknowledges or ProtocolPlant.TrustsPromoted ? 2 : 0;
        SimulationOptions options = new() { Replicas = replicas, Standbys = standbys };
        for (ulong seed = first; seed < first + SeedsMax; seed++)
        {
            SimulationResult result =
                SimulationResult.Of(Tape.Seeded(seed), new ProtocolBug(plant), options, static _ => { });
            if (result.Passed) continue;
            output.WriteLine($"{seed - first + 1} seeds: {result.Failure}");
            Assert.DoesNotContain("too few", result.Failure, StringComparison.Ordinal);
            return;
        }
        Assert.Fail("not caught");
    }

    /// <summary>A failing run of a cluster becomes a case that can be read.</summary>
    [Fact]
    public void A_failing_run_of_a_cluster_is_made_smaller_and_told()
    {
        SimulationOptions options = new() { Replicas = 3 };
        Plant bug = new ProtocolBug(ProtocolPlant.AnswersBeforeCommit);
        SimulationResult failing = SimulationResult.Of(Tape.Seeded(1), bug, options, static _ => { });
        Shrinker shrinker = new(bug, static _ => { }, options, attemptsMax: 30);
        bool fails = shrinker.TryShrink(failing.Recording, out SimulationResult smallest);
        Assert.True(fails);
        Assert.True(smallest.Recording.Length < failing.Recording.Length / 2);
        Chronicle chronicle = new();
        SimulationOptions told = new() { Replicas = 3, Chronicle = chronicle };
        Assert.Equal(failing.Failure,
            SimulationResult.Of(Tape.Replay(smallest.Recording), bug, told, static _ => { }).Failure);
        List<string> lines = PlainList.Of(chronicle);
        Assert.InRange(lines.Count, 10, 100);
        foreach (string line in lines) output.WriteLine(line);
    }
}
