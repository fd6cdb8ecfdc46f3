using System.Collections.Generic;
using Xunit;

namespace Deterministic.Simulator.Tests;

public sealed class FleetTests
{
    private static readonly SimulationOptions _lite = new() { Replicas = 3, Lite = true };

    [Fact]
    public void What_a_fleet_describes_another_can_add()
    {
        Fleet first = new(_lite);
        Assert.Equal("", first.Run(11).Details);
        List<string> lines = [];
        first.Describe(lines.Add);
        Fleet both = new(_lite);
        foreach (string line in lines) both.AddLine(line);
        foreach (string line in lines) both.AddLine(line);
        both.AddLine("FAILED   seed 7");
        Assert.Equal(2, both.Runs);
        Assert.Equal(2 * first.Coverage.Count("fleet", "replies compared"),
            both.Coverage.Count("fleet", "replies compared"));
        Assert.True(first.Coverage.Count("cluster", "entries compared") > 0);
    }

    [Fact]
    public void Enough_runs_that_met_nothing_miss_everything_that_their_options_allow()
    {
        Fleet fleet = new(_lite);
        fleet.AddLine($"  fleet runs {Fleet.RunsForCoverage - 1}");
        Assert.Empty(fleet.Missing());
        fleet.AddLine("  fleet runs 1");
        Assert.Contains("mark ViewChanged", fleet.Missing());
        Assert.Contains("filter Eq", fleet.Missing());
        Assert.DoesNotContain("cluster prepare damaged", fleet.Missing());
        Assert.DoesNotContain("archive upload finished", fleet.Missing());
    }

    [Fact]
    public void Lite_worlds_have_crashes_and_cuts_and_nothing_else()
    {
        Fleet fleet = new(_lite);
        for (ulong seed = 1; seed <= 3; seed++) Assert.Equal("", fleet.Run(seed).Details);
        Assert.True(fleet.Coverage.Count("cluster", "primary crashed") > 0);
        Assert.True(fleet.Coverage.Count("cluster", "cut both ways") > 0);
        string[] others = ["prepare damaged", "block damaged", "reply damaged", "link clogged", "replica paused"];
        foreach (string name in others) Assert.Equal(0ul, fleet.Coverage.Count("cluster", name));
    }
}
