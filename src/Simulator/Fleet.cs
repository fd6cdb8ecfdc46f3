using System;
using System.Collections.Generic;
using System.Globalization;
using Deterministic.Core.Randomness;
using Deterministic.Core.Tracing;
using Deterministic.Simulator.Oracle;
using Deterministic.Simulator.World;
using Deterministic.Vsr;

namespace Deterministic.Simulator;

/// <summary>Many seeds, and what they met together: a fleet that never saw a rare path did not test it. What it counts
/// can be told as lines and added up from them, so that several processes can work for one fleet.</summary>
internal sealed class Fleet(SimulationOptions options)
{
    /// <summary>From this many runs on every path that is required must have been met.</summary>
    public const int RunsForCoverage = 2000;

    private const string Itself = "fleet";
    private const int TicksPerMinute = 6_000;

    public int Runs => (int)Coverage.Count(Itself, "runs");
    public int Failures => (int)Coverage.Count(Itself, "failures");
    public ulong SectorsLost => Coverage.Count(Itself, "sectors lost");
    public ulong SimulatedMinutes => Coverage.Count(Itself, "ticks") / TicksPerMinute;

    public Coverage Coverage { get; } = new();

    public ulong Count(Mark mark) => Coverage.Count("mark", mark.ToString());

    /// <summary>Runs one seed and adds what it met.</summary>
    public SimulationResult Run(ulong seed)
    {
        SimulationResult result = SimulationResult.Of(Tape.Seeded(seed), Plant.None, options, static _ => { });
        Coverage.Add(result.Coverage);
        for (Mark mark = 0; mark < Mark.Count; mark++)
            Coverage.Add("mark", mark.ToString(), result.Marks.Count(mark));
        Coverage.Add(Itself, "runs", 1);
        Coverage.Add(Itself, "failures", result.Passed ? 0UL : 1);
        Coverage.Add(Itself, "refusals of a damaged file", result.Refused != StopReason.None ? 1UL : 0);
        Coverage.Add(Itself, "replies compared", result.Compared);
        Coverage.Add(Itself, "rows compared", result.RowsCompared);
        Coverage.Add(Itself, "sectors lost", result.SectorsLost);
        Coverage.Add(Itself, "reads failed", result.ReadsFailed);
        Coverage.Add(Itself, "ticks", result.Ticks);
        return result;
    }

    /// <summary>Adds what another fleet has described in one line; other lines are nothing.</summary>
    public void AddLine(string line)
    {
        int space = line.LastIndexOf(' ');
        bool counted = line.StartsWith("  ", StringComparison.Ordinal) && space > 2;
        if (!counted) return;
        string name = line[2..space];
        if (ulong.TryParse(line[(space + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ulong count))
            Coverage.Add(name, count);
    }

    /// <summary>What so many runs should have met and did not.</summary>
    public List<string> Missing()
    {
        return Runs < RunsForCoverage ? [] : RequiredCoverage.Missing(Coverage, options);
    }

    public void Describe(Action<string> report) => Coverage.Describe(report);
}
