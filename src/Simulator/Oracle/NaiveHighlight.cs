using System.Collections.Generic;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Simulator.Oracle;

/// <summary>Highlights by definition. The texts of the workload have one line and no end of a sentence in it, so all
/// units but words leave them whole.</summary>
[FloatAllowed("scores by definition, in the order that the production states for them")]
internal static class NaiveHighlight
{
    private const double FixedOne = 1L << 32;

    public static HighlightFragment[] Of(Highlight highlight, FullTextOptions options, Value value)
    {
        List<Fragment> fragments = [];
        if (value.Kind == ValueKind.String) Cut(highlight.FragmentBy, options, value.AsString, 0, fragments);
        for (int i = 0; value.Kind == ValueKind.Array && i < value.AsArray.Length; i++)
            Cut(highlight.FragmentBy, options, value.AsArray[i].AsString, i, fragments);
        List<Fragment> best = [];
        foreach (Fragment fragment in fragments)
        {
            fragment.Score = Score(highlight, options, fragment, fragments);
            int at = best.Count;
            while (at > 0 && best[at - 1].Score < fragment.Score) at--;
            if (fragment.Score > 0) best.Insert(at, fragment);
        }
        int count = int.Min(best.Count, (int)highlight.FragmentLimit);
        HighlightFragment[] answered = new HighlightFragment[count];
        for (int i = 0; i < count; i++)
            answered[i] = Answer(highlight, options, best[i], value.Kind == ValueKind.Array);
        return answered;
    }

    private static void Cut(
        FragmentUnit unit, FullTextOptions options, string text, int input, List<Fragment> fragments)
    {
        List<(NaiveToken Token, int Start, int End)> places = NaiveWords.Places(options, text);
        if (unit != FragmentUnit.Word)
        {
            if (text.Length > 0) fragments.Add(new Fragment(text, input, 0, text.Length, places));
            return;
        }
        foreach ((NaiveToken Token, int Start, int End) place in places)
            fragments.Add(new Fragment(text, input, place.Start, place.End, [place]));
    }

    private static double Score(
        Highlight highlight, FullTextOptions options, Fragment fragment, List<Fragment> all)
    {
        ulong tokens = 0;
        foreach (Fragment other in all) tokens += (ulong)other.Places.Count;
        double average = tokens == 0 ? 1 : tokens / (double)all.Count;
        double k1 = options.K1, b = options.B, k3 = options.K3;
        double norm = k1 * (1 - b + b * (uint)fragment.Places.Count / average);
        double score = 0;
        foreach (HighlightClause clause in highlight.Clauses)
        {
            List<NaiveToken> terms = NaiveText.Analyze(options, Value.Of(clause.Text));
            long sum = 0;
            if (clause.LastAsPrefix && terms.Count > 0)
            {
                bool starts = false;
                foreach ((NaiveToken token, _, _) in fragment.Places) starts |= token.StartsWith(terms[^1]);
                sum += starts ? (long)FixedOne : 0;
                terms.RemoveAt(terms.Count - 1);
            }
            for (int i = 0; i < terms.Count; i++)
            {
                double frequency = fragment.Count(terms[i]);
                if (frequency == 0 || terms.FindIndex(other => other.Is(terms[i])) < i) continue;
                double repeats = terms.FindAll(other => other.Is(terms[i])).Count;
                ulong documents = 0;
                foreach (Fragment other in all) documents += other.Count(terms[i]) > 0 ? 1UL : 0UL;
                double weight = NaiveLogarithm.InverseDocumentFrequency((ulong)all.Count, documents) *
                    ((k3 + 1) * repeats / (k3 + repeats));
                sum += (long)(weight * frequency / (frequency + norm) * FixedOne + 0.5);
            }
            score += sum / FixedOne * clause.Weight;
        }
        return score;
    }

    private static HighlightFragment Answer(
        Highlight highlight, FullTextOptions options, Fragment fragment, bool array)
    {
        string text = fragment.Text[fragment.Start..fragment.End];
        if (highlight.Offsets == OffsetUnit.None) return new HighlightFragment { Text = text };
        uint Place(int index) => Size(highlight.Offsets, fragment.Text[..index]);
        List<(uint, uint)> matches = [];
        foreach ((NaiveToken token, int start, int end) in fragment.Places)
            if (IsMatch(highlight, options, token)) matches.Add((Place(start), Place(end)));
        return new HighlightFragment
        {
            Text = text, Range = (Place(fragment.Start), Place(fragment.End)), Matches = [.. matches],
            ArrayIndex = array ? (uint)fragment.Input : null,
        };
    }

    private static bool IsMatch(Highlight highlight, FullTextOptions options, NaiveToken token)
    {
        bool any = false;
        foreach (HighlightClause clause in highlight.Clauses)
        {
            List<NaiveToken> terms = NaiveText.Analyze(options, Value.Of(clause.Text));
            for (int i = 0; i < terms.Count; i++)
            {
                bool prefix = clause.LastAsPrefix && i == terms.Count - 1;
                any |= prefix ? token.StartsWith(terms[i]) : token.Is(terms[i]);
            }
        }
        return any;
    }

    private static uint Size(OffsetUnit unit, string text)
    {
        if (unit == OffsetUnit.Utf8) return (uint)Encoding.UTF8.GetByteCount(text);
        uint size = 0;
        foreach (char c in text) size += unit == OffsetUnit.Utf16 || !char.IsLowSurrogate(c) ? 1u : 0u;
        return size;
    }

    private sealed class Fragment(
        string text, int input, int start, int end, List<(NaiveToken Token, int Start, int End)> places)
    {
        public string Text => text;
        public int Input => input;
        public int Start => start;
        public int End => end;
        public List<(NaiveToken Token, int Start, int End)> Places => places;
        public double Score { get; set; }

        public uint Count(NaiveToken wanted)
        {
            uint count = 0;
            foreach ((NaiveToken token, _, _) in places) count += token.Is(wanted) ? 1u : 0u;
            return count;
        }
    }
}
