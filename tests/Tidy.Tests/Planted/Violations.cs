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

/// <summary>Floats in no signature and no local of the method: only the fields tell.</summary>
internal sealed class FloatFields
{
    private readonly float[] _values = new float[3];
    private readonly List<double> _list = [];

    public void Add() => _values[0] += _values[1];

    public void Subtract() => _values[0] -= _values[1];

    public void Multiply() => _values[0] *= _values[1];

    public void Divide() => _values[0] /= _values[1];

    public void Remainder() => _values[0] %= _values[1];

    public void Negate() => _values[0] = -_values[1];

    public int ToInt32() => (int)_values[0];

    public ulong ToUInt64() => (ulong)_list[0];

    public void Narrow() => _values[0] = (float)_list[0];

    public void Widen(long x) => _list[0] = x;

    public bool AreEqual() => _values[0] == _values[1];

    public bool IsLess() => _list[0] < _list[1];

    public int ChooseGreater() => _values[0] > _values[1] ? 1 : 2;

    public int WhileNotEqual(int n)
    {
        while (_list[n] != _list[n + 1]) n++;
        return n;
    }
}

[FloatAllowed("shows that a mark without use is caught")]
internal static class MarkedForNothing
{
    public static int Run(int x) => x * x;
}

[FloatAllowed("shows that a mark is no leave for this")]
internal static class UnsignedToSingle
{
    public static float Run(ulong x) => x;
}

internal static class HalfSum
{
    public static Half Run(Half x, Half y) => x + y;
}

internal static class Root
{
    public static double Run(double x) => double.Sqrt(x);
}

internal static class VectorSum
{
    public static Vector128<float> Run(Vector128<float> x) => x + x;
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

/// <summary>Nothing wrong either: floats are moved, not calculated with, beside whole numbers that are.</summary>
internal static class CleanMoves
{
    public static float Run(float[] values, int index, bool last)
    {
        int at = last ? values.Length - 1 : index * 2 % values.Length;
        (float value, int rest) = (values[at], at == 0 ? -index : index / 3);
        try
        {
            values[rest & 1] = value;
            return last && index > rest ? value : values[(int)((long)index % 2)];
        }
        catch (IndexOutOfRangeException) when (index < rest)
        {
            return values[^1];
        }
    }
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
