using System;
using Deterministic.Core;

namespace Deterministic.StateMachine.Text;

/// <summary>Word boundaries of UAX #29 on the tables of Unicode 15.0, over UTF-8. Rule numbers (WB3c, ...) are the
/// annex's. Time is linear in the text.</summary>
public static class WordSegmenter
{
    private const byte Letter = 1;
    private const byte Digit = 2;
    private const byte Underscore = 4;
    private const byte BetweenLetters = 8;
    private const byte BetweenDigits = 16;
    private const int EmojiVariation = 0xFE0F;

    /// <summary>End of the segment that starts at <paramref name="start"/>, a boundary other than the end of the
    /// text.</summary>
    /// <param name="isWord">It has a letter, number, ideograph, kana or emoji. An emoji is a code point with
    /// Emoji_Presentation, or a pictograph with the emoji variation selector.</param>
    public static int Next(ReadOnlySpan<byte> text, int start, out bool isWord)
    {
        Check.That((uint)start < (uint)text.Length);
        int end = NextAscii(text, start, out isWord);
        return end > start ? end : NextGeneral(text, start, out isWord);
    }

    /// <summary>End of the run of letters and numbers at <paramref name="start"/>, or start if there is none.</summary>
    internal static int NextLettersAndNumbers(ReadOnlySpan<byte> text, int start)
    {
        ReadOnlySpan<byte> kinds = AsciiKinds;
        int i = start;
        while (i < text.Length)
        {
            int size = 1;
            byte b = text[i];
            if (b < 0x80)
            {
                if ((kinds[b] & (Letter | Digit)) == 0) break;
            }
            else if (!WordProperties.Read(text[i..], out _, out size).IsLetterOrNumber)
            {
                break;
            }
            i += size;
        }
        return i;
    }

    /// <summary>Start of the first letter or number at or after <paramref name="start"/>, or the end of the text.
    /// </summary>
    internal static int SkipToLetterOrNumber(ReadOnlySpan<byte> text, int start)
    {
        int i = start;
        while (i < text.Length)
        {
            if (WordProperties.Read(text[i..], out _, out int size).IsLetterOrNumber) break;
            i += size;
        }
        return i;
    }

    /// <summary>The rules for a segment whose every code point, and the one after it, is ASCII; else start.</summary>
    private static int NextAscii(ReadOnlySpan<byte> text, int start, out bool isWord)
    {
        ReadOnlySpan<byte> kinds = AsciiKinds;
        int i = start;
        int seen = 0;
        isWord = false;
        while (true)
        {
            int kind = 0;
            while (i < text.Length)
            {
                byte b = text[i];
                if (b >= 0x80) return start;
                kind = kinds[b];
                if ((kind & (Letter | Digit | Underscore)) == 0) break;
                seen |= kind;
                i++;
            }
            isWord = (seen & (Letter | Digit)) != 0;
            if (i == text.Length) return i;
            if (i == start) return NextAsciiOther(text, start);
            if (kind == 0 || i + 1 == text.Length) return i;
            byte next = text[i + 1];
            if (next >= 0x80) return start;
            int around = kinds[text[i - 1]] & kinds[next];
            bool joins = (around == Letter && (kind & BetweenLetters) != 0) ||
                (around == Digit && (kind & BetweenDigits) != 0);
            if (!joins) return i;
            i++;
        }
    }

    private static int NextAsciiOther(ReadOnlySpan<byte> text, int start)
    {
        int i = start + 1;
        if (text[start] == ' ')
        {
            while (i < text.Length && text[i] == ' ') i++;
        }
        else if (text[start] == '\r' && i < text.Length && text[i] == '\n')
        {
            return i + 1;
        }
        return i == text.Length || text[i] < 0x80 ? i : start;
    }

