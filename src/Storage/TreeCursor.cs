using System;
using Deterministic.Core;
using Deterministic.Storage.Levels;
using Deterministic.Storage.Memory;

namespace Deterministic.Storage;

/// <summary>A place in a tree, walked in key order without allocation. Copies of it are the same place. Any change of
/// its tree makes it stale, as do many newer cursors; using a stale one is a bug that a check catches. Changes of other
/// trees do not disturb it.</summary>
public readonly struct TreeCursor
{
    private readonly Tree _tree;
    private readonly MergeCursor? _cursor;
    private readonly MemoryTree _memory;
    private readonly ulong _generation;
    private readonly ulong _changes;
    private readonly int _prefixSize;

    internal TreeCursor(Tree tree, MergeCursor cursor, MemoryTree memory, int prefixSize)
    {
        Check.That(!cursor.Missing, "read without prefetch");
        _tree = tree;
        _cursor = cursor;
        _memory = memory;
        _generation = cursor.Generation;
        _changes = memory.Changes;
        _prefixSize = prefixSize;
    }

    /// <summary>False past either end: then only <see cref="Valid"/> may be asked.</summary>
    public bool Valid => _cursor is not null && Usable().Valid;

    public ReadOnlySpan<byte> Key => Usable().Key;

    public ReadOnlySpan<byte> Value => Usable().Value;

    /// <summary>Moves to the next greater key; false when there was none.</summary>
    public bool Next() => Move(forwards: true);

    /// <summary>Moves to the next smaller key; false when there was none.</summary>
    public bool Previous() => Move(forwards: false);

    private bool Move(bool forwards)
    {
        MergeCursor cursor = Usable();
        byte[]? before = _tree.IsGuarded ? Key.ToArray() : null;
        if (forwards) cursor.Next();
        else cursor.Previous();
        Check.That(!cursor.Missing, "read without prefetch");
        if (before is not null) _tree.Walked(before, cursor.Valid ? cursor.Key : default, _prefixSize, forwards);
        return cursor.Valid;
    }

    private MergeCursor Usable()
    {
        Check.That(_cursor is not null);
        Check.That(_generation == _cursor.Generation && _changes == _memory.Changes);
        return _cursor;
    }
}
