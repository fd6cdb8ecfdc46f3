using System;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;

namespace Deterministic.StateMachine.Text;

/// <summary>Turns text into tokens: tokenizer, case folding, size limit, stop words, stemming, ASCII folding, in this
/// order. A pure function of options and bytes; allocates nothing after construction.</summary>
public sealed class Analyzer
{
    private readonly NativeBuffer _token;

    public Analyzer(StaticMemory memory) => _token = memory.Take(Limits.TokenSizeMax);

    /// <summary>Whether <see cref="Analyze"/> takes the options: known names, a token size limit in
    /// 1..<see cref="Limits.TokenSizeMax"/>. A schema with others must be refused.</summary>
    public static bool Supports(in TextOptions options) =>
        options.Tokenizer is Tokenizer.WordV1 or Tokenizer.WordV3 or Tokenizer.WordV4
            or Tokenizer.PreTokenizedArray &&
        options.Language is Language.None or Language.English or Language.Porter &&
        options.TokenSizeMax is > 0 and <= Limits.TokenSizeMax;

    /// <summary>Appends the tokens of a text (of one array element) to the output. Every token of the tokenizer takes
    /// one position, counted from <paramref name="firstPosition"/>; stop words and tokens over the size limit leave
    /// gaps.</summary>
    /// <returns>False if the output is full; it then holds the tokens that had room.</returns>
    public bool Analyze(in TextOptions options, ReadOnlySpan<byte> utf8, TokenBuffer output, int firstPosition = 0)
    {
        Check.That(Supports(options));
        Check.That(firstPosition >= 0);
        output.NextPosition = firstPosition;
        return options.Tokenizer switch
        {
            Tokenizer.WordV1 => AnalyzeRuns(options, utf8, output),
            Tokenizer.WordV3 or Tokenizer.WordV4 => AnalyzeSegments(options, utf8, output),
            _ => AnalyzeWhole(options, utf8, output),
        };
    }

    private bool AnalyzeRuns(in TextOptions options, ReadOnlySpan<byte> utf8, TokenBuffer output)
    {
        int start = WordSegmenter.SkipToLetterOrNumber(utf8, 0);
        while (start < utf8.Length)
        {
            int end = WordSegmenter.NextLettersAndNumbers(utf8, start);
            if (!Add(options, utf8[start..end], output)) return false;
            start = WordSegmenter.SkipToLetterOrNumber(utf8, end);
        }
        return true;
    }

    private bool AnalyzeSegments(in TextOptions options, ReadOnlySpan<byte> utf8, TokenBuffer output)
    {
        int start = 0;
        while (start < utf8.Length)
        {
            int end = WordSegmenter.Next(utf8, start, out bool isWord);
            if (isWord && !Add(options, utf8[start..end], output)) return false;
            start = end;
        }
        return true;
    }

    private static bool AnalyzeWhole(in TextOptions options, ReadOnlySpan<byte> utf8, TokenBuffer output)
    {
        int position = output.NextPosition++;
        if (utf8.Length == 0 || utf8.Length > options.TokenSizeMax) return true;
        return output.TryAdd(utf8, position);
    }

    /// <summary>Moves to the next token of a text that is cut into words; false at its end.</summary>
    /// <param name="options">How it is cut.</param>
    /// <param name="utf8">The text.</param>
    /// <param name="at">Where to go on; behind the token's word afterwards.</param>
    /// <param name="start">Where that begins.</param>
    /// <param name="token">Good until the next call.</param>
    public bool TryNext(
        in TextOptions options, ReadOnlySpan<byte> utf8, ref int at, out int start, out ReadOnlySpan<byte> token)
    {
        Check.That(Supports(options));
        Check.That(options.Tokenizer != Tokenizer.PreTokenizedArray);
        start = at;
        token = default;
        while (at < utf8.Length)
        {
            bool isWord;
            start = options.Tokenizer == Tokenizer.WordV1 ? WordSegmenter.SkipToLetterOrNumber(utf8, at) : at;
            if (start == utf8.Length) return false;
            if (options.Tokenizer != Tokenizer.WordV1) at = WordSegmenter.Next(utf8, start, out isWord);
            else
            {
                at = WordSegmenter.NextLettersAndNumbers(utf8, start);
                isWord = true;
            }
            int size = isWord ? Normalise(options, utf8[start..at]) : 0;
            token = _token.Slice(0, size);
            if (size > 0) return true;
        }
        return false;
    }

    private bool Add(in TextOptions options, ReadOnlySpan<byte> word, TokenBuffer output)
    {
        int position = output.NextPosition++;
        int size = Normalise(options, word);
        return size == 0 || output.TryAdd(_token.Slice(0, size), position);
    }

    /// <summary>Leaves the word as a token in the scratch memory and returns its size; 0 if it is none.</summary>
    private int Normalise(in TextOptions options, ReadOnlySpan<byte> word)
    {
        Check.That(word.Length > 0);
        Span<byte> token = _token.Slice(0, options.TokenSizeMax);
        int size = word.Length <= token.Length ? word.Length : -1;
        if (!options.CaseSensitive) size = Folding.FoldCase(word, token);
        else if (size > 0) word.CopyTo(token);
        if (size < 0) return 0;

        token = token[..size];
        if (options.Language != Language.None)
        {
            if (options.RemoveStopwords && StopWords.IsEnglish(token)) return 0;
            // Porter takes the plural off a lone "s" and leaves nothing: then the word is its own stem.
            int stem = options.Stemming ? Stem(options.Language, token) : 0;
            if (stem > 0) token = token[..stem];
        }
        return options.AsciiFolding ? Folding.FoldToAscii(token) : token.Length;
    }

    private static int Stem(Language language, Span<byte> token)
    {
        int size = Ascii.IsValid(token) ? token.Length : StraightenApostrophes(token);
        return language == Language.Porter ? PorterStemmer.Stem(token[..size]) : EnglishStemmer.Stem(token[..size]);
    }

    /// <summary>The stemmers know possessives by the ASCII apostrophe: U+2018, U+2019 and U+201B become it.</summary>
    private static int StraightenApostrophes(Span<byte> token)
    {
        int used = 0;
        int i = 0;
        while (i < token.Length)
        {
            bool curly = i + 2 < token.Length && token[i] == 0xE2 && token[i + 1] == 0x80 &&
                token[i + 2] is 0x98 or 0x99 or 0x9B;
            token[used++] = curly ? (byte)'\'' : token[i];
            i += curly ? 3 : 1;
        }
        return used;
    }
}
