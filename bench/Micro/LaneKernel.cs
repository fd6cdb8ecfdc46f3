using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deterministic.Micro;

/// <summary>The lanes of one row's sum in registers of 512 bits.</summary>
internal unsafe interface ILaneBlock<TSelf> where TSelf : struct, ILaneBlock<TSelf>
{
    /// <summary>Elements taken at once.</summary>
    static abstract int Step { get; }

    static abstract TSelf AddProducts(TSelf sum, float* query, float* row);

    /// <summary>Folds to sixteen lanes, the upper half added to the lower.</summary>
    static abstract Vector512<float> FoldToSixteen(TSelf x);
}

internal readonly unsafe struct Lanes16(Vector512<float> a) : ILaneBlock<Lanes16>
{
    private readonly Vector512<float> _a = a;

    public static int Step => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16 AddProducts(Lanes16 sum, float* query, float* row) =>
        new(sum._a + Vector512.Load(query) * Vector512.Load(row));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FoldToSixteen(Lanes16 x) => x._a;
}

/// <summary>Sixteen lanes in their order, 64 elements of a row before the next row: memory is read in the pieces in
/// which 64 lanes read it.</summary>
internal readonly unsafe struct Lanes16By64(Lanes16 a) : ILaneBlock<Lanes16By64>
{
    private readonly Lanes16 _a = a;

    public static int Step => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes16By64 AddProducts(Lanes16By64 sum, float* query, float* row)
    {
        Lanes16 half = Lanes16.AddProducts(Lanes16.AddProducts(sum._a, query, row), query + 16, row + 16);
        return new(Lanes16.AddProducts(Lanes16.AddProducts(half, query + 32, row + 32), query + 48, row + 48));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FoldToSixteen(Lanes16By64 x) => Lanes16.FoldToSixteen(x._a);
}

internal readonly unsafe struct Lanes32(Vector512<float> a, Vector512<float> b) : ILaneBlock<Lanes32>
{
    private readonly Vector512<float> _a = a;
    private readonly Vector512<float> _b = b;

    public static int Step => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes32 AddProducts(Lanes32 sum, float* query, float* row) => new(
        sum._a + Vector512.Load(query) * Vector512.Load(row),
        sum._b + Vector512.Load(query + 16) * Vector512.Load(row + 16));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes32 operator +(Lanes32 x, Lanes32 y) => new(x._a + y._a, x._b + y._b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FoldToSixteen(Lanes32 x) => x._a + x._b;
}

internal readonly unsafe struct Lanes64(Lanes32 lower, Lanes32 upper) : ILaneBlock<Lanes64>
{
    private readonly Lanes32 _lower = lower;
    private readonly Lanes32 _upper = upper;

    public static int Step => 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes64 AddProducts(Lanes64 sum, float* query, float* row) => new(
        Lanes32.AddProducts(sum._lower, query, row), Lanes32.AddProducts(sum._upper, query + 32, row + 32));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FoldToSixteen(Lanes64 x) => Lanes32.FoldToSixteen(x._lower + x._upper);
}

/// <summary>Dot products that differ in the number of lanes alone; only for measurement. Rows are a multiple of eight,
/// dimensions of 64 and at most 1,024.</summary>
internal static unsafe class LaneKernel<TBlock> where TBlock : struct, ILaneBlock<TBlock>
{
    private const int PrefetchBytes = 8192;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void FourRows(float* query, int dimensions, float* rows, float* scores, int count)
    {
        for (int row = 0; row < count; row += 4, rows += 4 * dimensions)
            Four(query, dimensions, rows).Store(scores + row);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Four(float* query, int dimensions, float* row)
    {
        TBlock a = default, b = default, c = default, d = default;
        for (nint i = 0; i < dimensions; i += TBlock.Step)
        {
            Prefetch((byte*)(row + 4 * i) + PrefetchBytes, 4 * TBlock.Step);
            a = TBlock.AddProducts(a, query + i, row + i);
            b = TBlock.AddProducts(b, query + i, row + dimensions + i);
            c = TBlock.AddProducts(c, query + i, row + 2 * dimensions + i);
            d = TBlock.AddProducts(d, query + i, row + 3 * dimensions + i);
        }
        return Fold(ToFour(a), ToFour(b), ToFour(c), ToFour(d));
    }

    /// <summary>Twice as many sums in flight with the same lanes: what hides the additions' latency without a change of
    /// the order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void EightRows(float* query, int dimensions, float* rows, float* scores, int count)
    {
        nint size = dimensions;
        for (int row = 0; row < count; row += 8, rows += 8 * dimensions)
        {
            TBlock a = default, b = default, c = default, d = default;
            TBlock e = default, f = default, g = default, h = default;
            float* upper = rows + 4 * size;
            for (nint i = 0; i < size; i += TBlock.Step)
            {
                Prefetch((byte*)(rows + 8 * i) + PrefetchBytes, 8 * TBlock.Step);
                    a = TBlock.AddProducts(a, query + i, rows + i);
                b = TBlock.AddProducts(b, query + i, rows + size + i);
                c = TBlock.AddProducts(c, query + i, rows + 2 * size + i);
                d = TBlock.AddProducts(d, query + i, rows + 3 * size + i);
                e = TBlock.AddProducts(e, query + i, upper + i);
                f = TBlock.AddProducts(f, query + i, upper + size + i);
                g = TBlock.AddProducts(g, query + i, upper + 2 * size + i);
                h = TBlock.AddProducts(h, query + i, upper + 3 * size + i);
            }
            Fold(ToFour(a), ToFour(b), ToFour(c), ToFour(d)).Store(scores + row);
            Fold(ToFour(e), ToFour(f), ToFour(g), ToFour(h)).Store(scores + row + 4);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* source, int elements)
    {
        for (int line = 0; line < elements * sizeof(float); line += 64) Sse.Prefetch0(source + line);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ToFour(TBlock x)
    {
        Vector512<float> sixteen = TBlock.FoldToSixteen(x);
        Vector256<float> eight = sixteen.GetLower() + sixteen.GetUpper();
        return eight.GetLower() + eight.GetUpper();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Fold(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        Vector128<float> ab = Sse.Shuffle(a, b, 0b01_00_01_00) + Sse.Shuffle(a, b, 0b11_10_11_10);
        Vector128<float> cd = Sse.Shuffle(c, d, 0b01_00_01_00) + Sse.Shuffle(c, d, 0b11_10_11_10);
        return Sse.Shuffle(ab, cd, 0b10_00_10_00) + Sse.Shuffle(ab, cd, 0b11_01_11_01);
    }
}
