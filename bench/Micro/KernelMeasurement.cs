using System;
using System.Diagnostics;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Deterministic.Accel;

namespace Deterministic.Micro;

/// <summary>Paired measurements: candidate and baseline take turns in one process, and the median of the ratios of
/// neighbouring turns is reported, so that a noisy machine disturbs both alike.</summary>
internal static class KernelMeasurement
{
    private const int ScanRows = 100_000;
    private const int ScanDimensions = 128;

    private const int WarmMilliseconds = 700;

    private static ulong _hash;

    public static void Run(int rounds)
    {
        ComputeBackend chosen = ComputeBackends.Select();
        Console.WriteLine($"backend {chosen.Name}, {rounds} interleaved rounds, medians");
        foreach (string name in ComputeBackends.Names)
        {
            if (ComputeBackends.Select(name, out ComputeBackend? backend) == BackendVerdict.Ready) Cached(backend!,
                rounds);
        }
        Scans(chosen, rounds);
        Console.WriteLine($"result hash {_hash:x16}");
    }

    /// <summary>Numbers in [-1, 1) from a fixed seed.</summary>
    public static float[] Singles(int count, int seed)
    {
        Random random = new(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) values[i] = random.NextSingle() * 2 - 1;
        return values;
    }

    private static void Cached(ComputeBackend backend, int rounds)
    {
        const int Dimensions = 768, Rows = 1000;
        float[] query = Singles(Dimensions, 1);
        float[] rows = Singles(Dimensions * Rows, 2);
        float[] scores = new float[Rows];
        float[] baselineScores = new float[Rows];
        Pair pair = Measure(rounds, () => backend.Dot(query, rows, scores), () =>
        {
            for (int row = 0; row < Rows; row++)
            {
                baselineScores[row] = TensorPrimitives.Dot<float>(query, rows.AsSpan(row * Dimensions, Dimensions));
            }
        });
        Mix(MemoryMarshal.AsBytes(scores.AsSpan()));
        Print($"dot 768 x 1,000 cached {backend.Name,-8}",
            $"{pair.CandidateMicroseconds / Rows * 1000:F1} ns a vector; "
            + $"TensorPrimitives.Dot {pair.BaselineMicroseconds / Rows * 1000:F1} ns; time ratio {pair.Ratio:F3}");
    }

    private static unsafe void Scans(ComputeBackend backend, int rounds)
    {
        const int Count = ScanRows * ScanDimensions;
        float[] singles = Singles(Count, 3);
        Half[] halves = Array.ConvertAll(singles, value => (Half)value);
        sbyte[] bytes = Array.ConvertAll(singles, value => (sbyte)(value * 127));
        byte[] codes = MemoryMarshal.AsBytes(singles.AsSpan(0, Count / 32)).ToArray();
        float[] query = Singles(ScanDimensions, 4);
        sbyte[] byteQuery = Array.ConvertAll(query, value => (sbyte)(value * 127));
        float[] scores = new float[ScanRows];
        int[] integers = new int[ScanRows];

        Scan<float>("dot f32", singles, () => backend.Dot(query, singles, scores), rounds);
        Mix(MemoryMarshal.AsBytes(scores.AsSpan()));
        Scan<float>("squared L2 f32", singles, () => backend.SquaredL2(query, singles, scores), rounds);
        Mix(MemoryMarshal.AsBytes(scores.AsSpan()));
        Scan<Half>("dot f16", halves, () => backend.Dot(query, halves, scores), rounds);
        Mix(MemoryMarshal.AsBytes(scores.AsSpan()));
        Scan<sbyte>("dot int8", bytes, () => backend.Dot(byteQuery, bytes, integers), rounds);
        Mix(MemoryMarshal.AsBytes(integers.AsSpan()));
        Scan<byte>("hamming 1 bit", codes, () => backend.Hamming(codes.AsSpan(0, 16), codes, integers), rounds);
        Mix(MemoryMarshal.AsBytes(integers.AsSpan()));
    }

    /// <summary>A scan of as many bytes as <paramref name="data"/> has, beside a plain read of it.</summary>
    public static void Compare(string what, float[] data, Action scan, int rounds)
    {
        double size = MemoryMarshal.AsBytes(data.AsSpan()).Length;
        ulong read = 0;
        Pair pair = Measure(rounds, scan, () => read = Read(MemoryMarshal.AsBytes(data.AsSpan())));
        Mix(MemoryMarshal.AsBytes(new Span<ulong>(ref read)));
        Print(what, $"{pair.CandidateMicroseconds / 1000:F2} ms; plain read {pair.BaselineMicroseconds / 1000:F2} ms; "
            + $"speed ratio {1 / pair.Ratio:P0}");
    }

    private static void Scan<T>(string what, T[] data, Action scan, int rounds) where T : unmanaged
    {
        double size = MemoryMarshal.AsBytes(data.AsSpan()).Length;
        ulong read = 0;
        Pair pair = Measure(rounds, scan, () => read = Read(MemoryMarshal.AsBytes(data.AsSpan())));
        Mix(MemoryMarshal.AsBytes(new Span<ulong>(ref read)));
        Print($"scan 100,000 x 128 {what,-14}", $"{size / pair.CandidateMicroseconds / 1000:F1} GB/s; plain read "
            + $"{size / pair.BaselineMicroseconds / 1000:F1} GB/s; speed ratio {1 / pair.Ratio:P0}");
    }

    /// <summary>The widest plain read: four independent streams of exclusive-or, nothing else.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe ulong Read(ReadOnlySpan<byte> data)
    {
        Vector512<ulong> a = default, b = default, c = default, d = default;
        fixed (byte* start = data)
        {
            byte* end = start + data.Length / 256 * 256;
            for (byte* at = start; at < end; at += 256)
            {
                a ^= Vector512.Load((ulong*)at);
                b ^= Vector512.Load((ulong*)(at + 64));
                c ^= Vector512.Load((ulong*)(at + 128));
                d ^= Vector512.Load((ulong*)(at + 192));
            }
        }
        return (a ^ b ^ c ^ d).ToScalar();
    }

    public static Pair Measure(int rounds, Action candidate, Action baseline)
    {
        // Code starts in its slow first tier and is compiled anew in the background: measured before that, a baseline
        // would look more than ten times slower than it is.
        long warm = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(warm).TotalMilliseconds < WarmMilliseconds)
        {
            candidate();
            baseline();
        }
        double[] candidates = new double[rounds], baselines = new double[rounds], ratios = new double[rounds];
        for (int round = 0; round < rounds; round++)
        {
            candidates[round] = Time(candidate);
            baselines[round] = Time(baseline);
            ratios[round] = candidates[round] / baselines[round];
        }
        return new Pair(Median(candidates), Median(baselines), Median(ratios));
    }

    /// <summary>Microseconds of one run.</summary>
    private static double Time(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }

    private static void Mix(ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes) _hash = unchecked((_hash ^ value) * 0x100_0000_01B3ul);
    }

    private static void Print(string what, string figures) =>
        Console.WriteLine($"{what}: {figures}");

    public readonly record struct Pair(double CandidateMicroseconds, double BaselineMicroseconds, double Ratio);
}
