using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

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
    private static ReadOnlySpan<double> Powers =>
    [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    ];

    private static ReadOnlySpan<ulong> PowersUpTo16 =>
    [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000,
        100_000_000_000, 1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000,
        10_000_000_000_000_000,
    ];

    /// <summary>Reads a whole text as <see cref="TryRead"/> does.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out float value)
    {
        int position = 0;
        return TryRead(text, ref position, out value) && position == text.Length;
    }

    /// <summary>Reads a number as JSON spells them, without an exponent; false for everything else, and where the
    /// short way might round to a neighbour. What follows the number is not looked at, but for an exponent.</summary>
    /// <param name="text">Holds the number.</param>
    /// <param name="position">Its first byte; behind its last one afterwards, if it was read.</param>
    /// <param name="value">The float nearest to it.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool TryRead(ReadOnlySpan<byte> text, ref int position, out float value)
    {
        value = 0;
        int at = position;
        bool negative = at < text.Length && text[at] == '-';
        if (negative) at++;
        int first = at;
        ulong digits = 0;
        // Mostly one: numbers of vectors are small.
        while (at < text.Length && IsDigit(text[at], out uint digit)) Append(ref digits, digit, ref at);
        int count = at - first;
        if (count == 0 || (count > 1 && text[first] == '0')) return false;
        int decimals = 0;
        if (at < text.Length && text[at] == '.')
        {
            int point = at++;
            at = ReadDigits(text, at, ref digits);
            decimals = at - point - 1;
            if (decimals == 0) return false;
        }
        if (count + decimals > DigitsMax || digits > ExactMax) return false;
        if (at < text.Length && (text[at] | 0x20) == 'e') return false;

        // Both are exact, so the quotient is the double nearest to the number. Going on to a float rounds to the same
        // side as the number itself would, unless the double is just in the middle between two floats.
        double nearest = digits / Powers[decimals];
        if (nearest != 0 && nearest < NormalMin) return false;
        if ((BitConverter.DoubleToUInt64Bits(nearest) & FewerMask) == Midpoint) return false;
        value = (float)(negative ? -nearest : nearest);
        position = at;
        return true;
    }

    private static bool IsDigit(byte sign, out uint digit)
    {
        digit = unchecked((uint)(sign - '0'));
        return digit <= 9;
    }

    private static void Append(ref ulong number, uint digit, ref int position)
    {
        number = unchecked(number * 10 + digit);
        position++;
    }

    /// <summary>Appends the digits from a position on to a number, modulo 2^64, and returns where they end. Where
    /// sixteen bytes are left their number decides nothing that a processor would have to guess.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int ReadDigits(ReadOnlySpan<byte> text, int position, ref ulong number)
    {
        if (text.Length - position >= Vector128<byte>.Count)
        {
            Vector128<byte> digits = Vector128.Create(text.Slice(position, Vector128<byte>.Count)) -
                Vector128.Create((byte)'0');
            uint others = Vector128.GreaterThan(digits, Vector128.Create((byte)9)).ExtractMostSignificantBits();
            int count = BitOperations.TrailingZeroCount(others | 1u << Vector128<byte>.Count);
            // To the right end, with zeroes before them: an index below zero takes nothing.
            Vector128<byte> missing = Vector128.Create((byte)(Vector128<byte>.Count - count));
            Vector128<ulong> halves = Vector128.Shuffle(digits, Vector128<byte>.Indices - missing).AsUInt64();
            ulong next = EightDigits(halves[0]) * 100_000_000 + EightDigits(halves[1]);
            number = unchecked(number * PowersUpTo16[count] + next);
            position += count;
            if (count < Vector128<byte>.Count) return position;
        }
        while (position < text.Length && IsDigit(text[position], out uint digit))
            Append(ref number, digit, ref position);
        return position;
    }

    /// <summary>The number of eight digits, a byte of 0 to 9 each, the first in the lowest byte: neighbours become
    /// numbers below 100, those below 10,000, those the result (D. Lemire, "Number parsing at a gigabyte per second",
    /// 2021).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong EightDigits(ulong digits)
    {
        const ulong mask = 0x000000FF000000FF;
        unchecked
        {
            digits = digits * 10 + (digits >> 8);
            ulong high = (digits & mask) * (100 + (1_000_000UL << 32));
            ulong low = ((digits >> 16) & mask) * (1 + (10_000UL << 32));
            return (high + low) >> 32;
        }
    }
}
