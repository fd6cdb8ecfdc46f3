using System;
using System.Runtime.InteropServices;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Accel.Tests;

public sealed class IntegerKernelTests
{
    [Fact]
    public void The_extremes_at_the_greatest_dimension_do_not_overflow()
    {
        sbyte[] low = new sbyte[10_752];
        sbyte[] high = new sbyte[10_752];
        Array.Fill(low, sbyte.MinValue);
        Array.Fill(high, sbyte.MaxValue);
        foreach (ComputeBackend backend in Backends.Supported())
        {
            int[] score = new int[1];
            backend.Dot(low, low, score);
            Assert.Equal(10_752 * 128 * 128, score[0]);
            backend.SquaredL2(low, high, score);
            Assert.Equal(10_752 * 255 * 255, score[0]);
            backend.Hamming(MemoryMarshal.AsBytes(low.AsSpan()), MemoryMarshal.AsBytes(high.AsSpan()), score);
            Assert.Equal(10_752 * 8, score[0]);
        }
    }

    [Fact]
    public void Every_backend_is_exact_against_a_model_in_long()
    {
        Gen<(int, int, int)> shapes =
            from dimensions in Gen.Choose(1, 300)
            from count in Gen.Choose(0, 6)
            from seed in Gen.Choose(0, int.MaxValue)
            select (dimensions, count, seed);
        Prop.ForAll(shapes.ToArbitrary(), shape =>
        {
            (int dimensions, int count, int seed) = shape;
            byte[] query = new byte[dimensions];
            byte[] rows = new byte[dimensions * count];
            Random random = new(seed);
            random.NextBytes(query);
            random.NextBytes(rows);
            AssertExact(query, rows, count);
        }).QuickCheckThrowOnFailure();
    }

    /// <summary>Codes that share registers, that fill one, and that leave a rest; whole turns of rows and lone
    /// ones.</summary>
    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    [InlineData(96)]
    [InlineData(139)]
    [InlineData(192)]
    public void Every_backend_is_exact_for_any_number_of_rows(int size)
    {
        Random random = new(size);
        for (int count = 0; count <= 37; count++)
        {
            byte[] query = new byte[size];
            byte[] rows = new byte[size * count];
            random.NextBytes(query);
            random.NextBytes(rows);
            AssertExact(query, rows, count);
        }
    }

    [Fact]
    public void Every_backend_is_exact_at_the_listed_dimensions()
    {
        Random random = new(3);
        foreach (int dimensions in Backends.Dimensions)
        {
            byte[] query = new byte[dimensions];
            byte[] rows = new byte[dimensions * 5];
            random.NextBytes(query);
            random.NextBytes(rows);
            AssertExact(query, rows, 5);
        }
    }

    private static void AssertExact(byte[] query, byte[] rows, int count)
    {
        int dimensions = query.Length;
        int[] scores = new int[count];
        sbyte[] signedQuery = MemoryMarshal.Cast<byte, sbyte>(query).ToArray();
        sbyte[] signedRows = MemoryMarshal.Cast<byte, sbyte>(rows).ToArray();
        foreach (ComputeBackend backend in Backends.Supported())
        {
            backend.Dot(signedQuery, signedRows, scores);
            AssertScores((x, y) => (long)(sbyte)x * (sbyte)y);
            backend.SquaredL2(signedQuery, signedRows, scores);
            AssertScores((x, y) => ((long)(sbyte)x - (sbyte)y) * ((long)(sbyte)x - (sbyte)y));
            backend.Hamming(query, rows, scores);
            AssertScores((x, y) => Convert.ToString(x ^ y, 2).Replace("0", "", StringComparison.Ordinal).Length);
        }

        void AssertScores(Func<byte, byte, long> term)
        {
            for (int row = 0; row < count; row++)
            {
                long sum = 0;
                for (int i = 0; i < dimensions; i++) sum += term(query[i], rows[row * dimensions + i]);
                Assert.Equal(sum, scores[row]);
            }
        }
    }
}
