using System;
using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Accel.Tests;

public sealed class FloatKernelTests
{
    private static readonly ScalarBackend _definition = new();

    [Fact]
    public void The_sum_has_sixteen_lanes_folded_by_halves()
    {
        // Lane 0 holds 2²⁴ and lane 8 the 1 that 2²⁴ + 1 loses; lane 4 holds a 1 that joins after lane 8 has joined.
        float[] x = new float[16];
        (x[0], x[4], x[8], x[12]) = (1 << 24, 1, 1, 1);
        float[] ones = new float[16];
        Array.Fill(ones, 1f);

        float sum = ScalarBackend.Dot(x, ones);

        // (2²⁴ + 1) + (1 + 1) = 2²⁴ + 2, where one after another all three would be lost.
        Assert.Equal((1 << 24) + 2, sum);
        Assert.Equal(sum, ScalarBackend.Dot(ones, x));
    }

    [Fact]
    public void Blocks_of_1024_are_summed_apart_and_then_added()
    {
        // The 1s of the second block form a sum of their own, 2, before they meet 2²⁴.
        float[] x = new float[1024 + 32];
        (x[0], x[1024], x[1040]) = (1 << 24, 1, 1);
        float[] ones = new float[x.Length];
        Array.Fill(ones, 1f);

        Assert.Equal((1 << 24) + 2, ScalarBackend.Dot(x, ones));
        Assert.Equal(1 << 24, ScalarBackend.Dot(x.AsSpan(1), ones.AsSpan(1)) + (1 << 24) - 2);
    }

    [Fact]
    public void Padding_with_zeroes_changes_no_bit()
    {
        Random random = new(7);
        foreach (int dimensions in (int[])[1, 5, 17, 1000, 1030])
        {
            float[] x = Backends.Singles(random, dimensions, 4);
            float[] y = Backends.Singles(random, dimensions, 4);
            float[] paddedX = new float[(dimensions + 15) / 16 * 16];
            float[] paddedY = new float[paddedX.Length];
            x.CopyTo(paddedX, 0);
            y.CopyTo(paddedY, 0);
            AssertSameBits(ScalarBackend.Dot(x, y), ScalarBackend.Dot(paddedX, paddedY));
            AssertSameBits(ScalarBackend.SquaredL2(x, y), ScalarBackend.SquaredL2(paddedX, paddedY));
        }
    }

    [Fact]
    public void A_sum_of_negative_zeroes_is_positive_zero()
    {
        foreach (ComputeBackend backend in Backends.Supported())
        {
            float[] scores = [1, 1, 1, 1, 1];
            backend.Dot([-0f, -0f, -0f], new float[15], scores);
            foreach (float score in scores) AssertSameBits(0f, score);
        }
    }

    [Fact]
    public void No_multiply_and_add_is_fused()
    {
        // (1 + 2⁻¹²)² needs 25 bits: rounded, its last bit is gone before the addition; fused, it would survive.
        float x = 1f + 1f / (1 << 12);
        float[] query = new float[17];
        (query[0], query[16]) = (1f, x);
        float[] row = new float[17];
        (row[0], row[16]) = (-x * x, x);
        foreach (ComputeBackend backend in Backends.Supported())
        {
            float[] scores = new float[1];
            backend.Dot(query, row, scores);
            AssertSameBits(0f, scores[0]);
        }
    }

    [Fact]
    public void Every_backend_gives_the_bits_of_the_definition_for_every_size_and_kind_of_number()
    {
        Random random = new(1);
        foreach (int dimensions in Backends.Dimensions)
        {
            for (int kind = 0; kind < 5; kind++)
            {
                int count = dimensions > 2000 ? 5 : 11;
                float[] query = Backends.Singles(random, dimensions, kind);
                float[] rows = Backends.Singles(random, dimensions * count, kind);
                Half[] halves = Backends.Halves(random, dimensions * count);
                AssertAgreement(query, rows, halves, count);
            }
        }
    }

    [Fact]
    public void Every_backend_gives_the_bits_of_the_definition_for_random_shapes()
    {
        Gen<(int, int, int)> shapes =
            from dimensions in Gen.Choose(1, 1200)
            from count in Gen.Choose(0, 9)
            from seed in Gen.Choose(0, int.MaxValue)
            select (dimensions, count, seed);
        Prop.ForAll(shapes.ToArbitrary(), shape =>
        {
            (int dimensions, int count, int seed) = shape;
            Random random = new(seed);
            float[] query = Backends.Singles(random, dimensions, random.Next(5));
            float[] rows = Backends.Singles(random, dimensions * count, random.Next(5));
            AssertAgreement(query, rows, Backends.Halves(random, dimensions * count), count);
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void Every_half_widens_exactly()
    {
        Half[] all = new Half[1 << 16];
        int count = 0;
        for (int bits = 0; bits < 1 << 16; bits++)
        {
            Half value = BitConverter.UInt16BitsToHalf((ushort)bits);
            if (Half.IsFinite(value)) all[count++] = value;
        }
        foreach (ComputeBackend backend in Backends.Supported())
        {
            // One dimension reads the tail; sixteen, with all but one weight zero, read the vector part.
            float[] singles = new float[count];
            backend.Dot([1f], all.AsSpan(0, count), singles);
            for (int i = 0; i < count; i++) AssertSameBits((float)all[i] + 0f, singles[i]);
            float[] query = new float[16];
            for (int lane = 0; lane < 16; lane++)
            {
                Array.Clear(query);
                query[lane] = 1f;
                backend.Dot(query, all.AsSpan(0, count), singles.AsSpan(0, count / 16));
                for (int row = 0; row < count / 16; row++) AssertSameBits((float)all[row * 16 + lane] + 0f,
                    singles[row]);
            }
        }
    }

    private static void AssertAgreement(float[] query, float[] rows, Half[] halves, int count)
    {
        float[] expected = new float[count];
        float[] actual = new float[count];
        foreach (ComputeBackend backend in Backends.Supported())
        {
            _definition.Dot(query, rows, expected);
            backend.Dot(query, rows, actual);
            AssertSameBits(expected, actual);
            _definition.SquaredL2(query, rows, expected);
            backend.SquaredL2(query, rows, actual);
            AssertSameBits(expected, actual);
            _definition.Dot(query, halves, expected);
            backend.Dot(query, halves, actual);
            AssertSameBits(expected, actual);
            _definition.SquaredL2(query, halves, expected);
            backend.SquaredL2(query, halves, actual);
            AssertSameBits(expected, actual);
        }
    }

    private static void AssertSameBits(float expected, float actual) =>
        Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(actual));

    private static void AssertSameBits(float[] expected, float[] actual) =>
        Assert.Equal(MemoryMarshal.Cast<float, int>(expected).ToArray(), MemoryMarshal.Cast<float,
            int>(actual).ToArray());
}