    internal static int NextGeneral(ReadOnlySpan<byte> text, int start, out bool isWord)
    {
        WordProperties last = WordProperties.Read(text[start..], out _, out int size);
        int i = start + size;
        isWord = last.IsWordLike;
        if (last.Break == WordBreak.CarriageReturn && i < text.Length && text[i] == '\n') return i + 1;
        if (last.IsLineEnd) return i;

        // Attached code points are invisible to the rules from WB5 on: `last` is the last one that is not attached.
        WordBreak previous = last.Break;
        bool bridge = false;
        bool oddIndicators = last.Break == WordBreak.RegionalIndicator;
        while (i < text.Length)
        {
            WordProperties next = WordProperties.Read(text[i..], out int codePoint, out size);
            if (next.IsLineEnd) break;
            bool glued = (previous == WordBreak.ZeroWidthJoiner && next.IsPictographic) ||
                (previous == WordBreak.WSegSpace && next.Break == WordBreak.WSegSpace);
            previous = next.Break;
            if (next.IsAttached)
            {
                if (codePoint == EmojiVariation && last.IsPictographic) isWord = true;
                i += size;
                continue;
            }
            bool bridgeNow = Bridges(last.Break, next, text[(i + size)..]);
            if (!glued && !bridge && !bridgeNow && !Joins(last.Break, next.Break, oddIndicators)) break;
            bridge = bridgeNow;
            oddIndicators = next.Break == WordBreak.RegionalIndicator && !oddIndicators;
            isWord |= next.IsWordLike;
            last = next;
            i += size;
        }
        return i;
    }

    /// <summary>No boundary between neighbours of these classes: WB5, WB7a, WB8 to WB10, WB13 to WB16.</summary>
    private static bool Joins(WordBreak last, WordBreak next, bool oddIndicators) => last switch
    {
        WordBreak.HebrewLetter when next == WordBreak.SingleQuote => true,
        WordBreak.ALetter or WordBreak.HebrewLetter or WordBreak.Numeric =>
            next is WordBreak.ALetter or WordBreak.HebrewLetter or WordBreak.Numeric or WordBreak.ExtendNumLet,
        WordBreak.Katakana => next is WordBreak.Katakana or WordBreak.ExtendNumLet,
        WordBreak.ExtendNumLet => next is WordBreak.ALetter or WordBreak.HebrewLetter or WordBreak.Numeric or
            WordBreak.Katakana or WordBreak.ExtendNumLet,
        WordBreak.RegionalIndicator => oddIndicators && next == WordBreak.RegionalIndicator,
        _ => false,
    };

    /// <summary>Whether <paramref name="middle"/> joins what is before it to what is after it: WB6, WB7, WB7b, WB7c,
    /// WB11, WB12.</summary>
    private static bool Bridges(WordBreak last, WordProperties middle, ReadOnlySpan<byte> after)
    {
        bool both = middle.Break is WordBreak.MidNumLet or WordBreak.SingleQuote;
        if (last is WordBreak.ALetter or WordBreak.HebrewLetter && (both || middle.Break == WordBreak.MidLetter))
            return FirstNotAttached(after).IsLetter;
        if (last == WordBreak.HebrewLetter && middle.Break == WordBreak.DoubleQuote)
            return FirstNotAttached(after).Break == WordBreak.HebrewLetter;
        if (last == WordBreak.Numeric && (both || middle.Break == WordBreak.MidNum))
            return FirstNotAttached(after).Break == WordBreak.Numeric;
        return false;
    }

    private static WordProperties FirstNotAttached(ReadOnlySpan<byte> text)
    {
        while (text.Length > 0)
        {
            WordProperties properties = WordProperties.Read(text, out _, out int size);
            if (!properties.IsAttached) return properties;
            text = text[size..];
        }
        return default;
    }

    /// <summary>Kinds of the ASCII characters: underscore, ' and . between both, : between letters, comma and ; between
    /// digits.</summary>
    private static ReadOnlySpan<byte> AsciiKinds =>
    [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 16, 0, 24, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 8, 16, 0, 0, 0, 0,
        0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 4,
        0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0,
    ];
}
