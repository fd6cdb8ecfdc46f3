using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.StateMachine.Filters;

namespace Deterministic.StateMachine.Query;

/// <summary>A row in the running: a smaller key is better, then a smaller tie (the start of the id), then what the
/// heap's comparer reads from the columns.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct RankedRow
{
    public UInt128 Key;
    public UInt128 Tie;

    /// <summary>What the answer reports.</summary>
    public float Score;
    public uint Document;

    /// <summary>Number of its group where groups are limited.</summary>
    public int Group;
}

/// <summary>Decides between rows with equal keys; total.</summary>
public interface IRowTies
{
    int Compare(in RankedRow left, in RankedRow right);
}

/// <summary>By key, then as a comparer of ties says.</summary>
public readonly struct RowOrder(IRowTies ties) : IOrder<RankedRow>
{
    public int Compare(in RankedRow left, in RankedRow right) =>
        left.Key != right.Key ? left.Key.CompareTo(right.Key) : ties.Compare(left, right);
}

/// <summary>The best rows seen so far, at most a limit of them: a binary heap with the worst on top.</summary>
[FloatAllowed("the bound is a stored score or infinity")]
public sealed class RowHeap
{
    private readonly NativeBuffer _rows;
    private readonly RowOrder _order;
    private int _limit;

    public RowHeap(StaticMemory memory, int capacity, IRowTies ties)
    {
        _rows = memory.Take((long)capacity * Marshal.SizeOf<RankedRow>());
        _order = new RowOrder(ties);
    }

    public int Count { get; private set; }

    private Span<RankedRow> Rows => _rows.As<RankedRow>()[..Count];

    public void Reset(int limit)
    {
        Check.That(limit > 0 && limit <= _rows.Length / Marshal.SizeOf<RankedRow>());
        _limit = limit;
        Count = 0;
    }

    /// <summary>Whether a row with this key can still enter; with an equal key it may.</summary>
    public bool MayEnter(UInt128 key) => Count < _limit || key <= _rows.As<RankedRow>()[0].Key;

    /// <summary>Where smaller scores are better: a row with a greater score than this cannot enter.</summary>
    public float ScoreBound => Count < _limit ? float.PositiveInfinity : _rows.As<RankedRow>()[0].Score;

    public void Add(in RankedRow row)
    {
        if (Count < _limit)
        {
            Count++;
            Span<RankedRow> rows = Rows;
            rows[^1] = row;
            HeapSort.SiftUp(rows, Count - 1, _order);
            return;
        }
        Span<RankedRow> full = Rows;
        if (_order.Compare(row, full[0]) >= 0) return;
        full[0] = row;
        HeapSort.SiftDown(full, 0, _order);
    }

    /// <summary>The rows, best first; the heap must be reset before it takes more.</summary>
    public ReadOnlySpan<RankedRow> Sort()
    {
        HeapSort.Sort(Rows, _order);
        return Rows;
    }
}
