using System;
using System.Globalization;
using System.IO;
using System.Threading.Tasks;
using Deterministic.Fuzz;

const int secondsDefault = 30;

return args switch
{
    ["smoke"] => await SmokeAsync(),
    ["canary"] => Runner.Run(Targets.Canary, seed: 1, seconds: 30) is null ? 1 : 0,
    ["corpus", string name] => Targets.Find(name) is { } target ? Corpus.Write(target) : Usage(),
    [string name] => await RunSeedsAsync(name, "1", $"{secondsDefault}"),
    [string name, string source] when File.Exists(source) => Replay(name, source),
    [string name, string seed] => await RunSeedsAsync(name, seed, $"{secondsDefault}"),
    [string name, string seed, string seconds] => await RunSeedsAsync(name, seed, seconds),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: fuzz TARGET [SEED [SECONDS]|FILE] | fuzz smoke | fuzz canary | fuzz corpus TARGET");
    foreach (TargetDescription target in Targets.All) Console.Error.WriteLine("  " + target.Name);
    Console.Error.WriteLine("  " + HttpFuzz.Name);
    return 2;
}

static async Task<int> SmokeAsync()
{
    int failures = 0;
    foreach (TargetDescription target in Targets.All)
    {
        Tally? tally = Runner.Run(target, seed: 1, seconds: 4);
        if (tally is { Accepted: 0 }) Console.WriteLine($"{target.Name}: nothing was accepted, so nothing was tested");
        if (tally is null or { Accepted: 0 }) failures++;
    }
    if (!await HttpFuzz.RunAsync(seed: 1, seconds: 8)) failures++;
    return failures == 0 ? 0 : 1;
}

static async Task<int> RunSeedsAsync(string name, string seedText, string secondsText)
{
    bool isRun = ulong.TryParse(seedText, NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
        & int.TryParse(secondsText, NumberStyles.None, CultureInfo.InvariantCulture, out int seconds);
    if (!isRun) return Usage();
    if (name == HttpFuzz.Name) return await HttpFuzz.RunAsync(seed, seconds) ? 0 : 1;
    if (Targets.Find(name) is not { } target) return Usage();
    return Runner.Run(target, seed, seconds) is null ? 1 : 0;
}

static int Replay(string name, string path) =>
    Targets.Find(name) is { } target ? Runner.Replay(target, path) : Usage();
