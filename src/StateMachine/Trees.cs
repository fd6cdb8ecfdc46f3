using System;
using Deterministic.Core;
using Deterministic.Storage;

namespace Deterministic.StateMachine;

/// <summary>The trees of the state by name, and what is done to whole ranges of their keys.</summary>
public sealed class Trees
{
    private readonly ITree[] _trees;

    /// <param name="trees">One per <see cref="TreeId"/>, in that order.</param>
    public Trees(ITree[] trees)
    {
        Check.That(trees.Length == (int)TreeId.Count);
        _trees = trees;
    }

    public ITree Namespaces => this[TreeId.Namespaces];
    public ITree Attributes => this[TreeId.Attributes];
    public ITree Ids => this[TreeId.Ids];
    public ITree Documents => this[TreeId.Documents];
    public ITree Liveness => this[TreeId.Liveness];
    public ITree Vectors => this[TreeId.Vectors];
    public ITree Columns => this[TreeId.Columns];
    public ITree Terms => this[TreeId.Terms];
    public ITree Postings => this[TreeId.Postings];
    public ITree Garbage => this[TreeId.Garbage];
    public ITree Counters => this[TreeId.Counters];

    public ITree this[TreeId id] => _trees[(int)id];

    /// <summary>Removes up to <paramref name="entriesMax"/> entries whose keys start with the prefix, greatest first, and
    /// returns how many there were.</summary>
    public int RemovePrefix(TreeId id, ReadOnlySpan<byte> prefix, int entriesMax = int.MaxValue)
    {
        Check.That(prefix.Length < Keys.SizeMax);
        ITree tree = this[id];
        Span<byte> bound = stackalloc byte[Keys.SizeMax];
        Span<byte> key = stackalloc byte[Keys.SizeMax];
        bound.Fill(byte.MaxValue);
        prefix.CopyTo(bound);
        int removed = 0;
        while (removed < entriesMax && tree.TryFloor(bound, out ReadOnlySpan<byte> found, out _))
        {
            if (!found.StartsWith(prefix)) break;
            int size = found.Length;
            found.CopyTo(key);
            bool wasThere = tree.Remove(key[..size]);
            Check.That(wasThere);
            removed++;
        }
        return removed;
    }
}
