using System;
using System.Collections.Generic;

namespace Deterministic.Accel.Tests;

/// <summary>Every backend that this machine can run, and inputs that look for differences.</summary>
internal static class Backends
{
    public static readonly int[] Dimensions = [1, 2, 15, 16, 17, 31, 33, 100, 128, 1023, 1024, 1025, 1536, 2050,
        10_752];

    private static readonly List<ComputeBackend> _supported = FindSupported();

    public static IReadOnlyList<ComputeBackend> Supported() => _supported;

    private static List<ComputeBackend> FindSupported()
    {
        List<ComputeBackend> supported = [];
        foreach (string name in ComputeBackends.Names.ToArray())
        {
            BackendVerdict verdict = ComputeBackends.Select(name, out ComputeBackend? backend);
            if (verdict == BackendVerdict.NotSupported) continue;
            Xunit.Assert.Equal(BackendVerdict.Ready, verdict);
            supported.Add(backend!);
        }
        return supported;
    }

    /// <summary>Numbers of the whole allowed range, drawn by <paramref name="kind"/>: ordinary, far apart, subnormal,
    /// few values with both zeroes (ties), or all of these.</summary>
    public static float[] Singles(Random random, int count, int kind)
    {
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            int choice = kind == 4 ? random.Next(4) : kind;
            values[i] = choice switch
            {
                0 => random.NextSingle() * 2 - 1,
                1 => (random.NextSingle() * 2 - 1) * MathF.ScaleB(1f, random.Next(-140, 40)),
                2 => BitConverter.UInt32BitsToSingle((uint)random.Next(1 << 23) | (uint)random.Next(2) << 31),
                _ => random.Next(4) switch { 0 => 0f, 1 => -0f, 2 => 1f, _ => -1f },
            };
        }
        return values;
    }

    /// <summary>Any finite half, subnormals and both zeroes included.</summary>
    public static Half[] Halves(Random random, int count)
    {
        Half[] values = new Half[count];
        for (int i = 0; i < count; i++)
        {
            do values[i] = BitConverter.UInt16BitsToHalf((ushort)random.Next(1 << 16));
            while (!Half.IsFinite(values[i]));
        }
        return values;
    }
}
