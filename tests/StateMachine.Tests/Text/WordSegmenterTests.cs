using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using Deterministic.StateMachine.Text;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.StateMachine.Tests.Text;

public sealed class WordSegmenterTests
{
    private static CultureInfo Invariant => CultureInfo.InvariantCulture;

    [Theory]
    [InlineData("The quick (“brown”) fox can’t jump 32.3 feet", "The|quick|brown|fox|can’t|jump|32.3|feet")]
    [InlineData("snake_case a.b 1,000 3:4 e:f x..y", "snake_case|a.b|1,000|3|4|e:f|x|y")]
    [InlineData("東京 カタカナ ひら", "東|京|カタカナ|ひ|ら")]
    [InlineData("a 👩‍👩‍👧 ❤️ ❤ 🇩🇪🇫🇷 © b", "a|👩‍👩‍👧|❤️|🇩🇪|🇫🇷|b")]
    [InlineData("--- ... ___", "")]
    public void Words_are_segments_with_a_letter_number_ideograph_kana_or_emoji(string text, string expected)
    {
        List<string> words = [];
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        for (int start = 0; start < bytes.Length;)
        {
            int end = WordSegmenter.Next(bytes, start, out bool isWord);
            if (isWord) words.Add(Encoding.UTF8.GetString(bytes[start..end]));
            start = end;
        }
        Assert.Equal(expected, string.Join('|', words));
    }

    /// <summary>Every case of Unicode's own test file, of the version that the tables are of.</summary>
    [Fact]
    public void Passes_the_word_break_test_of_Unicode_15_0()
    {
        int cases = 0;
        using Stream stream = typeof(WordSegmenterTests).Assembly.GetManifestResourceStream("WordBreakTest")!;
        using StreamReader reader = new(stream);
        while (reader.ReadLine() is { } line)
        {
            string data = line.Split('#')[0].Trim();
            if (data.Length == 0) continue;
            StringBuilder text = new();
            List<int> expected = [];
            foreach (string item in data.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (item == "÷") expected.Add(Encoding.UTF8.GetByteCount(text.ToString()));
                else if (item != "×") text.Append(new Rune(int.Parse(item, NumberStyles.HexNumber, Invariant)));
            }
            List<int> actual = Boundaries(Encoding.UTF8.GetBytes(text.ToString()));
            Assert.True(expected.ToArray().AsSpan().SequenceEqual(actual.ToArray()), line);
            cases++;
        }
        Assert.Equal(1823, cases);
    }

    [Fact]
    public void Segments_of_any_bytes_cover_the_input_in_order() =>
        Prop.ForAll<byte[]>(bytes => Boundaries(bytes) is [0, ..] all && all[^1] == bytes.Length)
            .QuickCheckThrowOnFailure();

    /// <summary>ASCII is decided by a shorter way, which must agree with the rules.</summary>
    [Fact]
    public void Ascii_has_the_same_boundaries_as_the_general_rules_give()
    {
        byte[] alphabet = Encoding.ASCII.GetBytes("aZ09_'.:,;\" -\r\n");
        Gen<byte[]> texts = Gen.Elements(alphabet).ArrayOf();
        Prop.ForAll(texts.ToArbitrary(), bytes =>
        {
            for (int start = 0; start < bytes.Length;)
            {
                int end = WordSegmenter.Next(bytes, start, out bool isWord);
                int general = WordSegmenter.NextGeneral(bytes, start, out bool isGeneralWord);
                if (end != general || isWord != isGeneralWord) return false;
                start = end;
            }
            return true;
        }).QuickCheckThrowOnFailure();
    }

    private static List<int> Boundaries(byte[] bytes)
    {
        List<int> boundaries = [0];
        for (int i = 0; i < bytes.Length;)
        {
            int end = WordSegmenter.Next(bytes, i, out _);
            Assert.True(end > i);
            boundaries.Add(end);
            i = end;
        }
        return boundaries;
    }
}
