using System;

namespace Deterministic.StateMachine.Text;

/// <summary>Porter2, the English stemmer of Snowball 2: snowballstem.org/algorithms/english/stemmer.html.</summary>
public static class EnglishStemmer
{
    private const int StemmedCharactersMin = 3;

    /// <summary>Stems a lower-case word in place and returns the new size, which is never larger.</summary>
    public static int Stem(Span<byte> word)
    {
        StemBuffer stem = new(word);
        if (ReplaceException(ref stem) || stem.CharacterCount() < StemmedCharactersMin) return stem.Size;
        int skipped = 0;
        if (word[0] == '\'')
        {
            word[1..].CopyTo(word);
            skipped = 1;
        }
        stem = new StemBuffer(word[..^skipped]);
        stem.MarkConsonants();
        MarkRegions(ref stem);
        RemovePossessive(ref stem);
        RemovePlural(ref stem);
        if (!IsKept(stem.Text))
        {
            RemovePast(ref stem);
            ReplaceFinalY(ref stem);
            ShortenDoubleSuffix(ref stem);
            ShortenSuffix(ref stem);
            RemoveSuffix(ref stem);
            RemoveFinalEOrL(ref stem);
        }
        stem.UnmarkConsonants();
        return stem.Size;
    }

    private static bool ReplaceException(ref StemBuffer stem)
    {
        if (stem.Size is < 3 or > 6) return false;
        ReadOnlySpan<byte> text = stem.Text;
        ReadOnlySpan<byte> result = [];
        if (text.SequenceEqual("skis"u8)) result = "ski"u8;
        else if (text.SequenceEqual("skies"u8)) result = "sky"u8;
        else if (text.SequenceEqual("dying"u8)) result = "die"u8;
        else if (text.SequenceEqual("lying"u8)) result = "lie"u8;
        else if (text.SequenceEqual("tying"u8)) result = "tie"u8;
        else if (text.SequenceEqual("idly"u8)) result = "idl"u8;
        else if (text.SequenceEqual("gently"u8)) result = "gentl"u8;
        else if (text.SequenceEqual("ugly"u8)) result = "ugli"u8;
        else if (text.SequenceEqual("early"u8)) result = "earli"u8;
        else if (text.SequenceEqual("only"u8)) result = "onli"u8;
        else if (text.SequenceEqual("singly"u8)) result = "singl"u8;
        if (!result.IsEmpty)
        {
            stem.SetEnd(0, result);
            return true;
        }
        return text.SequenceEqual("sky"u8) || text.SequenceEqual("news"u8) || text.SequenceEqual("howe"u8) ||
            text.SequenceEqual("atlas"u8) || text.SequenceEqual("cosmos"u8) || text.SequenceEqual("bias"u8) ||
            text.SequenceEqual("andes"u8);
    }

    /// <summary>Words that the steps after the plural leave alone.</summary>
    private static bool IsKept(ReadOnlySpan<byte> text) =>
        text.Length is 6 or 7 &&
        (text.SequenceEqual("inning"u8) || text.SequenceEqual("outing"u8) || text.SequenceEqual("canning"u8) ||
        text.SequenceEqual("herring"u8) || text.SequenceEqual("earring"u8) || text.SequenceEqual("proceed"u8) ||
        text.SequenceEqual("exceed"u8) || text.SequenceEqual("succeed"u8));

    private static void MarkRegions(ref StemBuffer stem)
    {
        ReadOnlySpan<byte> text = stem.Text;
        stem.R1 = text.StartsWith("gener"u8) || text.StartsWith("arsen"u8) ? 5
            : text.StartsWith("commun"u8) ? 6
            : stem.Region(0);
        stem.R2 = stem.Region(stem.R1);
    }

    private static void RemovePossessive(ref StemBuffer stem) =>
        _ = stem.Replace("'s'"u8, ""u8, 0) || stem.Replace("'s"u8, ""u8, 0) || stem.Replace("'"u8, ""u8, 0);

    private static void RemovePlural(ref StemBuffer stem)
    {
        if (stem.Replace("sses"u8, "ss"u8, 0)) return;
        if (stem.EndsWith("ied"u8) || stem.EndsWith("ies"u8))
        {
            int start = stem.Size - 3;
            bool severalBefore = start > 0 && stem.CharacterBefore(start) > 0;
            stem.SetEnd(start, severalBefore ? "i"u8 : "ie"u8);
        }
        else if (stem.FromEnd(1) == 's' && stem.FromEnd(2) is not ((byte)'u' or (byte)'s') && stem.Size > 1 &&
            stem.HasVowelBefore(stem.CharacterBefore(stem.Size - 1)))
        {
            stem.Drop(1);
        }
    }

    private static void RemovePast(ref StemBuffer stem)
    {
        if (stem.Replace("eedly"u8, "ee"u8, stem.R1) || stem.Replace("eed"u8, "ee"u8, stem.R1)) return;
        int size = stem.EndsWith("ingly"u8) ? 5
            : stem.EndsWith("edly"u8) ? 4
            : stem.EndsWith("ing"u8) ? 3
            : stem.EndsWith("ed"u8) ? 2
            : 0;
        if (size == 0 || !stem.HasVowelBefore(stem.Size - size)) return;
        stem.Drop(size);
        if (stem.EndsWith("at"u8) || stem.EndsWith("bl"u8) || stem.EndsWith("iz"u8)) stem.SetEnd(stem.Size, "e"u8);
        else if (stem.EndsInDroppedDouble()) stem.Drop(1);
        else if (stem.Size == stem.R1 && EndsInShortSyllable(stem, stem.Size)) stem.SetEnd(stem.Size, "e"u8);
    }

