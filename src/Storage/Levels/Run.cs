using System;
using Deterministic.Core;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Levels;

/// <summary>Tables in key order whose ranges are apart: a whole level, or one flush.</summary>
internal sealed class Run(TableStore store)
{
    private readonly int[] _tables = new int[store.TablesMax];

    public int Count { get; private set; }

    /// <summary>Which run of level 0; greater is newer.</summary>
    public ulong Number { get; set; }

    public long DataSize { get; private set; }

    public ReadOnlySpan<int> Tables => _tables.AsSpan(0, Count);

    public int this[int position] => _tables[position];

    public void Clear()
    {
        Count = 0;
        DataSize = 0;
        Number = 0;
    }

    /// <summary>Puts a table where its keys belong.</summary>
    public void Insert(int table)
    {
        TableIndex index = store.Index(table);
        int at = Count > 0 && store.Index(_tables[Count - 1]).LastKey.SequenceCompareTo(index.FirstKey) < 0
            ? Count : PositionFrom(index.FirstKey);
        Check.That(at == Count || index.LastKey.SequenceCompareTo(store.Index(_tables[at]).FirstKey) < 0);
        Check.That(at == 0 || store.Index(_tables[at - 1]).LastKey.SequenceCompareTo(index.FirstKey) < 0);
        _tables.AsSpan(at, Count - at).CopyTo(_tables.AsSpan(at + 1));
        _tables[at] = table;
        Count++;
        DataSize += (long)store[table].DataSize;
    }

    public void Remove(int table)
    {
        int at = Tables.IndexOf(table);
        Check.That(at >= 0);
        _tables.AsSpan(at + 1, Count - at - 1).CopyTo(_tables.AsSpan(at));
        Count--;
        DataSize -= (long)store[table].DataSize;
    }

    /// <summary>Position of the first table whose last key is not below <paramref name="key"/>.</summary>
    public int PositionFrom(ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (store.Index(_tables[middle]).LastKey.SequenceCompareTo(key) < 0) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    /// <summary>Position of the last table whose first key is not above <paramref name="key"/>, or -1.</summary>
    public int PositionUpTo(ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (store.Index(_tables[middle]).FirstKey.SequenceCompareTo(key) <= 0) low = middle + 1;
            else high = middle;
        }
        return low - 1;
    }

    /// <summary>Whether any table of the run reaches into the closed range.</summary>
    public bool Overlaps(ReadOnlySpan<byte> first, ReadOnlySpan<byte> last)
    {
        int at = PositionFrom(first);
        return at < Count && store.Index(_tables[at]).FirstKey.SequenceCompareTo(last) <= 0;
    }
}
