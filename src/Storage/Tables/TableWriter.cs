using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;

namespace Deterministic.Storage.Tables;

/// <summary>Makes tables out of entries in ascending key order: blocks of entries, large values in parts, a filter
/// unless it is small, and an index for each table. It can stop at any entry when no frame can be had, and be called
/// again with the same entry.</summary>
internal sealed class TableWriter
{
    /// <summary>A table of fewer blocks has no filter: it would take up too much beside them.</summary>
    private const int FilteredBlocksMin = 4;

    private readonly Grid _grid;
    private readonly TableStore _tables;
    private readonly TableIndexWriter _index;
    private readonly byte[] _firstKey = new byte[Tree.KeySizeMax + 1];
    private readonly byte[] _lastKey = new byte[Tree.KeySizeMax + 1];
    private readonly int[] _made;
    private readonly NativeBuffer _hashes;
    private readonly int _blocksMax;
    private readonly int _keysMax;
    private BlockReference _filter;
    private TableRecord _record;
    private EntryBlockState _block;
    private int _frame = -1;
    private int _firstKeySize;
    private int _partsDone;
    private byte _level;
    private ulong _run;

    /// <param name="memory">Where the index under construction is from.</param>
    /// <param name="grid">Where the blocks go.</param>
    /// <param name="tables">Where the tables are listed.</param>
    /// <param name="blocksMax">Blocks after which a table is cut.</param>
    public TableWriter(StaticMemory memory, Grid grid, TableStore tables, int blocksMax)
    {
        Check.That(blocksMax > 0);
        _blocksMax = blocksMax;
        _grid = grid;
        _tables = tables;
        _index = new TableIndexWriter(memory, tables.IndexSizeMax);
        _made = new int[tables.TablesMax];
        _keysMax = KeyFilter.KeysMax(grid.BodySizeMax);
        _hashes = memory.Take((long)_keysMax * sizeof(ulong));
    }

    /// <summary>The op in whose work blocks are being made.</summary>
    public ulong Op { get; set; }

    /// <summary>Tables made since the start, in key order.</summary>
    public ReadOnlySpan<int> Made => _made.AsSpan(0, MadeCount);

    public int MadeCount { get; private set; }

    /// <summary>Blocks acquired since the start.</summary>
    public long BlocksAcquired { get; private set; }

    /// <summary>Bytes of all blocks built since construction.</summary>
    public long BytesWritten { get; private set; }

    /// <summary>Entries have been added that are in no finished table.</summary>
    public bool HasOpenTable => _index.Count > 0 || _block.Entries > 0;

    /// <summary>Bytes of entries in the table that is open.</summary>
    public long OpenSize => (long)_record.DataSize;

    public void Start(byte level, ulong run)
    {
        Check.That(!HasOpenTable && _frame < 0 && _partsDone == 0);
        _level = level;
        _run = run;
        MadeCount = 0;
        BlocksAcquired = 0;
        _record = default;
        _index.Clear();
    }

    /// <summary>Puts a table that exists already, whole, behind what has been made; no table may be open.</summary>
    public void Append(int table)
    {
        Check.That(!HasOpenTable);
        _made[MadeCount++] = table;
    }

    /// <summary>Adds an entry; false: no frame can be had, call again with the same after a completion.</summary>
    public bool TryAdd(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, EntryKind kind)
    {
        Check.That(kind == EntryKind.Value || value.IsEmpty);
        bool large = EntryBlockWriter.SizeAlone(key.Length, value.Length) > _grid.BodySizeMax;
        bool crowded = _record.Entries >= (ulong)_keysMax;
        if (_block.Entries > 0 && (large || crowded || !Writer().Fits(key.Length, value.Length))) SealBlock();
        int parts = large ? (value.Length + _grid.BodySizeMax - 1) / _grid.BodySizeMax : 1;
        bool full = _record.Blocks >= _blocksMax || !_index.Fits(key.Length, parts) || crowded;
        if (_block.Entries == 0 && _partsDone == 0 && full && !TryCut()) return false;
        if (!(large ? TryAddLarge(key, value) : TryAddSmall(key, value, kind))) return false;
        _hashes.As<ulong>()[(int)_record.Entries] = KeyFilter.HashOf(key);
        _record.Entries++;
        _record.DataSize += (ulong)(key.Length + value.Length);
        return true;
    }

