using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deterministic.Accel.Simd;

/// <summary>Two registers of 256 bits: lanes 0 to 7 and 8 to 15.</summary>
internal readonly unsafe struct Lanes256(Vector256<float> lower, Vector256<float> upper) : ILanes<Lanes256>
{
    private readonly Vector256<float> _lower = lower;
    private readonly Vector256<float> _upper = upper;

    public static string Name => "simd256";

    public static bool IsSupported => Vector256.IsHardwareAccelerated;

    public static bool FourRowsAtOnce => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Load(float* source) => new(Vector256.Load(source), Vector256.Load(source + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Load(Half* source) => new(Widen((short*)source), Widen((short*)source + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator +(Lanes256 x, Lanes256 y) => new(x._lower + y._lower, x._upper + y._upper);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator -(Lanes256 x, Lanes256 y) => new(x._lower - y._lower, x._upper - y._upper);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator *(Lanes256 x, Lanes256 y) => new(x._lower * y._lower, x._upper * y._upper);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator &(Lanes256 x, Lanes256 mask) => new(x._lower & mask._lower, x._upper & mask._upper);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FoldToFour(Lanes256 x)
    {
        Vector256<float> eight = x._lower + x._upper;
        return eight.GetLower() + eight.GetUpper();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Widen(short* source)
    {
        Vector256<int> wide = Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe());
        Vector256<int> bits = (wide << HalfBits.Shift) & Vector256.Create(HalfBits.Mask);
        return bits.AsSingle() * Vector256.Create(HalfBits.Rebias);
    }
}
