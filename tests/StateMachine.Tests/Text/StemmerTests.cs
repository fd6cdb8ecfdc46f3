using System;
using System.IO;
using System.IO.Compression;
using System.Text;
using Deterministic.StateMachine.Text;
using FsCheck;
using FsCheck.Fluent;
using Deterministic.TestSupport;
using Xunit;
using Xunit.Abstractions;

namespace Deterministic.StateMachine.Tests.Text;

public sealed class StemmerTests(ITestOutputHelper output)
{
    private delegate int Stemmer(Span<byte> word);

    [Theory]
    [InlineData("caresses", "caress")]
    [InlineData("ponies", "poni")]
    [InlineData("agreed", "agre")]
    [InlineData("hopping", "hop")]
    [InlineData("filing", "file")]
    [InlineData("happy", "happi")]
    [InlineData("relational", "relat")]
    [InlineData("vietnamization", "vietnam")]
    [InlineData("adoption", "adopt")]
    [InlineData("controlling", "control")]
    [InlineData("", "")]
    public void Porter(string word, string stem) => Assert.Equal(stem, Stem(PorterStemmer.Stem, word));

    [Theory]
    [InlineData("consistency", "consist")]
    [InlineData("generously", "generous")]
    [InlineData("knightly", "knight")]
    [InlineData("skies", "sky")]
    [InlineData("ties", "tie")]
    [InlineData("cries", "cri")]
    [InlineData("gas", "gas")]
    [InlineData("kiwis", "kiwi")]
    [InlineData("dog's", "dog")]
    [InlineData("say", "say")]
    [InlineData("hoping", "hope")]
    [InlineData("succeeding", "succeed")]
    [InlineData("", "")]
    public void English(string word, string stem) => Assert.Equal(stem, Stem(EnglishStemmer.Stem, word));

    [Fact]
    public void Porter_agrees_with_the_published_vocabulary() => AgreesWith("porter", PorterStemmer.Stem);

    [Fact]
    public void English_agrees_with_the_published_vocabulary() => AgreesWith("english", EnglishStemmer.Stem);

    [Fact]
    public void Any_bytes_stem_to_no_more_bytes() =>
        Prop.ForAll<byte[]>(bytes =>
            PorterStemmer.Stem((byte[])bytes.Clone()) <= bytes.Length &&
            EnglishStemmer.Stem((byte[])bytes.Clone()) <= bytes.Length).QuickCheckThrowOnFailure();

    private void AgreesWith(string algorithm, Stemmer stemmer)
    {
        string? directory = SharedData.Folder;
        if (directory is null)
        {
            output.WriteLine("no shared data here: vocabulary not checked");
            return;
        }
        string path = Path.Combine(directory, "snowball-stemming", algorithm + ".voc-stem.tsv.gz");
        using StreamReader reader = new(new GZipStream(File.OpenRead(path), CompressionMode.Decompress), Encoding.UTF8);
        int words = 0;
        while (reader.ReadLine() is { } line)
        {
            string[] pair = line.Split('\t');
            Assert.Equal(line, pair[0] + '\t' + Stem(stemmer, pair[0]));
            words++;
        }
        Assert.True(words > 20_000);
        output.WriteLine($"{words} words agree");
    }

    private static string Stem(Stemmer stemmer, string word)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(word);
        return Encoding.UTF8.GetString(bytes, 0, stemmer(bytes));
    }
}
