using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading.Tasks;
using Deterministic.Core.Randomness;
using Deterministic.SystemTests.Faults;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.SystemTests.Cluster;

/// <summary>Harms a cluster in one way after the other, all drawn from a seed, and mends it after each. What is drawn
/// does not depend on what happened.</summary>
internal sealed class Nemesis(SystemCluster cluster, ulong seed, ITestOutputHelper output)
{
    private readonly Prng _prng = Prng.For(seed, 1000);
    private readonly long _started = Stopwatch.GetTimestamp();

    /// <summary>Names of the faults, each with how often it was.</summary>
    public SortedDictionary<string, int> Done { get; } = [];

    /// <summary>Each kind of fault once in a drawn order, then more until the time is over.</summary>
    public async Task RunAsync(TimeSpan time)
    {
        (string Name, Func<Task> Harm)[] faults =
        [
            ("kill", KillAsync), ("kill the primary", KillPrimaryAsync), ("kill all", KillAllAsync),
            ("pause", PauseAsync), ("pause the primary", PausePrimaryAsync), ("isolate", IsolateAsync),
            ("deafen", DeafenAsync), ("mute", MuteAsync), ("split", SplitAsync), ("slow", SlowAsync),
            ("corrupt", CorruptAsync), ("cut", CutAsync), ("disk", DiskAsync),
        ];
        _prng.Shuffle(faults.AsSpan());
        for (int i = 0; i < faults.Length || Stopwatch.GetElapsedTime(_started) < time; i++)
        {
            (string name, Func<Task> harm) = faults[i % faults.Length];
            output.WriteLine($"{Stopwatch.GetElapsedTime(_started).TotalSeconds,6:F1} s: {name}");
            Done[name] = Done.GetValueOrDefault(name) + 1;
            await harm();
            await cluster.HealAsync();
            await Pace.WaitAsync(Span(300, 1200));
        }
    }

    private async Task KillAsync()
    {
        await cluster.KillAsync(Replica());
        await Pace.WaitAsync(Span(100, 2000));
    }

    private async Task KillPrimaryAsync()
    {
        int other = Replica();
        await cluster.KillAsync(await cluster.PrimaryAsync() ?? other);
        await Pace.WaitAsync(Span(100, 3000));
    }

    /// <summary>As when the power fails.</summary>
    private async Task KillAllAsync()
    {
        for (int i = 0; i < cluster.Count; i++) await cluster.KillAsync(i);
    }

    private async Task PauseAsync()
    {
        await cluster.PauseAsync(Replica());
        await Pace.WaitAsync(Span(200, 3000));
    }

    private async Task PausePrimaryAsync()
    {
        int other = Replica();
        await cluster.PauseAsync(await cluster.PrimaryAsync() ?? other);
        await Pace.WaitAsync(Span(500, 3000));
    }

    private Task IsolateAsync()
    {
        int replica = Replica();
        return HarmLinksAsync((from, to) => from == replica || to == replica ? LinkFault.Blackhole : LinkFault.None);
    }

    private Task DeafenAsync()
    {
        int replica = Replica();
        return HarmLinksAsync((_, to) => to == replica ? LinkFault.Blackhole : LinkFault.None);
    }

    private Task MuteAsync()
    {
        int replica = Replica();
        return HarmLinksAsync((from, _) => from == replica ? LinkFault.Blackhole : LinkFault.None);
    }

    /// <summary>Two sides that hear nothing of each other.</summary>
    private Task SplitAsync()
    {
        int first = Replica();
        int size = cluster.Count / 2;
        return HarmLinksAsync((from, to) => IsFew(from) != IsFew(to) ? LinkFault.Blackhole : LinkFault.None);

        bool IsFew(int replica) => (replica - first + cluster.Count) % cluster.Count < size;
    }

    private Task SlowAsync()
    {
        int replica = Replica();
        LinkFault slow = new() { Delay = Span(5, 150) };
        return HarmLinksAsync((from, to) => from == replica || to == replica ? slow : LinkFault.None);
    }

    private Task CorruptAsync()
    {
        LinkFault corrupt = new() { CorruptOneIn = _prng.Range(5, 100) };
        return HarmLinksAsync((_, _) => corrupt);
    }

    private async Task CutAsync()
    {
        int replica = Replica();
        for (int i = 0; i < 5; i++)
        {
            cluster.Network.Cut(other => other == replica);
            await Pace.WaitAsync(Span(10, 300));
        }
    }

    private async Task DiskAsync()
    {
        int exitCode = await cluster.FailDiskAsync(Replica());
        Assert.NotEqual(0, exitCode);
    }

    private async Task HarmLinksAsync(Func<int, int, LinkFault> fault)
    {
        cluster.Network.Set(fault);
        await Pace.WaitAsync(Span(500, 3000));
    }

    private int Replica() => _prng.Below(cluster.Count);

    private TimeSpan Span(int fromMilliseconds, int toMilliseconds) =>
        TimeSpan.FromMilliseconds(_prng.Range(fromMilliseconds, toMilliseconds));
}
