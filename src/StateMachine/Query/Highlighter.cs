using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Namespaces;
using Deterministic.StateMachine.Text;

namespace Deterministic.StateMachine.Query;

/// <summary>Finds the best fragments of a row's text. Their scores are BM25 with the fragments of this one row as the
/// documents; a fragment without a score is none. The text is walked twice, once to count and once to score, so memory
/// does not depend on its size. What all highlights of a request may cost is bounded, since long texts and many rows
/// would hold up everybody.</summary>
[FloatAllowed("scores of one fragment at a time, the clauses in their order")]
internal sealed class Highlighter
{
    private const double FixedOne = 4294967296.0;

    private readonly Analyzer _cutter;
    private readonly Analyzer _analyzer;
    private readonly HighlightPlans _plans;

    /// <summary>Of each term: fragments that have it, and how often the present one has.</summary>
    private readonly uint[] _documents = new uint[Limits.QueryTermsMax];
    private readonly uint[] _frequencies = new uint[Limits.QueryTermsMax];

    /// <summary>Those terms that the present fragment has.</summary>
    private readonly int[] _present = new int[Limits.QueryTermsMax];
    private int _presentCount;
    private readonly bool[] _starts = new bool[Limits.HighlightClausesMax];
    private readonly long[] _sums = new long[Limits.HighlightClausesMax];
    private readonly Fragment[] _best = new Fragment[Limits.HighlightFragmentsMax];
    private int _bestCount;
    private uint _fragments;
    private ulong _tokens;

    public Highlighter(StaticMemory memory, HighlightPlans plans)
    {
        _cutter = new Analyzer(memory);
        _analyzer = new Analyzer(memory);
        _plans = plans;
    }

    /// <summary>Bytes of texts looked at, and what ordering and placing fragments has cost, since the caller set
    /// it.</summary>
    public long Work { get; set; }

    /// <summary>Whether it was more than it may be: what was written since is not right.</summary>
    public bool WorkExceeded => Work > Limits.HighlightWorkMax;

    /// <summary>Writes the fragments, best first.</summary>
    /// <param name="plan">What to look for.</param>
    /// <param name="attribute">Of the text.</param>
    /// <param name="value">A string, an array of strings, or null.</param>
    /// <param name="writer">Takes u16 count and <see cref="HighlightFragment"/>s.</param>
    public void Write(in HighlightPlan plan, in AttributeRecord attribute, EncodedValue value, ref WireWriter writer)
    {
        _bestCount = 0;
        _fragments = 0;
        _tokens = 0;
        _documents.AsSpan(0, plan.TermCount).Clear();
        _frequencies.AsSpan(0, plan.TermCount).Clear();
        _presentCount = 0;
        Walk(plan, attribute, value, scoring: false);
        if (_fragments > 0) Walk(plan, attribute, value, scoring: true);
        writer.U16(_bestCount);
        for (int i = 0; i < _bestCount && !writer.Overflowed && !WorkExceeded; i++)
            Write(plan, attribute, value, _best[i], ref writer);
    }

    private void Walk(in HighlightPlan plan, in AttributeRecord attribute, EncodedValue value, bool scoring)
    {
        if (value.Kind == ValueKind.String) WalkText(plan, attribute.Text, value.Payload, 0, scoring);
        if (value.Kind != ValueKind.Array) return;
        WireReader elements = value.Elements;
        for (int i = 0; i < value.ElementCount; i++)
            WalkText(plan, attribute.Text, EncodedValue.Read(ref elements, element: true).Payload, i, scoring);
    }

    private void WalkText(
        in HighlightPlan plan, in TextOptions options, ReadOnlySpan<byte> text, int input, bool scoring)
    {
        Work += text.Length;
        int at = 0;
        while (!WorkExceeded && TryCut(plan.Unit, options, text, ref at, out int start))
        {
            uint tokens = CountTerms(plan, options, text[start..at]);
            if (scoring)
            {
                double score = Score(plan, options, tokens);
                if (score > 0) Offer(plan, new Fragment { Score = score, Input = input, Start = start, End = at });
                continue;
            }
            _fragments++;
            _tokens += tokens;
            foreach (int term in _present.AsSpan(0, _presentCount)) _documents[term]++;
        }
    }

    private bool TryCut(
        FragmentUnit unit, in TextOptions options, ReadOnlySpan<byte> text, ref int at, out int start) =>
        unit == FragmentUnit.Word ? _cutter.TryNext(options, text, ref at, out start, out _)
            : FragmentCutter.TryNext(unit, text, ref at, out start);

    /// <summary>Leaves how often a fragment has each term, and returns its tokens.</summary>
    private uint CountTerms(in HighlightPlan plan, in TextOptions options, ReadOnlySpan<byte> fragment)
    {
        foreach (int term in _present.AsSpan(0, _presentCount)) _frequencies[term] = 0;
        _presentCount = 0;
        _starts.AsSpan(0, plan.PrefixCount).Clear();
        ReadOnlySpan<HighlightTerm> terms = _plans.Terms(plan);
        ReadOnlySpan<HighlightTerm> prefixes = _plans.Prefixes(plan);
        uint tokens = 0;
        int at = 0;
        while (_analyzer.TryNext(options, fragment, ref at, out _, out ReadOnlySpan<byte> token))
        {
            tokens++;
            for (int i = FirstEqual(terms, token); i < terms.Length && _plans.Text(terms[i]).SequenceEqual(token); i++)
                if (_frequencies[i]++ == 0) _present[_presentCount++] = i;
            for (int i = 0; i < prefixes.Length; i++) _starts[i] |= token.StartsWith(_plans.Text(prefixes[i]));
        }
        return tokens;
    }

