using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deterministic.Accel.Simd;

/// <summary>The term that a metric sums.</summary>
internal interface ITerm
{
    static abstract TLanes Of<TLanes>(TLanes query, TLanes row) where TLanes : struct, ILanes<TLanes>;
}

internal readonly struct ProductTerm : ITerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Of<TLanes>(TLanes query, TLanes row) where TLanes : struct, ILanes<TLanes> => query * row;
}

internal readonly struct SquaredDifferenceTerm : ITerm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Of<TLanes>(TLanes query, TLanes row) where TLanes : struct, ILanes<TLanes>
    {
        TLanes difference = query - row;
        return difference * difference;
    }
}

/// <summary>The canonical sum over many rows. Four rows in flight share the loads of the query and hide the latency of
/// the additions; each row keeps its own sixteen lanes, so what runs beside it cannot change its bits.</summary>
internal static unsafe class FloatKernel<TLanes, TTerm, T>
    where TLanes : struct, ILanes<TLanes>
    where TTerm : ITerm
    where T : unmanaged
{
    private const int Lanes = KernelShape.Lanes;
    private const int PrefetchBytes = 8192;
    private const int CacheLineSize = 64;

    /// <summary>Sixteen set elements, then sixteen clear ones; read from element 16 − n for a mask of the first n
    /// lanes.</summary>
    private static ReadOnlySpan<int> Masks =>
    [
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ];

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(ReadOnlySpan<float> query, ReadOnlySpan<T> rows, Span<float> scores)
    {
        KernelShape.CheckRows(query.Length, rows.Length, scores.Length);
        int dimensions = query.Length;
        int tail = dimensions % Lanes;
        float* queryTail = stackalloc float[Lanes];
        T* rowTail = stackalloc T[Lanes];
        for (int i = 0; i < Lanes; i++)
        {
            queryTail[i] = i < tail ? query[dimensions - tail + i] : 0f;
            rowTail[i] = default;
        }
        fixed (float* q = query)
        fixed (T* r = rows)
        fixed (float* s = scores)
        fixed (int* masks = Masks)
        {
            int row = 0;
            if (TLanes.FourRowsAtOnce)
            {
                // A tail is read as sixteen elements, which for the last rows would go beyond the block: they go alone.
                int unsafeRows = tail == 0 ? 0 : (Lanes - tail + dimensions - 1) / dimensions;
                int safeRows = scores.Length - unsafeRows;
                TLanes mask = TLanes.Load((float*)(masks + Lanes - tail));
                for (; row <= safeRows - 4; row += 4)
                {
                    T* at = r + (nint)row * dimensions;
                    FourRows(q, dimensions, TLanes.Load(queryTail), mask, at).Store(s + row);
                }
            }
            for (; row < scores.Length; row++)
            {
                T* at = r + (nint)row * dimensions;
                for (int i = 0; i < tail; i++) rowTail[i] = at[dimensions - tail + i];
                s[row] = OneRow(q, dimensions, TLanes.Load(queryTail), Load(rowTail), at);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float OneRow(float* query, int dimensions, TLanes queryTail, TLanes rowTail, T* row)
    {
        unchecked
        {
            nint whole = dimensions & ~(Lanes - 1);
            float total = 0;
            for (nint start = 0; start < dimensions; start += KernelShape.BlockDimensions)
            {
                nint end = start + KernelShape.BlockDimensions < whole ? start + KernelShape.BlockDimensions : whole;
                TLanes sum = default;
                for (nint i = start; i < end; i += Lanes) sum += TTerm.Of(TLanes.Load(query + i), Load(row + i));
                if (start + KernelShape.BlockDimensions > whole && whole < dimensions) sum += TTerm.Of(queryTail,
                    rowTail);
                total += LaneFold.ToOne(TLanes.FoldToFour(sum));
            }
            return total;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector128<float> FourRows(float* query, int dimensions, TLanes queryTail, TLanes mask, T* rowA)
    {
        unchecked
        {
            T* rowB = rowA + dimensions;
            T* rowC = rowB + dimensions;
            T* rowD = rowC + dimensions;
            nint whole = dimensions & ~(Lanes - 1);
            Vector128<float> total = default;
            for (nint start = 0; start < dimensions; start += KernelShape.BlockDimensions)
            {
                nint end = start + KernelShape.BlockDimensions < whole ? start + KernelShape.BlockDimensions : whole;
                TLanes a = default, b = default, c = default, d = default;
                for (nint i = start; i < end; i += Lanes)
                {
                    TLanes x = TLanes.Load(query + i);
                    Prefetch((byte*)(rowA + 4 * i) + PrefetchBytes);
                    a += TTerm.Of(x, Load(rowA + i));
                    b += TTerm.Of(x, Load(rowB + i));
                    c += TTerm.Of(x, Load(rowC + i));
                    d += TTerm.Of(x, Load(rowD + i));
                }
                if (start + KernelShape.BlockDimensions > whole && whole < dimensions)
                {
                    a += TTerm.Of(queryTail, Load(rowA + whole) & mask);
                    b += TTerm.Of(queryTail, Load(rowB + whole) & mask);
                    c += TTerm.Of(queryTail, Load(rowC + whole) & mask);
                    d += TTerm.Of(queryTail, Load(rowD + whole) & mask);
                }
                total += LaneFold.ToOne(
                    TLanes.FoldToFour(a), TLanes.FoldToFour(b), TLanes.FoldToFour(c), TLanes.FoldToFour(d));
            }
            return total;
        }
    }

    /// <summary>Asks for as many bytes as one step over four rows reads. The rows lie one after another, and asked for
    /// in that order they come faster than row by row. Reading ahead of the block's end is harmless, since a prefetch
    /// never faults.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* source)
    {
        if (!Sse.IsSupported) return;
        for (int line = 0; line < 4 * Lanes * sizeof(T); line += CacheLineSize) Sse.Prefetch0(source + line);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TLanes Load(T* source) =>
        typeof(T) == typeof(Half) ? TLanes.Load((Half*)source) : TLanes.Load((float*)source);
}
