using System;
using Deterministic.StateMachine.Query;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

public sealed class PositivePowerTests
{
    private const double RelativeErrorMax = 1e-12;

    [Theory]
    [InlineData(0, 3, 0)]
    [InlineData(1, 1e300, 1)]
    [InlineData(5e-324, 1, 5e-324)]
    [InlineData(2, 10, 1024)]
    [InlineData(double.PositiveInfinity, 0.5, double.PositiveInfinity)]
    [InlineData(10, 400, double.PositiveInfinity)]
    [InlineData(0.1, 400, 0)]
    public void Some_powers_are_exact(double value, double exponent, double expected) =>
        Assert.Equal(expected, PositivePower.Of(value, exponent));

    /// <summary>Bases of every size and powers up to the ends of the range.</summary>
    [Fact]
    public void Powers_are_near_those_of_the_library() => Prop.ForAll<ulong, int>((bits, seed) =>
    {
        ulong spread = unchecked(bits * 0x9E3779B97F4A7C15);
        double value = BitConverter.UInt64BitsToDouble(spread % 0x7FF0_0000_0000_0000);
        double exponent = Math.Exp(new Random(seed).NextDouble() * 16 - 9);
        double expected = Math.Pow(value, exponent);
        double power = PositivePower.Of(value, exponent);
        if (expected >= Math.ScaleB(1, 1023)) return power == double.PositiveInfinity || Near(power, expected);
        if (expected <= Math.ScaleB(1, -1022)) return power == 0 || power <= Math.ScaleB(1, -1021);
        return Near(power, expected);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(20_000));

    /// <summary>Near 1 the logarithm is small and the exponent may be large.</summary>
    [Fact]
    public void Powers_of_what_is_near_one_are_near_those_of_the_library()
    {
        Random random = new(5);
        for (int i = 0; i < 20_000; i++)
        {
            double value = 1 + (random.NextDouble() - 0.5) * Math.Exp(-random.Next(30));
            double exponent = Math.Exp(random.NextDouble() * 12);
            double expected = Math.Pow(value, exponent);
            bool inside = expected > Math.ScaleB(1, -1022) && expected < Math.ScaleB(1, 1023);
            if (inside) Assert.True(Near(PositivePower.Of(value, exponent), expected), $"{value:R} ^ {exponent:R}");
        }
    }

    private static bool Near(double power, double expected) =>
        Math.Abs(power - expected) <= RelativeErrorMax * expected;
}
