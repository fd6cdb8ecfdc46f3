using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>What the words of the workload are as tokens, written down by hand from the rules: UAX #29 and runs of
/// letters and digits, the two stemmers, full case folding. Nothing of the production analyzer is used.</summary>
internal static class NaiveWords
{
    /// <summary>Words that are not one token under both tokenizers: UAX #29 keeps an apostrophe between letters and a
    /// point between digits and takes ideographs one by one; an emoji is a word to it.</summary>
    private static readonly (string Word, string[] Segments, string[] Runs)[] Uneven =
    [
        ("don't", ["don't"], ["don", "t"]),
        ("3.14", ["3.14"], ["3", "14"]),
        ("日本", ["日", "本"], ["日本"]),
        ("write-ahead", ["write", "ahead"], ["write", "ahead"]),
        ("snake_case", ["snake_case"], ["snake", "case"]),
        ("👍", ["👍"], []),
    ];

    /// <summary>Folded words that a stemmer changes: English (Porter's second), Porter's first.</summary>
    private static readonly (string Word, string English, string Porter)[] Stems =
    [
        ("running", "run", "run"), ("runs", "run", "run"), ("posting", "post", "post"), ("naïve", "naïv", "naïv"),
        ("walrus", "walrus", "walru"), ("strasse", "strass", "strass"), ("write", "write", "write"),
        ("snake", "snake", "snake"), ("blue", "blue", "blue"), ("quickly", "quick", "quickli"),
        ("snake_case", "snake_cas", "snake_cas"),
    ];

    private static readonly string[] StopWords = ["the", "and", "a", "of"];

    /// <summary>The tokens of a text with their places; stop words and long tokens leave gaps.</summary>
    public static void Tokenize(FullTextOptions options, string text, ref int position, List<NaiveToken> tokens)
    {
        if (options.Tokenizer == Tokenizer.PreTokenizedArray)
        {
            byte[] whole = Encoding.UTF8.GetBytes(text);
            if (whole.Length > 0 && whole.Length <= options.MaxTokenLength) tokens.Add(new(whole, position));
            position++;
            return;
        }
        foreach (string word in text.Split(' ', ','))
        {
            foreach (string piece in Pieces(options.Tokenizer, word)) Add(options, piece, position++, tokens);
        }
    }

    /// <summary>The tokens of a text that is cut into words, each with the place of its word among the text's
    /// characters.</summary>
    public static List<(NaiveToken Token, int Start, int End)> Places(FullTextOptions options, string text)
    {
        List<(NaiveToken, int, int)> places = [];
        List<NaiveToken> tokens = [];
        int at = 0;
        foreach (string word in text.Split(' ', ','))
        {
            int end = at;
            foreach (string piece in Pieces(options.Tokenizer, word))
            {
                int start = text.IndexOf(piece, end, StringComparison.Ordinal);
                end = start + piece.Length;
                int before = tokens.Count;
                Add(options, piece, 0, tokens);
                if (tokens.Count > before) places.Add((tokens[^1], start, end));
            }
            at += word.Length + 1;
        }
        return places;
    }

    private static string[] Pieces(Tokenizer tokenizer, string word)
    {
        if (word.Length == 0) return [];
        foreach ((string uneven, string[] segments, string[] runs) in Uneven)
        {
            if (uneven == word) return tokenizer == Tokenizer.WordV1 ? runs : segments;
        }
        foreach (char c in word) Check.That(char.IsLetterOrDigit(c), "a word that the oracle does not know");
        return [word];
    }

    private static void Add(FullTextOptions options, string piece, int position, List<NaiveToken> tokens)
    {
        string token = options.CaseSensitive ? piece : Fold(piece);
        if (Encoding.UTF8.GetByteCount(token) > options.MaxTokenLength) return;
        if (options.Language != Language.None)
        {
            if (options.RemoveStopwords && Array.IndexOf(StopWords, token) >= 0) return;
            if (options.Stemming) token = Stem(options.Language, token);
        }
        if (options.AsciiFolding) token = ToAscii(token);
        tokens.Add(new NaiveToken(Encoding.UTF8.GetBytes(token), position));
    }

    private static string Stem(Language language, string token)
    {
        foreach ((string word, string english, string porter) in Stems)
        {
            if (word == token) return language == Language.English ? english : porter;
        }
        return token;
    }

    private static string Fold(string text)
    {
        StringBuilder folded = new();
        foreach (char c in text)
        {
            if (c is >= 'A' and <= 'Z') folded.Append((char)(c + ('a' - 'A')));
            else if (c == 'Ü') folded.Append('ü');
            else if (c == 'ß') folded.Append("ss");
            else folded.Append(c);
        }
        return folded.ToString();
    }

    private static string ToAscii(string text) => text.Replace("ü", "u", StringComparison.Ordinal)
        .Replace("ï", "i", StringComparison.Ordinal).Replace("Ü", "U", StringComparison.Ordinal)
        .Replace("ß", "ss", StringComparison.Ordinal);
}
