using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Namespaces;
using Deterministic.StateMachine.Text;

namespace Deterministic.StateMachine.Query;

/// <summary>How a text is highlighted, and which terms score and mark its fragments.</summary>
internal struct HighlightPlan
{
    /// <summary>Slot of the attribute.</summary>
    public int Slot;
    public FragmentUnit Unit;
    public OffsetUnit Offsets;
    public int Limit;
    public int TermStart;
    public int TermCount;
    public int PrefixStart;
    public int PrefixCount;
    public int ClauseStart;
    public int ClauseCount;
}

/// <summary>A term of a clause of a highlight.</summary>
internal struct HighlightTerm
{
    /// <summary>Its number in the buffer of tokens.</summary>
    public int Token;

    /// <summary>Counted from the highlight's first one.</summary>
    public int Clause;

    /// <summary>For its repetitions in the clause.</summary>
    public double Weight;
}

/// <summary>The highlights of one sub-query, decoded and checked against the schema.</summary>
[FloatAllowed("weights of terms: IEEE 754 operations in a fixed order")]
internal sealed class HighlightPlans
{
    private readonly NamespaceView _view;
    private readonly Analyzer _analyzer;
    private readonly TokenBuffer _tokens;
    private readonly HighlightPlan[] _plans = new HighlightPlan[Limits.ComputedAttributesMax];
    private readonly HighlightTerm[] _terms = new HighlightTerm[Limits.QueryTermsMax];
    private readonly HighlightTerm[] _prefixes = new HighlightTerm[Limits.HighlightClausesMax];
    private readonly double[] _clauseWeights = new double[Limits.HighlightClausesMax];
    private int _count;
    private int _termCount;
    private int _prefixCount;
    private int _clauseCount;

    public HighlightPlans(StaticMemory memory, NamespaceView view)
    {
        _view = view;
        _analyzer = new Analyzer(memory);
        _tokens = new TokenBuffer(memory, Limits.QueryTermsMax, Limits.QueryTermsMax * Limits.TokenSizeDefault);
    }

    public int Count => _count;

    public ref readonly HighlightPlan this[int index] => ref _plans.AsSpan(0, _count)[index];

    /// <summary>Whole terms in the order of their bytes.</summary>
    public ReadOnlySpan<HighlightTerm> Terms(in HighlightPlan plan) => _terms.AsSpan(plan.TermStart, plan.TermCount);

    public ReadOnlySpan<HighlightTerm> Prefixes(in HighlightPlan plan) =>
        _prefixes.AsSpan(plan.PrefixStart, plan.PrefixCount);

    public ReadOnlySpan<double> Weights(in HighlightPlan plan) =>
        _clauseWeights.AsSpan(plan.ClauseStart, plan.ClauseCount);

    public ReadOnlySpan<byte> Text(in HighlightTerm term) => _tokens.Text(term.Token);

    public void Clear()
    {
        _count = 0;
        _termCount = 0;
        _prefixCount = 0;
        _clauseCount = 0;
        _tokens.Clear();
    }

    /// <summary>Reads one highlight, which becomes the last of the plans.</summary>
    public bool TryRead(ref WireReader reader, ReadOnlySpan<byte> label, ref ErrorText error)
    {
        ReadOnlySpan<byte> name = reader.Name();
        HighlightPlan plan = new() { Unit = (FragmentUnit)reader.U8() };
        uint limit = reader.U32();
        plan.Offsets = (OffsetUnit)reader.U8();
        plan.ClauseCount = reader.U8();
        if (reader.Failed || plan.Unit > FragmentUnit.Word || plan.Offsets > OffsetUnit.Codepoints)
            return error.Malformed("highlight"u8);
        if (!TryAttribute(name, label, out plan.Slot, ref error)) return false;
        if (limit is 0 or > Limits.HighlightFragmentsMax)
            return OutOfRange(label, "`fragment_limit`"u8, Limits.HighlightFragmentsMax, ref error);
        if (plan.ClauseCount == 0 || _clauseCount + plan.ClauseCount > Limits.HighlightClausesMax)
            return OutOfRange(label, "clauses of all highlights"u8, Limits.HighlightClausesMax, ref error);
        plan.Limit = (int)limit;
        plan.ClauseStart = _clauseCount;
        plan.TermStart = _termCount;
        plan.PrefixStart = _prefixCount;
        for (int i = 0; i < plan.ClauseCount; i++)
            if (!TryClause(ref reader, plan.Slot, i, label, ref error)) return false;
        Merge(plan.TermStart, _view.Attribute(plan.Slot).Text.K3);
        plan.TermCount = _termCount - plan.TermStart;
        plan.PrefixCount = _prefixCount - plan.PrefixStart;
        _plans[_count++] = plan;
        return true;
    }

