using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deterministic.Accel.Simd;

/// <summary>Integer sums over rows of signed bytes and of 1-bit codes. No sum can overflow within the dimension limit,
/// so any order of additions gives the same number and these kernels need no canonical one.</summary>
internal static unsafe class IntegerKernel<TBytes, TTerm>
    where TBytes : struct, IBytes<TBytes>
    where TTerm : IByteTerm
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(ReadOnlySpan<sbyte> query, ReadOnlySpan<sbyte> rows, Span<int> scores)
    {
        KernelShape.CheckRows(query.Length, rows.Length, scores.Length);
        fixed (sbyte* q = query)
        fixed (sbyte* r = rows)
        {
            for (int row = 0; row < scores.Length; row++)
            {
                scores[row] = OneRow(q, r + (nint)row * query.Length, query.Length);
            }
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
            int total = TBytes.SumIntegers(sum);
            for (; i < dimensions; i++) total += TTerm.Of(query[i], row[i]);
            return total;
        }
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

    static abstract int SumIntegers(TSelf x);
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
    public static int SumIntegers(Bytes512 x) => Vector512.Sum(x._all.AsInt32());
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
    public static int SumIntegers(Bytes256 x) => Vector256.Sum(x._all.AsInt32());
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
    public static int SumIntegers(Bytes128 x) => Vector128.Sum(x._all.AsInt32());
}

/// <summary>Differing bits, eight bytes at a time: the population count of the machine word needs no vector
/// unit.</summary>
internal static unsafe class HammingKernel
{
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(ReadOnlySpan<byte> query, ReadOnlySpan<byte> rows, Span<int> scores)
    {
        KernelShape.CheckRows(query.Length, rows.Length, scores.Length);
        fixed (byte* q = query)
        fixed (byte* r = rows)
        {
            for (int row = 0; row < scores.Length; row++)
            {
                scores[row] = OneRow(q, r + (nint)row * query.Length, query.Length);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int OneRow(byte* query, byte* row, int size)
    {
        unchecked
        {
            nint i = 0;
            int sum = 0;
            for (; i <= size - sizeof(ulong); i += sizeof(ulong))
            {
                sum += BitOperations.PopCount(
                    Unsafe.ReadUnaligned<ulong>(query + i) ^ Unsafe.ReadUnaligned<ulong>(row + i));
            }
            for (; i < size; i++) sum += BitOperations.PopCount((uint)(query[i] ^ row[i]));
            return sum;
        }
    }
}
