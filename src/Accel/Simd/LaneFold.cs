using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deterministic.Accel.Simd;

/// <summary>The last folds, 4 → 2 → 1, which all widths share. Of four rows at once, element r of the result belongs to
/// row r.</summary>
internal static class LaneFold
{
    public static float ToOne(Vector128<float> x)
    {
        float even = x.GetElement(0) + x.GetElement(2);
        float odd = x.GetElement(1) + x.GetElement(3);
        return even + odd;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> ToOne(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        Vector128<float> ab = LowerHalves(a, b) + UpperHalves(a, b);
        Vector128<float> cd = LowerHalves(c, d) + UpperHalves(c, d);
        return EvenElements(ab, cd) + OddElements(ab, cd);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> ToOne(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d)
    {
        Vector128<int> ab = LowerHalves(a.AsSingle(), b.AsSingle()).AsInt32()
            + UpperHalves(a.AsSingle(), b.AsSingle()).AsInt32();
        Vector128<int> cd = LowerHalves(c.AsSingle(), d.AsSingle()).AsInt32()
            + UpperHalves(c.AsSingle(), d.AsSingle()).AsInt32();
        return EvenElements(ab.AsSingle(), cd.AsSingle()).AsInt32()
            + OddElements(ab.AsSingle(), cd.AsSingle()).AsInt32();
    }

    // Halves of registers put together anew would pass through memory: on x86 one shuffle takes from both. Shuffles
    // move bits and change none.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> LowerHalves(Vector128<float> x, Vector128<float> y) => Sse.IsSupported
        ? Sse.Shuffle(x, y, 0b01_00_01_00)
        : Vector128.Create(x.GetLower(), y.GetLower());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> UpperHalves(Vector128<float> x, Vector128<float> y) => Sse.IsSupported
        ? Sse.Shuffle(x, y, 0b11_10_11_10)
        : Vector128.Create(x.GetUpper(), y.GetUpper());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> EvenElements(Vector128<float> x, Vector128<float> y) => Sse.IsSupported
        ? Sse.Shuffle(x, y, 0b10_00_10_00)
        : LowerHalves(EvenFirst(x), EvenFirst(y));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> OddElements(Vector128<float> x, Vector128<float> y) => Sse.IsSupported
        ? Sse.Shuffle(x, y, 0b11_01_11_01)
        : UpperHalves(EvenFirst(x), EvenFirst(y));

    private static Vector128<float> EvenFirst(Vector128<float> x) => Vector128.Shuffle(x, Vector128.Create(0, 2, 1, 3));
}
