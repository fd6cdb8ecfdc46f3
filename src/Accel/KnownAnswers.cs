using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Deterministic.Accel;

/// <summary>The known-answer test: fixed inputs with tails of every kind, several blocks, subnormal and far-apart
/// magnitudes, signed zeroes and integer extremes, on which a backend must give the bits of
/// <see cref="ScalarBackend"/>, and the definition the digest committed here.</summary>
public static class KnownAnswers
{
    /// <summary>Rows per question: a turn of sixteen short codes, one group of four, and rows that go alone.</summary>
    private const int Rows = 23;

    private const ulong ExpectedDigest = 0xCFF7_46CF_F054_E307;

    private static readonly int[] _dimensions = [1, 2, 15, 16, 17, 32, 64, 100, 128, 1023, 1024, 1025, 2064];

    /// <summary>Whether this machine rounds to nearest, keeps subnormals, and gives the definition's known
    /// answers.</summary>
    public static bool MachineIsFit() => RoundsToNearest() && KeepsSubnormals() && Digest() == ExpectedDigest;

    /// <summary>Whether <paramref name="backend"/> answers every question as the definition does.</summary>
    public static bool Agree(ComputeBackend backend)
    {
        ScalarBackend definition = new();
        bool agree = true;
        foreach (int dimensions in _dimensions)
        {
            Answers expected = Answers.Of(definition, dimensions);
            Answers actual = Answers.Of(backend, dimensions);
            agree &= expected.Bits.AsSpan().SequenceEqual(actual.Bits);
        }
        return agree;
    }

    /// <summary>A digest of all answers of the definition.</summary>
    public static ulong Digest()
    {
        ScalarBackend definition = new();
        ulong digest = 0;
        foreach (int dimensions in _dimensions) digest = Answers.Of(definition, dimensions).Mix(digest);
        return digest;
    }

    private static bool RoundsToNearest()
    {
        float half = Opaque(1f / (1 << 24));
        float three = Opaque(3f / (1 << 24));
        return Opaque(1f) + half == 1f && Opaque(-1f) - half == -1f
            && Opaque(1f) + three == 1f + 4f / (1 << 24) && Opaque(-1f) - three == -1f - 4f / (1 << 24);
    }

    private static bool KeepsSubnormals()
    {
        float smallest = Opaque(float.Epsilon);
        return smallest + smallest > smallest && smallest * Opaque(2f) > smallest && Opaque(1.17549435e-38f) * 0.5f > 0;
    }

    /// <summary>Keeps the compiler from working out at build time what this machine is to be asked.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static float Opaque(float value) => value;

    /// <summary>The bits of all answers for one number of dimensions.</summary>
    private readonly struct Answers(int[] bits)
    {
        private const int Kernels = 7;

        public int[] Bits { get; } = bits;

        public static Answers Of(ComputeBackend backend, int dimensions)
        {
            ulong state = (ulong)dimensions;
            float[] query = new float[dimensions];
            float[] rows = new float[dimensions * Rows];
            Half[] halves = new Half[rows.Length];
            byte[] queryBytes = new byte[dimensions];
            byte[] rowBytes = new byte[rows.Length];
            for (int i = 0; i < query.Length; i++) query[i] = NastySingle(ref state);
            for (int i = 0; i < rows.Length; i++) rows[i] = NastySingle(ref state);
            for (int i = 0; i < rows.Length; i++) halves[i] = NastyHalf(ref state);
            for (int i = 0; i < queryBytes.Length; i++) queryBytes[i] = NastyByte(ref state);
            for (int i = 0; i < rowBytes.Length; i++) rowBytes[i] = NastyByte(ref state);

            int[] bits = new int[Kernels * Rows];
            Span<int> at = bits;
            backend.Dot(query, rows, MemoryMarshal.Cast<int, float>(at[..Rows]));
            backend.SquaredL2(query, rows, MemoryMarshal.Cast<int, float>(at.Slice(Rows, Rows)));
            backend.Dot(query, halves, MemoryMarshal.Cast<int, float>(at.Slice(2 * Rows, Rows)));
            backend.SquaredL2(query, halves, MemoryMarshal.Cast<int, float>(at.Slice(3 * Rows, Rows)));
            ReadOnlySpan<sbyte> signedQuery = MemoryMarshal.Cast<byte, sbyte>(queryBytes.AsSpan());
            ReadOnlySpan<sbyte> signedRows = MemoryMarshal.Cast<byte, sbyte>(rowBytes.AsSpan());
            backend.Dot(signedQuery, signedRows, at.Slice(4 * Rows, Rows));
            backend.SquaredL2(signedQuery, signedRows, at.Slice(5 * Rows, Rows));
            backend.Hamming(queryBytes, rowBytes, at.Slice(6 * Rows, Rows));
            return new Answers(bits);
        }

        public ulong Mix(ulong digest)
        {
            foreach (int word in Bits) digest = unchecked((digest ^ (uint)word) * 0x9E37_79B9_7F4A_7C15ul);
            return digest ^ (digest >> 29);
        }
    }

    /// <summary>Mostly ordinary numbers; now and then a zero of either sign, a subnormal, or one at the
    /// bound.</summary>
    private static float NastySingle(ref ulong state)
    {
        ulong draw = Draw(ref state);
        uint sign = (uint)(draw >> 63) << 31;
        uint fraction = (uint)(draw & 0x7F_FFFF);
        uint exponent = ((uint)(draw >> 32 & 0xFF)) switch
        {
            < 16 => 0,
            < 32 => 64 + ((uint)(draw >> 40 & 63)),
            < 36 => 166,
            _ => 120 + ((uint)(draw >> 40 & 7)),
        };
        if (((draw >> 48) & 31) == 0) (exponent, fraction) = (0, 0);
        return BitConverter.UInt32BitsToSingle(sign | exponent << 23 | fraction);
    }

    /// <summary>Any finite half: an exponent of all ones is lowered by one.</summary>
    private static Half NastyHalf(ref ulong state)
    {
        ushort bits = unchecked((ushort)Draw(ref state));
        if ((bits & 0x7C00) == 0x7C00) bits ^= 0x0400;
        return BitConverter.UInt16BitsToHalf(bits);
    }

    /// <summary>One in eight is -128.</summary>
    private static byte NastyByte(ref ulong state)
    {
        ulong draw = Draw(ref state);
        return (draw & 7) == 0 ? (byte)0x80 : unchecked((byte)(draw >> 8));
    }

    /// <summary>SplitMix64, the constants of its published definition.</summary>
    private static ulong Draw(ref ulong state)
    {
        unchecked
        {
            state += 0x9E37_79B9_7F4A_7C15ul;
            ulong mixed = (state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9ul;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EBul;
            return mixed ^ (mixed >> 31);
        }
    }
}
