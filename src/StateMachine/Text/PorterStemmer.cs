using System;

namespace Deterministic.StateMachine.Text;

/// <summary>Porter's stemmer: M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980, in the variant
/// that Snowball calls <c>porter</c>, which also stems words of one and two letters.</summary>
public static class PorterStemmer
{
    /// <summary>Stems a lower-case word in place and returns the new size, which is never larger.</summary>
    public static int Stem(Span<byte> word)
    {
        StemBuffer stem = new(word);
        stem.MarkConsonants();
        stem.R1 = stem.Region(0);
        stem.R2 = stem.Region(stem.R1);
        RemovePlural(ref stem);
        RemovePast(ref stem);
        if (stem.FromEnd(1) is (byte)'y' or StemBuffer.ConsonantY && stem.HasVowelBefore(stem.Size - 1))
            stem.SetEnd(stem.Size - 1, "i"u8);
        ShortenDoubleSuffix(ref stem);
        ShortenSuffix(ref stem);
        RemoveSuffix(ref stem);
        RemoveFinalE(ref stem);
        if (stem.EndsWith("ll"u8) && stem.Size - 1 >= stem.R2) stem.Drop(1);
        stem.UnmarkConsonants();
        return stem.Size;
    }

    private static void RemovePlural(ref StemBuffer stem)
    {
        if (stem.FromEnd(1) != 's') return;
        _ = stem.Replace("sses"u8, "ss"u8, 0) || stem.Replace("ies"u8, "i"u8, 0) || stem.EndsWith("ss"u8) ||
            stem.Replace("s"u8, ""u8, 0);
    }

    private static void RemovePast(ref StemBuffer stem)
    {
        if (stem.Replace("eed"u8, "ee"u8, stem.R1)) return;
        int size = stem.EndsWith("ed"u8) ? 2 : stem.EndsWith("ing"u8) ? 3 : 0;
        if (size == 0 || !stem.HasVowelBefore(stem.Size - size)) return;
        stem.Drop(size);
        if (stem.EndsWith("at"u8) || stem.EndsWith("bl"u8) || stem.EndsWith("iz"u8)) stem.SetEnd(stem.Size, "e"u8);
        else if (stem.EndsInDroppedDouble()) stem.Drop(1);
        else if (stem.Size == stem.R1 && stem.EndsInShortSyllable(stem.Size)) stem.SetEnd(stem.Size, "e"u8);
    }

    private static void ShortenDoubleSuffix(ref StemBuffer stem)
    {
        int r1 = stem.R1;
        _ = stem.FromEnd(2) switch
        {
            (byte)'a' => stem.Replace("ational"u8, "ate"u8, r1) || stem.Replace("tional"u8, "tion"u8, r1),
            (byte)'c' => stem.Replace("enci"u8, "ence"u8, r1) || stem.Replace("anci"u8, "ance"u8, r1),
            (byte)'e' => stem.Replace("izer"u8, "ize"u8, r1),
            (byte)'l' => stem.Replace("ousli"u8, "ous"u8, r1) || stem.Replace("entli"u8, "ent"u8, r1) ||
                stem.Replace("abli"u8, "able"u8, r1) || stem.Replace("alli"u8, "al"u8, r1) ||
                stem.Replace("eli"u8, "e"u8, r1),
            (byte)'o' => stem.Replace("ization"u8, "ize"u8, r1) || stem.Replace("ation"u8, "ate"u8, r1) ||
                stem.Replace("ator"u8, "ate"u8, r1),
            (byte)'s' => stem.Replace("fulness"u8, "ful"u8, r1) || stem.Replace("ousness"u8, "ous"u8, r1) ||
                stem.Replace("iveness"u8, "ive"u8, r1) || stem.Replace("alism"u8, "al"u8, r1),
            (byte)'t' => stem.Replace("biliti"u8, "ble"u8, r1) || stem.Replace("iviti"u8, "ive"u8, r1) ||
                stem.Replace("aliti"u8, "al"u8, r1),
            _ => false,
        };
    }

    private static void ShortenSuffix(ref StemBuffer stem)
    {
        int r1 = stem.R1;
        _ = stem.Replace("alize"u8, "al"u8, r1) || stem.Replace("icate"u8, "ic"u8, r1) ||
            stem.Replace("iciti"u8, "ic"u8, r1) || stem.Replace("ical"u8, "ic"u8, r1) ||
            stem.Replace("ative"u8, ""u8, r1) || stem.Replace("ful"u8, ""u8, r1) || stem.Replace("ness"u8, ""u8, r1);
    }

    private static void RemoveSuffix(ref StemBuffer stem)
    {
        int r2 = stem.R2;
        _ = stem.FromEnd(2) switch
        {
            (byte)'a' => stem.Replace("al"u8, ""u8, r2),
            (byte)'c' => stem.Replace("ance"u8, ""u8, r2) || stem.Replace("ence"u8, ""u8, r2),
            (byte)'e' => stem.Replace("er"u8, ""u8, r2),
            (byte)'i' => stem.Replace("ic"u8, ""u8, r2),
            (byte)'l' => stem.Replace("able"u8, ""u8, r2) || stem.Replace("ible"u8, ""u8, r2),
            (byte)'n' => stem.Replace("ement"u8, ""u8, r2) || stem.Replace("ment"u8, ""u8, r2) ||
                stem.Replace("ent"u8, ""u8, r2) || stem.Replace("ant"u8, ""u8, r2),
            (byte)'o' => RemoveIon(ref stem) || stem.Replace("ou"u8, ""u8, r2),
            (byte)'s' => stem.Replace("ism"u8, ""u8, r2),
            (byte)'t' => stem.Replace("ate"u8, ""u8, r2) || stem.Replace("iti"u8, ""u8, r2),
            (byte)'u' => stem.Replace("ous"u8, ""u8, r2),
            (byte)'v' => stem.Replace("ive"u8, ""u8, r2),
            (byte)'z' => stem.Replace("ize"u8, ""u8, r2),
            _ => false,
        };
    }

    private static bool RemoveIon(ref StemBuffer stem)
    {
        if (!stem.EndsWith("ion"u8)) return false;
        if (stem.Size - 3 >= stem.R2 && stem.FromEnd(4) is (byte)'s' or (byte)'t') stem.Drop(3);
        return true;
    }

    private static void RemoveFinalE(ref StemBuffer stem)
    {
        if (stem.FromEnd(1) != 'e') return;
        int start = stem.Size - 1;
        if (start >= stem.R2 || (start >= stem.R1 && !stem.EndsInShortSyllable(start))) stem.Drop(1);
    }
}
