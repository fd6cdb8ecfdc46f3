using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Levels;

/// <summary>All live tables by age: the runs of level 0, newest first, then levels 1 and deeper, one run each. Of equal
/// keys the first that is met is the one that counts.</summary>
internal sealed class LevelSet
{
    public const int LevelsMax = 7;

    /// <summary>Runs of level 0; past this a flush has to wait for a compaction.</summary>
    public const int FlushRunsMax = 24;

    private readonly TableStore _store;
    private readonly Run[] _flushRuns = new Run[FlushRunsMax + 1];
    private readonly Run[] _levels = new Run[LevelsMax];

    public LevelSet(StaticMemory memory, TableStore store)
    {
        _store = store;
        for (int i = 0; i < _flushRuns.Length; i++) _flushRuns[i] = new Run(memory, store);
        for (int i = 0; i < _levels.Length; i++) _levels[i] = new Run(memory, store);
    }

    /// <summary>Runs of level 0.</summary>
    public int FlushRuns { get; private set; }

    /// <summary>All runs, empty levels included: <see cref="this"/> from 0 (the newest) on.</summary>
    public int Count => FlushRuns + LevelsMax - 1;

    public Run this[int age] => age < FlushRuns ? _flushRuns[age] : _levels[age - FlushRuns + 1];

    public Run Level(int level)
    {
        Check.That(level is > 0 and < LevelsMax);
        return _levels[level];
    }

    public long FlushDataSize
    {
        get
        {
            long size = 0;
            for (int i = 0; i < FlushRuns; i++) size += _flushRuns[i].DataSize;
            return size;
        }
    }

    /// <summary>Opens an empty run of level 0 in front of (newer than) the one at <paramref name="age"/>.</summary>
    public Run AddFlushRun(ulong number, int age = 0)
    {
        Check.That(FlushRuns <= FlushRunsMax && age <= FlushRuns);
        Run run = _flushRuns[FlushRuns];
        Check.That(run.Count == 0);
        for (int i = FlushRuns; i > age; i--) _flushRuns[i] = _flushRuns[i - 1];
        _flushRuns[age] = run;
        run.Number = number;
        FlushRuns++;
        Check.That(age == 0 || _flushRuns[age - 1].Number > number);
        return run;
    }

    /// <summary>Takes a live table out of its run; a run of level 0 that is left empty goes.</summary>
    public void Remove(int table)
    {
        ref TableRecord record = ref _store[table];
        Check.That(record.State == TableState.Live);
        if (record.Level > 0)
        {
            _levels[record.Level].Remove(table);
            return;
        }
        int age = AgeOf(record.Run);
        Run run = _flushRuns[age];
        run.Remove(table);
        if (run.Count > 0) return;
        run.Clear();
        for (int i = age; i + 1 < FlushRuns; i++) _flushRuns[i] = _flushRuns[i + 1];
        _flushRuns[--FlushRuns] = run;
    }

    private int AgeOf(ulong number)
    {
        int age = AgeFrom(number);
        Check.That(age < FlushRuns && _flushRuns[age].Number == number, "no such run");
        return age;
    }

    /// <summary>Arranges the live tables of the store anew; false if they cannot be so: tables of one run overlap, or
    /// level 0 has too many.</summary>
    public bool TryRebuild()
    {
        for (int i = 0; i < FlushRuns; i++) _flushRuns[i].Clear();
        FlushRuns = 0;
        foreach (Run level in _levels) level.Clear();
        for (int table = 0; table < _store.SlotsUsed; table++)
        {
            ref TableRecord record = ref _store[table];
            if (record.State != TableState.Live) continue;
            if (record.Level > 0)
            {
                if (!_levels[record.Level].TryInsert(table)) return false;
                continue;
            }
            int age = AgeFrom(record.Run);
            bool known = age < FlushRuns && _flushRuns[age].Number == record.Run;
            if (!known && FlushRuns == FlushRunsMax) return false;
            if (!(known ? _flushRuns[age] : AddFlushRun(record.Run, age)).TryInsert(table)) return false;
        }
        return true;
    }

    /// <summary>Age of the newest run whose number is not above this one: where it is or belongs.</summary>
    public int AgeFrom(ulong number)
    {
        int age = 0;
        while (age < FlushRuns && _flushRuns[age].Number > number) age++;
        return age;
    }
}
