using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deterministic.Accel.Simd;

/// <summary>Integer sums over rows of signed bytes. No sum can overflow within the dimension limit, so any order of
/// additions gives the same number and these kernels need no canonical one. Four rows in flight share the loads of the
/// query and one fold.</summary>
internal static unsafe class IntegerKernel<TBytes, TTerm>
    where TBytes : struct, IBytes<TBytes>
    where TTerm : IByteTerm
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(ReadOnlySpan<sbyte> query, ReadOnlySpan<sbyte> rows, Span<int> scores)
    {
        KernelShape.CheckRows(query.Length, rows.Length, scores.Length);
        int dimensions = query.Length;
        fixed (sbyte* q = query)
        fixed (sbyte* r = rows)
        fixed (int* s = scores)
        {
            int row = 0;
            for (; row <= scores.Length - 4; row += 4)
                FourRows(q, r + (nint)row * dimensions, dimensions).Store(s + row);
            for (; row < scores.Length; row++) s[row] = OneRow(q, r + (nint)row * dimensions, dimensions);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int OneRow(sbyte* query, sbyte* row, int dimensions)
    {
        unchecked
        {
            nint i = 0;
            TBytes sum = default;
            for (; i <= dimensions - TBytes.Count; i += TBytes.Count)
            {
                sum = TBytes.AddIntegers(sum, TTerm.Of(TBytes.Load(query + i), TBytes.Load(row + i)));
            }
            return Vector128.Sum(TBytes.FoldToFour(sum)) + Rest(query, row, i, dimensions);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> FourRows(sbyte* query, sbyte* rowA, int dimensions)
    {
        unchecked
        {
            sbyte* rowB = rowA + dimensions;
            sbyte* rowC = rowB + dimensions;
            sbyte* rowD = rowC + dimensions;
            nint i = 0;
            TBytes a = default, b = default, c = default, d = default;
            for (; i <= dimensions - TBytes.Count; i += TBytes.Count)
            {
                TBytes x = TBytes.Load(query + i);
                a = TBytes.AddIntegers(a, TTerm.Of(x, TBytes.Load(rowA + i)));
                b = TBytes.AddIntegers(b, TTerm.Of(x, TBytes.Load(rowB + i)));
                c = TBytes.AddIntegers(c, TTerm.Of(x, TBytes.Load(rowC + i)));
                d = TBytes.AddIntegers(d, TTerm.Of(x, TBytes.Load(rowD + i)));
            }
            Vector128<int> sums = LaneFold.ToOne(
                TBytes.FoldToFour(a), TBytes.FoldToFour(b), TBytes.FoldToFour(c), TBytes.FoldToFour(d));
            if (i == dimensions) return sums;
            return sums + Vector128.Create(
                Rest(query, rowA, i, dimensions), Rest(query, rowB, i, dimensions),
                Rest(query, rowC, i, dimensions), Rest(query, rowD, i, dimensions));
        }
    }

    /// <summary>The terms from element <paramref name="i"/> on, which do not fill a register.</summary>
    private static int Rest(sbyte* query, sbyte* row, nint i, int dimensions)
    {
        int total = 0;
        for (; i < dimensions; i++) total += TTerm.Of(query[i], row[i]);
        return total;
    }
}

internal interface IByteTerm
{
    static abstract TBytes Of<TBytes>(TBytes query, TBytes row) where TBytes : struct, IBytes<TBytes>;

    static abstract int Of(sbyte query, sbyte row);
}

internal readonly struct ByteProduct : IByteTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Of<TBytes>(TBytes query, TBytes row) where TBytes : struct, IBytes<TBytes> =>
        TBytes.SumOfPairProducts(query, row);

    public static int Of(sbyte query, sbyte row) => query * row;
}

internal readonly struct ByteSquaredDifference : IByteTerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Of<TBytes>(TBytes query, TBytes row) where TBytes : struct, IBytes<TBytes>
    {
        TBytes difference = TBytes.SubtractShorts(query, row);
        return TBytes.SumOfPairProducts(difference, difference);
    }

    public static int Of(sbyte query, sbyte row) => (query - row) * (query - row);
}

/// <summary>Signed bytes widened to i16 in one register, or i32 sums in the same register.</summary>
internal unsafe interface IBytes<TSelf> where TSelf : struct, IBytes<TSelf>
{
    static abstract int Count { get; }

    static abstract TSelf Load(sbyte* source);

    static abstract TSelf SubtractShorts(TSelf x, TSelf y);

    /// <summary>i32 sums of some pairing of the i16 products: which lanes are paired is the machine's affair.</summary>
    static abstract TSelf SumOfPairProducts(TSelf x, TSelf y);

    static abstract TSelf AddIntegers(TSelf x, TSelf y);

    /// <summary>Four integers with the sum of all.</summary>
    static abstract Vector128<int> FoldToFour(TSelf x);
}

internal readonly unsafe struct Bytes512(Vector512<short> all) : IBytes<Bytes512>
{
    private readonly Vector512<short> _all = all;

    public static int Count => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 Load(sbyte* source) =>
        new(Vector512.WidenLower(Vector256.Load(source).ToVector512Unsafe()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 SubtractShorts(Bytes512 x, Bytes512 y) => new(x._all - y._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 SumOfPairProducts(Bytes512 x, Bytes512 y)
    {
        if (Avx512BW.IsSupported) return new(Avx512BW.MultiplyAddAdjacent(x._all, y._all).AsInt16());
        (Vector512<int> xLower, Vector512<int> xUpper) = Vector512.Widen(x._all);
        (Vector512<int> yLower, Vector512<int> yUpper) = Vector512.Widen(y._all);
        return new((xLower * yLower + xUpper * yUpper).AsInt16());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes512 AddIntegers(Bytes512 x, Bytes512 y) => new((x._all.AsInt32() + y._all.AsInt32()).AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> FoldToFour(Bytes512 x)
    {
        Vector256<int> eight = x._all.GetLower().AsInt32() + x._all.GetUpper().AsInt32();
        return eight.GetLower() + eight.GetUpper();
    }
}

internal readonly unsafe struct Bytes256(Vector256<short> all) : IBytes<Bytes256>
{
    private readonly Vector256<short> _all = all;

    public static int Count => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 Load(sbyte* source) =>
        new(Vector256.WidenLower(Vector128.Load(source).ToVector256Unsafe()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 SubtractShorts(Bytes256 x, Bytes256 y) => new(x._all - y._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 SumOfPairProducts(Bytes256 x, Bytes256 y)
    {
        if (Avx2.IsSupported) return new(Avx2.MultiplyAddAdjacent(x._all, y._all).AsInt16());
        (Vector256<int> xLower, Vector256<int> xUpper) = Vector256.Widen(x._all);
        (Vector256<int> yLower, Vector256<int> yUpper) = Vector256.Widen(y._all);
        return new((xLower * yLower + xUpper * yUpper).AsInt16());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes256 AddIntegers(Bytes256 x, Bytes256 y) => new((x._all.AsInt32() + y._all.AsInt32()).AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> FoldToFour(Bytes256 x) => x._all.GetLower().AsInt32() + x._all.GetUpper().AsInt32();
}

internal readonly unsafe struct Bytes128(Vector128<short> all) : IBytes<Bytes128>
{
    private readonly Vector128<short> _all = all;

    public static int Count => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 Load(sbyte* source) => new(Vector128.WidenLower(
        Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<long>(source)).AsSByte()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 SubtractShorts(Bytes128 x, Bytes128 y) => new(x._all - y._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 SumOfPairProducts(Bytes128 x, Bytes128 y)
    {
        if (Sse2.IsSupported) return new(Sse2.MultiplyAddAdjacent(x._all, y._all).AsInt16());
        (Vector128<int> xLower, Vector128<int> xUpper) = Vector128.Widen(x._all);
        (Vector128<int> yLower, Vector128<int> yUpper) = Vector128.Widen(y._all);
        return new((xLower * yLower + xUpper * yUpper).AsInt16());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Bytes128 AddIntegers(Bytes128 x, Bytes128 y) => new((x._all.AsInt32() + y._all.AsInt32()).AsInt16());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<int> FoldToFour(Bytes128 x) => x._all.AsInt32();
}
