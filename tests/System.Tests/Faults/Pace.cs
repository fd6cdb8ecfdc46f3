using System;
using System.Threading;
using System.Threading.Tasks;

namespace Deterministic.SystemTests.Faults;

/// <summary>Lets wall time pass: for how long a fault lasts and how late bytes are. Never to wait for something to
/// happen.</summary>
internal static class Pace
{
    public static async Task WaitAsync(TimeSpan time, CancellationToken stop = default)
    {
        using PeriodicTimer timer = new(time);
        await timer.WaitForNextTickAsync(stop);
    }
}
