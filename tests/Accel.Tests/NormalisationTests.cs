using System;
using Xunit;

namespace Deterministic.Accel.Tests;

public sealed class NormalisationTests
{
    private static readonly ScalarBackend _definition = new();

    [Fact]
    public void The_unit_vector_of_3_4_is_known()
    {
        float[] unit = new float[2];
        Assert.True(Normalisation.Normalise(_definition, [3f, 4f], unit));
        Assert.Equal([3f * (1f / 5f), 4f * (1f / 5f)], unit);
        Assert.Equal(0.2f, Normalisation.InverseNorm(_definition, [3f, 4f]));
    }

    [Theory]
    [InlineData(-120)]
    [InlineData(-75)]
    [InlineData(-40)]
    [InlineData(-29)]
    [InlineData(0)]
    [InlineData(38)]
    public void A_power_of_two_does_not_change_the_unit_vector(int exponent)
    {
        Random random = new(5);
        float[] vector = new float[100];
        for (int i = 0; i < vector.Length; i++) vector[i] = 1f + random.NextSingle();
        float[] scaled = Array.ConvertAll(vector, x => x * MathF.ScaleB(1f, exponent));
        float[] expected = new float[100];
        float[] actual = new float[100];
        Assert.True(Normalisation.Normalise(_definition, vector, expected));
        Assert.True(Normalisation.Normalise(_definition, scaled, actual));
        Assert.Equal(expected, actual);
    }

    [Fact]
    public void Every_backend_normalises_to_the_same_bits_and_to_length_one()
    {
        Random random = new(6);
        foreach (int dimensions in (int[])[1, 17, 768, 1536])
        {
            float[] vector = Backends.Singles(random, dimensions, 0);
            float[] expected = new float[dimensions];
            Assert.True(Normalisation.Normalise(_definition, vector, expected));
            Assert.Equal(1.0, ScalarBackend.Dot(expected, expected), 1e-5);
            Assert.Equal(0.0, Normalisation.CosineDistance(ScalarBackend.Dot(expected, expected)), 1e-5);
            foreach (ComputeBackend backend in Backends.Supported())
            {
                float[] actual = (float[])vector.Clone();
                Assert.True(Normalisation.Normalise(backend, actual, actual));
                Assert.Equal(expected, actual);
            }
        }
    }

    [Fact]
    public void A_vector_without_direction_is_reported()
    {
        float[] unit = [7f, 7f];
        Assert.False(Normalisation.Normalise(_definition, [0f, -0f], unit));
        Assert.Equal([0f, 0f], unit);
        Assert.Equal(0f, Normalisation.InverseNorm(_definition, [float.Epsilon, 0f]));
    }
}
