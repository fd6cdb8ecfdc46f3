using System;
using System.Buffers.Binary;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Postings;

namespace Deterministic.StateMachine.Query;

public sealed partial class QueryExecutor
{
    /// <summary>One in the fixed point of BM25 contributions.</summary>
    private const double FixedOne = 4294967296.0;

    private readonly NativeBuffer _values;
    private readonly long[] _sums = new long[Limits.WindowDocuments];
    private readonly double[] _norms = new double[Limits.WindowDocuments];
    private readonly ulong[] _matched = new ulong[WindowBitmap.Words];
    private readonly uint[] _documents = new uint[PostingBlock.PostingsMax];
    private readonly uint[] _frequencies = new uint[PostingBlock.PostingsMax];
    private readonly TermReader _rankTerms;

    private void BeginScores() => _rankTerms.BytesRead = 0;

    private Span<double> Values(int depth) =>
        _values.As<double>().Slice(depth * Limits.WindowDocuments, Limits.WindowDocuments);

    /// <summary>Evaluates the expression for all documents of the mask at once and offers those with a score.</summary>
    private void ScoreWindow(uint window)
    {
        Span<double> scores = Values(0);
        Evaluate(0, window, 0);
        uint first = window * Limits.WindowDocuments;
        int bit = WindowBitmap.Next(_mask, 0);
        for (; bit < Limits.WindowDocuments; bit = WindowBitmap.Next(_mask, bit + 1))
        {
            double score = scores[bit];
            if (double.IsNaN(score) || score == 0 && !_plan.KeepsZeroScores) continue;
            _scored++;
            Offer(Scores.DescendingKey(score), (float)score, first + (uint)bit);
        }
        _bytesRead += _rankTerms.BytesRead;
        _rankTerms.BytesRead = 0;
    }

    /// <summary>Leaves the node's values in the doubles of its depth; those outside the mask mean nothing, and NaN says
    /// that the expression has nothing to say about a document.</summary>
    private void Evaluate(int index, uint window, int depth)
    {
        RankNode node = _plan.Ranks[index];
        Span<double> values = Values(depth);
        switch (node.Kind)
        {
            case RankKind.Constant:
                values.Fill(node.Constant);
                break;
            case RankKind.Bm25:
                EvaluateText(node, window, values);
                break;
            case RankKind.SparseKnn:
                EvaluateSparse(node, window, values);
                break;
            case RankKind.Filter:
                _mask.CopyTo(_matched, 0);
                _filters.EvaluateWindow(node.FilterRoot, window, _matched);
                for (int i = 0; i < values.Length; i++) values[i] = WindowBitmap.Has(_matched, i) ? 1 : 0;
                break;
            case RankKind.Attribute:
                EvaluateAttribute(node, window, values);
                break;
            case RankKind.Dist:
                EvaluateDistance(node, window, values);
                break;
            case RankKind.Saturate or RankKind.Decay:
                EvaluateCurve(node, index, window, depth);
                break;
            default:
                EvaluateChildren(node, index, window, depth);
                break;
        }
    }

    /// <summary>Combines children in their order.</summary>
    private void EvaluateChildren(in RankNode node, int index, uint window, int depth)
    {
        Span<double> values = Values(depth);
        Evaluate(index + 1, window, depth);
        Span<double> other = Values(depth + 1);
        for (int child = _plan.Ranks[index + 1].End; child < node.End; child = _plan.Ranks[child].End)
        {
            Evaluate(child, window, depth + 1);
            for (int i = 0; i < values.Length; i++) values[i] = Combine(node.Kind, values[i], other[i]);
        }
    }

