using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Levels;

/// <summary>A place in a run, within a prefix. What is not in memory is asked for, and the cursor is then
/// <see cref="Missing"/> until it is placed anew.</summary>
/// <param name="memory">Where room for a key is from.</param>
/// <param name="grid">Where blocks come from.</param>
/// <param name="store">The tables.</param>
/// <param name="prefix">Bytes of the prefix; the owner sets them before it places the cursor.</param>
internal sealed unsafe class RunCursor(StaticMemory memory, Grid grid, TableStore store, byte[] prefix)
{
    private readonly NativeBuffer _keyMemory = memory.Take(Tree.KeySizeMax + 1, alignment: 1);
    private Run _run = null!;
    private EntryPlace _place;
    private TableIndex _index;
    private byte* _body;
    private int _bodySize;
    private int _prefixSize;
    private int _table;
    private int _item;
    private bool _large;

    /// <summary>While missing: the block was left at <see cref="_place"/>; else its first entry is next.</summary>
    private bool _resumeInside;

    /// <summary>At an entry.</summary>
    public bool Valid { get; private set; }

    /// <summary>A block that the cursor needs is not in memory.</summary>
    public bool Missing { get; private set; }

    public ReadOnlySpan<byte> Key
    {
        get
        {
            Check.That(Valid);
            return _large ? _index.Key(_item) : KeyRoom[.._place.KeySize];
        }
    }

    private Span<byte> KeyRoom => _keyMemory.Span;

    public bool IsTombstone => !_large && _place.Kind == EntryKind.Tombstone;

    public ReadOnlySpan<byte> Value
    {
        get
        {
            Check.That(Valid);
            return _large ? grid.RunBody(_index.Reference(_item), _index.Size(_item)) : Block.Value(_place);
        }
    }

    private EntryBlock Block => new(new ReadOnlySpan<byte>(_body, _bodySize));

    /// <summary>To the first entry of the prefix that is not below <paramref name="key"/>.</summary>
    public void Seek(Run run, ReadOnlySpan<byte> key, int prefixSize)
    {
        Start(run, key, prefixSize);
        int table = run.PositionFrom(key);
        if (table == run.Count) return;
        OpenTable(table);
        int item = _index.Floor(key);
        if (item < 0)
        {
            EnterFirst(0);
            return;
        }
        if (_index.Kind(item) == IndexKind.Large)
        {
            if (_index.Key(item).SequenceEqual(key)) EnterFirst(item);
            else EnterAfter(item);
            return;
        }
        if (!OpenBlock(item)) return;
        bool found = Block.TryFloor(key, KeyRoom, out _place);
        Check.That(found);
        Valid = true;
        if (!Key.SequenceEqual(key)) Next();
        else StayInPrefix();
    }

    /// <summary>To the last entry of the prefix that is below <paramref name="key"/>, or not above it.</summary>
    public void SeekBelow(Run run, ReadOnlySpan<byte> key, int prefixSize, bool orAt)
    {
        Start(run, key, prefixSize);
        int table = run.PositionUpTo(key);
        if (table < 0) return;
        OpenTable(table);
        // Where the range of the table ends before the prefix begins, nothing has to be read to know it.
        if (_index.LastKey.SequenceCompareTo(Prefix) < 0) return;
        int item = _index.Floor(key);
        Check.That(item >= 0);
        if (_index.Kind(item) == IndexKind.Large)
        {
            if (orAt || !_index.Key(item).SequenceEqual(key)) EnterLast(item);
            else EnterBefore(item);
            return;
        }
        if (!OpenBlock(item)) return;
        bool found = Block.TryFloor(key, KeyRoom, out _place);
        Check.That(found);
        Valid = true;
        if (!orAt && Key.SequenceEqual(key)) Previous();
        else StayInPrefix();
    }

    public void Next()
    {
        Check.That(Valid);
        if (_large || _place.Index + 1 == Block.Count)
        {
            Valid = false;
            EnterAfter(_item);
            return;
        }
        Block.Next(KeyRoom, ref _place);
        StayInPrefix();
    }

