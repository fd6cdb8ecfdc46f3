using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using Deterministic.Core;
using Deterministic.Core.Randomness;

namespace Deterministic.Fuzz;

/// <summary>Runs one target on generated and mutated inputs until time is over, they are enough, or one fails. Every
/// input is a function of its seed and the corpus alone; the one that failed is saved.</summary>
internal sealed class Runner : IDisposable
{
    private const int MutantsPerSeed = 8;

    /// <summary>A run ends after so many, however much time is left.</summary>
    private const long ExecutionsMax = 10_000_000;
    private static readonly TimeSpan HangAfter = TimeSpan.FromSeconds(20);

    private readonly TargetDescription _description;
    private readonly Target _target;
    private readonly Tally _tally = new();
    private readonly Timer _watch;
    private byte[] _input = [];
    private long _started;

    private Runner(TargetDescription description)
    {
        _description = description;
        _target = description.Make();
        _started = Stopwatch.GetTimestamp();
        _watch = new Timer(_ => EndIfHanging(), null, HangAfter, TimeSpan.FromSeconds(1));
    }

    public void Dispose() => _watch.Dispose();

    /// <summary>What was accepted and refused, or null if an input failed.</summary>
    public static Tally? Run(TargetDescription description, ulong seed, int seconds)
    {
        using Runner runner = new(description);
        byte[][] corpus = Corpus.Load(description.Name);
        Stopwatch watch = Stopwatch.StartNew();
        foreach (byte[] input in corpus)
        {
            if (!runner.Execute(input)) return null;
        }
        ulong next = seed;
        while (watch.Elapsed.TotalSeconds < seconds && runner._tally.Executions < ExecutionsMax)
        {
            if (!runner.RunSeed(next++, corpus)) return null;
        }
        Tally tally = runner._tally;
        using Process self = Process.GetCurrentProcess();
        Console.WriteLine(
            $"{description.Name}: {tally.Executions} executions in {watch.Elapsed.TotalSeconds:F1} s, " +
            $"seeds {seed} to {next - 1}, corpus {corpus.Length}; {tally.Accepted} accepted, " +
            $"{tally.Refused} refused; at most {self.PeakWorkingSet64 >> 20} MiB resident");
        return tally;
    }

    public static int Replay(TargetDescription description, string path)
    {
        using Runner runner = new(description);
        if (!runner.Execute(File.ReadAllBytes(path))) return 1;
        Console.WriteLine(
            $"{description.Name}: {path} passes; {runner._tally.Accepted} accepted, {runner._tally.Refused} refused");
        return 0;
    }

    /// <summary>One input from the generator or the corpus, and mutants of it.</summary>
    private bool RunSeed(ulong seed, byte[][] corpus)
    {
        Tape tape = Tape.Seeded(seed);
        TapeStream structure = tape.Stream(TapeConsumer.Input);
        TapeStream damage = tape.Stream(TapeConsumer.Mutation);
        byte[] generated = _description.Generate(structure);
        bool fromCorpus = corpus.Length > 0 && damage.Chance(Ratio.OneIn(3));
        byte[] valid = fromCorpus ? damage.Pick<byte[]>(corpus) : generated;
        byte[] other = corpus.Length > 0 ? damage.Pick<byte[]>(corpus) : generated;
        if (!Execute(valid)) return false;
        byte[] input = valid;
        for (int mutant = 0; mutant < MutantsPerSeed; mutant++)
        {
            input = Mutator.Mutate(mutant % 4 == 0 ? valid : input, other, damage);
            if (!Execute(input)) return false;
        }
        return true;
    }

    private bool Execute(byte[] input)
    {
        Volatile.Write(ref _input, input);
        Volatile.Write(ref _started, Stopwatch.GetTimestamp());
        _tally.Executions++;
        try
        {
            _target(input, _tally);
            return true;
        }
        catch (Exception problem)
        {
            Report(problem.ToString());
            return false;
        }
    }

    private void EndIfHanging()
    {
        if (Stopwatch.GetElapsedTime(Volatile.Read(ref _started)) < HangAfter) return;
        Report($"one input took over {HangAfter.TotalSeconds} s");
        Environment.Exit(1);
    }

    private void Report(string problem)
    {
        byte[] input = Volatile.Read(ref _input);
        string name = ((ulong)Checksum.Of(input)).ToString("x16", CultureInfo.InvariantCulture);
        string path = Path.Combine(Path.GetTempPath(), $"fuzz-{_description.Name}-{name}");
        File.WriteAllBytes(path, input);
        Console.WriteLine($"{_description.Name}: {input.Length} bytes fail: {problem}");
        Console.WriteLine($"reproduce: dotnet run -c Release --project fuzz -- {_description.Name} {path}");
    }
}
