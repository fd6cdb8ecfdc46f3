using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Simulator.Oracle;
using Deterministic.Simulator.Workload;
using Deterministic.StateMachine;
using Deterministic.StateMachine.Query;
using Deterministic.StateMachine.Text;
using Xunit;

namespace Deterministic.Simulator.Tests;

/// <summary>The oracle's own words, logarithms and powers against production's: two that were made apart
/// agree.</summary>
public sealed class NaiveWordsTests
{
    [Theory]
    [InlineData(Tokenizer.WordV1)]
    [InlineData(Tokenizer.WordV3)]
    [InlineData(Tokenizer.WordV4)]
    public void Every_word_of_the_workload_is_cut_alike(Tokenizer tokenizer)
    {
        using StaticMemory memory = new();
        Analyzer analyzer = new(memory);
        TokenBuffer buffer = new(memory, 256, 4096);
        foreach (Language language in (Language[])[Language.None, Language.English, Language.Porter])
        {
            for (int flags = 0; flags < 16; flags++)
            {
                FullTextOptions options = new()
                {
                    Tokenizer = tokenizer, Language = language, Stemming = (flags & 1) != 0,
                    RemoveStopwords = (flags & 2) != 0, CaseSensitive = (flags & 4) != 0,
                    AsciiFolding = (flags & 8) != 0, MaxTokenLength = (byte)(flags % 3 == 0 ? 5 : 39),
                };
                byte[] bytes = new byte[16];
                WireWriter writer = new(bytes);
                options.Write(ref writer);
                foreach (string word in Vocabulary.AllWords.Split(' '))
                {
                    buffer.Clear();
                    string text = $"{word}, {word}";
                    Assert.True(analyzer.Analyze(
                        MemoryMarshal.Read<TextOptions>(bytes), Encoding.UTF8.GetBytes(text), buffer));
                    List<string> production = [];
                    for (int i = 0; i < buffer.Count; i++)
                        production.Add($"{buffer.Position(i)} {Encoding.UTF8.GetString(buffer.Text(i))}");
                    List<string> naive = [];
                    foreach (NaiveToken token in NaiveText.Analyze(options, Value.Of(text)))
                        naive.Add($"{token.Position} {Encoding.UTF8.GetString(token.Text)}");
                    Assert.Equal(naive, production);
                }
            }
        }
    }

    [Fact]
    public void Logarithms_agree()
    {
        for (ulong n = 1; n < 200; n++) Assert.Equal(NaiveLogarithm.Log2(n), FixedLogarithm.Log2(n));
        ulong[] large = [ulong.MaxValue, ulong.MaxValue - 1, 1UL << 63, (1UL << 63) - 1, 0x1234_5678_9ABC_DEF0];
        foreach (ulong n in large) Assert.Equal(NaiveLogarithm.Log2(n), FixedLogarithm.Log2(n));
        Assert.Equal(
            FixedLogarithm.InverseDocumentFrequency(1000, 3), NaiveLogarithm.InverseDocumentFrequency(1000, 3));
    }

    [Fact]
    public void Powers_have_the_same_bits()
    {
        System.Random random = new(4);
        double[] exponents = [0.25, 0.5, 1, 1.7, 2, 11, 400];
        for (int i = 0; i < 20_000; i++)
        {
            double value = System.BitConverter.UInt64BitsToDouble((ulong)random.NextInt64(0x7FF0_0000_0000_0000));
            if (i % 2 == 0) value = random.Next(1, 60) / (double)random.Next(1, 60);
            double exponent = exponents[i % exponents.Length];
            Assert.Equal(NaivePower.Of(value, exponent), PositivePower.Of(value, exponent));
        }
    }
}
