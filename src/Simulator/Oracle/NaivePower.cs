using Deterministic.Core;

namespace Deterministic.Simulator.Oracle;

/// <summary>Powers of Saturate and Decay once more, by the formulas that docs/protocol.md states for them: which
/// numbers are added and multiplied in which order is part of the definition, for it decides the last bits of a
/// score.</summary>
[FloatAllowed("the operations and the order that the replies define")]
internal static class NaivePower
{
    public static double Of(double value, double exponent)
    {
        if (exponent == 1 || value == 0 || value == double.PositiveInfinity) return value;
        double power = exponent * Log2(value);
        if (power >= 1023) return double.PositiveInfinity;
        return power <= -1022 ? 0 : Exp2(power);
    }

    /// <summary>Halves or doubles, which is exact, until the value lies between the roots of one half and of
    /// two.</summary>
    private static double Log2(double value)
    {
        int whole = 0;
        for (; value > 1.4142135623730951; whole++) value /= 2;
        for (; value * 2 <= 1.4142135623730951; whole--) value *= 2;
        double ratio = (value - 1) / (value + 1);
        double square = ratio * ratio;
        double series = 1.0 / 21;
        for (int divisor = 19; divisor > 0; divisor -= 2) series = series * square + 1.0 / divisor;
        return whole + 2.8853900817779268 * (ratio * series);
    }

    private static double Exp2(double power)
    {
        int whole = -1022;
        while (whole + 0.5 <= power) whole++;
        double rest = (power - whole) * 0.6931471805599453;
        double factorial = 87178291200;
        double series = 1 / factorial;
        for (int i = 14; i > 0; i--)
        {
            factorial /= i;
            series = series * rest + 1 / factorial;
        }
        for (; whole > 0; whole--) series *= 2;
        for (; whole < 0; whole++) series /= 2;
        return series;
    }
}
