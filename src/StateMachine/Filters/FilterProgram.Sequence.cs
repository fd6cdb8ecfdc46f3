using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Postings;
using Deterministic.StateMachine.Prefetch;

namespace Deterministic.StateMachine.Filters;

/// <summary>Sequences of tokens, found by the positions in the postings, so that no row has to be read.</summary>
public sealed partial class FilterProgram
{
    /// <summary>Asks for all that evaluating a filter reads: rows and columns of live windows, terms and postings.
    /// True if it is there. The marks of live windows have to be.</summary>
    public bool Touch(int root)
    {
        if (root == NoFilter) return true;
        Check.That(root >= 0 && root < _nodeCount);
        bool resident = true;
        for (int i = root; i < _nodes[root].End; i++) resident &= TouchNode(_nodes[i]);
        return resident;
    }

    private bool TouchNode(in FilterNode node)
    {
        Keys key = new(stackalloc byte[Keys.SizeMax]);
        switch (node.Access)
        {
            case PlanAccess.Documents:
                return WindowTouch.Documents(_trees, _view);
            case PlanAccess.Column:
                return WindowTouch.Chunks(_trees, _view, _trees.Columns, node.Attribute);
            case not PlanAccess.Postings:
                return true;
        }
        bool resident = true;
        for (int i = 0; i < node.OperandCount; i++)
        {
            ReadOnlySpan<byte> token = Bytes(AllOperands[node.OperandStart + i]);
            key.Namespace(_view.Number).Attribute(node.Attribute);
            bool prefix = node.LastAsPrefix && i == node.OperandCount - 1;
            if (prefix) key.TermPrefix(token);
            else key.Term(token);
            if (prefix) resident &= _trees.Terms.TouchPrefix(key.Key);
            resident &= _trees.Postings.TouchPrefix(key.Key);
        }
        return resident;
    }

    /// <summary>Of documents that have all tokens, keeps those in whose text they stand at the distances that they
    /// have in the operand.</summary>
    private void KeepSequences(in FilterNode node, uint window, Span<ulong> result)
    {
        int bit = WindowBitmap.Next(result, 0);
        for (; bit < Limits.WindowDocuments; bit = WindowBitmap.Next(result, bit + 1))
        {
            if (!HasSequence(node, window * Limits.WindowDocuments + (uint)bit))
                result[bit >> 6] &= ~(1UL << (bit & 63));
        }
    }

    /// <summary>Begins with all positions of the first token and goes on with those from which the next one stands at
    /// its distance.</summary>
    private bool HasSequence(in FilterNode node, uint document)
    {
        Check.That(node.OperandCount > 1);
        Keys key = new(stackalloc byte[Keys.SizeMax]);
        int count = -1;
        for (int i = 0; i < node.OperandCount && count != 0; i++)
        {
            FilterOperand operand = AllOperands[node.OperandStart + i];
            uint distance = (uint)(operand.Least - AllOperands[node.OperandStart].Least);
            key.Namespace(_view.Number).Attribute(node.Attribute);
            if (node.LastAsPrefix && i == node.OperandCount - 1)
                return AnyFollows(key.TermPrefix(Bytes(operand)).Key, document, count, distance);
            bool has = _terms.TryPositions(key.Term(Bytes(operand)).Key, document, out ReadOnlySpan<byte> positions);
            Check.That(has);
            count = i == 0 ? ReadStarts(positions) : KeepStarts(positions, count, distance, keep: true);
        }
        return count > 0;
    }

    private bool AnyFollows(ReadOnlySpan<byte> prefix, uint document, int count, uint distance)
    {
        Span<byte> bound = stackalloc byte[Keys.SizeMax];
        TermReader.BeginPrefix(prefix, bound);
        while (_terms.TryNextTerm(prefix, bound, out ReadOnlySpan<byte> term, out _))
        {
            if (_terms.TryPositions(term, document, out ReadOnlySpan<byte> positions) &&
                KeepStarts(positions, count, distance, keep: false) > 0) return true;
        }
        return false;
    }

    private int ReadStarts(ReadOnlySpan<byte> positions)
    {
        Span<uint> starts = _starts.As<uint>();
        int count = 0;
        uint position = 0;
        while (!positions.IsEmpty) starts[count++] = position += Varint.Read(ref positions);
        return count;
    }

    /// <summary>Counts the starts that have one of the positions at the distance, and keeps no others if told so.
    /// Both ascend.</summary>
    private int KeepStarts(ReadOnlySpan<byte> positions, int count, uint distance, bool keep)
    {
        Span<uint> starts = _starts.As<uint>();
        int kept = 0;
        int at = 0;
        uint position = 0;
        while (!positions.IsEmpty)
        {
            position += Varint.Read(ref positions);
            while (at < count && starts[at] + distance < position) at++;
            if (at == count) break;
            if (starts[at] + distance != position) continue;
            if (keep) starts[kept] = starts[at];
            kept++;
            at++;
        }
        return kept;
    }
}
