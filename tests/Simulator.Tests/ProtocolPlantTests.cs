using System;
using System.Collections.Generic;
using Deterministic.Core.Randomness;
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
        [ProtocolPlant.AcceptsOldEntries] = (3, 218),
        [ProtocolPlant.CommitsForeignLog] = (3, 174),
        [ProtocolPlant.DeniesDamaged] = (3, 35),
        [ProtocolPlant.ForgetsHead] = (3, 128),
        [ProtocolPlant.SkipsConfirmation] = (3, 95),
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
        SimulationOptions options = new() { Replicas = replicas };
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
}
