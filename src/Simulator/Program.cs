using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.IO;
using Deterministic.Core;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.Timeline;
using Deterministic.Simulator.World;
using Deterministic.Vsr;

namespace Deterministic.Simulator;

/// <summary>The command: one seed, many seeds, a recorded run, or the shrinking of one.</summary>
[SuppressMessage(
    "ApiDesign", "RS0030:Do not use banned APIs", Justification = "a command prints and measures; runs do not")]
internal sealed class Program(CommandLine line)
{
    private readonly Chronicle? _chronicle = line.Drawing is not null || line.Lists ? new Chronicle() : null;
    private readonly Stopwatch _watch = Stopwatch.StartNew();

    private static int Main(string[] arguments) =>
        CommandLine.TryParse(arguments, out CommandLine line) ? new Program(line).Run() : Say(CommandLine.Help, 2);

    private int Run() => line.Todo switch
    {
        CommandLine.Job.Seed => RunSeed(line.Number),
        CommandLine.Job.Runs => RunSeeds(),
        CommandLine.Job.Minutes => line.ReportFile is null ? RunProcesses() : RunAsWorker(line.ReportFile),
        CommandLine.Job.Replay => Replay(),
        CommandLine.Job.Shrink => Shrink(),
        CommandLine.Job.Plants => RunPlants(),
        _ => Say(CommandLine.Help, 0),
    };

    private static int Say(string text, int code)
    {
        Console.WriteLine(text);
        return code;
    }

    private int RunSeed(ulong seed)
    {
        Console.WriteLine($"seed     {seed}");
        SimulationOptions options = line.OptionsWith(_chronicle);
        SimulationResult result = SimulationResult.Of(Tape.Seeded(seed), Plant.None, options, Console.WriteLine);
        int code = result.Passed ? Say("passed", 0) : Fail(seed, result);
        Show(result, $"seed {seed}");
        return code;
    }

    /// <summary>What happened, as a page and as lines, where that is wanted.</summary>
    private void Show(SimulationResult result, string what)
    {
        if (_chronicle is null) return;
        _chronicle.NoteRun(HappeningKind.Run, result.Passed ? "passed" : $"FAILED: {result.Failure}");
        for (int i = 0; line.Lists && i < PlainList.Of(_chronicle).Count; i++)
            Console.WriteLine(PlainList.Of(_chronicle)[i]);
        if (line.Drawing is null) return;
        using Stream stream = typeof(Program).Assembly.GetManifestResourceStream("page.html")!;
        using StreamReader reader = new(stream);
        string ending = result.Passed ? "passed" : $"failed: {result.Failure}";
        string title = $"{line.OptionsText}{what}, {ending}. {_chronicle.Happenings[0].Text}";
        File.WriteAllText(line.Drawing, Page.Of(reader.ReadToEnd(), _chronicle, title));
        Console.WriteLine($"drawn    {line.Drawing}");
    }

    private int Fail(ulong seed, SimulationResult result)
    {
        Directory.CreateDirectory(line.Tapes);
        string file = Path.Combine(line.Tapes, TapeFile.NameOf(seed));
        TapeFile.Save(file, result.Recording);
        Console.WriteLine($"FAILED   seed {seed}, tick {result.Ticks}: {result.Details}");
        Console.WriteLine($"tape     {file} ({result.Recording.Length} choices)");
        Console.WriteLine($"again    dotnet run -c Release --project src/Simulator -- {line.OptionsText}{seed}");
        return 1;
    }

    private int RunSeeds()
    {
        Fleet fleet = new(line.Options);
        long told = 0;
        for (ulong i = 0; i < line.Number; i++)
        {
            RunOne(fleet, line.FirstSeed + i);
            if (_watch.ElapsedMilliseconds - told < 10_000) continue;
            told = _watch.ElapsedMilliseconds;
            Console.WriteLine(
                $"{fleet.Runs} of {line.Number} runs, {fleet.Failures} failed, {PerMinute(fleet)} seeds a minute");
        }
        return Conclude(fleet);
    }

    private void RunOne(Fleet fleet, ulong seed)
    {
        SimulationResult result = fleet.Run(seed);
        if (!result.Passed) Fail(seed, result);
    }

    private int Conclude(Fleet fleet)
    {
        fleet.Describe(Console.WriteLine);
        int failures = fleet.Failures;
        foreach (string missing in fleet.Missing())
        {
            failures++;
            Console.WriteLine($"FAILED   {Fleet.RunsForCoverage} runs or more and none met: {missing}");
        }
        Console.WriteLine(
            $"{fleet.Runs} runs, {PerMinute(fleet)} seeds and {HoursPerMinute(fleet)} simulated hours a minute");
        return Say(failures == 0 ? "passed" : $"{failures} failures", failures == 0 ? 0 : 1);
    }

    private long PerMinute(Fleet fleet) => fleet.Runs * 60_000L / long.Max(1, _watch.ElapsedMilliseconds);