    /// <summary>Ends the open table, if any; false: call again after a completion.</summary>
    public bool TryCut()
    {
        Check.That(_partsDone == 0);
        if (_block.Entries > 0) SealBlock();
        if (_index.Count == 0) return true;
        if (!TryWriteFilter()) return false;
        int frame = _grid.TryBuild();
        if (frame < 0) return false;
        Span<byte> body = _grid.Body(frame);
        int size = _index.WriteTo(body, in _filter);
        _record.Level = _level;
        _record.Run = _run;
        _record.State = TableState.Output;
        _record.IndexAddress = 1;
        int table = _tables.Add(in _record);
        body[..size].CopyTo(_tables.IndexBytes(table));
        BlockReference reference = Finish(frame, BlockKind.TableIndex, size);
        _tables[table].IndexAddress = reference.Address;
        _tables[table].IndexChecksum = reference.Checksum;
        _made[MadeCount++] = table;
        _index.Clear();
        _record = default;
        _filter = default;
        return true;
    }

    private bool TryWriteFilter()
    {
        if (!_filter.IsNone || _record.Blocks < FilteredBlocksMin) return true;
        int frame = _grid.TryBuild();
        if (frame < 0) return false;
        int size = KeyFilter.Write(_hashes.As<ulong>()[..(int)_record.Entries], _grid.Body(frame));
        _filter = Finish(frame, BlockKind.Filter, size);
        _record.Blocks++;
        return true;
    }

    private bool TryAddSmall(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, EntryKind kind)
    {
        if (_frame < 0) _frame = _grid.TryBuild();
        if (_frame < 0) return false;
        if (_block.Entries == 0)
        {
            key.CopyTo(_firstKey);
            _firstKeySize = key.Length;
        }
        EntryBlockWriter writer = Writer();
        writer.Add(key, value, kind);
        _block = writer.State;
        return true;
    }

    private bool TryAddLarge(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Check.That(_block.Entries == 0);
        for (int at = _partsDone * _grid.BodySizeMax; at < value.Length; at += _grid.BodySizeMax)
        {
            int frame = _grid.TryBuild();
            if (frame < 0) return false;
            int size = value.Length - at < _grid.BodySizeMax ? value.Length - at : _grid.BodySizeMax;
            value.Slice(at, size).CopyTo(_grid.Body(frame));
            BlockReference reference = Finish(frame, BlockKind.LargeValue, size);
            _index.Add(in reference, key, _partsDone == 0 ? IndexKind.Large : IndexKind.Part, value.Length);
            _record.Blocks++;
            _partsDone++;
        }
        _partsDone = 0;
        _index.SetLastKey(key);
        return true;
    }

    private EntryBlockWriter Writer() => new(_grid.Body(_frame), _lastKey, _block);

    private void SealBlock()
    {
        EntryBlockWriter writer = Writer();
        int size = writer.Finish();
        BlockReference reference = Finish(_frame, BlockKind.Entries, size);
        _index.Add(in reference, _firstKey.AsSpan(0, _firstKeySize), IndexKind.Entries, _block.Entries);
        _index.SetLastKey(_lastKey.AsSpan(0, _block.LastKeySize));
        _record.Blocks++;
        _frame = -1;
        _block = default;
    }

    private BlockReference Finish(int frame, BlockKind kind, int size)
    {
        BlocksAcquired++;
        BytesWritten += Grid.SizeOnDisk(size);
        return _grid.Finish(frame, _grid.Free.Acquire(), kind, Op, size);
    }
}
