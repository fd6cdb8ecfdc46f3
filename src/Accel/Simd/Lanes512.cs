using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deterministic.Accel.Simd;

/// <summary>One register of 512 bits.</summary>
internal readonly unsafe struct Lanes512(Vector512<float> all) : ILanes<Lanes512>
{
    private readonly Vector512<float> _all = all;

    public static string Name => "simd512";

    public static bool IsSupported => Vector512.IsHardwareAccelerated;

    public static bool FourRowsAtOnce => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Load(Half* source)
    {
        Vector512<int> wide = Vector512.WidenLower(Vector256.Load((short*)source).ToVector512Unsafe());
        Vector512<int> bits = (wide << HalfBits.Shift) & Vector512.Create(HalfBits.Mask);
        return new(bits.AsSingle() * Vector512.Create(HalfBits.Rebias));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator +(Lanes512 x, Lanes512 y) => new(x._all + y._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator -(Lanes512 x, Lanes512 y) => new(x._all - y._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator *(Lanes512 x, Lanes512 y) => new(x._all * y._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator &(Lanes512 x, Lanes512 mask) => new(x._all & mask._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FoldToFour(Lanes512 x)
    {
        Vector256<float> eight = x._all.GetLower() + x._all.GetUpper();
        return eight.GetLower() + eight.GetUpper();
    }
}
