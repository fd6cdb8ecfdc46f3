using System;
using System.Runtime.Intrinsics;
using Xunit;

namespace Deterministic.Accel.Tests;

public sealed class ComputeBackendsTests
{
    /// <summary>The answers of the definition. When this changes, every stored score and every replica's bits
    /// change.</summary>
    private const ulong GoldenDigest = 0xCFF7_46CF_F054_E307;

    [Fact]
    public void The_definition_gives_its_golden_answers()
    {
        Assert.Equal(GoldenDigest, KnownAnswers.Digest());
        Assert.True(KnownAnswers.MachineIsFit());
    }

    [Fact]
    public void The_widest_backend_of_this_machine_is_chosen()
    {
        string expected = Vector512.IsHardwareAccelerated ? "simd512"
            : Vector256.IsHardwareAccelerated ? "simd256"
            : Vector128.IsHardwareAccelerated ? "simd128" : "scalar";
        Assert.Equal(expected, ComputeBackends.Select().Name);
    }

    [Fact]
    public void A_backend_can_be_forced_by_name()
    {
        Assert.Equal(BackendVerdict.Ready, ComputeBackends.Select("scalar", out ComputeBackend? scalar));
        Assert.IsType<ScalarBackend>(scalar);
        Assert.Equal(BackendVerdict.UnknownName, ComputeBackends.Select("simd1024", out ComputeBackend? none));
        Assert.Null(none);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_backend_that_differs_in_one_bit_is_refused(int kernel)
    {
        Assert.True(KnownAnswers.Agree(new Lying(-1)));
        Assert.False(KnownAnswers.Agree(new Lying(kernel)));
    }

    /// <summary>The definition, but the last score of one kernel has its last bit flipped.</summary>
    private sealed class Lying(int kernel) : ComputeBackend
    {
        private readonly ScalarBackend _definition = new();

        public override string Name => "lying";

        public override void Dot(ReadOnlySpan<float> query, ReadOnlySpan<float> rows, Span<float> scores)
        {
            _definition.Dot(query, rows, scores);
            if (kernel == 0) scores[^1] =
                BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(scores[^1]) ^ 1);
        }

        public override void SquaredL2(ReadOnlySpan<float> query, ReadOnlySpan<float> rows, Span<float> scores) =>
            _definition.SquaredL2(query, rows, scores);

        public override void Dot(ReadOnlySpan<float> query, ReadOnlySpan<Half> rows, Span<float> scores) =>
            _definition.Dot(query, rows, scores);

        public override void SquaredL2(ReadOnlySpan<float> query, ReadOnlySpan<Half> rows, Span<float> scores)
        {
            _definition.SquaredL2(query, rows, scores);
            if (kernel == 1) scores[^1] =
                BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(scores[^1]) ^ 1);
        }

        public override void Dot(ReadOnlySpan<sbyte> query, ReadOnlySpan<sbyte> rows, Span<int> scores) =>
            _definition.Dot(query, rows, scores);

        public override void SquaredL2(ReadOnlySpan<sbyte> query, ReadOnlySpan<sbyte> rows, Span<int> scores) =>
            _definition.SquaredL2(query, rows, scores);

        public override void Hamming(ReadOnlySpan<byte> query, ReadOnlySpan<byte> rows, Span<int> scores)
        {
            _definition.Hamming(query, rows, scores);
            if (kernel == 2) scores[^1] ^= 1;
        }
    }
}
