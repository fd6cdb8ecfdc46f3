using System;
using Deterministic.Core;

namespace Deterministic.Accel;

/// <summary>Cosine as a dot product of unit vectors, in canonical arithmetic: norm(v) = √dot(v, v), unit(v)[i] = v[i] ·
/// (1 / norm(v)), distance = 1 − dot.</summary>
/// <remarks>When the squares of a short vector would leave the range of f32, the norm is taken of the vector times
/// 2⁶⁴ and scaled back: a multiplication by a power of two rounds nothing, so where both ways work they
/// agree.</remarks>
public static class Normalisation
{
    private const float Scale = 18446744073709551616f;

    /// <summary>Below this the squares may have lost bits to underflow (2⁻⁶⁰).</summary>
    private const float SquaredNormSafe = 1f / (1L << 60);

    /// <summary>The length of the shortest vector that has a direction: the smallest normal f32.</summary>
    private const float NormMin = 1.17549435e-38f;

    /// <summary>1 / norm(v), or 0 for a vector without direction (zero, or shorter than the smallest normal
    /// number).</summary>
    public static float InverseNorm(ComputeBackend backend, ReadOnlySpan<float> vector)
    {
        float squaredNorm = 0;
        backend.Dot(vector, vector, new Span<float>(ref squaredNorm));
        Check.That(squaredNorm >= 0 && squaredNorm < float.PositiveInfinity);
        if (squaredNorm >= SquaredNormSafe) return 1f / float.Sqrt(squaredNorm);

        Span<float> scaled = stackalloc float[vector.Length];
        for (int i = 0; i < vector.Length; i++) scaled[i] = vector[i] * Scale;
        backend.Dot(scaled, scaled, new Span<float>(ref squaredNorm));
        float norm = float.Sqrt(squaredNorm);
        return norm < NormMin * Scale ? 0f : 1f / norm * Scale;
    }

    /// <summary>Writes the unit vector; false, and zeroes, for a vector without direction. The spans may be the
    /// same.</summary>
    public static bool Normalise(ComputeBackend backend, ReadOnlySpan<float> vector, Span<float> unit)
    {
        Check.That(unit.Length == vector.Length);
        float inverse = InverseNorm(backend, vector);
        for (int i = 0; i < vector.Length; i++) unit[i] = vector[i] * inverse + 0f;
        return inverse != 0;
    }

    /// <summary>Cosine distance of two unit vectors, 0 for the same direction to 2 for opposite ones (rounding may
    /// step over either end by a few units in the last place).</summary>
    public static float CosineDistance(float dotOfUnitVectors) => 1f - dotOfUnitVectors;
}
