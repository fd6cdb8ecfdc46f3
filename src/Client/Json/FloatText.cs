using System;

namespace Deterministic.Client.Json;

/// <summary>The short way to read a decimal number as the nearest 32-bit float.</summary>
internal static class FloatText
{
    /// <summary>One more digit still fits into 64 bits.</summary>
    private const int DigitsMax = 18;

    /// <summary>Up to it every integer is a double.</summary>
    private const ulong ExactMax = 1UL << 53;

    /// <summary>Bits of a double's fraction that a float does not have.</summary>
    private const int FewerBits = 29;
    private const ulong FewerMask = (1UL << FewerBits) - 1;
    private const ulong Midpoint = 1UL << (FewerBits - 1);
    private const double NormalMin = 1.1754943508222875e-38;

    /// <summary>Powers of ten that are doubles.</summary>
    private static readonly double[] Powers =
    [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    ];

    /// <summary>Reads digits with at most one point and a sign; false for everything else, and where the short way
    /// might round to a neighbour.</summary>
    /// <param name="text">A number of JSON.</param>
    /// <param name="value">The float nearest to it.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, out float value)
    {
        value = 0;
        bool negative = text.Length > 0 && text[0] == '-';
        if (negative) text = text[1..];
        if (text.Length > DigitsMax + 1) return false;
        ulong digits = 0;
        int point = -1;
        for (int i = 0; i < text.Length; i++)
        {
            uint digit = unchecked((uint)(text[i] - '0'));
            if (digit <= 9) digits = digits * 10 + digit;
            else if (text[i] == '.' && point < 0) point = i;
            else return false;
        }
        int decimals = point < 0 ? 0 : text.Length - point - 1;
        if (digits > ExactMax || decimals > DigitsMax) return false;

        // Both are exact, so the quotient is the double nearest to the number. Going on to a float rounds to the same
        // side as the number itself would, unless the double is just in the middle between two floats.
        double nearest = digits / Powers[decimals];
        if (nearest != 0 && nearest < NormalMin) return false;
        if ((BitConverter.DoubleToUInt64Bits(nearest) & FewerMask) == Midpoint) return false;
        value = (float)(negative ? -nearest : nearest);
        return true;
    }
}
