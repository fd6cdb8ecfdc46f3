using System;
using Deterministic.Core;

namespace Deterministic.StateMachine.Text;

/// <summary>A word that a suffix-stripping stemmer works on in place: UTF-8 in lower case. Only aeiouy are vowels; a y
/// that acts as a consonant is held as <see cref="ConsonantY"/> meanwhile. Regions are offsets: R1 and R2 of the
/// published algorithms.</summary>
internal ref struct StemBuffer(Span<byte> word)
{
    /// <summary>A control character, which no token contains.</summary>
    public const byte ConsonantY = 0x19;

    private readonly Span<byte> _bytes = word;

    public int Size { get; private set; } = word.Length;
    public int R1 { get; set; } = word.Length;
    public int R2 { get; set; } = word.Length;

    public readonly ReadOnlySpan<byte> Text => _bytes[..Size];

    /// <summary>The byte this many places before the end (1 is the last), or 0.</summary>
    public readonly byte FromEnd(int places) => places <= Size ? _bytes[Size - places] : (byte)0;

    public readonly bool IsVowel(int i) =>
        _bytes[i] is (byte)'a' or (byte)'e' or (byte)'i' or (byte)'o' or (byte)'u' or (byte)'y';

    public readonly bool EndsWith(ReadOnlySpan<byte> suffix) => Text.EndsWith(suffix);

    public readonly bool HasVowelBefore(int end)
    {
        for (int i = 0; i < end; i++)
        {
            if (IsVowel(i)) return true;
        }
        return false;
    }

    /// <summary>Marks a y at the start or after a vowel as a consonant.</summary>
    public readonly void MarkConsonants()
    {
        for (int i = 0; i < Size; i++)
        {
            if (_bytes[i] == 'y' && (i == 0 || IsVowel(i - 1))) _bytes[i] = ConsonantY;
        }
    }

    public readonly void UnmarkConsonants() => _bytes[..Size].Replace(ConsonantY, (byte)'y');

    /// <summary>Offset after the first consonant that follows a vowel at or after <paramref name="start"/>; the end if
    /// there is none.</summary>
    public readonly int Region(int start)
    {
        int i = start;
        while (i < Size && !IsVowel(i)) i++;
        while (i < Size && IsVowel(i)) i++;
        if (i == Size) return Size;
        i++;
        while (i < Size && IsContinuation(i)) i++;
        return i;
    }

    /// <summary>The part before <paramref name="end"/> ends in consonant, vowel, consonant; the last is not w, x
    /// or y.</summary>
    public readonly bool EndsInShortSyllable(int end)
    {
        int last = CharacterBefore(end);
        if (last < 2 || IsVowel(last) || _bytes[last] is (byte)'w' or (byte)'x' or ConsonantY) return false;
        return IsVowel(last - 1) && !IsVowel(last - 2);
    }

    /// <summary>Start of the character that ends at <paramref name="end"/>.</summary>
    public readonly int CharacterBefore(int end)
    {
        int i = end - 1;
        while (i > 0 && IsContinuation(i)) i--;
        return i;
    }

    public readonly int CharacterCount()
    {
        int count = 0;
        for (int i = 0; i < Size; i++) count += IsContinuation(i) ? 0 : 1;
        return count;
    }

    /// <summary>True if the word ends in the suffix; it is then replaced if it lies at or after
    /// <paramref name="region"/>.</summary>
    public bool Replace(ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> replacement, int region)
    {
        if (!EndsWith(suffix)) return false;
        if (Size - suffix.Length >= region) SetEnd(Size - suffix.Length, replacement);
        return true;
    }

    public void Drop(int places)
    {
        Check.That(places <= Size);
        Size -= places;
    }

    public void SetEnd(int start, ReadOnlySpan<byte> ending)
    {
        Check.That(start + ending.Length <= _bytes.Length);
        ending.CopyTo(_bytes[start..]);
        Size = start + ending.Length;
    }

    public readonly bool EndsInDroppedDouble() =>
        FromEnd(1) == FromEnd(2) && FromEnd(1) is (byte)'b' or (byte)'d' or (byte)'f' or (byte)'g' or (byte)'m' or
            (byte)'n' or (byte)'p' or (byte)'r' or (byte)'t';

    private readonly bool IsContinuation(int i) => (_bytes[i] & 0xC0) == 0x80;
}
