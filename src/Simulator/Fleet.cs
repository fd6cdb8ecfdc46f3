using System;
using System.Collections.Generic;
using Deterministic.Core.Randomness;
using Deterministic.Core.Tracing;
using Deterministic.Simulator.Oracle;
using Deterministic.Simulator.World;
using Deterministic.Vsr;

namespace Deterministic.Simulator;

/// <summary>Many seeds one after another, and what they met together: a fleet that never saw a rare path did not test
/// it.</summary>
internal sealed class Fleet(SimulationOptions options)
{
    /// <summary>From this many runs on every path of <see cref="Required"/> must have been met.</summary>
    public const int RunsForCoverage = 500;

    private static readonly Mark[] Required =
    [
        Mark.CheckpointWritten, Mark.JournalReplayed, Mark.JournalWrapped, Mark.JournalTorn, Mark.JournalHeaderRepaired,
        Mark.SuperblockRepaired, Mark.SessionRegistered, Mark.SessionEvicted, Mark.DuplicateAnswered,
        Mark.DuplicateInFlight, Mark.PipelineFull, Mark.ClockWentBack, Mark.PrefetchWaited, Mark.JournalTruncated,
        Mark.JournalCorrupt, Mark.SuperblockTorn, Mark.CheckpointInterrupted, Mark.StateFull, Mark.ReplyTooLarge,
    ];

    private readonly Marks _marks = new();

    public int Runs { get; private set; }
    public int Refusals { get; private set; }
    public ulong Compared { get; private set; }
    public ulong RowsCompared { get; private set; }
    public ulong SectorsLost { get; private set; }
    public ulong ReadsFailed { get; private set; }

    public Coverage Coverage { get; } = new();

    public ulong Count(Mark mark) => _marks.Count(mark);

    /// <summary>Runs one seed and adds what it met.</summary>
    public SimulationResult Run(ulong seed)
    {
        SimulationResult result = SimulationResult.Of(Tape.Seeded(seed), Plant.None, options, static _ => { });
        Runs++;
        if (result.Refused != StopReason.None) Refusals++;
        _marks.Add(result.Marks);
        Coverage.Add(result.Coverage);
        Compared += result.Compared;
        RowsCompared += result.RowsCompared;
        SectorsLost += result.SectorsLost;
        ReadsFailed += result.ReadsFailed;
        return result;
    }

    public List<string> Missing()
    {
        List<string> missing = [];
        if (Runs < RunsForCoverage) return missing;
        foreach (Mark mark in Required)
        {
            if (_marks.Count(mark) == 0) missing.Add(mark.ToString());
        }
        missing.AddRange(RequiredCoverage.Missing(Coverage));
        if (SectorsLost == 0) missing.Add("torn writes");
        if (ReadsFailed == 0) missing.Add("failed reads");
        if (Refusals == 0) missing.Add("refusals of a damaged file");
        return missing;
    }

    public void Describe(Action<string> report)
    {
        report($"{Runs} runs compared {Compared} replies with {RowsCompared} rows; {SectorsLost} sectors of " +
            $"writes lost in crashes; {ReadsFailed} reads failed; {Refusals} damaged files refused");
        for (Mark mark = 0; mark < Mark.Count; mark++)
        {
            if (_marks.Count(mark) > 0) report($"  mark {mark} {_marks.Count(mark)}");
        }
        Coverage.Describe(report);
    }
}
