using System;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.StateMachine.Filters;

/// <summary>How far each node narrows down what it is asked about, counted only where somebody wants to know.</summary>
public sealed partial class FilterProgram
{
    private readonly ulong[] _considered = new ulong[Limits.FilterNodesMax];
    private readonly ulong[] _matched = new ulong[Limits.FilterNodesMax];
    private bool _counting;

    /// <summary>Whether the filters that are compiled from the next <see cref="Begin"/> on count.</summary>
    public void SetCounting(bool on) => _counting = on;

    /// <summary>Writes the nodes of a filter as steps of a plan, each before its parts; returns how many.</summary>
    /// <param name="root">Of <see cref="TryCompile"/>; <see cref="NoFilter"/> has none.</param>
    /// <param name="depth">Of the root.</param>
    /// <param name="writer">Takes the steps.</param>
    public int WriteSteps(int root, int depth, ref WireWriter writer)
    {
        if (root == NoFilter) return 0;
        Check.That(_counting && root >= 0 && root < _nodeCount);
        Span<int> ends = stackalloc int[Limits.FilterDepthMax];
        int above = 0;
        for (int i = root; i < _nodes[root].End; i++)
        {
            ref readonly FilterNode node = ref _nodes[i];
            while (above > 0 && ends[above - 1] <= i) above--;
            writer.U8((byte)PlanPart.Filter);
            writer.U8((byte)(depth + above));
            writer.U8((byte)node.Operator);
            writer.U8((byte)node.Access);
            writer.U8(0);
            writer.Name(node.Operator < FilterOperator.Eq ? default : NameOf(node.Attribute));
            writer.U32(node.Access == PlanAccess.Postings ? (uint)node.OperandCount : 0);
            writer.U64(_considered[i]);
            writer.U64(_matched[i]);
            if (node.End > i + 1) ends[above++] = node.End;
        }
        return _nodes[root].End - root;
    }

    private ReadOnlySpan<byte> NameOf(ushort number)
    {
        bool known = _view.TryFindNumber(number, out int slot);
        Check.That(known);
        return slot == 0 ? "id"u8 : _view.AttributeName(slot);
    }

    private void Count(int index, ReadOnlySpan<ulong> care, ReadOnlySpan<ulong> result)
    {
        ulong considered = (ulong)WindowBitmap.Count(care);
        ulong matched = (ulong)WindowBitmap.Count(result);
        Check.That(matched <= considered);
        _considered[index] += considered;
        _matched[index] += matched;
    }

    private void ClearCounts()
    {
        _considered.AsSpan().Clear();
        _matched.AsSpan().Clear();
    }
}
