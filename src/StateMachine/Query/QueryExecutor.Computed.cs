using System;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Columns;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Namespaces;

namespace Deterministic.StateMachine.Query;

public sealed partial class QueryExecutor
{
    private const byte NotComputed = 0;
    private const byte ComputedScore = 1;
    private const byte ComputedHighlight = 2;

    /// <summary>One for each row and computed attribute of a list, NaN where there is none. Each takes a byte of the
    /// reply at least, so more than a reply has bytes are never needed.</summary>
    private readonly NativeBuffer _computed;
    private readonly Highlighter _highlighter;
    private readonly int[] _rowOrder = new int[Limits.ResultsMax];
    private readonly int[] _rowScratch = new int[Limits.ResultsMax];

    /// <summary>Computes the attributes of the rows, window by window; false if they do not fit into a reply.</summary>
    private bool TryCompute(ReadOnlySpan<RankedRow> rows)
    {
        if (_plan.Computed.Length == 0) return true;
        if ((long)rows.Length * _plan.Computed.Length > _computed.Length / sizeof(float)) return false;
        BeginScores();
        Span<int> order = _rowOrder.AsSpan(0, rows.Length);
        for (int i = 0; i < order.Length; i++) order[i] = i;
        IndexSort.Sort(order, _rowScratch, new DocumentOrder(rows));
        int end = 0;
        for (int start = 0; start < order.Length; start = end)
        {
            uint window = rows[order[start]].Document / Limits.WindowDocuments;
            _mask.AsSpan().Clear();
            for (; end < order.Length && rows[order[end]].Document / Limits.WindowDocuments == window; end++)
            {
                uint bit = rows[order[end]].Document % Limits.WindowDocuments;
                _mask[bit / 64] |= 1UL << (int)(bit % 64);
            }
            for (int i = 0; i < _plan.Computed.Length; i++)
                if (!_plan.Computed[i].IsHighlight) ComputeWindow(i, rows, order[start..end], window);
        }
        _bytesRead += _rankTerms.BytesRead;
        _rankTerms.BytesRead = 0;
        return true;
    }

    private void ComputeWindow(int index, ReadOnlySpan<RankedRow> rows, ReadOnlySpan<int> order, uint window)
    {
        Span<float> computed = _computed.As<float>();
        int count = _plan.Computed.Length;
        int root = _plan.Computed[index].Root;
        RankNode node = _plan.Ranks[root];
        if (node.Kind is RankKind.Ann or RankKind.Knn)
        {
            float inverseNorm = Normalisation.InverseNorm(_backend, _plan.Vector(node));
            foreach (int row in order)
                computed[row * count + index] = Distance(node, inverseNorm, rows[row].Document);
            return;
        }
        Evaluate(root, window, 0);
        Span<double> values = Values(0);
        foreach (int row in order)
            computed[row * count + index] = (float)values[(int)(rows[row].Document % Limits.WindowDocuments)];
    }

    /// <summary>NaN if the document has no such vector.</summary>
    private float Distance(in RankNode node, float inverseNorm, uint document)
    {
        if (!TryVector(node.Slot, document, out VectorChunk chunk, out int index)) return float.NaN;
        bool half = _view.Attribute(node.Slot).Type == AttributeType.VectorF16;
        ScoreRows(_plan.Vector(node), chunk, index, 1, half);
        _bytesRead += chunk.Packed(index).Length;
        float distance = _scores[index];
        bool cosine = _view.Record.Metric == DistanceMetric.CosineDistance;
        return cosine ? 1f - distance * inverseNorm * chunk.InverseNorms[index] : distance;
    }

    private void WriteLabels(ReadOnlySpan<byte> body, ref WireWriter writer)
    {
        writer.U16(_plan.Computed.Length);
        foreach (ref readonly ComputedPlan computed in _plan.Computed)
            writer.Name(body.Slice(computed.LabelStart, computed.LabelSize));
    }

    private void WriteComputed(DocumentRow document, int row, ref WireWriter writer)
    {
        int count = _plan.Computed.Length;
        ReadOnlySpan<float> values = _computed.As<float>().Slice(row * count, count);
        for (int i = 0; i < count; i++)
        {
            if (_plan.Computed[i].IsHighlight)
            {
                WriteHighlight(document, _plan.Highlights[_plan.Computed[i].Highlight], ref writer);
                continue;
            }
            bool has = !float.IsNaN(values[i]);
            writer.U8(has ? ComputedScore : NotComputed);
            if (has) writer.F32(values[i]);
        }
    }

    private void WriteHighlight(DocumentRow document, in HighlightPlan plan, ref WireWriter writer)
    {
        ref AttributeRecord attribute = ref _view.Attribute(plan.Slot);
        EncodedValue value = document.TryFind(attribute.Number, out EncodedValue found) ? found : default;
        writer.U8(ComputedHighlight);
        _highlighter.Write(plan, attribute, value, ref writer);
    }

    private readonly ref struct DocumentOrder(ReadOnlySpan<RankedRow> rows) : IIndexOrder
    {
        private readonly ReadOnlySpan<RankedRow> _rows = rows;

        public int Compare(int left, int right) => _rows[left].Document.CompareTo(_rows[right].Document);
    }
}
