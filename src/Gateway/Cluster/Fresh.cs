using System;
using System.Diagnostics;
using System.Threading.Tasks;

namespace Deterministic.Gateway.Cluster;

/// <summary>Something that is asked for when somebody wants it, once for all who want it within a short time. Safe to
/// use from many threads.</summary>
/// <param name="ageMax">How long ago it may have been asked for.</param>
/// <param name="ask">Asks; its task fails only if asking again would not help.</param>
internal sealed class Fresh<T>(TimeSpan ageMax, Func<Task<T>> ask)
{
    private readonly object _gate = new();
    private Task<T>? _answer;
    private long _asked;

    public Task<T> GetAsync()
    {
        lock (_gate)
        {
            bool isUsable = _answer is not null
                && (!_answer.IsCompleted || Stopwatch.GetElapsedTime(_asked) <= ageMax);
            if (isUsable) return _answer!;
            _asked = Stopwatch.GetTimestamp();
            return _answer = ask();
        }
    }
}
