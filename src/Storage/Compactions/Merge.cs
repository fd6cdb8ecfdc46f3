using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Levels;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Compactions;

/// <summary>Merges tables of neighbouring ages into new ones, a part at a time. Inputs stay live until the end, so
/// readers never see a half-merged state. A table whose range no other input reaches into is passed on as it
/// is.</summary>
internal sealed partial class Merge
{
    private const int ReadAheadBlocks = 4;
    private const int EntryOverheadSize = 16;

    /// <summary>Blocks that a table ended early may cost: entries that do not fill one, a filter, an index.</summary>
    public const int CutBlocksMax = 3;

    private readonly Grid _grid;
    private readonly TableStore _store;
    private readonly LevelSet _levels;
    private readonly TableWriter _writer;
    private readonly Run[] _inputs;
    private readonly RunCursor[] _cursors;
    private readonly bool[] _passed;
    private readonly byte[] _lastKey = new byte[Tree.KeySizeMax + 1];
    private readonly int _passBlocksMin;
    private int _inputCount;
    private int _lastKeySize;
    private bool _placed;
    private bool _waited;
    private bool _dropTombstones;
    private byte _level;
    private ulong _run;
    private long _reserved;

    public Merge(StaticMemory memory, Grid grid, TableStore store, LevelSet levels, int tableBlocksMax)
    {
        _grid = grid;
        _store = store;
        _levels = levels;
        _passBlocksMin = tableBlocksMax / 4;
        _writer = new TableWriter(memory, grid, store, tableBlocksMax);
        _inputs = new Run[LevelSet.FlushRunsMax + 2];
        _cursors = new RunCursor[_inputs.Length];
        for (int i = 0; i < _inputs.Length; i++)
        {
            _inputs[i] = new Run(memory, store);
            _cursors[i] = new RunCursor(memory, grid, store, []);
        }
        _passed = new bool[store.TablesMax];
    }

    public bool Running { get; private set; }

    /// <summary>Bytes of all blocks built since construction.</summary>
    public long BytesWritten => _writer.BytesWritten;

    public long TablesPassed { get; private set; }
    public long TombstonesDropped { get; private set; }

    /// <summary>Merges taken up from a checkpoint.</summary>
    public long Resumed { get; private set; }

    /// <summary>Planted bugs.</summary>
    internal bool KeepsOldest { get; set; }
    internal bool DropsTombstones { get; set; }
    internal bool FollowsReads { get; set; }

    /// <summary>Begins to gather inputs, newest first.</summary>
    public void Begin(byte level, ulong run)
    {
        Check.That(!Running);
        _inputCount = 0;
        _level = level;
        _run = run;
        _lastKeySize = 0;
        _placed = false;
        _dropTombstones = false;
    }

    /// <summary>The next older input; fill it with tables.</summary>
    public Run AddInput()
    {
        Run input = _inputs[_inputCount++];
        input.Clear();
        return input;
    }

    /// <summary>Starts with what was gathered; false if the grid has no room for it.</summary>
    public bool TryStart()
    {
        Check.That(!Running && _inputCount > 0);
        _reserved = BlocksMax();
        if (!_grid.Free.TryReserve(_reserved)) return false;
        _dropTombstones = DropsTombstones || NothingBelow();
        _writer.Start(_level, _run);
        Running = true;
        return true;
    }

    /// <summary>Blocks that the merge can take at most, not counting what interruptions cost.</summary>
    private long BlocksMax()
    {
        long blocks = 0;
        for (int i = 0; i < _inputCount; i++)
            foreach (int table in _inputs[i].Tables) blocks += _store[table].Blocks + 1;
        return 2 * blocks + 16;
    }

    /// <summary>Merges until the budget is spent or the end is reached; false: reads or writes are under way that it
    /// has to wait for.</summary>
    public bool TryStep(ulong op, ref long budget)
    {
        Check.That(Running);
        _writer.Op = op;
        if (!TryPlace())
        {
            _waited = true;
            return false;
        }
        if (_waited && FollowsReads && !_writer.TryCut()) return false;
        _waited = false;
        while (budget > 0)
        {
            int source = FindSmallest();
            if (source < 0) return TryFinish();
            if (CanPass(source))
            {
                if (!TryPass(source)) return false;
                budget -= EntryOverheadSize;
                if (_cursors[source].Missing) return false;
                continue;
            }
            if (!TryMerge(source, ref budget)) return false;
        }
        return true;
    }

    /// <summary>Ends the open table, so that a checkpoint can name all that was made so far. What that costs was not
    /// reserved at the start, for nobody knew how often it would be.</summary>
    public bool TryCut(ulong op)
    {
        if (!Running || !_writer.HasOpenTable) return true;
        _writer.Op = op;
        if (!_writer.TryCut()) return false;
        if (_grid.Free.TryReserve(CutBlocksMax)) _reserved += CutBlocksMax;
        return true;
    }

