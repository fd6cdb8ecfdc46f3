using System;
using System.Diagnostics;
using System.IO;
using Deterministic.Core.Randomness;
using Deterministic.Fuzz;

return args switch
{
    ["smoke"] => Smoke(),
    ["canary"] => Run("canary", Targets.Random, () => Targets.Canary, 1, 3),
    [string name, string source] when File.Exists(source) => RunFile(name, source),
    [string name, ..] => RunNamed(name, args.Length > 1 ? ulong.Parse(args[1]) : 1),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: fuzz TARGET [SEED|FILE] | fuzz smoke | fuzz canary");
    foreach ((string name, _, _) in Targets.All) Console.Error.WriteLine("  " + name);
    return 2;
}

static int Smoke()
{
    int failures = 0;
    foreach ((string name, Func<TapeStream, byte[]> generate, Func<Target> make) in Targets.All)
        failures += Run(name, generate, make, 1, 3);
    return failures == 0 ? 0 : 1;
}

static int RunNamed(string name, ulong seed)
{
    foreach ((string known, Func<TapeStream, byte[]> generate, Func<Target> make) in Targets.All)
    {
        if (known == name) return Run(name, generate, make, seed, 30);
    }
    return Usage();
}

static int RunFile(string name, string path)
{
    foreach ((string known, _, Func<Target> make) in Targets.All)
    {
        if (known != name) continue;
        make()(File.ReadAllBytes(path));
        return 0;
    }
    return Usage();
}

static int Run(string name, Func<TapeStream, byte[]> generate, Func<Target> make, ulong seed, int seconds)
{
    Target target = make();
    Stopwatch watch = Stopwatch.StartNew();
    long executions = 0;
    for (ulong run = seed; watch.Elapsed.TotalSeconds < seconds; run++)
    {
        Tape tape = Tape.Seeded(run);
        byte[] input = generate(tape.Stream(TapeConsumer.Input));
        TapeStream damage = tape.Stream(TapeConsumer.Mutation);
        for (int mutant = 0; mutant < 8; mutant++, executions++)
        {
            try
            {
                target(input);
            }
            catch (Exception problem)
            {
                string path = Path.Combine(Path.GetTempPath(), $"fuzz-{name}-{run}-{mutant}");
                File.WriteAllBytes(path, input);
                Console.WriteLine($"{name}: seed {run}, mutant {mutant}: {problem}");
                Console.WriteLine($"the input: fuzz {name} {path}; with all before it: fuzz {name} {seed}");
                return 1;
            }
            if (input.Length > 0) input[damage.Below(input.Length)] = (byte)damage.Below(256);
        }
    }
    Console.WriteLine($"{name}: {executions} executions in {watch.Elapsed.TotalSeconds:F1} s, seeds {seed} and up");
    return 0;
}
