using System;
using System.Numerics;
using Deterministic.Core;

namespace Deterministic.Accel;

/// <summary>The definition of every kernel: plain loops, one element after another. Other backends must give these
/// bits.</summary>
/// <remarks>A lane starts at +0 and sums rounded to nearest are -0 only when both terms are, so no lane is ever -0.
/// Adding the +0 of a padded element therefore changes nothing, and padding may be done or left out. For the same
/// reason a score is never -0.</remarks>
public sealed class ScalarBackend : ComputeBackend
{
    public override string Name => "scalar";

    public override void Dot(ReadOnlySpan<float> query, ReadOnlySpan<float> rows, Span<float> scores)
    {
        KernelShape.CheckRows(query.Length, rows.Length, scores.Length);
        int dimensions = query.Length;
        for (int row = 0; row < scores.Length; row++)
        {
            scores[row] = Dot(query, rows.Slice(row * dimensions, dimensions));
        }
    }

    public override void SquaredL2(ReadOnlySpan<float> query, ReadOnlySpan<float> rows, Span<float> scores)
    {
        KernelShape.CheckRows(query.Length, rows.Length, scores.Length);
        int dimensions = query.Length;
        for (int row = 0; row < scores.Length; row++)
        {
            scores[row] = SquaredL2(query, rows.Slice(row * dimensions, dimensions));
        }
    }

    public override void Dot(ReadOnlySpan<float> query, ReadOnlySpan<Half> rows, Span<float> scores)
    {
        KernelShape.CheckRows(query.Length, rows.Length, scores.Length);
        int dimensions = query.Length;
        Span<float> widened = stackalloc float[dimensions];
        for (int row = 0; row < scores.Length; row++)
        {
            Widen(rows.Slice(row * dimensions, dimensions), widened);
            scores[row] = Dot(query, widened);
        }
    }

    public override void SquaredL2(ReadOnlySpan<float> query, ReadOnlySpan<Half> rows, Span<float> scores)
    {
        KernelShape.CheckRows(query.Length, rows.Length, scores.Length);
        int dimensions = query.Length;
        Span<float> widened = stackalloc float[dimensions];
        for (int row = 0; row < scores.Length; row++)
        {
            Widen(rows.Slice(row * dimensions, dimensions), widened);
            scores[row] = SquaredL2(query, widened);
        }
    }

    public override void Dot(ReadOnlySpan<sbyte> query, ReadOnlySpan<sbyte> rows, Span<int> scores)
    {
        KernelShape.CheckRows(query.Length, rows.Length, scores.Length);
        for (int row = 0; row < scores.Length; row++)
        {
            ReadOnlySpan<sbyte> vector = rows.Slice(row * query.Length, query.Length);
            int sum = 0;
            for (int i = 0; i < query.Length; i++) sum += query[i] * vector[i];
            scores[row] = sum;
        }
    }

    public override void SquaredL2(ReadOnlySpan<sbyte> query, ReadOnlySpan<sbyte> rows, Span<int> scores)
    {
        KernelShape.CheckRows(query.Length, rows.Length, scores.Length);
        for (int row = 0; row < scores.Length; row++)
        {
            ReadOnlySpan<sbyte> vector = rows.Slice(row * query.Length, query.Length);
            int sum = 0;
            for (int i = 0; i < query.Length; i++)
            {
                int difference = query[i] - vector[i];
                sum += difference * difference;
            }
            scores[row] = sum;
        }
    }

    public override void Hamming(ReadOnlySpan<byte> query, ReadOnlySpan<byte> rows, Span<int> scores)
    {
        KernelShape.CheckRows(query.Length, rows.Length, scores.Length);
        for (int row = 0; row < scores.Length; row++)
        {
            ReadOnlySpan<byte> code = rows.Slice(row * query.Length, query.Length);
            int sum = 0;
            for (int i = 0; i < query.Length; i++) sum += BitOperations.PopCount((uint)(query[i] ^ code[i]));
            scores[row] = sum;
        }
    }

    /// <summary>The canonical sum L16B1024 of x[i] · y[i].</summary>
    public static float Dot(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Check.That(x.Length == y.Length);
        Span<float> lanes = stackalloc float[KernelShape.Lanes];
        float sum = 0;
        for (int start = 0; start < x.Length; start += KernelShape.BlockDimensions)
        {
            int end = int.Min(start + KernelShape.BlockDimensions, x.Length);
            lanes.Clear();
            for (int i = start; i < end; i++)
            {
                float product = x[i] * y[i];
                lanes[i % KernelShape.Lanes] += product;
            }
            sum += Fold(lanes);
        }
        return sum;
    }

    /// <summary>The canonical sum L16B1024 of (x[i] − y[i])².</summary>
    public static float SquaredL2(ReadOnlySpan<float> x, ReadOnlySpan<float> y)
    {
        Check.That(x.Length == y.Length);
        Span<float> lanes = stackalloc float[KernelShape.Lanes];
        float sum = 0;
        for (int start = 0; start < x.Length; start += KernelShape.BlockDimensions)
        {
            int end = int.Min(start + KernelShape.BlockDimensions, x.Length);
            lanes.Clear();
            for (int i = start; i < end; i++)
            {
                float difference = x[i] - y[i];
                float square = difference * difference;
                lanes[i % KernelShape.Lanes] += square;
            }
            sum += Fold(lanes);
        }
        return sum;
    }

    /// <summary>16 → 8 → 4 → 2 → 1, the upper half added to the lower.</summary>
    private static float Fold(Span<float> lanes)
    {
        for (int half = KernelShape.Lanes / 2; half > 0; half /= 2)
        {
            for (int lane = 0; lane < half; lane++) lanes[lane] += lanes[lane + half];
        }
        return lanes[0];
    }

    private static void Widen(ReadOnlySpan<Half> from, Span<float> to)
    {
        for (int i = 0; i < from.Length; i++) to[i] = (float)from[i];
    }
}
