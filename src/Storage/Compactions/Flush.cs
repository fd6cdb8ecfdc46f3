using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Levels;
using Deterministic.Storage.Memory;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Compactions;

/// <summary>Writes a memtable that takes no more changes as a run of level 0, a part at a time.</summary>
internal sealed class Flush(StaticMemory memory, Grid grid, TableStore store, LevelSet levels, int tableBlocksMax)
{
    private readonly TableWriter _writer = new(memory, grid, store, tableBlocksMax);
    private readonly byte[] _key = new byte[Tree.KeySizeMax + 1];
    private Memtable? _memtable;
    private MemoryCursor _cursor;
    private int _tree;
    private ulong _run;
    private long _reserved;

    public bool Running => _memtable is not null;

    /// <summary>Bytes of all blocks built since construction.</summary>
    public long BytesWritten => _writer.BytesWritten;

    /// <summary>A planted bug.</summary>
    internal bool DropsTombstones { get; set; }

    /// <summary>Blocks that writing a memtable of a size can take at most: two neighbouring blocks hold more than the
    /// body of one, and of eight blocks or more each table has an index and a filter.</summary>
    public static long BlocksMax(long size, int bodySizeMax) =>
        2 * size / bodySizeMax + 3 * size / (4L * bodySizeMax) + 16;

    /// <summary>False if the grid has no room.</summary>
    public bool TryStart(Memtable memtable, ulong run)
    {
        Check.That(!Running && !memtable.IsEmpty);
        _reserved = BlocksMax(memtable.SizeBytes, grid.BodySizeMax);
        if (!grid.Free.TryReserve(_reserved)) return false;
        _memtable = memtable;
        _tree = 0;
        _run = run;
        _cursor = memtable[0].SeekFirst();
        _writer.Start(level: 0, run);
        return true;
    }

    /// <summary>Writes entries until the budget is spent or all are written; false: no frame can be had now.</summary>
    public bool TryStep(ulong op, ref long budget)
    {
        Check.That(Running);
        _writer.Op = op;
        while (budget > 0)
        {
            while (!_cursor.Valid && _tree + 1 < _memtable!.TreeCount) _cursor = _memtable[++_tree].SeekFirst();
            if (!_cursor.Valid) return TryFinish();
            ReadOnlySpan<byte> key = _cursor.Key;
            _key[0] = (byte)_tree;
            key.CopyTo(_key.AsSpan(1));
            ReadOnlySpan<byte> value = _cursor.Value;
            EntryKind kind = _cursor.IsTombstone ? EntryKind.Tombstone : EntryKind.Value;
            bool dropped = DropsTombstones && kind == EntryKind.Tombstone;
            if (!dropped && !_writer.TryAdd(_key.AsSpan(0, key.Length + 1), value, kind)) return false;
            budget -= Memtable.SizeOf(key.Length, value.Length);
            _cursor.Next();
        }
        return true;
    }

    private bool TryFinish()
    {
        if (!_writer.TryCut()) return false;
        Run run = levels.AddFlushRun(_run);
        foreach (int table in _writer.Made)
        {
            store[table].State = TableState.Live;
            run.Insert(table);
        }
        Check.That(_writer.BlocksAcquired <= _reserved);
        grid.Free.Forfeit(_reserved - _writer.BlocksAcquired);
        _memtable!.Clear();
        _memtable = null;
        return true;
    }
}
