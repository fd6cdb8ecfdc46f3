using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Deterministic.Accel.Simd;

/// <summary>Four registers of 128 bits: lanes 0 to 3, 4 to 7, 8 to 11 and 12 to 15.</summary>
internal readonly unsafe struct Lanes128(
    Vector128<float> first, Vector128<float> second, Vector128<float> third, Vector128<float> fourth) : ILanes<Lanes128>
{
    private readonly Vector128<float> _first = first;
    private readonly Vector128<float> _second = second;
    private readonly Vector128<float> _third = third;
    private readonly Vector128<float> _fourth = fourth;

    public static string Name => "simd128";

    public static bool IsSupported => Vector128.IsHardwareAccelerated;

    public static bool FourRowsAtOnce => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Load(float* source) => new(
        Vector128.Load(source), Vector128.Load(source + 4), Vector128.Load(source + 8), Vector128.Load(source + 12));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Load(Half* source)
    {
        Vector128<short> lower = Vector128.Load((short*)source);
        Vector128<short> upper = Vector128.Load((short*)source + 8);
        return new(
            Rebias(Vector128.WidenLower(lower)), Rebias(Vector128.WidenUpper(lower)),
            Rebias(Vector128.WidenLower(upper)), Rebias(Vector128.WidenUpper(upper)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator +(Lanes128 x, Lanes128 y) => new(
        x._first + y._first, x._second + y._second, x._third + y._third, x._fourth + y._fourth);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator -(Lanes128 x, Lanes128 y) => new(
        x._first - y._first, x._second - y._second, x._third - y._third, x._fourth - y._fourth);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator *(Lanes128 x, Lanes128 y) => new(
        x._first * y._first, x._second * y._second, x._third * y._third, x._fourth * y._fourth);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator &(Lanes128 x, Lanes128 mask) => new(
        x._first & mask._first, x._second & mask._second, x._third & mask._third, x._fourth & mask._fourth);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FoldToFour(Lanes128 x) => (x._first + x._third) + (x._second + x._fourth);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Rebias(Vector128<int> wide)
    {
        Vector128<int> bits = (wide << HalfBits.Shift) & Vector128.Create(HalfBits.Mask);
        return bits.AsSingle() * Vector128.Create(HalfBits.Rebias);
    }
}
