using System;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.StateMachine.Text;

/// <summary>Cuts a text into what is highlighted. A paragraph ends with its line; a sentence too, or behind a full
/// stop, an exclamation mark, a question mark or an ellipsis with the quotes and brackets that close there, if white
/// space follows (the full-width ones need none), and for a full stop no small ASCII letter behind that. White space
/// around paragraphs and sentences belongs to none.</summary>
public static class FragmentCutter
{
    /// <summary>Finds the next fragment; false at the end of the text.</summary>
    /// <param name="unit">All but words, which the analyzer cuts.</param>
    /// <param name="text">UTF-8.</param>
    /// <param name="at">Where to go on; behind the fragment afterwards.</param>
    /// <param name="start">Of the fragment.</param>
    public static bool TryNext(FragmentUnit unit, ReadOnlySpan<byte> text, ref int at, out int start)
    {
        Check.That(unit != FragmentUnit.Word);
        Check.That(at >= 0 && at <= text.Length);
        start = at;
        if (unit == FragmentUnit.None)
        {
            at = text.Length;
            return start < at;
        }
        while (start < text.Length && IsSpace(text[start])) start++;
        at = start;
        if (start == text.Length) return false;
        while (at < text.Length && !IsLineEnd(text[at]))
        {
            bool ends = unit == FragmentUnit.Sentence && TryPassMarks(text, ref at);
            if (ends) return true;
            if (at < text.Length && !IsLineEnd(text[at])) at++;
        }
        while (IsSpace(text[at - 1])) at--;
        return true;
    }

    /// <summary>Passes the closing marks, quotes and brackets at <paramref name="at"/>, all of them at once, so that a
    /// long row of them costs no more than its length; true if a sentence ends with them.</summary>
    private static bool TryPassMarks(ReadOnlySpan<byte> text, ref int at)
    {
        int size = MarkSize(text[at..], out bool fullWidth);
        if (size == 0) return false;
        bool onlyFullStops = true;
        for (; size > 0; at += size)
        {
            size = MarkSize(text[at..], out bool wide);
            fullWidth |= wide;
            onlyFullStops &= size == 0 || text[at] == (byte)'.';
            if (size == 0) size = CloserSize(text[at..]);
        }
        if (at == text.Length || fullWidth) return true;
        if (!IsSpace(text[at])) return false;
        int next = at;
        while (next < text.Length && IsSpace(text[next])) next++;
        bool goesOn = onlyFullStops && next < text.Length && text[next] is >= (byte)'a' and <= (byte)'z';
        return !goesOn;
    }

    private static int MarkSize(ReadOnlySpan<byte> text, out bool fullWidth)
    {
        fullWidth = text.StartsWith("。"u8) || text.StartsWith("！"u8) || text.StartsWith("？"u8);
        if (fullWidth || text.StartsWith("…"u8)) return 3;
        return text.Length > 0 && text[0] is (byte)'.' or (byte)'!' or (byte)'?' ? 1 : 0;
    }

    private static int CloserSize(ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("”"u8) || text.StartsWith("’"u8)) return 3;
        if (text.StartsWith("»"u8)) return 2;
        return text.Length > 0 && "\"')]}"u8.Contains(text[0]) ? 1 : 0;
    }

    private static bool IsLineEnd(byte value) => value is (byte)'\n' or (byte)'\r';

    private static bool IsSpace(byte value) => value is (byte)' ' or >= (byte)'\t' and <= (byte)'\r';
}
