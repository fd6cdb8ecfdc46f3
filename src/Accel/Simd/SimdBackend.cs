using System;

namespace Deterministic.Accel.Simd;

/// <summary>The kernels in registers of one width.</summary>
internal sealed class SimdBackend<TLanes, TBytes> : ComputeBackend
    where TLanes : struct, ILanes<TLanes>
    where TBytes : struct, IBytes<TBytes>
{
    public override string Name => TLanes.Name;

    public override void Dot(ReadOnlySpan<float> query, ReadOnlySpan<float> rows, Span<float> scores) =>
        FloatKernel<TLanes, ProductTerm, float>.Run(query, rows, scores);

    public override void SquaredL2(ReadOnlySpan<float> query, ReadOnlySpan<float> rows, Span<float> scores) =>
        FloatKernel<TLanes, SquaredDifferenceTerm, float>.Run(query, rows, scores);

    public override void Dot(ReadOnlySpan<float> query, ReadOnlySpan<Half> rows, Span<float> scores) =>
        FloatKernel<TLanes, ProductTerm, Half>.Run(query, rows, scores);

    public override void SquaredL2(ReadOnlySpan<float> query, ReadOnlySpan<Half> rows, Span<float> scores) =>
        FloatKernel<TLanes, SquaredDifferenceTerm, Half>.Run(query, rows, scores);

    public override void Dot(ReadOnlySpan<sbyte> query, ReadOnlySpan<sbyte> rows, Span<int> scores) =>
        IntegerKernel<TBytes, ByteProduct>.Run(query, rows, scores);

    public override void SquaredL2(ReadOnlySpan<sbyte> query, ReadOnlySpan<sbyte> rows, Span<int> scores) =>
        IntegerKernel<TBytes, ByteSquaredDifference>.Run(query, rows, scores);

    public override void Hamming(ReadOnlySpan<byte> query, ReadOnlySpan<byte> rows, Span<int> scores) =>
        HammingKernel.Run(query, rows, scores);
}
