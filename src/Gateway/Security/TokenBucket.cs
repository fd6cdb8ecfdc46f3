using System;
using System.Threading;

namespace Deterministic.Gateway.Security;

/// <summary>Lets so many requests a second through, and as many at once after a second of silence. Safe to use from
/// many threads.</summary>
internal sealed class TokenBucket(uint perSecond, TimeProvider time)
{
    private readonly Lock _lock = new();
    private double _left = perSecond;
    private long _last = time.GetTimestamp();

    public uint PerSecond => perSecond;

    /// <summary>False if the request has to come again, within a second.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            long now = time.GetTimestamp();
            _left = Math.Min(perSecond, _left + time.GetElapsedTime(_last, now).TotalSeconds * perSecond);
            _last = now;
            if (_left < 1) return false;
            _left -= 1;
            return true;
        }
    }
}