    /// <summary>Index of the first term that is not below the token.</summary>
    private int FirstEqual(ReadOnlySpan<HighlightTerm> terms, ReadOnlySpan<byte> token)
    {
        int low = 0;
        int high = terms.Length;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (_plans.Text(terms[middle]).SequenceCompareTo(token) < 0) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private double Score(in HighlightPlan plan, in TextOptions options, uint tokens)
    {
        Span<long> sums = _sums.AsSpan(0, plan.ClauseCount);
        sums.Clear();
        double average = _tokens == 0 ? 1 : _tokens / (double)_fragments;
        double k1 = options.K1;
        double b = options.B;
        double norm = k1 * (1 - b + b * tokens / average);
        ReadOnlySpan<HighlightTerm> terms = _plans.Terms(plan);
        // Sums are whole numbers, so the order of terms makes no difference.
        foreach (int i in _present.AsSpan(0, _presentCount))
        {
            double frequency = _frequencies[i];
            double weight = FixedLogarithm.InverseDocumentFrequency(_fragments, _documents[i]) * terms[i].Weight;
            sums[terms[i].Clause] += (long)(weight * frequency / (frequency + norm) * FixedOne + 0.5);
        }
        ReadOnlySpan<HighlightTerm> prefixes = _plans.Prefixes(plan);
        for (int i = 0; i < prefixes.Length; i++)
            if (_starts[i]) sums[prefixes[i].Clause] += (long)FixedOne;
        ReadOnlySpan<double> weights = _plans.Weights(plan);
        double score = 0;
        for (int i = 0; i < sums.Length; i++) score += sums[i] / FixedOne * weights[i];
        return score;
    }

    /// <summary>Keeps the best in their order; of equal ones the earlier come first.</summary>
    private void Offer(in HighlightPlan plan, in Fragment fragment)
    {
        int place = _bestCount;
        while (place > 0 && _best[place - 1].Score < fragment.Score) place--;
        Work += _bestCount - place;
        if (place == plan.Limit) return;
        if (_bestCount < plan.Limit) _bestCount++;
        _best.AsSpan(place, _bestCount - 1 - place).CopyTo(_best.AsSpan(place + 1));
        _best[place] = fragment;
    }

    private void Write(
        in HighlightPlan plan, in AttributeRecord attribute, EncodedValue value, in Fragment fragment,
        ref WireWriter writer)
    {
        ReadOnlySpan<byte> text = value.Payload;
        bool array = value.Kind == ValueKind.Array;
        WireReader elements = array ? value.Elements : default;
        for (int i = 0; i <= fragment.Input && array; i++)
            text = EncodedValue.Read(ref elements, element: true).Payload;
        bool offsets = plan.Offsets != OffsetUnit.None;
        Work += fragment.Input + (offsets ? fragment.End : 0);
        int flags = (offsets ? HighlightFragment.OffsetsFlag : 0) |
            (offsets && array ? HighlightFragment.ArrayIndexFlag : 0);
        writer.U8((byte)flags);
        writer.U32((uint)(fragment.End - fragment.Start));
        writer.Bytes(text[fragment.Start..fragment.End]);
        if (!offsets) return;
        uint first = Units(plan.Offsets, text[..fragment.Start]);
        writer.U32(first);
        writer.U32(first + Units(plan.Offsets, text[fragment.Start..fragment.End]));
        WriteMatches(plan, attribute.Text, text[fragment.Start..fragment.End], first, ref writer);
        if (array) writer.U32((uint)fragment.Input);
    }

    private void WriteMatches(
        in HighlightPlan plan, in TextOptions options, ReadOnlySpan<byte> text, uint first, ref WireWriter writer)
    {
        int countAt = writer.ReserveU32();
        uint count = 0;
        int at = 0;
        int counted = 0;
        while (_analyzer.TryNext(options, text, ref at, out int start, out ReadOnlySpan<byte> token))
        {
            if (!IsMatch(plan, token)) continue;
            first += Units(plan.Offsets, text[counted..start]);
            writer.U32(first);
            first += Units(plan.Offsets, text[start..at]);
            writer.U32(first);
            counted = at;
            count++;
        }
        writer.PatchU32(countAt, count);
    }

    private bool IsMatch(in HighlightPlan plan, ReadOnlySpan<byte> token)
    {
        ReadOnlySpan<HighlightTerm> terms = _plans.Terms(plan);
        int at = FirstEqual(terms, token);
        if (at < terms.Length && _plans.Text(terms[at]).SequenceEqual(token)) return true;
        foreach (ref readonly HighlightTerm prefix in _plans.Prefixes(plan))
            if (token.StartsWith(_plans.Text(prefix))) return true;
        return false;
    }

    /// <summary>Size of a text: every byte, every byte that begins a code point, or these with those of four bytes
    /// twice.</summary>
    private static uint Units(OffsetUnit unit, ReadOnlySpan<byte> text)
    {
        if (unit == OffsetUnit.Utf8) return (uint)text.Length;
        uint units = 0;
        foreach (byte value in text)
        {
            if ((value & 0xC0) != 0x80) units++;
            if (unit == OffsetUnit.Utf16 && value >= 0xF0) units++;
        }
        return units;
    }

    private struct Fragment
    {
        public double Score;
        public int Input;
        public int Start;
        public int End;
    }
}
