using System;
using System.Collections.Generic;

namespace Deterministic.Simulator.Oracle;

/// <summary>What the compared requests asked for and what they were answered with, counted by kind and name. What was
/// never counted was never tested.</summary>
internal sealed class Coverage
{
    private readonly SortedDictionary<string, ulong> _counts = new(StringComparer.Ordinal);

    public void Hit(string kind, string name) => Add($"{kind} {name}", 1);

    public ulong Count(string kind, string name) =>
        _counts.TryGetValue($"{kind} {name}", out ulong count) ? count : 0;

    /// <summary>Adds the counts of another run.</summary>
    public void Add(Coverage other)
    {
        foreach (KeyValuePair<string, ulong> pair in other._counts) Add(pair.Key, pair.Value);
    }

    public void Add(string kind, string name, ulong count)
    {
        if (count > 0) Add($"{kind} {name}", count);
    }

    /// <param name="key">Kind and name.</param>
    /// <param name="count">How often.</param>
    public void Add(string key, ulong count) =>
        _counts[key] = (_counts.TryGetValue(key, out ulong before) ? before : 0) + count;

    public void Describe(Action<string> report)
    {
        foreach (KeyValuePair<string, ulong> pair in _counts) report($"  {pair.Key} {pair.Value}");
    }
}
