using System;
using System.Runtime.Intrinsics;

namespace Deterministic.Accel.Simd;

/// <summary>Sixteen f32 lanes in registers of one width. Every operation is lane-wise and rounds once, so the width
/// cannot change a bit; <see cref="Fold"/> is the canonical tree, written out.</summary>
internal unsafe interface ILanes<TSelf> where TSelf : struct, ILanes<TSelf>
{
    static abstract string Name { get; }

    static abstract bool IsSupported { get; }

    /// <summary>Whether four rows in flight fit the register file; else rows go one at a time.</summary>
    static abstract bool FourRowsAtOnce { get; }

    static abstract TSelf Load(float* source);

    /// <summary>Widens exactly; finite values only.</summary>
    static abstract TSelf Load(Half* source);

    static abstract TSelf operator +(TSelf x, TSelf y);

    static abstract TSelf operator -(TSelf x, TSelf y);

    static abstract TSelf operator *(TSelf x, TSelf y);

    /// <summary>Keeps the bits that are set in the mask; a cleared lane is +0.</summary>
    static abstract TSelf operator &(TSelf x, TSelf mask);

    /// <summary>16 → 8 → 4: the two first folds, the upper half added to the lower.</summary>
    static abstract Vector128<float> FoldToFour(TSelf x);
}

/// <summary>The last folds, 4 → 2 → 1, which all widths share.</summary>
internal static class LaneFold
{
    public static float ToOne(Vector128<float> x)
    {
        float even = x.GetElement(0) + x.GetElement(2);
        float odd = x.GetElement(1) + x.GetElement(3);
        return even + odd;
    }

    /// <summary>Four rows at once: element r of the result is <see cref="ToOne"/> of row r.</summary>
    public static Vector128<float> ToOne(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        Vector128<float> ab = LowerHalves(a, b) + UpperHalves(a, b);
        Vector128<float> cd = LowerHalves(c, d) + UpperHalves(c, d);
        return EvenElements(ab, cd) + OddElements(ab, cd);
    }

    private static Vector128<float> LowerHalves(Vector128<float> x, Vector128<float> y) =>
        Vector128.Create(x.GetLower(), y.GetLower());

    private static Vector128<float> UpperHalves(Vector128<float> x, Vector128<float> y) =>
        Vector128.Create(x.GetUpper(), y.GetUpper());

    private static Vector128<float> EvenElements(Vector128<float> x, Vector128<float> y) => LowerHalves(
        Vector128.Shuffle(x, Vector128.Create(0, 2, 1, 3)), Vector128.Shuffle(y, Vector128.Create(0, 2, 1, 3)));

    private static Vector128<float> OddElements(Vector128<float> x, Vector128<float> y) => UpperHalves(
        Vector128.Shuffle(x, Vector128.Create(0, 2, 1, 3)), Vector128.Shuffle(y, Vector128.Create(0, 2, 1, 3)));
}

/// <summary>f16 to f32 by bits. Sign-extended and shifted left by 13, a half has its exponent and fraction where f32
/// has them but with the bias of f16; the product with 2¹¹² sets that right exactly, subnormal halves
/// included.</summary>
internal static class HalfBits
{
    public const int Shift = 13;
    public const int Mask = unchecked((int)0x8FFF_E000);
    public const float Rebias = 5192296858534827628530496329220096f;
}
