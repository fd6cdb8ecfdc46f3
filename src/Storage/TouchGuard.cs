using System;
using System.Collections.Generic;
using Deterministic.Core;

namespace Deterministic.Storage;

/// <summary>Proves that an operation names all that it reads and changes, whatever is in memory. It notes every touch
/// as an interval of keys whose contents are known: a key; from a prefix's first key to its last; from the entry that a
/// floor found (the start of the prefix if there was none) up to the key of the search; from a key to the last of the
/// entries asked for (the end of the prefix if there were fewer). From the start of a prefetch to the end of the
/// operation every access to a tree has to lie inside, keys that are put or removed and gaps that a walk crosses
/// included; what the operation itself has written is no exception, because its place had to be touched too.
/// <para>Cold, it also counts rounds: a touch of something not touched in an earlier round is answered with false, as
/// if it had to come from the disk. It allocates: for tests, the simulator and fuzzing.</para></summary>
public sealed class TouchGuard
{
    private readonly Forest _forest;
    private readonly bool _cold;
    private readonly List<Interval>[] _known;
    private readonly List<(int Tree, Interval Interval)> _pending = [];
    private ulong _op;
    private bool _active;

    /// <summary>The guard itself is looking into a tree.</summary>
    private bool _looking;

    /// <param name="forest">Whose accesses it judges once it is its <see cref="Forest.Guard"/>.</param>
    /// <param name="cold">Whether nothing counts as being in memory before a round has fetched it.</param>
    public TouchGuard(Forest forest, bool cold)
    {
        _forest = forest;
        _cold = cold;
        _known = new List<Interval>[forest.TreeCount];
        for (int i = 0; i < _known.Length; i++) _known[i] = [];
    }

    /// <summary>Rounds of reads that the operation has waited for.</summary>
    public int Rounds { get; private set; }

    /// <summary>The operation is over; accesses are free until the next prefetch.</summary>
    public void End()
    {
        _active = false;
        _op = 0;
    }

    internal void Start(ulong op)
    {
        Check.That(op > 0);
        foreach ((int tree, Interval interval) in _pending) Add(_known[tree], interval);
        _pending.Clear();
        if (op != _op)
        {
            foreach (List<Interval> known in _known) known.Clear();
            Rounds = 0;
        }
        _op = op;
        _active = true;
    }

    internal bool EndRound()
    {
        Check.That(_active, "a prefetch ended that had not been started");
        if (_pending.Count > 0) Rounds++;
        return _pending.Count == 0;
    }

    internal bool IsResident(Tree tree, ReadOnlySpan<byte> prefix) =>
        !_active || Covers(_known[NumberOf(tree)], prefix, EndOf(prefix));

    internal bool Touch(Tree tree, ReadOnlySpan<byte> key) => Note(tree, new Interval(key.ToArray(), key.ToArray()));

    internal bool TouchPrefix(Tree tree, ReadOnlySpan<byte> prefix) =>
        Note(tree, new Interval(prefix.ToArray(), EndOf(prefix)));

    internal bool TouchFloor(Tree tree, ReadOnlySpan<byte> key, int prefixSize)
    {
        _looking = true;
        bool any = tree.TryFloor(key, prefixSize, out ReadOnlySpan<byte> found, out _);
        _looking = false;
        return Note(tree, new Interval((any ? found : key[..prefixSize]).ToArray(), key.ToArray()));
    }

    internal bool TouchFirst(Tree tree, ReadOnlySpan<byte> key, int prefixSize, int entries)
    {
        Check.That(entries > 0);
        byte[] last = EndOf(key[..prefixSize]);
        _looking = true;
        TreeCursor cursor = tree.Seek(key, prefixSize);
        for (int i = 1; i < entries && cursor.Valid; i++) cursor.Next();
        if (cursor.Valid) last = cursor.Key.ToArray();
        _looking = false;
        return Note(tree, new Interval(key.ToArray(), last));
    }

    /// <summary>The access depends on what is, or is not, between two keys.</summary>
    internal void Reads(Tree tree, ReadOnlySpan<byte> least, ReadOnlySpan<byte> greatest)
    {
        if (!_active || _looking) return;
        if (Covers(_known[NumberOf(tree)], least, greatest)) return;
        Check.Unreachable($"read without prefetch: op {_op}, tree {NumberOf(tree)}, " +
            $"{Convert.ToHexString(least)} to {Convert.ToHexString(greatest)}");
    }

    /// <summary>As <see cref="Reads"/>, up to the last key that a prefix can have.</summary>
    internal void ReadsToEnd(Tree tree, ReadOnlySpan<byte> least, ReadOnlySpan<byte> prefix)
    {
        if (_active && !_looking) Reads(tree, least, EndOf(prefix));
    }

    private bool Note(Tree tree, Interval interval)
    {
        Check.That(_active, "a touch outside of a prefetch");
        int number = NumberOf(tree);
        if (Covers(_known[number], interval.Least, interval.Greatest)) return true;
        if (_cold) _pending.Add((number, interval));
        else Add(_known[number], interval);
        return !_cold;
    }

    private int NumberOf(Tree tree)
    {
        int number = 0;
        while (_forest[number] != tree) number++;
        return number;
    }

    private static byte[] EndOf(ReadOnlySpan<byte> prefix)
    {
        byte[] end = new byte[Tree.KeySizeMax + 1];
        prefix.CopyTo(end);
        end.AsSpan(prefix.Length).Fill(byte.MaxValue);
        return end;
    }

    /// <summary>Index of the first interval that begins above a key. Intervals are kept apart and in order.</summary>
    private static int Above(List<Interval> known, ReadOnlySpan<byte> key)
    {
        int low = 0;
        int high = known.Count;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (known[middle].Least.AsSpan().SequenceCompareTo(key) <= 0) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    private static bool Covers(List<Interval> known, ReadOnlySpan<byte> least, ReadOnlySpan<byte> greatest)
    {
        int above = Above(known, least);
        return above > 0 && known[above - 1].Greatest.AsSpan().SequenceCompareTo(greatest) >= 0;
    }

    /// <summary>Joins the interval with those that it overlaps.</summary>
    private static void Add(List<Interval> known, Interval added)
    {
        int end = Above(known, added.Greatest);
        int start = end;
        while (start > 0 && known[start - 1].Greatest.AsSpan().SequenceCompareTo(added.Least) >= 0) start--;
        if (start < end)
        {
            byte[] least = known[start].Least;
            byte[] greatest = known[end - 1].Greatest;
            if (least.AsSpan().SequenceCompareTo(added.Least) > 0) least = added.Least;
            if (greatest.AsSpan().SequenceCompareTo(added.Greatest) < 0) greatest = added.Greatest;
            added = new Interval(least, greatest);
            known.RemoveRange(start, end - start);
        }
        known.Insert(start, added);
    }

    /// <summary>Both ends are inside.</summary>
    private readonly struct Interval(byte[] least, byte[] greatest)
    {
        public byte[] Least { get; } = least;
        public byte[] Greatest { get; } = greatest;
    }
}
