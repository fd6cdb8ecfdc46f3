using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Levels;
using Deterministic.Storage.Memory;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Compactions;

/// <summary>Keeps the levels in shape, a bounded part after each operation. Everything it decides is a function of the
/// log: how much the operation wrote, and how the levels stand; when reads and writes complete only delays it.
/// <para>The active memtable is flushed once it is full, at twice the rate at which the next one fills. Level 0 takes
/// runs as they come; four of like size are merged into one, and all into level 1 once they are as large as four
/// memtables. Deeper levels may hold <see cref="Growth"/> times the one above; what is too much goes down table by
/// table, the one that overlaps least first, and one that overlaps nothing is only listed elsewhere.</para></summary>
internal sealed class Compactor
{
    private const int Growth = 8;
    private const int RunsPerMerge = 4;
    private const int FlushRate = 2;

    /// <summary>Bytes merged for each byte written: the write amplification that the levels may cost.</summary>
    private const int MergeRate = 12;
    private const int BlocksPerBeat = 2;

    /// <summary>How far a beat has come. A beat that had to wait goes on where it was: what it has passed is not asked
    /// again, for the answer may have changed by what it did since.</summary>
    private enum BeatStep : byte
    {
        /// <summary>Merge first if level 0 is crowded.</summary>
        Relieve,
        Flush,
        Merge,
        Done,
    }

    private readonly Forest _forest;
    private readonly Grid _grid;
    private readonly TableStore _store;
    private readonly LevelSet _levels;
    private readonly Flush _flush;
    private readonly Merge _merge;
    private readonly long _memtableSize;
    private readonly Memtable[] _memtables;
    private ulong _beatOp;
    private BeatStep _beatStep;
    private long _flushBudget;
    private long _mergeBudget;
    private long _sizeBefore;

    public Compactor(
        StaticMemory memory, Grid grid, TableStore store, LevelSet levels, Memtable[] memtables, long memtableSize,
        Forest forest)
    {
        _forest = forest;
        Check.That(memtables.Length == 2);
        _grid = grid;
        _store = store;
        _levels = levels;
        _memtables = memtables;
        _memtableSize = memtableSize;
        long tableBlocks = memtableSize / grid.BlockSize / Growth;
        int tableBlocksMax = tableBlocks < 8 ? 8 : tableBlocks > 128 ? 128 : (int)tableBlocks;
        _flush = new Flush(memory, grid, store, levels, tableBlocksMax);
        _merge = new Merge(memory, grid, store, levels, tableBlocksMax);
    }

    internal StoragePlant Plant
    {
        set
        {
            _flush.DropsTombstones = (value & StoragePlant.FlushDropsTombstones) != 0;
            _merge.KeepsOldest = (value & StoragePlant.MergeKeepsOldest) != 0;
            _merge.FollowsReads = (value & StoragePlant.MergeFollowsReads) != 0;
            _merge.DropsTombstones = (value & StoragePlant.MergeDropsTombstones) != 0;
        }
    }

    public Memtable Active => _memtables[0];

    /// <summary>The memtable that is being flushed, or none.</summary>
    public Memtable? Flushing => _flush.Running ? _memtables[1] : null;

    public Merge Merge => _merge;

    /// <summary>Bytes of all blocks that flushes have built since construction.</summary>
    public long BytesFlushed => _flush.BytesWritten;

    /// <summary>Bytes of entries that wait to be merged: those of level 0, and of each deeper level what is above its
    /// target.</summary>
    public long Debt
    {
        get
        {
            long debt = _levels.FlushDataSize;
            for (int level = 1; level + 1 < LevelSet.LevelsMax; level++)
            {
                long excess = _levels.Level(level).DataSize - Target(level);
                if (excess > 0) debt += excess;
            }
            return debt;
        }
    }

    /// <summary>Tables that went down one level as they are.</summary>
    public long TablesMoved { get; private set; }

    /// <summary>Number that the next run of level 0 gets.</summary>
    public ulong NextRun { get; set; } = 1;

    /// <summary>A memtable could not be flushed because the grid has no room.</summary>
    public bool GridFull { get; private set; }

