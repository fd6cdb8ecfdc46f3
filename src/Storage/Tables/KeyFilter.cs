using System;
using System.IO.Hashing;
using System.Numerics;
using System.Runtime.InteropServices;
using Deterministic.Core;

namespace Deterministic.Storage.Tables;

/// <summary>A Bloom filter over the keys of a table, so that most searches for absent keys end without a block of
/// entries. Lines of 512 bits; a key has all its bits in one line, so a probe meets one line of the processor's cache.
/// With <see cref="BitsPerKey"/> bits and <see cref="Probes"/> probes about 1 % of the absent keys pass (Putze,
/// Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007).</summary>
internal static class KeyFilter
{
    public const int BitsPerKey = 10;
    private const int Probes = 6;
    private const int LineSize = 64;
    private const int LineBitsLog2 = 9;

    /// <summary>Keys that a filter in one block can take.</summary>
    public static int KeysMax(int bodySizeMax) => bodySizeMax / LineSize * LineSize * 8 / BitsPerKey;

    /// <summary>XxHash3 with seed 0.</summary>
    public static ulong HashOf(ReadOnlySpan<byte> key) => XxHash3.HashToUInt64(key);

    /// <summary>Writes the filter of some hashes and returns its size.</summary>
    public static int Write(ReadOnlySpan<ulong> hashes, Span<byte> bytes)
    {
        Check.That(hashes.Length > 0);
        Check.That(hashes.Length <= KeysMax(bytes.Length));
        int lines = (int)(((long)hashes.Length * BitsPerKey + 8 * LineSize - 1) / (8 * LineSize));
        Span<byte> filter = bytes[..(lines * LineSize)];
        filter.Clear();
        foreach (ulong hash in hashes)
        {
            Span<byte> line = LineOf(filter, hash);
            ulong probe = FirstProbe(hash);
            for (int i = 0; i < Probes; i++)
            {
                int bit = BitOf(ref probe);
                line[bit >> 3] |= (byte)(1 << (bit & 7));
            }
        }
        return filter.Length;
    }

    /// <summary>Whether untrusted bytes can be a filter.</summary>
    public static bool IsValid(ReadOnlySpan<byte> filter) => filter.Length >= LineSize && filter.Length % LineSize == 0;

    /// <summary>False: no key with this hash is in the table.</summary>
    public static bool MayHold(ReadOnlySpan<byte> filter, ulong hash)
    {
        Check.That(IsValid(filter));
        ReadOnlySpan<byte> line = LineOf(
            MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(filter), filter.Length), hash);
        ulong probe = FirstProbe(hash);
        for (int i = 0; i < Probes; i++)
        {
            int bit = BitOf(ref probe);
            if ((line[bit >> 3] & 1 << (bit & 7)) == 0) return false;
        }
        return true;
    }

    /// <summary>The upper half of the hash chooses the line.</summary>
    private static Span<byte> LineOf(Span<byte> filter, ulong hash)
    {
        ulong lines = (ulong)(filter.Length / LineSize);
        return filter.Slice((int)((hash >> 32) * lines >> 32) * LineSize, LineSize);
    }

    /// <summary>The bits in the line come from all of the hash, mixed so that keys of a line differ in them.</summary>
    private static ulong FirstProbe(ulong hash) =>
        unchecked(BitOperations.RotateLeft(hash, 32) * 0x9E37_79B9_7F4A_7C15);

    private static int BitOf(ref ulong probe)
    {
        int bit = (int)(probe >> 64 - LineBitsLog2);
        probe <<= LineBitsLog2;
        return bit;
    }
}
