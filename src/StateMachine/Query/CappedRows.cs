using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Namespaces;

namespace Deterministic.StateMachine.Query;

/// <summary>The best rows seen so far when no group may have more than some number of them. Rows are collected until
/// the room is full; then they are sorted and thinned out: of each group the best ones, of all these the best ones.
/// What is dropped has better rows of its group, or enough better rows of other groups, before it, and more rows can
/// only make that more; so the outcome is that of sorting all rows at once.</summary>
internal sealed class CappedRows
{
    /// <summary>Rows collected at least between two times of thinning out.</summary>
    private const int ExtraRowsMin = 1024;
    private const int RowsMax = 2 * Limits.ResultsMax;

    private readonly NativeBuffer _rows;
    private readonly RowOrder _order;
    private readonly RowGroups _groups;
    private int _capacity;
    private int _count;
    private int _limit;
    private int _groupLimit;
    private bool _isFull;

    public CappedRows(StaticMemory memory, Trees trees, NamespaceView view, IRowTies ties)
    {
        _rows = memory.Take((long)RowsMax * Marshal.SizeOf<RankedRow>());
        _order = new RowOrder(ties);
        _groups = new RowGroups(trees, view, RowsMax);
    }

    public long BytesRead => _groups.BytesRead;

    private Span<RankedRow> Rows => _rows.As<RankedRow>()[.._count];

    /// <param name="limit">Rows to keep.</param>
    /// <param name="groupLimit">Of them from one group.</param>
    /// <param name="slots">Attributes whose values make a group.</param>
    public void Reset(int limit, int groupLimit, ReadOnlySpan<int> slots)
    {
        Check.That(limit > 0 && limit <= Limits.ResultsMax);
        Check.That(groupLimit > 0);
        _limit = limit;
        _groupLimit = groupLimit;
        _capacity = limit + Math32.Max(limit, ExtraRowsMin);
        _count = 0;
        _isFull = false;
        _groups.Begin(slots);
    }

    /// <summary>Whether a row with this key can still be among the best; with an equal key it may.</summary>
    public bool MayEnter(UInt128 key) => !_isFull || key <= _rows.As<RankedRow>()[_limit - 1].Key;

    public void Add(in RankedRow row)
    {
        if (_count == _capacity) ThinOut();
        ref RankedRow added = ref _rows.As<RankedRow>()[_count++];
        added = row;
        added.Group = _groups.Find(row.Document);
    }

    /// <summary>The rows, best first; they must be reset before they take more.</summary>
    public ReadOnlySpan<RankedRow> Sort()
    {
        ThinOut();
        return Rows;
    }

    private void ThinOut()
    {
        Span<RankedRow> rows = Rows;
        HeapSort.Sort(rows, _order);
        int kept = 0;
        for (int i = 0; i < rows.Length && kept < _limit; i++)
            if (_groups.TryCount(rows[i].Group, _groupLimit)) rows[kept++] = rows[i];
        _groups.Renumber();
        foreach (ref RankedRow row in rows[..kept]) row.Group = _groups.NewNumber(row.Group);
        _count = kept;
        _isFull = kept == _limit;
        Check.That(_count < _capacity);
    }
}
