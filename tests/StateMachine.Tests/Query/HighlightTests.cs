using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Tests.Support;
using Xunit;

namespace Deterministic.StateMachine.Tests.Query;

/// <summary>Highlights: the best fragments of a row's text, and where they match.</summary>
public sealed class HighlightTests : IDisposable
{
    private const string Story = "The heron waits by the water. It sees a fish!\n" +
        "Fish are quick; a heron is patient. Naïve 🐟 fish swim near. The end.";

    private readonly Machine _machine = new();

    public HighlightTests() => _machine.Write(new WriteRequest
    {
        Namespace = "n",
        Schema =
        [
            new AttributeSchema { Name = "story", Type = AttributeType.String, FullText = new FullTextOptions() },
            new AttributeSchema { Name = "tags", Type = AttributeType.StringArray, FullText = new FullTextOptions() },
            new AttributeSchema
            {
                Name = "tokens", Type = AttributeType.StringArray,
                FullText = new FullTextOptions { Tokenizer = Tokenizer.PreTokenizedArray },
            },
        ],
        Upserts =
        [
            Ask.Row(1, ("story", Value.Of(Story)), ("plain", Value.Of("fish")),
                ("tags", Value.Of(Value.Of("water birds"), Value.Of("fish and water")))),
            Ask.Row(2),
        ],
    });

    public void Dispose() => _machine.Dispose();

    private HighlightFragment[] Of(string words, string attribute = "story", FragmentUnit unit = FragmentUnit.Sentence,
        uint limit = 3, OffsetUnit offsets = OffsetUnit.None, bool prefix = false)
    {
        Highlight highlight = new()
        {
            Attribute = attribute, FragmentBy = unit, FragmentLimit = limit, Offsets = offsets,
            Clauses = [new HighlightClause(words, prefix)],
        };
        return Rows(highlight)[0].Highlights.Single().Value;
    }

    private List<ResultRow> Rows(Highlight highlight) => _machine.One(Query(highlight)).Rows;

    private static Core.Model.Query Query(Highlight highlight) => new()
    {
        RankBy = Ask.ById, Limit = 9, Computed = [new ComputedAttribute { Label = "h", Highlight = highlight }],
    };

    private static string Texts(HighlightFragment[] fragments) =>
        string.Join(" | ", fragments.Select(fragment => fragment.Text));

    [Fact]
    public void The_best_sentences_come_first_and_others_stay_out()
    {
        Assert.Equal("The heron waits by the water. | Fish are quick; a heron is patient.", Texts(Of("heron")));
        Assert.Equal("Fish are quick; a heron is patient. | The heron waits by the water.",
            Texts(Of("fish heron", limit: 2)));
        Assert.Equal("It sees a fish! | Naïve 🐟 fish swim near. | Fish are quick; a heron is patient.",
            Texts(Of("fish")));
        Assert.Empty(Of("walrus"));
    }

    [Fact]
    public void Paragraphs_words_and_the_whole()
    {
        Assert.Equal(Story.Split('\n')[0], Texts(Of("water", unit: FragmentUnit.Paragraph)));
        Assert.Equal(Story, Texts(Of("water", unit: FragmentUnit.None)));
        Assert.Equal("heron | heron", Texts(Of("heron", unit: FragmentUnit.Word)));
    }

    [Fact]
    public void A_prefix_matches_the_beginnings_of_words() =>
        Assert.Equal("Naïve 🐟 fish swim near.", Texts(Of("sw", prefix: true)));

    [Fact]
    public void Elements_of_arrays_are_told_by_their_index()
    {
        HighlightFragment[] fragments = Of("water", "tags", offsets: OffsetUnit.Utf8);
        Assert.Equal("water birds | fish and water", Texts(fragments));
        Assert.Equal([0u, 1u], fragments.Select(fragment => fragment.ArrayIndex!.Value));
        Assert.Equal((9u, 14u), fragments[1].Matches.Single());
        Assert.Null(Of("water", "tags")[0].ArrayIndex);
    }

    [Theory]
    [InlineData(OffsetUnit.Utf8)]
    [InlineData(OffsetUnit.Utf16)]
    [InlineData(OffsetUnit.Codepoints)]
    public void Places_are_counted_in_the_unit_that_is_asked_for(OffsetUnit unit)
    {
        uint Size(string text) => (uint)(unit switch
        {
            OffsetUnit.Utf8 => Encoding.UTF8.GetByteCount(text),
            OffsetUnit.Utf16 => text.Length,
            _ => text.EnumerateRunes().Count(),
        });
        HighlightFragment fragment = Of("naïve swim", offsets: unit).Single();
        uint start = Size(Story[..Story.IndexOf("Naïve", StringComparison.Ordinal)]);
        Assert.Equal((start, start + Size("Naïve 🐟 fish swim near.")), fragment.Range);
        uint swim = start + Size("Naïve 🐟 fish ");
        Assert.Equal([(start, start + Size("Naïve")), (swim, swim + 4)], fragment.Matches);
    }

