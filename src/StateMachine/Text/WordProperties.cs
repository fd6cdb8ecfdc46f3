using System;
using System.Runtime.CompilerServices;
using System.Text;

namespace Deterministic.StateMachine.Text;

/// <summary>Word_Break property of UAX #29.</summary>
internal enum WordBreak : byte
{
    Other,
    CarriageReturn,
    LineFeed,
    Newline,
    Extend,
    ZeroWidthJoiner,
    Format,
    RegionalIndicator,
    Katakana,
    HebrewLetter,
    ALetter,
    SingleQuote,
    DoubleQuote,
    MidNumLet,
    MidLetter,
    MidNum,
    Numeric,
    ExtendNumLet,
    WSegSpace,
}

/// <summary>Word break class and flags of one code point of Unicode 15.0.</summary>
internal readonly struct WordProperties(byte bits)
{
    public WordBreak Break => (WordBreak)(bits & 0x1F);

    /// <summary>Extended_Pictographic.</summary>
    public bool IsPictographic => (bits & 0x20) != 0;

    /// <summary>A segment with such a code point is a word: letters, numbers, ideographs, kana, and what is shown as
    /// emoji by default.</summary>
    public bool IsWordLike => (bits & 0x40) != 0;

    /// <summary>General category L* or N*.</summary>
    public bool IsLetterOrNumber => (bits & 0x80) != 0;

    /// <summary>Belongs to what is before it (rule WB4).</summary>
    public bool IsAttached => Break is WordBreak.Extend or WordBreak.Format or WordBreak.ZeroWidthJoiner;

    public bool IsLineEnd => Break is WordBreak.CarriageReturn or WordBreak.LineFeed or WordBreak.Newline;

    public bool IsLetter => Break is WordBreak.ALetter or WordBreak.HebrewLetter;

    /// <summary>Properties of the code point at the start of <paramref name="text"/>, which is not empty. Damaged UTF-8
    /// reads as U+FFFD, one for each maximal damaged part.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WordProperties Read(ReadOnlySpan<byte> text, out int codePoint, out int size)
    {
        byte first = text[0];
        if (first < 0x80)
        {
            codePoint = first;
            size = 1;
            return new WordProperties(WordTables.Properties[WordTables.LetterBlocks[first]]);
        }
        _ = Rune.DecodeFromUtf8(text, out Rune rune, out size);
        codePoint = rune.Value;
        return Of(codePoint);
    }

    public static WordProperties Of(int codePoint)
    {
        int group = WordTables.LetterTops[codePoint >> 12];
        int block = WordTables.LetterGroups[(group * 32) + ((codePoint >> 7) & 31)];
        return new WordProperties(WordTables.Properties[WordTables.LetterBlocks[(block * 128) + (codePoint & 127)]]);
    }
}
