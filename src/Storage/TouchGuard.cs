using System;
using System.Collections.Generic;
using Deterministic.Core;

namespace Deterministic.Storage;

/// <summary>Proves that an operation names all that it reads and changes, whatever is in memory. It notes every touch
/// as an interval of keys whose contents are known: a key; from a prefix's first key to its last, or the last of
/// another prefix; from the entry that a floor found (the start of the prefix if there was none) up to the key of the
/// search; from a key to the last of the entries asked for (the end of the prefix if there were fewer). From the start
/// of a prefetch to the end of the operation every access to a tree has to lie inside, keys that are put or removed
/// and gaps that a walk crosses included; what the operation itself has written is no exception, because its place had
/// to be touched too.
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
        !_active || Covers(_known[NumberOf(tree)], prefix, Behind(prefix));

    internal bool Touch(Tree tree, ReadOnlySpan<byte> key) => Note(tree, new Interval(key.ToArray(), After(key)));

    internal bool TouchRange(Tree tree, ReadOnlySpan<byte> first, ReadOnlySpan<byte> last) =>
        Note(tree, new Interval(first.ToArray(), Behind(last)));

    internal bool TouchFloor(Tree tree, ReadOnlySpan<byte> key, int prefixSize)
    {
        _looking = true;
        bool any = tree.TryFloor(key, prefixSize, out ReadOnlySpan<byte> found, out _);
        _looking = false;
        return Note(tree, new Interval((any ? found : key[..prefixSize]).ToArray(), After(key)));
    }

    internal bool TouchFirst(Tree tree, ReadOnlySpan<byte> key, int prefixSize, int entries)
    {
        Check.That(entries > 0);
        byte[] end = Behind(key[..prefixSize]);
        _looking = true;
        TreeCursor cursor = tree.Seek(key, prefixSize);
        for (int i = 1; i < entries && cursor.Valid; i++) cursor.Next();
        if (cursor.Valid) end = After(cursor.Key);
        _looking = false;
        return Note(tree, new Interval(key.ToArray(), end));
    }

    /// <summary>The access depends on what is, or is not, between two keys.</summary>
    internal void Reads(Tree tree, ReadOnlySpan<byte> least, ReadOnlySpan<byte> greatest)
    {
        if (_active && !_looking) Require(tree, least, After(greatest));
    }

    /// <summary>As <see cref="Reads"/>, up to the last key that a prefix can have.</summary>
    internal void ReadsToEnd(Tree tree, ReadOnlySpan<byte> least, ReadOnlySpan<byte> prefix)
    {
        if (_active && !_looking) Require(tree, least, Behind(prefix));
    }

    private void Require(Tree tree, ReadOnlySpan<byte> least, byte[] end)
    {
        if (Covers(_known[NumberOf(tree)], least, end)) return;
        Check.Unreachable($"read without prefetch: op {_op}, tree {NumberOf(tree)}, " +
            $"{Convert.ToHexString(least)} to {Convert.ToHexString(end)}");
    }

    private bool Note(Tree tree, Interval interval)
    {
        Check.That(_active, "a touch outside of a prefetch");
        int number = NumberOf(tree);
        if (Covers(_known[number], interval.Least, interval.End)) return true;
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

    /// <summary>The least key above a key.</summary>
    private static byte[] After(ReadOnlySpan<byte> key) => [.. key, 0];

    /// <summary>The least key above all with a prefix, so that neighbouring prefixes join.</summary>
    private static byte[] Behind(ReadOnlySpan<byte> prefix)
    {
        int size = prefix.Length;
        while (size > 0 && prefix[size - 1] == byte.MaxValue) size--;
        byte[] end = new byte[size == 0 ? Tree.KeySizeMax + 1 : size];
        prefix[..size].CopyTo(end);
        if (size > 0) end[size - 1]++;
        else end.AsSpan().Fill(byte.MaxValue);
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

    private static bool Covers(List<Interval> known, ReadOnlySpan<byte> least, ReadOnlySpan<byte> end)
    {
        int above = Above(known, least);
        return above > 0 && known[above - 1].End.AsSpan().SequenceCompareTo(end) >= 0;
    }

    /// <summary>Joins the interval with those that it overlaps or meets.</summary>
    private static void Add(List<Interval> known, Interval added)
    {
        int end = Above(known, added.End);
        int start = end;
        while (start > 0 && known[start - 1].End.AsSpan().SequenceCompareTo(added.Least) >= 0) start--;
        if (start < end)
        {
            byte[] least = known[start].Least;
            byte[] last = known[end - 1].End;
            if (least.AsSpan().SequenceCompareTo(added.Least) > 0) least = added.Least;
            if (last.AsSpan().SequenceCompareTo(added.End) < 0) last = added.End;
            added = new Interval(least, last);
            known.RemoveRange(start, end - start);
        }
        known.Insert(start, added);
    }

    /// <summary>The end is outside.</summary>
    private readonly struct Interval(byte[] least, byte[] end)
    {
        public byte[] Least { get; } = least;
        public byte[] End { get; } = end;
    }
}