    private bool TryAttribute(
        ReadOnlySpan<byte> name, ReadOnlySpan<byte> label, out int slot, ref ErrorText error)
    {
        if (!_view.TryFind(name, out slot))
        {
            error.Begin(ErrorCode.AttributeNotFound).Text("computed attribute "u8).Name(label).Text(": attribute "u8)
                .Name(name).Text(" not found in schema"u8);
            return false;
        }
        ref AttributeRecord attribute = ref _view.Attribute(slot);
        bool text = (attribute.Flags & AttributeFlags.FullText) != 0;
        if (text && attribute.Text.Tokenizer != Tokenizer.PreTokenizedArray) return true;
        error.Begin(text ? ErrorCode.TypeMismatch : ErrorCode.AttributeNotFilterable).Text("computed attribute "u8)
            .Name(label).Text(" references "u8).Name(name).Text(text
                ? ", which uses a pre-tokenized tokenizer that does not support highlighting"u8
                : ", which is not enabled for full-text search; this requires a schema update"u8);
        return false;
    }

    private static bool OutOfRange(
        ReadOnlySpan<byte> label, ReadOnlySpan<byte> what, int most, ref ErrorText error)
    {
        error.Begin(ErrorCode.LimitExceeded).Text("computed attribute "u8).Name(label).Text(": "u8).Text(what)
            .Text(" must be between 1 and "u8).Number((long)most);
        return false;
    }

    private bool TryClause(
        ref WireReader reader, int slot, int clause, ReadOnlySpan<byte> label, ref ErrorText error)
    {
        bool lastAsPrefix = reader.U8() != 0;
        double weight = reader.F64();
        EncodedValue text = EncodedValue.Read(ref reader);
        if (reader.Failed || text.Kind != ValueKind.String) return error.Malformed("highlight"u8);
        if (!(weight >= 0 && weight <= 1e9))
        {
            error.Begin(ErrorCode.InvalidArgument).Text("computed attribute "u8).Name(label)
                .Text(": weights must be between 0 and 1e9"u8);
            return false;
        }
        int first = _tokens.Count;
        bool fits = text.Payload.Length <= Limits.QueryTextSizeMax &&
            _analyzer.Analyze(_view.Attribute(slot).Text, text.Payload, _tokens);
        if (!fits) return OutOfRange(label, "terms of all highlights"u8, Limits.QueryTermsMax, ref error);
        _clauseWeights[_clauseCount++] = weight;
        for (int token = first; token < _tokens.Count; token++)
        {
            HighlightTerm term = new() { Token = token, Clause = clause };
            if (lastAsPrefix && token == _tokens.Count - 1) _prefixes[_prefixCount++] = term;
            else _terms[_termCount++] = term;
        }
        return true;
    }

    /// <summary>Sorts the terms from <paramref name="start"/> on and leaves one of those that a clause has more than
    /// once, with (k3 + 1) · n / (k3 + n).</summary>
    private void Merge(int start, double k3)
    {
        Span<HighlightTerm> terms = _terms.AsSpan(start, _termCount - start);
        HeapSort.Sort(terms, new TermOrder(_tokens));
        int kept = 0;
        int end = 0;
        for (int first = 0; first < terms.Length; first = end)
        {
            HighlightTerm term = terms[first];
            ReadOnlySpan<byte> text = Text(term);
            while (end < terms.Length && terms[end].Clause == term.Clause && Text(terms[end]).SequenceEqual(text))
                end++;
            double repeats = end - first;
            term.Weight = (k3 + 1) * repeats / (k3 + repeats);
            terms[kept++] = term;
        }
        _termCount = start + kept;
    }

    private readonly struct TermOrder(TokenBuffer tokens) : IOrder<HighlightTerm>
    {
        public int Compare(in HighlightTerm left, in HighlightTerm right)
        {
            int order = tokens.Text(left.Token).SequenceCompareTo(tokens.Text(right.Token));
            if (order == 0) order = left.Clause.CompareTo(right.Clause);
            return order != 0 ? order : left.Token.CompareTo(right.Token);
        }
    }
}
