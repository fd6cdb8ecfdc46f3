using System;

namespace Deterministic.StateMachine.Documents;

/// <summary>UUIDs as text: 32 hexadecimal digits of either case, plain or with dashes after 8, 12, 16 and 20 of
/// them.</summary>
public static class UuidText
{
    public static bool TryParse(ReadOnlySpan<byte> text, Span<byte> uuid)
    {
        bool dashes = text.Length == 36;
        if (!dashes && text.Length != 32) return false;
        int at = 0;
        for (int i = 0; i < 16; i++)
        {
            if (dashes && i is 4 or 6 or 8 or 10 && text[at++] != '-') return false;
            int high = Digit(text[at++]);
            int low = Digit(text[at++]);
            if (high < 0 || low < 0) return false;
            uuid[i] = (byte)(high << 4 | low);
        }
        return true;
    }

    private static int Digit(byte c) => c switch
    {
        >= (byte)'0' and <= (byte)'9' => c - '0',
        >= (byte)'a' and <= (byte)'f' => c - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => c - 'A' + 10,
        _ => -1,
    };
}
