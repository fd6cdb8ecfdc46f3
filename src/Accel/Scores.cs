using System;
using Deterministic.Core;

namespace Deterministic.Accel;

/// <summary>Order-preserving keys of scores: a smaller key is a better score. A distance is better when smaller and
/// takes an ascending key, a relevance is better when larger and takes a descending one. -0 and +0 have one key; NaN
/// has none. Keys convert back to the score, with -0 read back as +0.</summary>
public static class Scores
{
    private const uint SignBit = 1u << 31;
    private const ulong LongSignBit = 1ul << 63;

    public static uint AscendingKey(float score)
    {
        Check.That(!float.IsNaN(score));
        uint bits = BitConverter.SingleToUInt32Bits(score + 0f);
        return (bits & SignBit) == 0 ? bits | SignBit : ~bits;
    }

    public static uint DescendingKey(float score) => ~AscendingKey(score);

    public static ulong AscendingKey(double score)
    {
        Check.That(!double.IsNaN(score));
        ulong bits = BitConverter.DoubleToUInt64Bits(score + 0d);
        return (bits & LongSignBit) == 0 ? bits | LongSignBit : ~bits;
    }

    public static ulong DescendingKey(double score) => ~AscendingKey(score);

    public static uint AscendingKey(int score) => unchecked((uint)score) ^ SignBit;

    public static uint DescendingKey(int score) => ~AscendingKey(score);

    public static ulong AscendingKey(long score) => unchecked((ulong)score) ^ LongSignBit;

    public static ulong DescendingKey(long score) => ~AscendingKey(score);

    public static float SingleFromAscending(uint key) =>
        BitConverter.UInt32BitsToSingle((key & SignBit) != 0 ? key ^ SignBit : ~key);

    public static float SingleFromDescending(uint key) => SingleFromAscending(~key);

    public static double DoubleFromAscending(ulong key) =>
        BitConverter.UInt64BitsToDouble((key & LongSignBit) != 0 ? key ^ LongSignBit : ~key);

    public static double DoubleFromDescending(ulong key) => DoubleFromAscending(~key);

    public static int Int32FromAscending(uint key) => unchecked((int)(key ^ SignBit));

    public static int Int32FromDescending(uint key) => Int32FromAscending(~key);

    public static long Int64FromAscending(ulong key) => unchecked((long)(key ^ LongSignBit));

    public static long Int64FromDescending(ulong key) => Int64FromAscending(~key);
}
