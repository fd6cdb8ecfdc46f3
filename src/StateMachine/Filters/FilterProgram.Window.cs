using System;
using System.Numerics;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Columns;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Filters;

public sealed partial class FilterProgram
{
    /// <summary>Where fewer rows of 64 are wanted, they are tested one by one.</summary>
    private const int LoneRowsMax = 8;

    private readonly CursorSlot _columnChunks;

    /// <summary>Bytes of columns and postings read since <see cref="Begin"/>.</summary>
    public long BytesRead => _columnBytesRead + _terms.BytesRead;

    /// <summary>Leaves in <paramref name="mask"/> the documents of the window that match.</summary>
    /// <param name="root">Of <see cref="TryCompile"/>; <see cref="NoFilter"/> leaves all.</param>
    /// <param name="window">Number of the window.</param>
    /// <param name="mask">The documents that matter: the live ones, say.</param>
    public void EvaluateWindow(int root, uint window, Span<ulong> mask)
    {
        Check.That(mask.Length == WindowBitmap.Words);
        if (root == NoFilter || WindowBitmap.IsEmpty(mask)) return;
        Check.That(root >= 0 && root < _nodeCount);
        Span<ulong> result = Scratch(0);
        Evaluate(root, window, mask, result, 1);
        result.CopyTo(mask);
    }

    private Span<ulong> Scratch(int level) => _scratch.AsSpan(level * WindowBitmap.Words, WindowBitmap.Words);

    /// <summary>Writes the documents of <paramref name="care"/> that match. Each level of the tree uses two bitmaps
    /// from <paramref name="level"/> on.</summary>
    private void Evaluate(int index, uint window, ReadOnlySpan<ulong> care, Span<ulong> result, int level)
    {
        ref FilterNode node = ref _nodes[index];
        switch (node.Kind)
        {
            case FilterNodeKind.And:
                care.CopyTo(result);
                for (int child = index + 1; child < node.End && !WindowBitmap.IsEmpty(result); child =
                    _nodes[child].End)
                {
                    Span<ulong> matched = Scratch(level);
                    Evaluate(child, window, result, matched, level + 1);
                    matched.CopyTo(result);
                }
                break;
            case FilterNodeKind.Or:
                EvaluateOr(index, window, care, result, level);
                break;
            case FilterNodeKind.Not:
                Span<ulong> positive = Scratch(level);
                Evaluate(index + 1, window, care, positive, level + 1);
                for (int i = 0; i < result.Length; i++) result[i] = care[i] & ~positive[i];
                break;
            default:
                EvaluateLeaf(node, window, care, result, level);
                break;
        }
        if (_counting) Count(index, care, result);
    }

    private void EvaluateLeaf(in FilterNode node, uint window, ReadOnlySpan<ulong> care, Span<ulong> result, int level)
    {
        switch (node.Access)
        {
            case PlanAccess.Constant:
                if (node.Missing) care.CopyTo(result);
                else result.Clear();
                break;
            case PlanAccess.Postings:
                EvaluateTokens(node, window, care, result, level);
                break;
            case PlanAccess.Documents:
                EvaluateRows(node, window, care, result);
                break;
            default:
                Check.That(node.Access == PlanAccess.Column);
                EvaluateColumn(node, window, care, result);
                break;
        }
    }

    /// <summary>A child need not look at what an earlier one has matched.</summary>
    private void EvaluateOr(int index, uint window, ReadOnlySpan<ulong> care, Span<ulong> result, int level)
    {
        Span<ulong> open = Scratch(level);
        Span<ulong> matched = Scratch(level + 1);
        care.CopyTo(open);
        for (int child = index + 1; child < _nodes[index].End; child = _nodes[child].End)
        {
            if (WindowBitmap.IsEmpty(open)) break;
            Evaluate(child, window, open, matched, level + 2);
            for (int i = 0; i < open.Length; i++) open[i] &= ~matched[i];
        }
        for (int i = 0; i < result.Length; i++) result[i] = care[i] & ~open[i];
    }

    /// <summary>Walks the column's chunks of the window from the last to the first that can have something to say about
    /// <paramref name="care"/>.</summary>
    private void EvaluateColumn(in FilterNode node, uint window, ReadOnlySpan<ulong> care, Span<ulong> result)
    {
        bool missing = node.Kind == FilterNodeKind.Present ? node.Negated : node.Missing;
        if (missing) care.CopyTo(result);
        else result.Clear();
        int width = node.IsArray ? 0 : AttributeTypes.ColumnWidth(node.Element);
        uint first = window * Limits.WindowDocuments;
        int bit = WindowBitmap.Previous(care, Limits.WindowDocuments - 1);
        if (bit < 0) return;
        Keys key = new(stackalloc byte[Keys.ChunkSize + 1]);
        key.Namespace(_view.Number).Attribute(node.Attribute).Chunk(first + (uint)bit).Bytes([0]);
        TreeCursor at = _trees.Columns.SeekBefore(_columnChunks, key.Key, Keys.WindowSize);
        while (bit >= 0 && at.Valid)
        {
            uint start = Keys.FirstOf(at.Key);
            _columnBytesRead += at.Value.Length;
            EvaluateChunk(node, new ColumnChunk(at.Value, start, width), (int)(start - first), care, result);
            bit = WindowBitmap.Previous(care, (int)(start - first) - 1);
            if (bit >= 0) at.Previous();
        }
    }

