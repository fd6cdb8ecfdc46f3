using System;
using System.Text;
using Deterministic.Core;

namespace Deterministic.StateMachine.Text;

/// <summary>Case folding and ASCII folding on the tables of Unicode 15.0, independent of culture.</summary>
public static class Folding
{
    private const int CombiningFirst = 0x300;
    private const int CombiningLast = 0x36F;
    private const int AsciiTargetSize = 4;
    private const int CaseTargetPoints = 3;

    /// <summary>Full case folding: mappings C and F of CaseFolding.txt, so that ß and SS, and all three sigmas, are the
    /// same. Damaged UTF-8 becomes U+FFFD. Returns the size written, or -1 if the destination is too small.</summary>
    public static int FoldCase(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        int used = 0;
        int i = 0;
        while (i < source.Length)
        {
            byte b = source[i];
            if (b < 0x80)
            {
                if (used == destination.Length) return -1;
                destination[used++] = b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;
                i++;
                continue;
            }
            _ = Rune.DecodeFromUtf8(source[i..], out Rune rune, out int size);
            i += size;
            int written = FoldCase(rune, destination[used..]);
            if (written < 0) return -1;
            used += written;
        }
        return used;
    }

    /// <summary>Replaces accented, wide and otherwise decorated Latin letters and digits by their ASCII forms and
    /// removes combining marks after ASCII, in place. Returns the new size, which is never larger.</summary>
    public static int FoldToAscii(Span<byte> text)
    {
        int used = 0;
        int i = 0;
        while (i < text.Length)
        {
            byte b = text[i];
            if (b < 0x80)
            {
                text[used++] = b;
                i++;
                continue;
            }
            _ = Rune.DecodeFromUtf8(text[i..], out Rune rune, out int size);
            int code = rune.Value;
            int rule = Rule(FoldTables.AsciiTops, FoldTables.AsciiGroups, FoldTables.AsciiBlocks, code);
            if (rule != 0)
            {
                ReadOnlySpan<byte> target = FoldTables.AsciiTargets.Slice(rule * AsciiTargetSize, AsciiTargetSize);
                for (int k = 0; k < AsciiTargetSize && target[k] != ' '; k++) text[used++] = target[k];
            }
            else if (code is < CombiningFirst or > CombiningLast || used == 0 || text[used - 1] >= 0x80)
            {
                text.Slice(i, size).CopyTo(text[used..]);
                used += size;
            }
            i += size;
            Check.That(used <= i);
        }
        return used;
    }

    private static int FoldCase(Rune rune, Span<byte> destination)
    {
        int rule = Rule(FoldTables.CaseTops, FoldTables.CaseGroups, FoldTables.CaseBlocks, rune.Value);
        ReadOnlySpan<int> deltas = FoldTables.CaseDeltas;
        if (rule < deltas.Length) return Write(rune.Value + deltas[rule], destination);
        int first = (rule - deltas.Length) * CaseTargetPoints;
        ReadOnlySpan<ushort> points = FoldTables.CaseExpansions.Slice(first, CaseTargetPoints);
        int used = 0;
        for (int k = 0; k < CaseTargetPoints && points[k] != 0; k++)
        {
            int written = Write(points[k], destination[used..]);
            if (written < 0) return -1;
            used += written;
        }
        return used;
    }

    private static int Write(int codePoint, Span<byte> destination) =>
        new Rune(codePoint).TryEncodeToUtf8(destination, out int written) ? written : -1;

    private static int Rule(
        ReadOnlySpan<byte> tops, ReadOnlySpan<byte> groups, ReadOnlySpan<byte> blocks, int codePoint)
    {
        int block = groups[(tops[codePoint >> 12] * 32) + ((codePoint >> 7) & 31)];
        return blocks[(block * 128) + (codePoint & 127)];
    }
}