    [Fact]
    public void A_row_without_a_text_has_no_fragments()
    {
        List<ResultRow> rows = Rows(new Highlight { Attribute = "story", Clauses = [new HighlightClause("fish")] });
        Assert.Empty(rows[1].Highlights.Single().Value);
    }

    [Fact]
    public void What_is_wrong_is_named()
    {
        string Refusal(string attribute, uint limit = 3, params HighlightClause[] clauses) => _machine.Fails(
            Query(new Highlight { Attribute = attribute, FragmentLimit = limit, Clauses = clauses })).Message;
        HighlightClause fish = new("fish");
        Assert.Equal("computed attribute `h`: attribute `absent` not found in schema", Refusal("absent", 3, fish));
        Assert.Equal("computed attribute `h` references `plain`, which is not enabled for full-text search; " +
            "this requires a schema update", Refusal("plain", 3, fish));
        Assert.Equal("computed attribute `h` references `tokens`, which uses a pre-tokenized tokenizer that does not " +
            "support highlighting", Refusal("tokens", 3, fish));
        foreach (uint limit in (uint[])[0, 1025])
        {
            Assert.Equal("computed attribute `h`: `fragment_limit` must be between 1 and 1024",
                Refusal("story", limit, fish));
        }
        Assert.Equal("computed attribute `h`: clauses of all highlights must be between 1 and 64", Refusal("story"));
        Assert.Equal("computed attribute `h`: weights must be between 0 and 1e9",
            Refusal("story", 3, new HighlightClause("fish", weight: -1)));
        Assert.Equal("computed attribute `h`: terms of all highlights must be between 1 and 1024",
            Refusal("story", 3, new HighlightClause(string.Join(' ', Enumerable.Repeat("ab", 1025)))));
    }

    /// <summary>Long texts, many rows and many highlights together would hold up everybody for minutes.</summary>
    [Fact]
    public void What_highlights_cost_is_bounded()
    {
        string text = string.Concat(Enumerable.Repeat("a word ", 2300));
        for (ulong first = 10; first < 70; first += 2)
        {
            _machine.Write(new WriteRequest
            {
                Namespace = "n",
                Upserts = [Ask.Row(first, ("story", Value.Of(text))), Ask.Row(first + 1, ("story", Value.Of(text)))],
            });
        }
        ComputedAttribute[] computed = [.. Enumerable.Range(0, 64).Select(i => new ComputedAttribute
        {
            Label = $"h{i}", Highlight = new Highlight { Attribute = "story", Clauses = [new HighlightClause("fish")] },
        })];
        Core.Model.Query query = new() { RankBy = Ask.ById, Limit = 62, Computed = computed };
        Assert.Equal("highlights need more than 67108864 steps; lower top_k or limit, or highlight shorter texts",
            _machine.Fails(query).Message);
        Assert.Equal(3, _machine.One(new Core.Model.Query { RankBy = Ask.ById, Limit = 3, Computed = computed })
            .Rows.Count);
    }

    /// <summary>Random sentences of few words against BM25 in plain double arithmetic.</summary>
    [Fact]
    public void Fragments_are_those_of_the_formula()
    {
        Random random = new(12);
        for (int i = 0; i < 150; i++)
        {
            string[][] sentences = [.. Enumerable.Range(0, random.Next(1, 12))
                .Select(_ => random.GetItems(Corpus.Words, random.Next(1, 7)))];
            string text = string.Join(' ', sentences.Select(words => "X" + string.Join(' ', words) + "."));
            string[] query = random.GetItems(Corpus.Words, random.Next(1, 4));
            _machine.Write(new WriteRequest
                { Namespace = "n", Patches = [Ask.Row(1, ("story", Value.Of(text)))] });
            uint limit = (uint)random.Next(1, 6);
            HighlightFragment[] found = Of(string.Join(' ', query), limit: limit);
            double[] scores = Scores(sentences, query);
            double[] expected = [.. scores.Where(score => score > 0).OrderDescending().Take((int)limit)];
            Assert.Equal(expected.Length, found.Length);
            string[] written = [.. sentences.Select(words => "X" + string.Join(' ', words) + ".")];
            for (int n = 0; n < found.Length; n++)
            {
                double score = scores[Array.IndexOf(written, found[n].Text)];
                Assert.Equal(expected[n], score, 1e-6);
            }
        }
    }

    /// <summary>Of each sentence, whose first word has an X before it and so is another word.</summary>
    private static double[] Scores(string[][] sentences, string[] query)
    {
        string[][] tokens = [.. sentences.Select(words => (string[])["x" + words[0], .. words[1..]])];
        double average = tokens.Average(words => words.Length);
        return
        [
            .. tokens.Select(words => query.GroupBy(word => word).Sum(group =>
            {
                double frequency = words.Count(word => word == group.Key);
                int documents = tokens.Count(other => other.Contains(group.Key));
                double idf = Math.Log(1 + (tokens.Length - documents + 0.5) / (documents + 0.5));
                double weight = 9.0 * group.Count() / (8 + group.Count());
                double norm = 1.2f * (1 - 0.75f + 0.75f * words.Length / average);
                return frequency == 0 ? 0 : idf * weight * frequency / (frequency + norm);
            })),
        ];
    }
}