    /// <summary>The share of work after one operation; false: call again after a completion.</summary>
    public bool TryBeat(ulong op)
    {
        if (_beatOp != op) BeginBeat(op);
        if (_beatStep == BeatStep.Relieve)
        {
            if (_levels.FlushRuns >= LevelSet.FlushRunsMax && !TryMerge(op, ref _mergeBudget)) return false;
            _beatStep = BeatStep.Flush;
        }
        if (_beatStep == BeatStep.Flush)
        {
            if (_flush.Running && !_flush.TryStep(op, ref _flushBudget)) return false;
            bool full = !_flush.Running && Active.SizeBytes >= _memtableSize;
            _beatStep = full && !TrySwap() ? BeatStep.Done : BeatStep.Merge;
        }
        return _beatStep == BeatStep.Done || TryMerge(op, ref _mergeBudget);
    }

    /// <summary>Empties both memtables and ends the open table of a merge, for a checkpoint; false: call again after a
    /// completion.</summary>
    public bool TryEmpty(ulong op)
    {
        long all = long.MaxValue;
        if (_flush.Running && !_flush.TryStep(op, ref all)) return false;
        if (!Active.IsEmpty)
        {
            if (_levels.FlushRuns >= LevelSet.FlushRunsMax && !TryMerge(op, ref all)) return false;
            if (!TrySwap()) return true;
            all = long.MaxValue;
            if (!_flush.TryStep(op, ref all)) return false;
        }
        Check.That(!_flush.Running && Active.IsEmpty);
        _sizeBefore = 0;
        return _merge.TryCut(op);
    }

    private void BeginBeat(ulong op)
    {
        _beatOp = op;
        _beatStep = BeatStep.Relieve;
        long written = Active.SizeBytes > _sizeBefore ? Active.SizeBytes - _sizeBefore : 0;
        bool full = Active.SizeBytes >= _memtableSize;
        bool crowded = _levels.FlushRuns >= LevelSet.FlushRunsMax;
        _flushBudget = full ? long.MaxValue : FlushRate * written + _grid.BlockSize;
        _mergeBudget = crowded ? long.MaxValue : MergeRate * written + BlocksPerBeat * _grid.BlockSize;
        _sizeBefore = Active.SizeBytes;
    }

    private bool TrySwap()
    {
        GridFull = _levels.FlushRuns >= LevelSet.FlushRunsMax || !_flush.TryStart(Active, NextRun);
        if (GridFull) return false;
        _forest.OnFlush();
        NextRun++;
        (_memtables[0], _memtables[1]) = (_memtables[1], _memtables[0]);
        Check.That(Active.IsEmpty);
        _sizeBefore = 0;
        return true;
    }

    /// <summary>Merges while there is budget and something to merge; a crowded level 0 until it is not.</summary>
    private bool TryMerge(ulong op, ref long budget)
    {
        bool crowded = _levels.FlushRuns >= LevelSet.FlushRunsMax;
        while (budget > 0)
        {
            if (!_merge.Running && !TryPick()) return true;
            if (!_merge.TryStep(op, ref budget)) return false;
            if (crowded && _levels.FlushRuns < LevelSet.FlushRunsMax) budget = 0;
        }
        return true;
    }

    private long Target(int level)
    {
        long target = Growth * _memtableSize;
        for (int i = 1; i < level; i++) target *= Growth;
        return target;
    }

    /// <summary>Starts the merge that is needed most; false if none is.</summary>
    private bool TryPick()
    {
        while (true)
        {
            int level = FullestLevel();
            if (level < 0) return TryMergeRuns();
            if (level == 0) return TryMergeAllRuns();
            int table = LeastOverlap(level);
            TableIndex index = _store.Index(table);
            if (_levels.Level(level + 1).Overlaps(index.FirstKey, index.LastKey)) return TryMergeDown(level, table);
            TablesMoved++;
            _levels.Level(level).Remove(table);
            _store[table].Level = (byte)(level + 1);
            _levels.Level(level + 1).Insert(table);
        }
    }

