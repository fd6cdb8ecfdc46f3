using System;
using System.Numerics;
using Deterministic.Core;

namespace Deterministic.StateMachine.Filters;

/// <summary>One bit per document of a window: <see cref="Words"/> words, bit i of the whole is document first + i.
/// Chunks start anywhere in a window, so words are read and written at any bit.</summary>
public static class WindowBitmap
{
    public const int Words = Limits.WindowDocuments / 64;
    public const int Bytes = Words * 8;

    public static bool IsEmpty(ReadOnlySpan<ulong> bitmap) => bitmap.IndexOfAnyExcept(0UL) < 0;

    public static int Count(ReadOnlySpan<ulong> bitmap)
    {
        int count = 0;
        foreach (ulong word in bitmap) count += BitOperations.PopCount(word);
        return count;
    }

    public static bool Has(ReadOnlySpan<ulong> bitmap, int bit) => (bitmap[bit >> 6] >> (bit & 63) & 1) != 0;

    public static void Set(Span<ulong> bitmap, int bit) => bitmap[bit >> 6] |= 1UL << (bit & 63);

    /// <summary>The 64 bits from <paramref name="bit"/> on; bits behind the window read as 0.</summary>
    public static ulong Extract(ReadOnlySpan<ulong> bitmap, int bit)
    {
        int word = bit >> 6;
        int shift = bit & 63;
        ulong low = bitmap[word] >> shift;
        if (shift == 0 || word + 1 == bitmap.Length) return low;
        return low | bitmap[word + 1] << (64 - shift);
    }

    public static void Or(Span<ulong> bitmap, int bit, ulong bits)
    {
        int word = bit >> 6;
        int shift = bit & 63;
        bitmap[word] |= bits << shift;
        if (shift != 0 && word + 1 < bitmap.Length) bitmap[word + 1] |= bits >> (64 - shift);
    }

    public static void AndNot(Span<ulong> bitmap, int bit, ulong bits)
    {
        int word = bit >> 6;
        int shift = bit & 63;
        bitmap[word] &= ~(bits << shift);
        if (shift != 0 && word + 1 < bitmap.Length) bitmap[word + 1] &= ~(bits >> (64 - shift));
    }

    /// <summary>Last set bit at or before <paramref name="bit"/>, or -1; so for -1.</summary>
    public static int Previous(ReadOnlySpan<ulong> bitmap, int bit)
    {
        Check.That(bit is >= -1 and < Limits.WindowDocuments);
        if (bit < 0) return -1;
        int word = bit >> 6;
        ulong bits = bitmap[word] & ulong.MaxValue >> (63 - (bit & 63));
        while (bits == 0)
        {
            if (--word < 0) return -1;
            bits = bitmap[word];
        }
        return word * 64 + BitOperations.Log2(bits);
    }

    /// <summary>First set bit at or after <paramref name="bit"/>, or <see cref="Limits.WindowDocuments"/>.</summary>
    public static int Next(ReadOnlySpan<ulong> bitmap, int bit)
    {
        Check.That(bit >= 0);
        int word = bit >> 6;
        if (word >= bitmap.Length) return Limits.WindowDocuments;
        ulong bits = bitmap[word] & ulong.MaxValue << (bit & 63);
        while (bits == 0)
        {
            if (++word == bitmap.Length) return Limits.WindowDocuments;
            bits = bitmap[word];
        }
        return word * 64 + BitOperations.TrailingZeroCount(bits);
    }
}
