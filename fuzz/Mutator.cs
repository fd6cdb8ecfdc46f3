using System;
using System.Buffers.Binary;
using Deterministic.Core.Randomness;

namespace Deterministic.Fuzz;

/// <summary>Damage to bytes, drawn from a tape.</summary>
internal static class Mutator
{
    private const int SizeMax = 64 << 10;

    private static readonly ulong[] Integers =
    [
        0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x1_0000, 0x7FFF_FFFF, 0x8000_0000,
        0xFFFF_FFFF, 0x1_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, 0xFFFF_FFFF_FFFF_FFFF,
        0x7FC0_0000, 0x7F80_0000, 0x7FF0_0000_0000_0000, 0xFFF8_0000_0000_0000,
    ];

    /// <summary>A copy of <paramref name="input"/> with one to four changes; spliced in is from <paramref
    /// name="other"/>.</summary>
    public static byte[] Mutate(byte[] input, byte[] other, TapeStream tape)
    {
        byte[] result = (byte[])input.Clone();
        for (int changes = tape.Range(1, 4); changes > 0; changes--)
            result = result.Length == 0 ? Insert(result, tape) : Change(result, other, tape);
        return result;
    }

    private static byte[] Change(byte[] input, byte[] other, TapeStream tape)
    {
        int at = tape.Below(input.Length);
        switch (tape.Weighted([6, 6, 4, 4, 2, 2, 2, 1]))
        {
            case 0:
                input[at] ^= (byte)(1 << tape.Below(8));
                return input;
            case 1:
                input[at] = (byte)tape.Below(256);
                return input;
            case 2:
                SetInteger(input.AsSpan(at), tape);
                return input;
            case 3:
                return Insert(input, tape);
            case 4:
                int cut = tape.Range(1, int.Min(16, input.Length - at));
                return [.. input.AsSpan(0, at), .. input.AsSpan(at + cut)];
            case 5:
                int span = tape.Range(1, int.Min(64, input.Length - at));
                return Bounded([.. input.AsSpan(0, at + span), .. input.AsSpan(at, span), .. input.AsSpan(at + span)]);
            case 6:
                int from = tape.Below(other.Length + 1);
                return Bounded([.. input.AsSpan(0, at), .. other.AsSpan(from)]);
            default:
                return input[..at];
        }
    }

    private static void SetInteger(Span<byte> at, TapeStream tape)
    {
        Span<byte> word = stackalloc byte[8];
        ulong value = tape.Pick<ulong>(Integers);
        if (tape.Boolean()) BinaryPrimitives.WriteUInt64LittleEndian(word, value);
        else BinaryPrimitives.WriteUInt64BigEndian(word, value);
        int size = int.Min(1 << tape.Below(4), at.Length);
        if (tape.Boolean()) word[..size].CopyTo(at);
        else word[(8 - size)..].CopyTo(at);
    }

    private static byte[] Insert(byte[] input, TapeStream tape)
    {
        int at = tape.Below(input.Length + 1);
        byte[] inserted = new byte[tape.Range(1, 8)];
        tape.Bytes(inserted);
        return Bounded([.. input.AsSpan(0, at), .. inserted, .. input.AsSpan(at)]);
    }

    private static byte[] Bounded(byte[] bytes) => bytes.Length <= SizeMax ? bytes : bytes[..SizeMax];
}
