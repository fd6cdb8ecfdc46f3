using System.Numerics;
using Deterministic.Core;

namespace Deterministic.StateMachine.Query;

/// <summary>Logarithms from integer arithmetic alone, the same on every machine.</summary>
[FloatAllowed("one conversion from fixed point and one product, each rounded once as IEEE 754 says")]
public static class FixedLogarithm
{
    public const int FractionBits = 44;

    /// <summary>ln 2 / 2^<see cref="FractionBits"/>, rounded to double.</summary>
    private const double NaturalUnit = 0.693147180559945309417232121458 / (1L << FractionBits);

    /// <summary>Floor of log2(<paramref name="value"/>) · 2^<see cref="FractionBits"/>, short of it by at most a few
    /// units: the mantissa is squared once per bit, and each time that it reaches 2 the bit is one.</summary>
    public static long Log2(ulong value)
    {
        Check.That(value > 0);
        int whole = BitOperations.Log2(value);
        ulong mantissa = value << (63 - whole);
        long logarithm = whole;
        for (int bit = 0; bit < FractionBits; bit++)
        {
            System.UInt128 square = (System.UInt128)mantissa * mantissa;
            ulong high = (ulong)(square >> 64);
            ulong low = (ulong)(square & ulong.MaxValue);
            bool carry = high >> 63 != 0;
            mantissa = carry ? high : high << 1 | low >> 63;
            logarithm = logarithm << 1 | (carry ? 1L : 0L);
        }
        return logarithm;
    }

    /// <summary>BM25's inverse document frequency, ln(1 + (n − df + ½) / (df + ½)) = ln((2n + 2) / (2df + 1)), never
    /// below 0.</summary>
    public static double InverseDocumentFrequency(ulong documents, ulong documentFrequency)
    {
        Check.That(documents < 1UL << 62);
        long difference = Log2(2 * documents + 2) - Log2(2 * documentFrequency + 1);
        return difference <= 0 ? 0 : difference * NaturalUnit;
    }
}
