using System;
using System.Runtime.Intrinsics;

namespace Deterministic.Micro;

/// <summary>The canonical order's number of lanes, sixteen, against 32 and 64, several rows at once: what the order
/// costs. Each turn of a candidate is paired with one of sixteen lanes that reads memory as 64 lanes do.</summary>
internal static unsafe class LaneMeasurement
{
    private delegate void Kernel(float* query, int dimensions, float* rows, float* scores, int count);

    public static void Run(int rounds)
    {
        if (!Vector512.IsHardwareAccelerated)
        {
            Console.WriteLine("the lanes are compared in registers of 512 bits, which this machine lacks");
            return;
        }
        Console.WriteLine($"{rounds} interleaved rounds, medians of time ratios to 16 lanes, 4 rows at once in "
            + "steps of 64");
        Compare("16 x 128, first cache", 128, 16, 4000, rounds);
        Compare("8 x 768, first cache", 768, 8, 2000, rounds);
        Compare("1,000 x 128, second cache", 128, 1000, 100, rounds);
        Compare("1,000 x 768, last cache", 768, 1000, 20, rounds);
        Compare("200,000 x 128, memory", 128, 200_000, 1, rounds);
        Compare("100,000 x 768, memory", 768, 100_000, 1, rounds);
    }

    private static void Compare(string what, int dimensions, int rows, int repeats, int rounds)
    {
        float[] query = KernelMeasurement.Singles(dimensions, 1);
        float[] data = KernelMeasurement.Singles(dimensions * rows, 2);
        float[] scores = new float[rows];
        Candidate("32 lanes", LaneKernel<Lanes32>.FourRows);
        Candidate("64 lanes", LaneKernel<Lanes64>.FourRows);
        Candidate("16 lanes in steps of 16", LaneKernel<Lanes16>.FourRows);
        Candidate("the same, 8 rows", LaneKernel<Lanes16>.EightRows);

        void Candidate(string name, Kernel kernel)
        {
            KernelMeasurement.Pair pair = KernelMeasurement.Measure(
                rounds, () => Repeat(kernel), () => Repeat(LaneKernel<Lanes16By64>.FourRows));
            double gigabytes = (double)dimensions * rows * sizeof(float) * repeats / 1000;
            Console.WriteLine($"{what,-26} {name}: {gigabytes / pair.CandidateMicroseconds:F1} GB/s; 16 lanes "
                + $"{gigabytes / pair.BaselineMicroseconds:F1} GB/s; time ratio {pair.Ratio:F3}");
        }

        void Repeat(Kernel kernel)
        {
            fixed (float* q = query)
            fixed (float* d = data)
            fixed (float* s = scores)
            {
                for (int i = 0; i < repeats; i++) kernel(q, dimensions, d, s, rows);
            }
        }
    }
}
