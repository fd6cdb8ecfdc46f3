using System;
using Deterministic.Storage.Levels;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Compactions;

/// <summary>Whether a merge that was read from a checkpoint is one that can have come about, so that it can be gone on
/// with: nothing below trusts anything but that every table named exists.</summary>
internal sealed partial class Merge
{
    /// <summary>Asked once the levels are arranged, the inputs and the last key taken, and the tables made appended to
    /// the writer.</summary>
    private bool IsPossible(bool dropsTombstones, long reserved) =>
        InputsArePossible() && MadeIsPossible() && ReservedIsPossible(reserved) &&
        (!dropsTombstones || DropsTombstones || NothingBelow());

    /// <summary>The inputs are as <see cref="Compactor"/> picks them: runs of level 0 that follow each other, into one
    /// of them; all the oldest of these, with what level 1 has in their range; or one table, with what the level below
    /// has in its range.</summary>
    private bool InputsArePossible()
    {
        int newest;
        if (_inputs[0].Count == 0) return false;
        if (_level == 0) return AreRuns(_inputCount, out newest) && _levels[newest].Number == _run;
        if (_run != 0 || _inputCount < 2) return false;
        if (_level == 1) return AreRuns(_inputCount - 1, out newest) &&
            newest + _inputCount - 1 == _levels.FlushRuns && IsAllBelow();
        int table = _inputs[0][0];
        return _inputCount == 2 && _inputs[0].Count == 1 && _store[table].State == TableState.Live &&
            _store[table].Level == _level - 1 && IsAllBelow();
    }

    private bool AreRuns(int count, out int newest)
    {
        newest = 0;
        ref TableRecord first = ref _store[_inputs[0][0]];
        if (first.State != TableState.Live || first.Level != 0) return false;
        newest = _levels.AgeFrom(first.Run);
        if (newest + count > _levels.FlushRuns) return false;
        for (int i = 0; i < count; i++)
            if (!_inputs[i].Tables.SequenceEqual(_levels[newest + i].Tables)) return false;
        return true;
    }

    /// <summary>The last input has all tables of its level that the others reach into, and no more.</summary>
    private bool IsAllBelow()
    {
        Run level = _levels.Level(_level);
        Range(_inputCount - 1, out TableIndex least, out TableIndex greatest);
        int start = level.PositionFrom(least.FirstKey);
        int end = level.PositionUpTo(greatest.LastKey) + 1;
        return end <= start
            ? _inputs[_inputCount - 1].Count == 0
            : _inputs[_inputCount - 1].Tables.SequenceEqual(level.Tables[start..end]);
    }

    /// <summary>The tables made are in order, within the inputs' range and up to the last key; they are all the tables
    /// there are that no level has yet, and the inputs passed on.</summary>
    private bool MadeIsPossible()
    {
        Range(_inputCount, out TableIndex least, out TableIndex greatest);
        ReadOnlySpan<byte> last = _lastKey.AsSpan(0, _lastKeySize);
        if (last.SequenceCompareTo(greatest.LastKey) > 0) return false;
        ReadOnlySpan<byte> before = default;
        int outputs = 0;
        foreach (int table in _writer.Made)
        {
            ref TableRecord record = ref _store[table];
            bool made = record.State == TableState.Output && record.Level == _level && record.Run == _run;
            if (!made && !_passed[table]) return false;
            TableIndex index = _store.Index(table);
            if (index.FirstKey.SequenceCompareTo(before) <= 0) return false;
            before = index.LastKey;
            if (made) outputs++;
        }
        if (before.SequenceCompareTo(last) > 0) return false;
        if (_writer.MadeCount > 0 && _store.Index(_writer.Made[0]).FirstKey.SequenceCompareTo(least.FirstKey) < 0)
            return false;
        return outputs == CountOutputs() && _writer.MadeCount - outputs == CountPassed();
    }

    /// <summary>What was reserved at the start and since has either become tables or is left.</summary>
    private bool ReservedIsPossible(long reserved)
    {
        long acquired = 0;
        long outputs = 0;
        foreach (int table in _writer.Made)
        {
            if (_store[table].State != TableState.Output) continue;
            acquired += _store[table].Blocks + 1;
            outputs++;
        }
        long interruptions = reserved - (BlocksMax() - acquired);
        return interruptions >= 0 && interruptions <= outputs * CutBlocksMax;
    }

    private void Range(int inputs, out TableIndex least, out TableIndex greatest)
    {
        least = _store.Index(_inputs[0][0]);
        greatest = least;
        for (int i = 0; i < inputs; i++)
        {
            if (_inputs[i].Count == 0) continue;
            TableIndex first = _store.Index(_inputs[i][0]);
            TableIndex last = _store.Index(_inputs[i][_inputs[i].Count - 1]);
            if (first.FirstKey.SequenceCompareTo(least.FirstKey) < 0) least = first;
            if (last.LastKey.SequenceCompareTo(greatest.LastKey) > 0) greatest = last;
        }
    }

    private int CountOutputs()
    {
        int count = 0;
        for (int table = 0; table < _store.SlotsUsed; table++) if (_store[table].State == TableState.Output) count++;
        return count;
    }

    private int CountPassed()
    {
        int count = 0;
        for (int i = 0; i < _inputCount; i++) foreach (int table in _inputs[i].Tables) if (_passed[table]) count++;
        return count;
    }
}
