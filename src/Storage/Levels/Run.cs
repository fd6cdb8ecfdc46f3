using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Levels;

/// <summary>Tables in key order whose ranges are apart: a whole level, or one flush.</summary>
internal sealed class Run(StaticMemory memory, TableStore store)
{
    private readonly NativeBuffer _memory = memory.Take((long)store.TablesMax * sizeof(int));

    public int Count { get; private set; }

    /// <summary>Which run of level 0; greater is newer.</summary>
    public ulong Number { get; set; }

    public long DataSize { get; private set; }

    public ReadOnlySpan<int> Tables => Slots[..Count];

    public int this[int position] => Slots[position];

    private Span<int> Slots => _memory.As<int>();

    public void Clear()
    {
        Count = 0;
        DataSize = 0;
        Number = 0;
    }

    /// <summary>Puts a table where its keys belong.</summary>
    public void Insert(int table)
    {
        bool apart = TryInsert(table);
        Check.That(apart, "tables of one run overlap");
    }

    /// <summary>The same; false if it overlaps another one.</summary>
    public bool TryInsert(int table)
    {
        TableIndex index = store.Index(table);
        int at = Count > 0 && store.Index(Slots[Count - 1]).LastKey.SequenceCompareTo(index.FirstKey) < 0
            ? Count : PositionFrom(index.FirstKey);
        if (at < Count && index.LastKey.SequenceCompareTo(store.Index(Slots[at]).FirstKey) >= 0) return false;
        if (at > 0 && store.Index(Slots[at - 1]).LastKey.SequenceCompareTo(index.FirstKey) >= 0) return false;
        Slots[at..Count].CopyTo(Slots[(at + 1)..]);
        Slots[at] = table;
        Count++;
        DataSize += (long)store[table].DataSize;
        return true;
    }

    public void Remove(int table)
    {
        int at = Tables.IndexOf(table);
        Check.That(at >= 0);
        Slots[(at + 1)..Count].CopyTo(Slots[at..]);
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
            if (store.Index(Slots[middle]).LastKey.SequenceCompareTo(key) < 0) low = middle + 1;
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
            if (store.Index(Slots[middle]).FirstKey.SequenceCompareTo(key) <= 0) low = middle + 1;
            else high = middle;
        }
        return low - 1;
    }

    /// <summary>Whether any table of the run reaches into the closed range.</summary>
    public bool Overlaps(ReadOnlySpan<byte> first, ReadOnlySpan<byte> last)
    {
        int at = PositionFrom(first);
        return at < Count && store.Index(Slots[at]).FirstKey.SequenceCompareTo(last) <= 0;
    }
}
