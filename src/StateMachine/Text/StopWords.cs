using System;

namespace Deterministic.StateMachine.Text;

/// <summary>The classic list of 33 English stop words.</summary>
public static class StopWords
{
    public static bool IsEnglish(ReadOnlySpan<byte> word) => word.Length switch
    {
        1 => word[0] == 'a',
        2 => IsIn(word, "anasatbebyifinisitnoofonorto"u8),
        3 => IsIn(word, "andarebutfornotthewas"u8),
        4 => IsIn(word, "intosuchthatthenthistheywillwith"u8),
        5 => IsIn(word, "theirthesethere"u8),
        _ => false,
    };

    /// <summary>Whether the word is one of those in a row of words of its length.</summary>
    private static bool IsIn(ReadOnlySpan<byte> word, ReadOnlySpan<byte> words)
    {
        for (int i = 0; i < words.Length; i += word.Length)
        {
            if (words.Slice(i, word.Length).SequenceEqual(word)) return true;
        }
        return false;
    }
}
