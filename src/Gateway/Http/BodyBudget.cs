using System.Threading;

namespace Deterministic.Gateway.Http;

/// <summary>Bytes that all requests under way may take at a time. Safe to use from many threads.</summary>
internal sealed class BodyBudget(long sizeMax)
{
    private long _taken;

    public long Taken => Volatile.Read(ref _taken);

    public bool TryTake(long size)
    {
        if (Interlocked.Add(ref _taken, size) <= sizeMax) return true;
        Interlocked.Add(ref _taken, -size);
        return false;
    }

    public void Return(long size) => Interlocked.Add(ref _taken, -size);
}
