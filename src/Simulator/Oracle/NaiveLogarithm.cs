using System.Numerics;
using Deterministic.Core;

namespace Deterministic.Simulator.Oracle;

/// <summary>BM25's inverse document frequency once more, from whole numbers of any size: log2 to 44 bits as the replies
/// define it (a mantissa of 64 bits, squared and cut for each bit), held against one of 128 bits whose cut cannot
/// matter.</summary>
[FloatAllowed("one product of a whole number and a constant, rounded once as IEEE 754 says")]
internal static class NaiveLogarithm
{
    private const int FractionBits = 44;
    private static readonly long[] _known = new long[1 << 12];
    private const double NaturalLogarithmOfTwo = 0.693147180559945309417232121458;

    /// <summary>ln((2n + 2) / (2df + 1)), never below 0.</summary>
    public static double InverseDocumentFrequency(ulong documents, ulong documentFrequency)
    {
        long difference = Log2(2 * documents + 2) - Log2(2 * documentFrequency + 1);
        return difference <= 0 ? 0 : difference * (NaturalLogarithmOfTwo / (1L << FractionBits));
    }

    public static long Log2(ulong value)
    {
        Check.That(value > 0);
        bool small = value < (ulong)_known.Length;
        if (small && _known[value] != 0) return _known[value];
        long logarithm = Log2(value, mantissaBits: 64);
        long exact = Log2(value, mantissaBits: 128);
        Check.That(logarithm <= exact && exact - logarithm <= 1, "the definition of the logarithm is not precise");
        if (small) _known[value] = logarithm;
        return logarithm;
    }

    /// <summary>Doubles the logarithm by squaring; whenever the mantissa reaches 2, a bit of it has come out.</summary>
    private static long Log2(ulong value, int mantissaBits)
    {
        BigInteger two = BigInteger.One << mantissaBits;
        BigInteger mantissa = value;
        long logarithm = 0;
        while ((mantissa >> (int)logarithm) > 1) logarithm++;
        mantissa = (mantissa << (mantissaBits - 1)) >> (int)logarithm;
        for (int bit = 0; bit < FractionBits; bit++)
        {
            mantissa = mantissa * mantissa >> (mantissaBits - 1);
            logarithm *= 2;
            if (mantissa < two) continue;
            mantissa >>= 1;
            logarithm++;
        }
        return logarithm;
    }
}