    /// <summary>Places the cursors, at the start or after a restart; later makes sure that their blocks are still in
    /// memory.</summary>
    private bool TryPlace()
    {
        bool ready = true;
        for (int i = 0; i < _inputCount; i++)
        {
            if (!_placed) Place(_cursors[i], _inputs[i]);
            ready &= _placed ? _cursors[i].TryResume() : !_cursors[i].Missing;
        }
        if (!ready) return false;
        _placed = true;
        for (int i = 0; i < _inputCount && !_grid.IsTight; i++) _cursors[i].ReadAhead(ReadAheadBlocks);
        return true;
    }

    private void Place(RunCursor cursor, Run input)
    {
        ReadOnlySpan<byte> last = _lastKey.AsSpan(0, _lastKeySize);
        cursor.Seek(input, last, prefixSize: 0);
        if (cursor.Valid && _lastKeySize > 0 && cursor.Key.SequenceEqual(last)) cursor.Next();
    }

    private bool TryMerge(int source, ref long budget)
    {
        RunCursor cursor = _cursors[source];
        ReadOnlySpan<byte> key = cursor.Key;
        bool tombstone = cursor.IsTombstone;
        ReadOnlySpan<byte> value = tombstone ? default : cursor.Value;
        bool dropped = tombstone && _dropTombstones;
        if (!dropped && !_writer.TryAdd(key, value, tombstone ? EntryKind.Tombstone : EntryKind.Value)) return false;
        if (dropped) TombstonesDropped++;
        key.CopyTo(_lastKey);
        _lastKeySize = key.Length;
        budget -= key.Length + value.Length + EntryOverheadSize;
        bool ready = true;
        ReadOnlySpan<byte> last = _lastKey.AsSpan(0, _lastKeySize);
        for (int i = 0; i < _inputCount; i++)
        {
            if (!_cursors[i].Valid || !_cursors[i].Key.SequenceEqual(last)) continue;
            if (i != source) budget -= EntryOverheadSize + last.Length;
            _cursors[i].Next();
            ready &= !_cursors[i].Missing;
        }
        return ready;
    }

    private int FindSmallest()
    {
        int smallest = -1;
        for (int i = 0; i < _inputCount; i++)
        {
            if (!_cursors[i].Valid) continue;
            int order = smallest < 0 ? -1 : _cursors[i].Key.SequenceCompareTo(_cursors[smallest].Key);
            if (order < 0 || (order == 0 && KeepsOldest)) smallest = i;
        }
        return smallest;
    }

    private bool CanPass(int source)
    {
        RunCursor cursor = _cursors[source];
        if (!cursor.AtTableStart || _store[cursor.Table].Blocks < _passBlocksMin) return false;
        ReadOnlySpan<byte> last = _store.Index(cursor.Table).LastKey;
        for (int i = 0; i < _inputCount; i++)
            if (i != source && _cursors[i].Valid && _cursors[i].Key.SequenceCompareTo(last) <= 0) return false;
        return true;
    }

    private bool TryPass(int source)
    {
        if (!_writer.TryCut()) return false;
        RunCursor cursor = _cursors[source];
        int table = cursor.Table;
        ReadOnlySpan<byte> last = _store.Index(table).LastKey;
        last.CopyTo(_lastKey);
        _lastKeySize = last.Length;
        _passed[table] = true;
        TablesPassed++;
        _writer.Append(table);
        cursor.SkipTable();
        return true;
    }

    private bool TryFinish()
    {
        if (!_writer.TryCut()) return false;
        for (int i = 0; i < _inputCount; i++)
        {
            foreach (int table in _inputs[i].Tables)
            {
                _levels.Remove(table);
                if (!_passed[table]) Release(table);
            }
        }
        Run output = _level == 0 ? OutputRun() : _levels.Level(_level);
        foreach (int table in _writer.Made)
        {
            ref TableRecord record = ref _store[table];
            record.State = TableState.Live;
            record.Level = _level;
            record.Run = _run;
            _passed[table] = false;
            output.Insert(table);
        }
        Check.That(_writer.BlocksAcquired <= _reserved);
        _grid.Free.Forfeit(_reserved - _writer.BlocksAcquired);
        Running = false;
        return true;
    }

    private Run OutputRun() => _levels.AddFlushRun(_run, _levels.AgeFrom(_run));

    private void Release(int table)
    {
        TableIndex index = _store.Index(table);
        for (int item = 0; item < index.Blocks; item++) _grid.Free.Release(index.Address(item));
        _grid.Free.Release(_store[table].IndexAddress);
        _store.Remove(table);
    }

    /// <summary>Whether no older entry lies under the inputs: then tombstones have nothing left to hide.</summary>
    private bool NothingBelow()
    {
        if (_level == 0) return false;
        for (int level = _level + 1; level < LevelSet.LevelsMax; level++)
            for (int i = 0; i < _inputCount; i++)
            {
                Run input = _inputs[i];
                if (input.Count == 0) continue;
                if (_levels.Level(level).Overlaps(
                    _store.Index(input[0]).FirstKey, _store.Index(input[input.Count - 1]).LastKey)) return false;
            }
        return true;
    }
}
