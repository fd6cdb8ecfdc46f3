using System;

namespace Deterministic.Storage.Tables;

/// <summary>Unsigned numbers in 7-bit groups, the lowest first, the top bit set in all but the last.</summary>
internal static class Varint32
{
    public const int SizeMax = 5;

    public static int Write(Span<byte> bytes, uint value)
    {
        int size = 0;
        for (; value >= 0x80; value >>= 7) bytes[size++] = (byte)(value & 0x7F | 0x80);
        bytes[size++] = (byte)value;
        return size;
    }

    /// <summary>Reads at <paramref name="at"/> of untrusted bytes and moves it on; false if no number is
    /// there.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, ref int at, out uint value)
    {
        value = 0;
        for (int shift = 0; shift < 7 * SizeMax && at < bytes.Length; shift += 7)
        {
            uint group = bytes[at++];
            value |= unchecked((group & 0x7F) << shift);
            if (group < 0x80) return true;
        }
        return false;
    }

    /// <summary>Reads at <paramref name="at"/> and moves it on. Of bytes in which <see cref="TryRead"/> found a number
    /// there.</summary>
    public static uint Read(ReadOnlySpan<byte> bytes, ref int at)
    {
        uint value = bytes[at++];
        if (value < 0x80) return value;
        value &= 0x7F;
        for (int shift = 7; ; shift += 7)
        {
            uint group = bytes[at++];
            value |= unchecked((group & 0x7F) << shift);
            if (group < 0x80 || shift >= 28) return value;
        }
    }
}
