using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Memory;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Levels;

/// <summary>Where the entries of one tree are, newest first: two memtables, then the runs.</summary>
internal readonly ref struct Sources(MemoryTree active, MemoryTree? flushing, LevelSet levels)
{
    public MemoryTree Active { get; } = active;
    public MemoryTree? Flushing { get; } = flushing;
    public LevelSet Levels { get; } = levels;
}

/// <summary>Walks one tree in key order over all its sources: of equal keys the newest counts, tombstones and what they
/// hide are passed over. Keys begin with the byte of the tree.</summary>
internal sealed class MergeCursor
{
    private const int MemoriesMax = 2;

    private readonly MemoryCursor[] _memories = new MemoryCursor[MemoriesMax];
    private readonly RunCursor[] _runs;
    private readonly byte[] _key = new byte[Tree.KeySizeMax + 1];
    private readonly byte[] _prefix = new byte[Tree.KeySizeMax + 1];
    private readonly WalkCounts _counts;
    private LevelSet _levels = null!;
    private MemoryTree _active = null!;
    private MemoryTree? _flushing;
    private int _prefixSize;
    private int _runCount;
    private int _current;
    private bool _backward;

    /// <param name="memory">Where room is from.</param>
    /// <param name="grid">Where blocks come from.</param>
    /// <param name="store">The tables.</param>
    /// <param name="counts">Of all cursors of the forest.</param>
    public MergeCursor(StaticMemory memory, Grid grid, TableStore store, WalkCounts counts)
    {
        _counts = counts;
        _runs = new RunCursor[LevelSet.FlushRunsMax + 1 + LevelSet.LevelsMax];
        for (int i = 0; i < _runs.Length; i++) _runs[i] = new RunCursor(memory, grid, store, _prefix);
    }

    /// <summary>Counts the uses of this object, to tell handles of an earlier one.</summary>
    public ulong Generation { get; set; }

    public bool Valid => _current >= 0;

    /// <summary>A block is not in memory; the cursor is good for nothing until it is placed anew.</summary>
    public bool Missing { get; private set; }

    /// <summary>The key without the byte of the tree.</summary>
    public ReadOnlySpan<byte> Key => KeyOf(_current);

    public ReadOnlySpan<byte> Value =>
        _current < MemoriesMax ? _memories[_current].Value : _runs[_current - MemoriesMax].Value;

    /// <summary>To the first entry not below a key.</summary>
    /// <param name="sources">Of the tree.</param>
    /// <param name="key">Byte of the tree, and the key.</param>
    /// <param name="prefixSize">Bytes of it, the first included, that bound the walk.</param>
    public void Seek(in Sources sources, ReadOnlySpan<byte> key, int prefixSize)
    {
        Start(sources, key, prefixSize, backward: false);
        _memories[0] = _active.Seek(key[1..]);
        _memories[1] = _flushing is null ? default : _flushing.Seek(key[1..]);
        for (int i = 0; i < _runCount; i++) _runs[i].Seek(_levels[i], key, prefixSize);
        Settle();
    }

    /// <summary>To the last entry below a key, or not above it.</summary>
    public void SeekBelow(in Sources sources, ReadOnlySpan<byte> key, int prefixSize, bool orAt)
    {
        Start(sources, key, prefixSize, backward: true);
        PlaceBelow(key, orAt);
        Settle();
    }

    public void Next()
    {
        Check.That(Valid);
        int size = TakeKey();
        if (_backward)
        {
            _backward = false;
            _memories[0] = _active.Seek(_key.AsSpan(1, size));
            _memories[1] = _flushing is null ? default : _flushing.Seek(_key.AsSpan(1, size));
            for (int i = 0; i < _runCount; i++) _runs[i].Seek(_levels[i], _key.AsSpan(0, size + 1), _prefixSize);
        }
        PassKey(_key.AsSpan(1, size));
        Settle();
    }

    public void Previous()
    {
        Check.That(Valid);
        int size = TakeKey();
        if (!_backward)
        {
            _backward = true;
            PlaceBelow(_key.AsSpan(0, size + 1), orAt: true);
        }
        PassKey(_key.AsSpan(1, size));
        Settle();
    }

    private void Start(in Sources sources, ReadOnlySpan<byte> key, int prefixSize, bool backward)
    {
        Check.That(prefixSize > 0 && prefixSize <= key.Length);
        _active = sources.Active;
        _flushing = sources.Flushing;
        _levels = sources.Levels;
        _runCount = _levels.Count;
        _prefixSize = prefixSize;
        _backward = backward;
        _key[0] = key[0];
        key[..prefixSize].CopyTo(_prefix);
        Missing = false;
    }

    private void PlaceBelow(ReadOnlySpan<byte> key, bool orAt)
    {
        _memories[0] = _active.SeekBelow(key[1..], orAt);
        _memories[1] = _flushing is null ? default : _flushing.SeekBelow(key[1..], orAt);
        for (int i = 0; i < _runCount; i++) _runs[i].SeekBelow(_levels[i], key, _prefixSize, orAt);
    }

    private int TakeKey()
    {
        ReadOnlySpan<byte> key = Key;
        key.CopyTo(_key.AsSpan(1));
        return key.Length;
    }

    private ReadOnlySpan<byte> KeyOf(int source) =>
        source < MemoriesMax ? _memories[source].Key : _runs[source - MemoriesMax].Key[1..];

    private bool IsValid(int source) => source < MemoriesMax
        ? _memories[source].Valid && _memories[source].Key.StartsWith(_prefix.AsSpan(1, _prefixSize - 1))
        : _runs[source - MemoriesMax].Valid;

    private bool IsTombstone(int source) =>
        source < MemoriesMax ? _memories[source].IsTombstone : _runs[source - MemoriesMax].IsTombstone;

    /// <summary>Moves every source that is at the key.</summary>
    private void PassKey(ReadOnlySpan<byte> key)
    {
        for (int source = 0; source < MemoriesMax + _runCount; source++)
        {
            if (!IsValid(source) || !KeyOf(source).SequenceEqual(key)) continue;
            if (source >= MemoriesMax) Move(_runs[source - MemoriesMax]);
            else if (_backward) _memories[source].Previous();
            else _memories[source].Next();
        }
    }

    private void Move(RunCursor run)
    {
        if (_backward) run.Previous();
        else run.Next();
    }

    /// <summary>Finds the source that counts, passing over tombstones.</summary>
    private void Settle()
    {
        while (true)
        {
            for (int i = 0; i < _runCount; i++) Missing |= _runs[i].Missing;
            _current = Missing ? -1 : FindNearest();
            if (_current < 0 || !IsTombstone(_current)) return;
            _counts.Tombstones++;
            int size = TakeKey();
            PassKey(_key.AsSpan(1, size));
        }
    }

    private int FindNearest()
    {
        int nearest = -1;
        for (int source = 0; source < MemoriesMax + _runCount; source++)
        {
            if (!IsValid(source)) continue;
            if (nearest < 0)
            {
                nearest = source;
                continue;
            }
            int order = KeyOf(source).SequenceCompareTo(KeyOf(nearest));
            if (_backward ? order > 0 : order < 0) nearest = source;
        }
        return nearest;
    }
}