    private static void ReplaceFinalY(ref StemBuffer stem)
    {
        if (stem.FromEnd(1) is not ((byte)'y' or StemBuffer.ConsonantY) || stem.Size < 2) return;
        int before = stem.CharacterBefore(stem.Size - 1);
        if (before > 0 && !stem.IsVowel(before)) stem.SetEnd(stem.Size - 1, "i"u8);
    }

    private static void ShortenDoubleSuffix(ref StemBuffer stem)
    {
        int r1 = stem.R1;
        _ = stem.FromEnd(2) switch
        {
            (byte)'a' => stem.Replace("ational"u8, "ate"u8, r1) || stem.Replace("tional"u8, "tion"u8, r1),
            (byte)'c' => stem.Replace("enci"u8, "ence"u8, r1) || stem.Replace("anci"u8, "ance"u8, r1),
            (byte)'e' => stem.Replace("izer"u8, "ize"u8, r1),
            (byte)'g' => ShortenOgi(ref stem),
            (byte)'l' => stem.Replace("lessli"u8, "less"u8, r1) || stem.Replace("ousli"u8, "ous"u8, r1) ||
                stem.Replace("entli"u8, "ent"u8, r1) || stem.Replace("fulli"u8, "ful"u8, r1) ||
                stem.Replace("abli"u8, "able"u8, r1) || stem.Replace("alli"u8, "al"u8, r1) ||
                stem.Replace("bli"u8, "ble"u8, r1) || RemoveLi(ref stem),
            (byte)'o' => stem.Replace("ization"u8, "ize"u8, r1) || stem.Replace("ation"u8, "ate"u8, r1) ||
                stem.Replace("ator"u8, "ate"u8, r1),
            (byte)'s' => stem.Replace("fulness"u8, "ful"u8, r1) || stem.Replace("ousness"u8, "ous"u8, r1) ||
                stem.Replace("iveness"u8, "ive"u8, r1) || stem.Replace("alism"u8, "al"u8, r1),
            (byte)'t' => stem.Replace("biliti"u8, "ble"u8, r1) || stem.Replace("iviti"u8, "ive"u8, r1) ||
                stem.Replace("aliti"u8, "al"u8, r1),
            _ => false,
        };
    }

    private static bool ShortenOgi(ref StemBuffer stem)
    {
        if (stem.EndsWith("logi"u8) && stem.Size - 3 >= stem.R1) stem.Drop(1);
        return true;
    }

    private static bool RemoveLi(ref StemBuffer stem)
    {
        bool valid = stem.FromEnd(3) is (byte)'c' or (byte)'d' or (byte)'e' or (byte)'g' or (byte)'h' or (byte)'k' or
            (byte)'m' or (byte)'n' or (byte)'r' or (byte)'t';
        if (valid && stem.EndsWith("li"u8) && stem.Size - 2 >= stem.R1) stem.Drop(2);
        return true;
    }

    private static void ShortenSuffix(ref StemBuffer stem)
    {
        int r1 = stem.R1;
        int ativeRegion = stem.R2 > r1 ? stem.R2 : r1;
        _ = stem.Replace("ational"u8, "ate"u8, r1) || stem.Replace("tional"u8, "tion"u8, r1) ||
            stem.Replace("alize"u8, "al"u8, r1) || stem.Replace("icate"u8, "ic"u8, r1) ||
            stem.Replace("iciti"u8, "ic"u8, r1) || stem.Replace("ative"u8, ""u8, ativeRegion) ||
            stem.Replace("ical"u8, "ic"u8, r1) || stem.Replace("ness"u8, ""u8, r1) || stem.Replace("ful"u8, ""u8, r1);
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
            (byte)'o' => RemoveIon(ref stem),
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
        bool removes = stem.EndsWith("ion"u8) && stem.Size - 3 >= stem.R2 && stem.FromEnd(4) is (byte)'s' or (byte)'t';
        if (removes) stem.Drop(3);
        return removes;
    }

    private static void RemoveFinalEOrL(ref StemBuffer stem)
    {
        int start = stem.Size - 1;
        if (stem.FromEnd(1) == 'e')
        {
            if (start >= stem.R2 || (start >= stem.R1 && !EndsInShortSyllable(stem, start))) stem.Drop(1);
        }
        else if (stem.EndsWith("ll"u8) && start >= stem.R2)
        {
            stem.Drop(1);
        }
    }

    /// <summary>Besides consonant, vowel, consonant: a vowel at the start of the word, then a consonant.</summary>
    private static bool EndsInShortSyllable(in StemBuffer stem, int end)
    {
        if (stem.EndsInShortSyllable(end)) return true;
        int last = stem.CharacterBefore(end);
        return last == 1 && stem.IsVowel(0) && !stem.IsVowel(1);
    }
}
