using System;
using Deterministic.Core;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Postings;

namespace Deterministic.StateMachine.Query;

public sealed partial class QueryExecutor
{
    /// <summary>Dot products: Σ query's weight · row's weight over the dimensions that both have, added in doubles in
    /// the order of the dimensions' bytes, from 0. Each product of two f16 numbers is exact in a double, so only the
    /// additions round.</summary>
    private void EvaluateSparse(in RankNode node, uint window, Span<double> values)
    {
        values.Clear();
        foreach (ref readonly QueryTerm term in _plan.Terms.Slice(node.TermStart, node.TermCount))
            AddDimension(term, window, values);
    }

    private void AddDimension(in QueryTerm term, uint window, Span<double> values)
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
                values[(int)bit] += term.Weight * (double)BitConverter.UInt16BitsToHalf((ushort)_frequencies[i]);
            }
            if (block.First <= first) return;
            from = block.First - 1;
        }
    }
}