    private void EvaluateChunk(
        in FilterNode node, ColumnChunk chunk, int bit, ReadOnlySpan<ulong> care, Span<ulong> result)
    {
        ReadOnlySpan<ulong> presence = chunk.Presence;
        for (int word = 0; word < presence.Length; word++, bit += 64)
        {
            ulong wanted = presence[word];
            if (wanted == 0) continue;
            wanted &= WindowBitmap.Extract(care, bit);
            if (wanted == 0) continue;
            ulong passed = EvaluateWord(node, chunk, word * 64, wanted);
            WindowBitmap.AndNot(result, bit, wanted);
            WindowBitmap.Or(result, bit, passed);
        }
    }

    /// <summary>Tests the wanted ones of 64 rows.</summary>
    private ulong EvaluateWord(in FilterNode node, ColumnChunk chunk, int row, ulong wanted)
    {
        if (node.Kind == FilterNodeKind.Present) return node.Negated ? 0 : wanted;
        ulong passed = 0;
        bool oneInterval = chunk.Width == 8 && node.OperandCount == 1;
        if (oneInterval)
        {
            ReadOnlySpan<ulong> slots = chunk.SlotsAs<ulong>()[row..];
            passed = BitOperations.PopCount(wanted) < LoneRowsMax
                ? IntervalRows(node, slots, wanted)
                : IntervalWord(node, slots) & wanted;
        }
        else
        {
            for (ulong rest = wanted; rest != 0; rest &= rest - 1)
            {
                int bit = BitOperations.TrailingZeroCount(rest);
                if (PassesStored(node, chunk.Row(row + bit))) passed |= 1UL << bit;
            }
        }
        return node.Negated ? wanted & ~passed : passed;
    }

    /// <summary>Tests the wanted ones of 64 slots of 8 bytes against one interval.</summary>
    private ulong IntervalRows(in FilterNode node, ReadOnlySpan<ulong> slots, ulong wanted)
    {
        FilterOperand operand = AllOperands[node.OperandStart];
        ulong passed = 0;
        for (ulong rest = wanted; rest != 0; rest &= rest - 1)
        {
            int bit = BitOperations.TrailingZeroCount(rest);
            UInt128 key = ScalarKey.OfStored(node.Element, MemoryMarshal.AsBytes(slots.Slice(bit, 1)));
            if (operand.Least <= key && key <= operand.Greatest) passed |= 1UL << bit;
        }
        return passed;
    }

    /// <summary>Tests up to 64 slots of 8 bytes against one interval without a branch per row. Absent slots are zero
    /// and give bits that the caller drops.</summary>
    private ulong IntervalWord(in FilterNode node, ReadOnlySpan<ulong> slots)
    {
        FilterOperand operand = AllOperands[node.OperandStart];
        if (operand.Least > operand.Greatest || operand.Least > ulong.MaxValue) return 0;
        ulong least = (ulong)operand.Least;
        ulong greatest = operand.Greatest > ulong.MaxValue ? ulong.MaxValue : (ulong)operand.Greatest;
        ulong span = greatest - least;
        if (slots.Length > 64) slots = slots[..64];
        bool isFloat = node.Element == AttributeType.Float;
        ulong flip = node.Element == AttributeType.Uint ? 0 : 1UL << 63;
        ulong passed = 0;
        for (int i = 0; i < slots.Length; i++)
        {
            ulong bits = slots[i];
            // A float's negative half is turned upside down, an integer's only moved.
            ulong turn = isFloat ? unchecked((ulong)((long)bits >> 63)) | flip : flip;
            if (unchecked((bits ^ turn) - least) <= span) passed |= 1UL << i;
        }
        return passed;
    }

    private bool PassesStored(in FilterNode node, ReadOnlySpan<byte> stored)
    {
        if (node.Kind == FilterNodeKind.AnyElement) return PassesAnyElement(node, stored);
        if (node.Kind == FilterNodeKind.ArrayEquals) return EqualsArray(node, stored);
        if (node.Element == AttributeType.String) return PassesString(node, stored);
        return PassesKey(node, ScalarKey.OfStored(node.Element, stored));
    }

    private void EvaluateTokens(in FilterNode node, uint window, ReadOnlySpan<ulong> care, Span<ulong> result,
        int level)
    {
        bool all = node.Kind != FilterNodeKind.AnyToken;
        if (all) care.CopyTo(result);
        else result.Clear();
        Span<ulong> found = Scratch(level);
        for (int i = 0; i < node.OperandCount; i++)
        {
            if (all && WindowBitmap.IsEmpty(result)) return;
            found.Clear();
            bool prefix = node.LastAsPrefix && i == node.OperandCount - 1;
            CollectToken(node, Bytes(AllOperands[node.OperandStart + i]), prefix, window, found);
            for (int word = 0; word < result.Length; word++)
                result[word] = all ? result[word] & found[word] : result[word] | found[word] & care[word];
        }
        if (node.Kind == FilterNodeKind.TokenSequence && node.OperandCount > 1) KeepSequences(node, window, result);
    }

    private void CollectToken(in FilterNode node, ReadOnlySpan<byte> token, bool prefix, uint window, Span<ulong> found)
    {
        Span<byte> buffer = stackalloc byte[Keys.SizeMax];
        Keys key = new(buffer);
        key.Namespace(_view.Number).Attribute(node.Attribute);
        if (!prefix)
        {
            _terms.Collect(key.Term(token).Key, window, found);
            return;
        }
        key.TermPrefix(token);
        Span<byte> bound = stackalloc byte[Keys.SizeMax];
        TermReader.BeginPrefix(key.Key, bound);
        while (_terms.TryNextTerm(key.Key, bound, out ReadOnlySpan<byte> term, out _)) _terms.Collect(term, window,
            found);
    }
}
