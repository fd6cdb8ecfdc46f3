using System;
using System.Text;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Text;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Text;

public sealed class AnalyzerTests : IDisposable
{
    private readonly StaticMemory _memory = new();
    private readonly Analyzer _analyzer;
    private readonly TokenBuffer _tokens;

    public AnalyzerTests()
    {
        _analyzer = new Analyzer(_memory);
        _tokens = new TokenBuffer(_memory, tokensMax: 1000, bytesMax: 10_000);
    }

    public void Dispose() => _memory.Dispose();

    [Fact]
    public void A_stop_word_leaves_a_gap_in_the_positions() =>
        Assert.Equal("quick@1 brown@2 fox@3 jump@4", Analyze("The quick brown foxes jumped", Porter(Tokenizer.WordV1)));

    [Fact]
    public void A_word_that_stemming_would_empty_is_its_own_stem() =>
        Assert.Equal("bernoulli@0 s@1 law@2", Analyze("Bernoulli's laws", Porter(Tokenizer.WordV1)));

    [Fact]
    public void Runs_of_letters_and_digits_are_the_words_of_v1() =>
        Assert.Equal("snake@0 case@1 can@2 t@3 été@4 42@5",
            Analyze("snake_case CAN'T Été 42", Plain(Tokenizer.WordV1)));

    [Fact]
    public void Case_folding_is_full() =>
        Assert.Equal("strasse@0 σοσ@1", Analyze("Straße ΣΟΣ", Plain(Tokenizer.WordV4)));

    [Fact]
    public void Segments_are_the_words_of_v3_and_v4()
    {
        foreach (Tokenizer tokenizer in (Tokenizer[])[Tokenizer.WordV3, Tokenizer.WordV4])
            Assert.Equal("can't@0 3.14@1 fox@2 trot@3", Analyze("can't 3.14 fox-trot", Plain(tokenizer)));
    }

    [Fact]
    public void Ascii_folding_takes_composed_and_combining_accents() =>
        Assert.Equal("creme@0 creme@1 lodz@2",
            Analyze("crème cre\u0300me Łódź", Plain(Tokenizer.WordV4, TextOptions.AsciiFoldingFlag)));

    [Fact]
    public void Case_is_kept_on_demand() =>
        Assert.Equal("NASA@0", Analyze("NASA", Plain(Tokenizer.WordV4, TextOptions.CaseSensitiveFlag)));

    [Fact]
    public void A_curly_apostrophe_is_a_possessive_to_the_stemmer()
    {
        TextOptions options = Plain(Tokenizer.WordV4, TextOptions.StemmingFlag);
        options.Language = Language.English;
        Assert.Equal("dog@0 dog@1", Analyze("dog’s dog's", options));
    }

    [Fact]
    public void Tokens_over_the_limit_are_dropped_and_keep_their_position()
    {
        TextOptions options = Plain(Tokenizer.WordV4);
        options.TokenSizeMax = 3;
        Assert.Equal("abc@0 de@2", Analyze("abc abcd de", options));
    }

    [Fact]
    public void A_pretokenized_value_is_one_token() =>
        Assert.Equal("Not Cut@0", Analyze("Not Cut", Plain(Tokenizer.PreTokenizedArray)));

    [Fact]
    public void A_full_buffer_is_reported()
    {
        TokenBuffer small = new(_memory, tokensMax: 2, bytesMax: 100);
        Assert.False(_analyzer.Analyze(Plain(Tokenizer.WordV4), "a b c"u8, small));
        Assert.Equal(2, small.Count);
    }

    [Fact]
    public void Any_bytes_give_the_same_tokens_twice_in_ascending_positions() =>
        Prop.ForAll<byte[]>(bytes =>
        {
            foreach (Tokenizer tokenizer in (Tokenizer[])[Tokenizer.WordV1, Tokenizer.WordV3, Tokenizer.WordV4])
            {
                TextOptions options = Porter(tokenizer);
                string first = Analyze(bytes, options);
                for (int i = 1; i < _tokens.Count; i++)
                {
                    if (_tokens.Position(i) <= _tokens.Position(i - 1)) return false;
                }
                if (first != Analyze(bytes, options)) return false;
            }
            return true;
        }).QuickCheckThrowOnFailure();

    /// <summary>Reaches every entry of the tables: folding stays valid UTF-8, is idempotent, and fits.</summary>
    [Fact]
    public void Every_code_point_folds()
    {
        Span<byte> utf8 = stackalloc byte[4];
        Span<byte> once = stackalloc byte[12];
        Span<byte> twice = stackalloc byte[12];
        for (int c = 0; c <= 0x10FFFF; c++)
        {
            if (!Rune.TryCreate(c, out Rune rune)) continue;
            Span<byte> text = utf8[..rune.EncodeToUtf8(utf8)];
            int size = Folding.FoldCase(text, once);
            Assert.InRange(size, 1, 12);
            int again = Folding.FoldCase(once[..size], twice);
            Assert.True(once[..size].SequenceEqual(twice[..again]));
            Assert.InRange(Folding.FoldToAscii(text), 1, rune.Utf8SequenceLength);
        }
    }

    [Fact]
    public void Analysis_allocates_nothing()
    {
        TextOptions options = Porter(Tokenizer.WordV4);
        byte[] text = Encoding.UTF8.GetBytes("The naïve cafés’ owners were running 1,000 tests — ß Ǆ 東京 👩‍👧.");
        for (int i = 0; i < 100; i++) Run(options, text);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) Run(options, text);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(_tokens.Count > 5);
    }

    private static TextOptions Plain(Tokenizer tokenizer, byte flags = 0) =>
        new() { Tokenizer = tokenizer, Flags = flags, TokenSizeMax = 39 };

    private static TextOptions Porter(Tokenizer tokenizer) => new()
    {
        Tokenizer = tokenizer,
        Language = Language.Porter,
        Flags = TextOptions.StemmingFlag | TextOptions.RemoveStopwordsFlag | TextOptions.AsciiFoldingFlag,
        TokenSizeMax = 39,
    };

    private void Run(in TextOptions options, ReadOnlySpan<byte> text)
    {
        _tokens.Clear();
        Assert.True(_analyzer.Analyze(options, text, _tokens));
    }

    private string Analyze(string text, TextOptions options) => Analyze(Encoding.UTF8.GetBytes(text), options);

    private string Analyze(byte[] text, TextOptions options)
    {
        Run(options, text);
        StringBuilder result = new();
        for (int i = 0; i < _tokens.Count; i++)
            result.Append($"{(i == 0 ? "" : " ")}{Encoding.UTF8.GetString(_tokens.Text(i))}@{_tokens.Position(i)}");
        return result.ToString();
    }
}
