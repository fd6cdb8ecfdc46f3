using System;
using System.Globalization;
using System.IO;
using Deterministic.Fuzz;

return args switch
{
    ["smoke"] => Smoke(),
    ["canary"] => Runner.Run(Targets.Canary, seed: 1, seconds: 30) is null ? 1 : 0,
    ["corpus", string name] => Targets.Find(name) is { } target ? Corpus.Write(target) : Usage(),
    [string name] => RunSeeds(name, "1"),
    [string name, string source] when File.Exists(source) => Replay(name, source),
    [string name, string seed] => RunSeeds(name, seed),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: fuzz TARGET [SEED|FILE] | fuzz smoke | fuzz canary | fuzz corpus TARGET");
    foreach (TargetDescription target in Targets.All) Console.Error.WriteLine("  " + target.Name);
    return 2;
}

static int Smoke()
{
    int failures = 0;
    foreach (TargetDescription target in Targets.All)
    {
        Tally? tally = Runner.Run(target, seed: 1, seconds: 4);
        if (tally is { Accepted: 0 }) Console.WriteLine($"{target.Name}: nothing was accepted, so nothing was tested");
        if (tally is null or { Accepted: 0 }) failures++;
    }
    return failures == 0 ? 0 : 1;
}

static int RunSeeds(string name, string text)
{
    bool isSeed = ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed);
    if (!isSeed || Targets.Find(name) is not { } target) return Usage();
    return Runner.Run(target, seed, seconds: 30) is null ? 1 : 0;
}

static int Replay(string name, string path) =>
    Targets.Find(name) is { } target ? Runner.Replay(target, path) : Usage();
