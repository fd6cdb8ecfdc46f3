using System;
using System.Collections.Generic;
using Deterministic.Core.Randomness;
using Deterministic.Core.Tracing;
using Deterministic.Simulator.Oracle;
using Deterministic.Simulator.World;
using Deterministic.Vsr;
using Xunit;

namespace Deterministic.Simulator.Tests;

public sealed class SimulationTests
{
    private static SimulationResult Run(ulong seed, Plant plant) =>
        SimulationResult.Of(Tape.Seeded(seed), plant, static _ => { });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(20260)]
    public void A_seed_passes_and_compares_something(ulong seed)
    {
        SimulationResult result = Run(seed, Plant.None);
        Assert.Equal("", result.Details);
        Assert.True(result.Refused != StopReason.None || result.Compared >= 60);
    }

    [Fact]
    public void A_seed_is_one_run_however_often()
    {
        SimulationResult first = Run(5, Plant.None);
        Assert.Equal(first.Hash, Run(5, Plant.None).Hash);
        Assert.NotEqual(first.Hash, Run(6, Plant.None).Hash);
    }

    [Fact]
    public void A_recording_replays_to_the_same_run()
    {
        SimulationResult first = Run(7, Plant.None);
        bool loaded = TapeRecording.TryLoad(first.Recording.Save(), out TapeRecording recording);
        Assert.True(loaded);
        SimulationResult again = SimulationResult.Of(Tape.Replay(recording), Plant.None, static _ => { });
        Assert.Equal(first.Hash, again.Hash);
        Assert.Equal(first.Recording.Save(), again.Recording.Save());
    }

    [Fact]
    public void A_few_seeds_meet_the_rare_paths()
    {
        Fleet fleet = new(SimulationOptions.Default);
        for (ulong seed = 100; seed < 120; seed++) Assert.Equal("", fleet.Run(seed).Details);
        Mark[] expected =
        [
            Mark.CheckpointWritten, Mark.JournalReplayed, Mark.DuplicateAnswered, Mark.SessionEvicted,
            Mark.SuperblockRepaired, Mark.JournalHeaderRepaired,
        ];
        foreach (Mark mark in expected) Assert.True(fleet.Count(mark) > 0, mark.ToString());
        Assert.True(fleet.SectorsLost > 0);
        string[] cheap = ["operation", "filter", "rank", "aggregate", "include", "type", "value", "id"];
        foreach ((string kind, string name) in RequiredCoverage.All(SimulationOptions.Default))
        {
            if (Array.IndexOf(cheap, kind) >= 0) Assert.True(fleet.Coverage.Count(kind, name) > 0, $"{kind} {name}");
        }
    }

    [Fact]
    public void What_no_run_met_is_named()
    {
        Coverage coverage = new();
        coverage.Hit("filter", "Eq");
        List<string> missing = RequiredCoverage.Missing(coverage, SimulationOptions.Default);
        Assert.DoesNotContain("filter Eq", missing);
        Assert.Contains("filter NotEq", missing);
        Assert.Contains("error StateFull", missing);
        foreach ((string kind, string name) in RequiredCoverage.All(SimulationOptions.Default))
            coverage.Hit(kind, name);
        Assert.Empty(RequiredCoverage.Missing(coverage, SimulationOptions.Default));
    }

    public static TheoryData<string> Plants => new(nameof(LosesWrites), nameof(CountsWrongly), nameof(DropsRows),
        nameof(StaleAfterCrash), nameof(SpoilsCheckpoints), nameof(MisspellsRefusals));

    /// <summary>Every checker is alive: within a few seeds each planted bug makes a run fail, for the right
    /// reason.</summary>
    [Theory]
    [MemberData(nameof(Plants))]
    public void A_planted_bug_is_caught(string plant)
    {
        List<string> reasons = [];
        for (ulong seed = 1; seed <= 12 && reasons.Count < 2; seed++)
        {
            SimulationResult result = Run(seed, Create(plant));
            if (!result.Passed) reasons.Add(result.Failure);
        }
        Assert.True(reasons.Count == 2, "not caught");
        foreach (string reason in reasons) Assert.DoesNotContain("too few", reason, StringComparison.Ordinal);
    }

    private static Plant Create(string plant) => plant switch
    {
        nameof(LosesWrites) => new LosesWrites(),
        nameof(CountsWrongly) => new CountsWrongly(),
        nameof(DropsRows) => new DropsRows(),
        nameof(StaleAfterCrash) => new StaleAfterCrash(),
        nameof(MisspellsRefusals) => new MisspellsRefusals(),
        _ => new SpoilsCheckpoints(),
    };

    [Fact]
    public void The_shrinker_makes_a_failing_run_smaller_and_it_still_fails_alike()
    {
        Plant plant = new DropsRows();
        SimulationOptions alone = new() { Replicas = 1 };
        SimulationResult failing = SimulationResult.Of(Tape.Seeded(1), plant, alone, static _ => { });
        Assert.False(failing.Passed);
        Shrinker shrinker = new(plant, static _ => { }, alone, attemptsMax: 400);
        bool fails = shrinker.TryShrink(failing.Recording, out SimulationResult smallest);
        Assert.True(fails);
        Assert.Equal(failing.Failure, smallest.Failure);
        Assert.True(smallest.Recording.Length < failing.Recording.Length / 2);
        SimulationResult again =
            SimulationResult.Of(Tape.Replay(smallest.Recording), plant, alone, static _ => { });
        Assert.Equal(failing.Failure, again.Failure);
    }

    [Fact]
    public void A_run_that_passes_cannot_be_shrunk()
    {
        SimulationResult passing = Run(2, Plant.None);
        Shrinker shrinker = new(Plant.None, static _ => { }, attemptsMax: 1);
        Assert.False(shrinker.TryShrink(passing.Recording, out _));
    }
}