    /// <summary>Walking forward over the ends of operations: makes sure that the block is in memory, or asks for it.
    /// False: not yet.</summary>
    public bool TryResume()
    {
        if (!Valid && !Missing) return true;
        bool inside = Valid || _resumeInside;
        Valid = OpenBlock(_item);
        _resumeInside = inside;
        if (!Valid) return false;
        if (!inside && !_large) Block.First(KeyRoom, out _place);
        _resumeInside = false;
        return true;
    }

    /// <summary>Asks for the next blocks of the table, so that they are there when it comes to them.</summary>
    public void ReadAhead(int blocks)
    {
        if (!Valid) return;
        for (int item = _item + _index.Parts(_item); blocks > 0 && item < _index.Count; blocks--)
        {
            int parts = _index.Parts(item);
            BlockReference block = _index.Reference(item);
            if (_index.Kind(item) == IndexKind.Large)
                grid.RequestRun(_index.References(item, parts), TableIndex.ItemSize, parts);
            else grid.Request(in block);
            item += parts;
        }
    }

    /// <summary>At the first entry of a table.</summary>
    public bool AtTableStart => Valid && _item == 0 && (_large || _place.Index == 0);

    /// <summary>The table that the cursor is in.</summary>
    public int Table => _run[_table];

    /// <summary>To the first entry of the next table.</summary>
    public void SkipTable()
    {
        Check.That(Valid);
        Valid = false;
        if (_table + 1 == _run.Count) return;
        OpenTable(_table + 1);
        EnterFirst(0);
    }

    public void Previous()
    {
        Check.That(Valid);
        if (_large || _place.Index == 0)
        {
            Valid = false;
            EnterBefore(_item);
            return;
        }
        Block.Previous(KeyRoom, ref _place);
        StayInPrefix();
    }

    private ReadOnlySpan<byte> Prefix => prefix.AsSpan(0, _prefixSize);

    private void Start(Run run, ReadOnlySpan<byte> key, int prefixSize)
    {
        _run = run;
        _prefixSize = prefixSize;
        Check.That(key.StartsWith(Prefix));
        Valid = false;
        Missing = false;
        _resumeInside = false;
    }

    private void StayInPrefix() => Valid = Key.StartsWith(Prefix);

    private void OpenTable(int table)
    {
        _table = table;
        _index = store.Index(_run[table]);
    }

    private void EnterAfter(int item)
    {
        int next = item + _index.Parts(item);
        if (next < _index.Count)
        {
            EnterFirst(next);
            return;
        }
        if (_table + 1 == _run.Count) return;
        OpenTable(_table + 1);
        EnterFirst(0);
    }

    private void EnterFirst(int item)
    {
        if (!_index.Key(item).StartsWith(Prefix)) return;
        if (!OpenBlock(item)) return;
        if (!_large) Block.First(KeyRoom, out _place);
        Valid = true;
    }

    private void EnterBefore(int item)
    {
        if (item > 0)
        {
            EnterLast(_index.Start(item - 1));
            return;
        }
        if (_table == 0) return;
        OpenTable(_table - 1);
        if (_index.LastKey.StartsWith(Prefix)) EnterLast(_index.Start(_index.Count - 1));
    }

    private void EnterLast(int item)
    {
        if (_index.Kind(item) == IndexKind.Large && !_index.Key(item).StartsWith(Prefix)) return;
        if (!OpenBlock(item)) return;
        if (!_large) Block.Last(KeyRoom, out _place);
        Valid = true;
        StayInPrefix();
    }

    /// <summary>False, and the cursor is missing, if the block or the value's parts are not in memory.</summary>
    private bool OpenBlock(int item)
    {
        _item = item;
        _large = _index.Kind(item) == IndexKind.Large;
        BlockReference block = _index.Reference(item);
        if (_large)
        {
            int parts = _index.Parts(item);
            Missing = !grid.RequestRun(_index.References(item, parts), TableIndex.ItemSize, parts);
            return !Missing;
        }
        Missing = !TableBlocks.TryGetEntries(grid, _index, item, out ReadOnlySpan<byte> body);
        if (Missing)
        {
            grid.Request(in block);
            return false;
        }
        // Frames do not move, and the block stays in its frame for the era.
        fixed (byte* pointer = body) _body = pointer;
        _bodySize = body.Length;
        return true;
    }
}