    private string HoursPerMinute(Fleet fleet)
    {
        ulong tenths = fleet.SimulatedMinutes * 1_000_000 / ulong.Max(1, (ulong)_watch.ElapsedMilliseconds) / 100;
        return string.Create(CultureInfo.InvariantCulture, $"{tenths / 10}.{tenths % 10}");
    }

    /// <summary>A process on each core, each with its own seeds, for so many minutes; the counts come back as
    /// files.</summary>
    private int RunProcesses()
    {
        List<(Process Process, string Report)> workers = [];
        Directory.CreateDirectory(line.Tapes);
        for (int i = 0; i < Environment.ProcessorCount; i++)
        {
            string report = Path.Combine(line.Tapes, $"worker-{i}.txt");
            File.Delete(report);
            string[] arguments =
            [
                .. line.OptionsText.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--minutes", $"{line.Number}",
                "--seed", $"{line.FirstSeed + (ulong)i}", "--stride", $"{Environment.ProcessorCount}",
                "--tapes", line.Tapes, "--report", report,
            ];
            workers.Add((Process.Start(Environment.ProcessPath!, OfThisProgram(arguments)), report));
        }
        Fleet fleet = new(line.Options);
        bool whole = true;
        foreach ((Process process, string report) in workers)
        {
            process.WaitForExit();
            whole &= File.Exists(report);
            if (!File.Exists(report)) continue;
            foreach (string told in File.ReadLines(report)) fleet.AddLine(told);
            File.Delete(report);
        }
        int code = Conclude(fleet);
        return whole ? code : Say("a worker did not come to its end", 1);
    }

    /// <summary>Under the host of .NET the program is its first argument.</summary>
    private static string[] OfThisProgram(string[] arguments)
    {
        bool hosted = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet";
        return hosted ? [Path.Combine(AppContext.BaseDirectory, "simulator.dll"), .. arguments] : arguments;
    }

    private int RunAsWorker(string report)
    {
        Fleet fleet = new(line.Options);
        long most = (long)line.Number * 60_000;
        for (ulong seed = line.FirstSeed; _watch.ElapsedMilliseconds < most; seed += line.Stride) RunOne(fleet, seed);
        List<string> lines = [];
        fleet.Describe(lines.Add);
        File.WriteAllLines(report, lines);
        return fleet.Failures == 0 ? 0 : 1;
    }

    private int RunPlants()
    {
        int missed = 0;
        for (ProtocolPlant plant = ProtocolPlant.None + 1; plant < ProtocolPlant.Count; plant++)
        {
            string caught = "not caught";
            for (ulong i = 0; i < line.Number && caught == "not caught"; i++)
            {
                SimulationResult result = SimulationResult.Of(
                    Tape.Seeded(line.FirstSeed + i), new ProtocolBug(plant), line.Options, static _ => { });
                if (!result.Passed) caught = $"{i + 1} seeds, tick {result.Ticks}: {result.Failure}";
            }
            Console.WriteLine($"{plant,-24} {caught}");
            missed += caught == "not caught" ? 1 : 0;
        }
        return Say(missed == 0 ? "passed" : $"{missed} not caught", missed == 0 ? 0 : 1);
    }

    private int Replay()
    {
        if (!TapeFile.TryLoad(line.File, out TapeRecording recording))
            return Say($"{line.File} is not a whole recording", 2);
        Console.WriteLine($"seed     {recording.Seed}, {recording.Length} choices from {line.File}");
        SimulationOptions options = line.OptionsWith(_chronicle);
        SimulationResult result = SimulationResult.Of(Tape.Replay(recording), Plant.None, options, Console.WriteLine);
        Show(result, line.File);
        return result.Passed ? Say("passed", 0) : Say($"FAILED   tick {result.Ticks}: {result.Details}", 1);
    }

    private int Shrink()
    {
        if (!TapeFile.TryLoad(line.File, out TapeRecording recording))
            return Say($"{line.File} is not a whole recording", 2);
        Shrinker shrinker = new(Plant.None, Console.WriteLine, line.Options);
        bool fails = shrinker.TryShrink(recording, out SimulationResult smallest);
        if (!fails) return Say("this recording does not fail", 2);
        string small = line.File + ".small";
        TapeFile.Save(small, smallest.Recording);
        Chronicle chronicle = new();
        SimulationResult told = SimulationResult.Of(
            Tape.Replay(smallest.Recording), Plant.None, line.OptionsWith(chronicle), static _ => { });
        Check.That(told.Failure == smallest.Failure, "telling of a run has changed it");
        foreach (string text in PlainList.Of(chronicle)) Console.WriteLine(text);
        Console.WriteLine($"FAILED   tick {smallest.Ticks}: {smallest.Details}");
        Console.WriteLine(
            $"again    dotnet run -c Release --project src/Simulator -- {line.OptionsText}--replay {small}");
        return 1;
    }
}
