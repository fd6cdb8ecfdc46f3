using System;
using Deterministic.Core;

namespace Deterministic.StateMachine.Query;

/// <summary>Powers of numbers that are not negative, from additions, multiplications and divisions alone in one fixed
/// order, so the same on every machine. Where the true power lies between 2⁻¹⁰²² and 2¹⁰²³ the result differs from it
/// by less than one part in 10¹²; beyond, it is 0 or infinity.</summary>
[FloatAllowed("IEEE 754 operations in the order that is written here")]
public static class PositivePower
{
    private const double SquareRootOfTwo = 1.4142135623730951;
    private const double TwiceLog2OfE = 2.8853900817779268;
    private const double NaturalLogarithmOfTwo = 0.6931471805599453;
    private const double SubnormalScale = 18014398509481984;
    private const int SubnormalScaleBits = 54;
    private const int ExponentBias = 1023;
    private const int FractionBits = 52;
    private const ulong FractionMask = (1UL << FractionBits) - 1;

    /// <summary>1 / (2i + 1), the series of the inverse hyperbolic tangent.</summary>
    private static ReadOnlySpan<double> TangentSeries =>
    [
        1.0, 1.0 / 3, 1.0 / 5, 1.0 / 7, 1.0 / 9, 1.0 / 11, 1.0 / 13, 1.0 / 15, 1.0 / 17, 1.0 / 19, 1.0 / 21,
    ];

    /// <summary>1 / i!, the series of the exponential function.</summary>
    private static ReadOnlySpan<double> ExponentialSeries =>
    [
        1.0, 1.0, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720, 1.0 / 5040, 1.0 / 40320, 1.0 / 362880,
        1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800, 1.0 / 87178291200,
    ];

    /// <summary>Exact for an exponent of 1, and for the bases 0, 1 and infinity.</summary>
    public static double Of(double value, double exponent)
    {
        Check.That(value >= 0);
        Check.That(exponent > 0 && double.IsFinite(exponent));
        if (exponent == 1 || value == 0 || double.IsPositiveInfinity(value)) return value;
        return PowerOfTwo(exponent * Logarithm(value));
    }

    /// <summary>log2 of 2^k · f, with f between √½ and √2: k + 2/ln 2 · artanh((f − 1) / (f + 1)).</summary>
    private static double Logarithm(double value)
    {
        int whole = -ExponentBias;
        ulong bits = BitConverter.DoubleToUInt64Bits(value);
        if (bits <= FractionMask)
        {
            bits = BitConverter.DoubleToUInt64Bits(value * SubnormalScale);
            whole -= SubnormalScaleBits;
        }
        whole += (int)(bits >> FractionBits);
        double fraction = BitConverter.UInt64BitsToDouble(bits & FractionMask | (ulong)ExponentBias << FractionBits);
        if (fraction > SquareRootOfTwo)
        {
            fraction *= 0.5;
            whole++;
        }
        double ratio = (fraction - 1) / (fraction + 1);
        return whole + TwiceLog2OfE * (ratio * Polynomial(TangentSeries, ratio * ratio));
    }

    /// <summary>2^y of the whole number nearest to y by its bits, times e^(ln 2 · the rest).</summary>
    private static double PowerOfTwo(double exponent)
    {
        if (exponent >= ExponentBias) return double.PositiveInfinity;
        if (exponent <= 1 - ExponentBias) return 0;
        int whole = (int)exponent;
        if (exponent - whole >= 0.5) whole++;
        else if (exponent - whole < -0.5) whole--;
        double scale = BitConverter.UInt64BitsToDouble((ulong)(whole + ExponentBias) << FractionBits);
        return scale * Polynomial(ExponentialSeries, (exponent - whole) * NaturalLogarithmOfTwo);
    }

    /// <summary>From the highest power down: sum · x + next.</summary>
    private static double Polynomial(ReadOnlySpan<double> coefficients, double x)
    {
        double sum = coefficients[^1];
        for (int i = coefficients.Length - 2; i >= 0; i--) sum = sum * x + coefficients[i];
        return sum;
    }
}
