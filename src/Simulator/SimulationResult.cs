using System;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Core.Tracing;
using Deterministic.Simulator.Oracle;
using Deterministic.Simulator.World;
using Deterministic.Vsr;

namespace Deterministic.Simulator;

/// <summary>What a run came to.</summary>
internal sealed class SimulationResult
{
    /// <summary>What failed, without positions or numbers that a smaller run would change; empty for a run that
    /// passed.</summary>
    public required string Failure { get; init; }

    /// <summary>For people: where it failed.</summary>
    public required string Details { get; init; }
    public required TapeRecording Recording { get; init; }
    public required UInt128 Hash { get; init; }
    public required Marks Marks { get; init; }
    public required Coverage Coverage { get; init; }
    public required StopReason Refused { get; init; }
    public required ulong Compared { get; init; }
    public required ulong RowsCompared { get; init; }
    public required ulong SectorsLost { get; init; }
    public required ulong ReadsFailed { get; init; }
    public required ulong Ticks { get; init; }

    /// <summary>Packets delivered and operations of disks and stores completed.</summary>
    public required ulong Steps { get; init; }

    public bool Passed => Failure.Length == 0;

    /// <summary>Runs one simulation to its end and turns whatever it throws into a result.</summary>
    public static SimulationResult Of(Tape tape, Plant plant, Action<string> report) =>
        Of(tape, plant, SimulationOptions.Default, report);

    public static SimulationResult Of(
        Tape tape, Plant plant, SimulationOptions options, Action<string> report, ulong stepsMax = ulong.MaxValue)
    {
        using Simulation simulation = new(tape, plant, options, report) { StepsMax = stepsMax };
        string failure = "";
        string details = "";
        try
        {
            simulation.Run();
        }
        catch (CheckFailedException exception)
        {
            failure = exception.What;
            details = exception.ToString();
        }
        catch (Exception exception)
        {
            failure = exception.GetType().FullName ?? "exception";
            details = exception.ToString();
        }
        return new SimulationResult
        {
            Failure = failure, Details = details, Recording = tape.Recording, Hash = simulation.Trace.Hash,
            Marks = simulation.Marks, Coverage = simulation.Coverage,
            Refused = simulation.Refused, Compared = simulation.Compared,
            RowsCompared = simulation.RowsCompared, SectorsLost = simulation.SectorsLost,
            ReadsFailed = simulation.ReadsFailed, Ticks = simulation.Ticks, Steps = simulation.Steps,
        };
    }
}
