using System;
using Deterministic.Core;

namespace Deterministic.Storage.Memory;

/// <summary>A place in a <see cref="MemoryTree"/>, walked in key order. Any change of the tree makes it stale, and
/// using a stale cursor is a bug that a check catches.</summary>
internal struct MemoryCursor
{
    private readonly MemoryTree _tree;
    private readonly ulong _changes;
    private uint _page;
    private int _slot;

    internal MemoryCursor(MemoryTree tree, uint page, int slot)
    {
        _tree = tree;
        _changes = tree.Changes;
        _page = page;
        _slot = slot;
    }

    /// <summary>False past either end: then only <see cref="Valid"/> may be asked.</summary>
    public readonly bool Valid => _page != 0;

    public readonly ReadOnlySpan<byte> Key => Usable().KeyAt(_page, _slot);

    public readonly ReadOnlySpan<byte> Value => Usable().ValueAt(_page, _slot);

    public readonly bool IsTombstone => Usable().IsTombstone(_page, _slot);

    public void Next() => Usable().StepForward(ref _page, ref _slot);

    public void Previous() => Usable().StepBack(ref _page, ref _slot);

    private readonly MemoryTree Usable()
    {
        Check.That(_page != 0);
        Check.That(_changes == _tree.Changes);
        return _tree;
    }
}
