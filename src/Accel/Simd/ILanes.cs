using System;
using System.Runtime.Intrinsics;

namespace Deterministic.Accel.Simd;

/// <summary>Sixteen f32 lanes in registers of one width. Every operation is lane-wise and rounds once, so the width
/// cannot change a bit; <see cref="FoldToFour"/> begins the canonical tree, <see cref="LaneFold"/> ends it.</summary>
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

/// <summary>f16 to f32 by bits. Sign-extended and shifted left by 13, a half has its exponent and fraction where f32
/// has them but with the bias of f16; the product with 2¹¹² sets that right exactly, subnormal halves
/// included.</summary>
internal static class HalfBits
{
    public const int Shift = 13;
    public const int Mask = unchecked((int)0x8FFF_E000);
    public const float Rebias = 5192296858534827628530496329220096f;
}
