using System.Collections.Generic;
using System.Linq;

namespace Deterministic.ClusterBenchmark;

/// <summary>What became of the requests of all callers. Safe to use from many threads.</summary>
internal sealed class MixedTally
{
    private const int WrongsKept = 20;

    private readonly object _gate = new();
    private readonly SortedDictionary<string, List<double>> _times = [];
    private readonly SortedDictionary<string, long> _others = [];
    private readonly List<string> _wrongs = [];

    public long WrongCount { get; private set; }

    public IReadOnlyList<string> FirstWrongs => _wrongs;

    public void Good(string work, double milliseconds)
    {
        lock (_gate)
        {
            if (!_times.TryGetValue(work, out List<double>? times)) _times.Add(work, times = []);
            times.Add(milliseconds);
        }
    }

    /// <summary>An error of a documented kind, or a request that its caller broke off.</summary>
    public void Other(string outcome)
    {
        lock (_gate) _others[outcome] = _others.GetValueOrDefault(outcome) + 1;
    }

    public void Wrong(string what)
    {
        lock (_gate)
        {
            WrongCount++;
            if (_wrongs.Count < WrongsKept) _wrongs.Add(what);
        }
    }

    public IEnumerable<(string Work, Percentiles Times)> Times() =>
        _times.Select(static pair => (pair.Key, new Percentiles(pair.Value)));

    public IEnumerable<(string Outcome, long Count)> Others() => _others.Select(static pair => (pair.Key, pair.Value));
}
