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

    /// <summary>Reads at <paramref name="at"/> and moves it on. Of bytes whose checksum has been verified.</summary>
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