    /// <summary>The level that exceeds its target most, or -1.</summary>
    private int FullestLevel()
    {
        int fullest = -1;
        long fullestScore = 1000;
        long flushTarget = RunsPerMerge * _memtableSize;
        if (_levels.FlushDataSize >= flushTarget || _levels.FlushRuns >= LevelSet.FlushRunsMax)
        {
            fullest = 0;
            fullestScore = _levels.FlushDataSize / (flushTarget / 1000 + 1);
            if (_levels.FlushRuns >= LevelSet.FlushRunsMax) fullestScore = long.MaxValue;
        }
        for (int level = 1; level + 1 < LevelSet.LevelsMax; level++)
        {
            long score = _levels.Level(level).DataSize / (Target(level) / 1000 + 1);
            if (score <= fullestScore) continue;
            fullest = level;
            fullestScore = score;
        }
        return fullest;
    }

    /// <summary>Merges the newest runs if there are enough of which none is larger than all before it
    /// together.</summary>
    private bool TryMergeRuns()
    {
        int count = 0;
        long size = 0;
        for (; count < _levels.FlushRuns; count++)
        {
            long next = _levels[count].DataSize;
            if (count > 0 && next > 2 * size && next > _grid.BlockSize) break;
            size += next;
        }
        if (count < RunsPerMerge) return false;
        _merge.Begin(level: 0, _levels[0].Number);
        for (int age = 0; age < count; age++) AddAll(_levels[age]);
        return _merge.TryStart();
    }

    /// <summary>All of level 0 and whatever level 1 has from its least key to its greatest, also what lies between its
    /// tables: one that the merge makes may reach over such a gap.</summary>
    private bool TryMergeAllRuns()
    {
        _merge.Begin(level: 1, run: 0);
        TableIndex least = _store.Index(_levels[0][0]);
        TableIndex greatest = least;
        for (int age = 0; age < _levels.FlushRuns; age++)
        {
            Run run = _levels[age];
            AddAll(run);
            TableIndex first = _store.Index(run[0]);
            TableIndex last = _store.Index(run[run.Count - 1]);
            if (first.FirstKey.SequenceCompareTo(least.FirstKey) < 0) least = first;
            if (last.LastKey.SequenceCompareTo(greatest.LastKey) > 0) greatest = last;
        }
        AddOverlaps(_merge.AddInput(), _levels.Level(1), least.FirstKey, greatest.LastKey);
        return _merge.TryStart();
    }

    private void AddAll(Run run)
    {
        Run input = _merge.AddInput();
        foreach (int table in run.Tables) input.Insert(table);
    }

    private void AddOverlaps(Run input, Run level, ReadOnlySpan<byte> first, ReadOnlySpan<byte> last)
    {
        for (int at = level.PositionFrom(first); at < level.Count; at++)
        {
            if (_store.Index(level[at]).FirstKey.SequenceCompareTo(last) > 0) return;
            input.Insert(level[at]);
        }
    }

    private bool TryMergeDown(int level, int table)
    {
        _merge.Begin((byte)(level + 1), run: 0);
        _merge.AddInput().Insert(table);
        TableIndex index = _store.Index(table);
        AddOverlaps(_merge.AddInput(), _levels.Level(level + 1), index.FirstKey, index.LastKey);
        return _merge.TryStart();
    }

    /// <summary>The table of a level that has the least below it for its size.</summary>
    private int LeastOverlap(int level)
    {
        Run from = _levels.Level(level);
        Run to = _levels.Level(level + 1);
        int chosen = -1;
        long least = long.MaxValue;
        for (int at = 0; at < from.Count; at++)
        {
            long overlap = OverlapSize(to, from[at]) * 1000 / ((long)_store[from[at]].DataSize + 1);
            if (overlap >= least) continue;
            least = overlap;
            chosen = from[at];
        }
        Check.That(chosen >= 0);
        return chosen;
    }

    private long OverlapSize(Run level, int table)
    {
        TableIndex index = _store.Index(table);
        long size = 0;
        for (int at = level.PositionFrom(index.FirstKey); at < level.Count; at++)
        {
            if (_store.Index(level[at]).FirstKey.SequenceCompareTo(index.LastKey) > 0) break;
            size += (long)_store[level[at]].DataSize;
        }
        return size;
    }
}