    /// <summary>Numbers as double, datetimes in milliseconds, 0 where there is no value.</summary>
    private void EvaluateAttribute(in RankNode node, uint window, Span<double> values)
    {
        values.Clear();
        BeginColumn(_lengths, node.Slot);
        uint first = window * Limits.WindowDocuments;
        int bit = WindowBitmap.Next(_mask, 0);
        for (; bit < Limits.WindowDocuments; bit = WindowBitmap.Next(_mask, bit + 1))
        {
            if (!_lengths.TryRead(first + (uint)bit, out ReadOnlySpan<byte> row)) continue;
            values[bit] = _lengths.Type switch
            {
                AttributeType.Uint => BinaryPrimitives.ReadUInt64LittleEndian(row),
                AttributeType.Float => BinaryPrimitives.ReadDoubleLittleEndian(row),
                _ => BinaryPrimitives.ReadInt64LittleEndian(row),
            };
        }
        _bytesRead += _lengths.BytesRead;
    }

    /// <summary>BM25 of one clause: Σ over terms of weight · tf / (tf + k1 · (1 − b + b · dl / avgdl)), each
    /// contribution in double and rounded to a multiple of 2⁻³², summed as integers, so that no order of terms can
    /// change a score. N and avgdl are over the live documents that have the attribute. A prefix adds 1.</summary>
    private void EvaluateText(in RankNode node, uint window, Span<double> values)
    {
        Span<long> sums = _sums;
        sums.Clear();
        ReadOnlySpan<QueryTerm> terms = _plan.Terms.Slice(node.TermStart, node.TermCount);
        if (terms.Length > 0) LoadNorms(node.Slot, window);
        foreach (ref readonly QueryTerm term in terms)
        {
            if (term.IsPrefix) AddPrefix(term, window);
            else AddTerm(term, window);
        }
        for (int i = 0; i < values.Length; i++) values[i] = sums[i] / FixedOne;
    }

    private void LoadNorms(int slot, uint window)
    {
        ref AttributeRecord attribute = ref _view.Attribute(slot);
        double k1 = attribute.Text.K1;
        double b = attribute.Text.B;
        double average = attribute.TextTokens == 0 ? 1 : attribute.TextTokens / (double)attribute.TextDocuments;
        ushort column = (ushort)(attribute.Number | Keys.TokenCountColumn);
        _lengths.Begin(_view.Number, column, attribute.Type, AttributeTypes.TokenCountWidth);
        uint first = window * Limits.WindowDocuments;
        int bit = WindowBitmap.Next(_mask, 0);
        for (; bit < Limits.WindowDocuments; bit = WindowBitmap.Next(_mask, bit + 1))
        {
            if (!_lengths.TryRead(first + (uint)bit, out ReadOnlySpan<byte> row)) continue;
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(row);
            _norms[bit] = k1 * (1 - b + b * length / average);
        }
        _bytesRead += _lengths.BytesRead;
    }

    private void AddTerm(in QueryTerm term, uint window)
    {
        uint first = window * Limits.WindowDocuments;
        uint from = first + Limits.WindowDocuments - 1;
        while (_rankTerms.TryBlockBelow(_plan.TermKey(term), from, first, out PostingBlock block))
        {
            block.Decode(_documents, _frequencies);
            for (int i = 0; i < block.Count; i++)
            {
                uint bit = unchecked(_documents[i] - first);
                if (bit >= Limits.WindowDocuments || !WindowBitmap.Has(_mask, (int)bit)) continue;
                double frequency = _frequencies[i];
                double contribution = term.Weight * frequency / (frequency + _norms[bit]);
                _sums[bit] += (long)(contribution * FixedOne + 0.5);
            }
            if (block.First <= first) return;
            from = block.First - 1;
        }
    }

    private void AddPrefix(in QueryTerm term, uint window)
    {
        ReadOnlySpan<byte> prefix = _plan.TermKey(term);
        Span<ulong> found = _matched;
        found.Clear();
        Span<byte> bound = stackalloc byte[Keys.SizeMax];
        TermReader.BeginPrefix(prefix, bound);
        while (_rankTerms.TryNextTerm(prefix, bound, out ReadOnlySpan<byte> key, out _))
            _rankTerms.Collect(key, window, found);
        int bit = WindowBitmap.Next(found, 0);
        for (; bit < Limits.WindowDocuments; bit = WindowBitmap.Next(found, bit + 1)) _sums[bit] += (long)FixedOne;
    }
}
