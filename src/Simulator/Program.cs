using System;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.World;
using Deterministic.Vsr;

namespace Deterministic.Simulator;

/// <summary>The command: one seed, many seeds, a recorded run, or the shrinking of one.</summary>
[SuppressMessage(
    "ApiDesign", "RS0030:Do not use banned APIs", Justification = "a command prints and measures; runs do not")]
internal sealed class Program(SimulationOptions options)
{
    private const ulong SeedDefault = 20_260;
    private const string Help = """
        simulator [SEED]                   runs one seed and says what happens
        simulator --runs N [--seed FIRST]  runs N seeds in a row and says what they met together
        simulator --plants N [--seed FIRST] how many seeds, up to N, each planted bug of the protocol needs to be caught
        simulator --replay FILE            runs a recorded tape
        simulator --shrink FILE            makes a failing tape smaller, as FILE.small
        --replicas N before any of these: only clusters of N replicas, 1 to 6
        """;

    private static int Main(string[] arguments)
    {
        SimulationOptions options = SimulationOptions.Default;
        if (arguments is ["--replicas", string count, .. string[] rest])
        {
            if (!TryNumber(count, out ulong replicas) || replicas is 0 or > Limits.ReplicasMax) return Say(Help, 2);
            options = new SimulationOptions { Replicas = (int)replicas };
            arguments = rest;
        }
        return new Program(options).Run(arguments);
    }

    private int Run(string[] arguments)
    {
        switch (arguments)
        {
            case []: return RunSeed(SeedDefault);
            case ["--help"]: return Say(Help, 0);
            case ["--replay", string file]: return Replay(file);
            case ["--shrink", string file]: return Shrink(file);
            case ["--runs", string runs]: return RunFleet(runs, "1");
            case ["--runs", string runs, "--seed", string first]: return RunFleet(runs, first);
            case ["--plants", string most]: return RunPlants(most, "1", "");
            case ["--plants", string most, "--seed", string first]: return RunPlants(most, first, "");
            case ["--plants", string most, string name]: return RunPlants(most, "1", name);
            case [string seed] when TryNumber(seed, out ulong number): return RunSeed(number);
            default: return Say(Help, 2);
        }
    }

    private string OptionsText => options.Replicas == 0 ? "" : $"--replicas {options.Replicas} ";

    private static bool TryNumber(string text, out ulong number) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static int Say(string text, int code)
    {
        Console.WriteLine(text);
        return code;
    }

    private int RunSeed(ulong seed)
    {
        Console.WriteLine($"seed     {seed}");
        SimulationResult result = SimulationResult.Of(Tape.Seeded(seed), Plant.None, options, Console.WriteLine);
        return result.Passed ? Say("passed", 0) : Fail(seed, result);
    }

    private int Fail(ulong seed, SimulationResult result)
    {
        string file = TapeFile.NameOf(seed);
        TapeFile.Save(file, result.Recording);
        Console.WriteLine($"FAILED   seed {seed}, tick {result.Ticks}: {result.Details}");
        Console.WriteLine($"tape     {file} ({result.Recording.Length} choices)");
        Console.WriteLine($"again    dotnet run -c Release --project src/Simulator -- {OptionsText}{seed}");
        return 1;
    }

    private int RunFleet(string runsText, string firstText)
    {
        if (!TryNumber(runsText, out ulong runs) || !TryNumber(firstText, out ulong first)) return Say(Help, 2);
        Stopwatch watch = Stopwatch.StartNew();
        long told = 0;
        Fleet fleet = new(options);
        int failures = 0;
        for (ulong seed = first; seed - first < runs; seed++)
        {
            SimulationResult result = fleet.Run(seed);
            if (!result.Passed)
            {
                failures++;
                Fail(seed, result);
            }
            if (watch.ElapsedMilliseconds - told < 10_000) continue;
            told = watch.ElapsedMilliseconds;
            Console.WriteLine(
                $"{fleet.Runs} of {runs} runs, {failures} failed, {PerMinute(fleet, watch)} seeds a minute");
        }
        fleet.Describe(Console.WriteLine);
        Console.WriteLine($"{PerMinute(fleet, watch)} seeds a minute");
        foreach (string missing in fleet.Missing())
        {
            failures++;
            Console.WriteLine($"FAILED   {Fleet.RunsForCoverage} runs or more and none met: {missing}");
        }
        return Say(failures == 0 ? "passed" : $"{failures} failures", failures == 0 ? 0 : 1);
    }

    private int RunPlants(string mostText, string firstText, string name)
    {
        if (!TryNumber(mostText, out ulong most) || !TryNumber(firstText, out ulong first)) return Say(Help, 2);
        int missed = 0;
        for (ProtocolPlant plant = ProtocolPlant.None + 1; plant < ProtocolPlant.Count; plant++)
        {
            if (name.Length > 0 && plant.ToString() != name) continue;
            string caught = "not caught";
            for (ulong seed = first; seed - first < most && caught == "not caught"; seed++)
            {
                SimulationResult result =
                    SimulationResult.Of(Tape.Seeded(seed), new ProtocolBug(plant), options, static _ => { });
                if (!result.Passed) caught = $"{seed - first + 1} seeds, tick {result.Ticks}: {result.Failure}";
            }
            Console.WriteLine($"{plant,-24} {caught}");
            missed += caught == "not caught" ? 1 : 0;
        }
        return Say(missed == 0 ? "passed" : $"{missed} not caught", missed == 0 ? 0 : 1);
    }

    private static long PerMinute(Fleet fleet, Stopwatch watch) =>
        fleet.Runs * 60_000L / long.Max(1, watch.ElapsedMilliseconds);

    private int Replay(string file)
    {
        if (!TapeFile.TryLoad(file, out TapeRecording recording)) return Say($"{file} is not a whole recording", 2);
        Console.WriteLine($"seed     {recording.Seed}, {recording.Length} choices from {file}");
        SimulationResult result = SimulationResult.Of(Tape.Replay(recording), Plant.None, options, Console.WriteLine);
        return result.Passed ? Say("passed", 0) : Say($"FAILED   tick {result.Ticks}: {result.Details}", 1);
    }

    private int Shrink(string file)
    {
        if (!TapeFile.TryLoad(file, out TapeRecording recording)) return Say($"{file} is not a whole recording", 2);
        Shrinker shrinker = new(Plant.None, Console.WriteLine, options);
        bool fails = shrinker.TryShrink(recording, out SimulationResult smallest);
        if (!fails) return Say("this recording does not fail", 2);
        string small = file + ".small";
        TapeFile.Save(small, smallest.Recording);
        Console.WriteLine($"FAILED   tick {smallest.Ticks}: {smallest.Details}");
        Console.WriteLine($"again    dotnet run -c Release --project src/Simulator -- {OptionsText}--replay {small}");
        return 1;
    }
}
