using System;
using System.Runtime.CompilerServices;
using Deterministic.Core;

namespace Deterministic.Storage;

/// <summary>A place in a tree, walked in key order without allocation. Any change of its tree makes it stale, and
/// using a
/// stale cursor is a bug that a check catches; changes of other trees do not disturb it.</summary>
public struct TreeCursor
{
    private readonly Tree _tree;
    private readonly ulong _changes;
    private readonly int _prefixSize;
    private uint _page;
    private int _slot;

    internal TreeCursor(Tree tree, uint page, int slot, int prefixSize)
    {
        _prefixSize = prefixSize;
        _tree = tree;
        _changes = tree.Changes;
        _page = page;
        _slot = slot;
    }

    /// <summary>False past either end: then only <see cref="Valid"/> may be asked.</summary>
    public readonly bool Valid => _page != 0;

    public readonly ReadOnlySpan<byte> Key
    {
        get
        {
            CheckUsable();
            return _tree.KeyAt(_page, _slot);
        }
    }

    public readonly ReadOnlySpan<byte> Value
    {
        get
        {
            CheckUsable();
            return _tree.ValueAt(_page, _slot);
        }
    }

    /// <summary>Moves to the next greater key; false when there was none.</summary>
    public bool Next()
    {
        ReadOnlySpan<byte> before = Key;
        _tree.StepForward(ref _page, ref _slot);
        bool valid = StayInPrefix(before);
        _tree.Walked(before, valid ? Key : default, _prefixSize, forwards: true);
        return valid;
    }

    /// <summary>Moves to the next smaller key; false when there was none.</summary>
    public bool Previous()
    {
        ReadOnlySpan<byte> before = Key;
        _tree.StepBack(ref _page, ref _slot);
        bool valid = StayInPrefix(before);
        _tree.Walked(before, valid ? Key : default, _prefixSize, forwards: false);
        return valid;
    }

    private bool StayInPrefix(ReadOnlySpan<byte> before)
    {
        if (_page != 0 && !_tree.KeyAt(_page, _slot).StartsWith(before[.._prefixSize])) _page = 0;
        return _page != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void CheckUsable()
    {
        Check.That(_page != 0);
        Check.That(_changes == _tree.Changes);
    }
}
