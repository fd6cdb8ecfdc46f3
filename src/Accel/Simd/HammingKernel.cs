using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Deterministic.Accel.Simd;

/// <summary>Differing bits of 1-bit codes. In registers of 64 bytes the bits of each byte are counted by a table of
/// half bytes and the bytes of each eight added at once; short codes share a register. Elsewhere, and for what does not
/// fill a register, the population count of the machine word serves.</summary>
internal static unsafe class HammingKernel
{
    private const int RegisterSize = 64;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(ReadOnlySpan<byte> query, ReadOnlySpan<byte> rows, Span<int> scores)
    {
        KernelShape.CheckRows(query.Length, rows.Length, scores.Length);
        int size = query.Length;
        fixed (byte* q = query)
        fixed (byte* r = rows)
        fixed (int* s = scores)
        {
            int row = 0;
            if (Avx512BW.IsSupported)
            {
                if (size == RegisterSize / 4) row = Quarters(q, r, s, scores.Length);
                else if (size == RegisterSize / 2) row = Halves(q, r, s, scores.Length);
                else if (size >= RegisterSize)
                    for (; row <= scores.Length - 4; row += 4) FourRows(q, r + (nint)row * size, size).Store(s + row);
            }
            for (; row < scores.Length; row++) s[row] = Rest(q, r + (nint)row * size, 0, size);
        }
    }

    /// <summary>Codes of 16 bytes, sixteen rows a turn; tells how many rows it has scored. Register k has the rows 4k
    /// to 4k + 3, two counts each. Added crosswise, the registers' counts lie side by side and one permutation puts
    /// them in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Quarters(byte* query, byte* rows, int* scores, int count)
    {
        Vector256<byte> two = Vector256.Create(Vector128.Load(query), Vector128.Load(query));
        Vector512<byte> four = Vector512.Create(two, two);
        Vector512<int> order = Vector512.Create(0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15);
        int row = 0;
        for (; row <= count - 16; row += 16)
        {
            byte* at = rows + (nint)row * 16;
            Vector512<ulong> lower = PairSums(Count(four, at), Count(four, at + RegisterSize));
            Vector512<ulong> upper = PairSums(
                Count(four, at + 2 * RegisterSize), Count(four, at + 3 * RegisterSize));
            Vector512<int> mixed = (lower | (upper << 32)).AsInt32();
            Avx512F.PermuteVar16x32(mixed, order).Store(scores + row);
        }
        return row;
    }

    /// <summary>Elements 2i and 2i + 1 of x added, then those of y, for each i in turn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> PairSums(Vector512<ulong> x, Vector512<ulong> y) =>
        Avx512F.UnpackLow(x, y) + Avx512F.UnpackHigh(x, y);

    /// <summary>Codes of 32 bytes, four rows a turn; tells how many rows it has scored.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Halves(byte* query, byte* rows, int* scores, int count)
    {
        Vector512<byte> two = Vector512.Create(Vector256.Load(query), Vector256.Load(query));
        int row = 0;
        for (; row <= count - 4; row += 4)
        {
            byte* at = rows + (nint)row * 32;
            Vector512<ulong> ab = Count(two, at);
            Vector512<ulong> cd = Count(two, at + RegisterSize);
            LaneFold.ToOne(FoldToFour(ab.GetLower()), FoldToFour(ab.GetUpper()),
                FoldToFour(cd.GetLower()), FoldToFour(cd.GetUpper())).Store(scores + row);
        }
        return row;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> FourRows(byte* query, byte* rowA, int size)
    {
        unchecked
        {
            byte* rowB = rowA + size;
            byte* rowC = rowB + size;
            byte* rowD = rowC + size;
            Vector512<ulong> a = default, b = default, c = default, d = default;
            nint i = 0;
            for (; i <= size - RegisterSize; i += RegisterSize)
            {
                Vector512<byte> x = Vector512.Load(query + i);
                a += Count(x, rowA + i);
                b += Count(x, rowB + i);
                c += Count(x, rowC + i);
                d += Count(x, rowD + i);
            }
            Vector128<int> sums = LaneFold.ToOne(FoldToFour(a.GetLower() + a.GetUpper()),
                FoldToFour(b.GetLower() + b.GetUpper()), FoldToFour(c.GetLower() + c.GetUpper()),
                FoldToFour(d.GetLower() + d.GetUpper()));
            if (i == size) return sums;
            return sums + Vector128.Create(Rest(query, rowA, i, size), Rest(query, rowB, i, size),
                Rest(query, rowC, i, size), Rest(query, rowD, i, size));
        }
    }

    /// <summary>Counts are far below 2³¹, so each is an integer beside a zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> FoldToFour(Vector256<ulong> x) => (x.GetLower() + x.GetUpper()).AsInt32();

    /// <summary>Differing bits of each eight bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Count(Vector512<byte> query, byte* row)
    {
        Vector128<byte> bits = Vector128.Create((byte)0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
        Vector512<byte> table = Vector512.Create(Vector256.Create(bits, bits), Vector256.Create(bits, bits));
        Vector512<byte> lowHalf = Vector512.Create((byte)0x0F);
        Vector512<byte> differing = query ^ Vector512.Load(row);
        Vector512<byte> low = Avx512BW.Shuffle(table, differing & lowHalf);
        Vector512<byte> high = Avx512BW.Shuffle(table, (differing.AsUInt16() >>> 4).AsByte() & lowHalf);
        return Avx512BW.SumAbsoluteDifferences(low + high, Vector512<byte>.Zero).AsUInt64();
    }

    /// <summary>The bits from byte <paramref name="i"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Rest(byte* query, byte* row, nint i, int size)
    {
        unchecked
        {
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
