using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using System.Runtime.Intrinsics;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core;

// One forbidden thing in each class: the scan of assemblies must find it. Never run.
namespace Deterministic.Tidy.Tests.Planted;

internal static class Enumerates
{
    public static int Run(Dictionary<int, int> map)
    {
        int sum = 0;
        foreach (KeyValuePair<int, int> pair in map) sum += pair.Value;
        return sum;
    }
}

internal static class Locks
{
    public static void Run(object gate)
    {
        lock (gate) GC.KeepAlive(gate);
    }
}

internal static class Awaits
{
    public static async Task Run() => await Task.CompletedTask;
}

internal sealed record Hashes(string Name);

internal static class Combines
{
    public static int Run() => HashCode.Combine(1, 2);
}

internal static class Logarithm
{
    public static double Run(double x) => Math.Log(x);
}

internal static class Fuses
{
    public static float Run(float x) => float.FusedMultiplyAdd(x, x, x);
}

internal static class Wide
{
    public static float Run(float[] x) => Vector.Sum(new Vector<float>(x));
}

internal static class Reduces
{
    public static float Run(Vector256<float> x) => Vector256.Sum(x);
}

internal static class MutableStatic
{
    public static int Counter = Environment.ProcessId;
}

internal static class PerThread
{
    [ThreadStatic]
    public static int Counter = Environment.ProcessId;
}

internal static class FloatConstant
{
    public static float Run() => BitConverter.Int32BitsToSingle(0) + 1.5f;
}

internal static class FloatProduct
{
    public static float Run(float x) => x * x;
}

internal static class Queries
{
    public static int Run(int[] x) => x.Count(n => n > 0);
}

internal static class Clocks
{
    public static long Run() => DateTime.UtcNow.Ticks;
}

internal static class Sleeps
{
    public static void Run() => Thread.Yield();
}

/// <summary>Nothing wrong: none of it may be reported.</summary>
[FloatAllowed("shows that the mark is honoured")]
internal sealed class Clean
{
    private static readonly int[] Table = [1, 2, 3];

    public static float Run(float x)
    {
        float sum = 0.5f;
        foreach (int i in Table) sum += x * i;
        return float.Sqrt(sum);
    }
}
