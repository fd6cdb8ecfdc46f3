using System;

namespace Deterministic.Accel;

/// <summary>The deterministic compute interface: one query against a block of vectors that lie one after another. Every
/// backend gives the bits of <c>ScalarBackend</c>, which is the definition, or refuses at start. Floating-point sums
/// follow the canonical order L16B1024 (docs/determinism.md): 16 lanes, separate multiply and add, fold by halves,
/// blocks of 1,024 dimensions added in ascending order. Integer kernels are exact.</summary>
public abstract class ComputeBackend
{
    public abstract string Name { get; }

    /// <summary>scores[i] = Σ query[j] · rows[i·D + j], D = query.Length, one score per row.</summary>
    public abstract void Dot(ReadOnlySpan<float> query, ReadOnlySpan<float> rows, Span<float> scores);

    /// <summary>scores[i] = Σ (query[j] − rows[i·D + j])².</summary>
    public abstract void SquaredL2(ReadOnlySpan<float> query, ReadOnlySpan<float> rows, Span<float> scores);

    /// <summary>As <see cref="Dot(ReadOnlySpan{float}, ReadOnlySpan{float}, Span{float})"/>, rows widened to f32
    /// first.</summary>
    public abstract void Dot(ReadOnlySpan<float> query, ReadOnlySpan<Half> rows, Span<float> scores);

    /// <summary>As <see cref="SquaredL2(ReadOnlySpan{float}, ReadOnlySpan{float}, Span{float})"/>, rows widened to f32
    /// first.</summary>
    public abstract void SquaredL2(ReadOnlySpan<float> query, ReadOnlySpan<Half> rows, Span<float> scores);

    /// <summary>Exact dot product of signed bytes.</summary>
    public abstract void Dot(ReadOnlySpan<sbyte> query, ReadOnlySpan<sbyte> rows, Span<int> scores);

    /// <summary>Exact squared distance of signed bytes.</summary>
    public abstract void SquaredL2(ReadOnlySpan<sbyte> query, ReadOnlySpan<sbyte> rows, Span<int> scores);

    /// <summary>Number of differing bits between 1-bit codes of query.Length bytes each.</summary>
    public abstract void Hamming(ReadOnlySpan<byte> query, ReadOnlySpan<byte> rows, Span<int> scores);
}
