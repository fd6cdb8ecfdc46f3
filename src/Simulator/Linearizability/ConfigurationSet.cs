using System;
using System.Collections.Generic;
using Deterministic.Core;

namespace Deterministic.Simulator.Linearizability;

/// <summary>Configurations from which the search found no way on, or is still looking for one. A configuration is the
/// set of operations done, as bits, and the state after them. Of operations that never returned it is better to have
/// done fewer: whatever a search can do after more of them, it can do after fewer, with the same others done and the
/// same state. So a configuration is superfluous beside one that has done a subset of those.</summary>
internal sealed class ConfigurationSet<TOperation, TState, TModel>(TModel model, int returnedWords)
    where TModel : struct, ISequentialModel<TOperation, TState>
{
    private const int None = -1;

    private readonly List<Entry> _entries = [];
    private readonly List<TState> _states = [];

    /// <summary>For each entry the words of the returned ones from the first that is not full to the last that is not
    /// empty, then those of the others.</summary>
    private readonly List<ulong> _words = [];
    private int[] _buckets = NewBuckets(1024);

    public int Count => _entries.Count;

    /// <param name="hash">Of the returned ones that are done, and of the state.</param>
    /// <param name="done">Bits of the returned operations, then of the others, both filled up to whole words.</param>
    /// <returns>False if what is there makes it superfluous.</returns>
    public bool TryAdd(ulong hash, ReadOnlySpan<ulong> done, TState state)
    {
        Check.That(done.Length >= returnedWords);
        ReadOnlySpan<ulong> window = Window(done[..returnedWords], out int first);
        ReadOnlySpan<ulong> others = done[returnedWords..];
        for (int i = _buckets[Bucket(hash)]; i != None; i = _entries[i].Next)
        {
            if (Covers(i, hash, first, window, others) && model.AreEqual(_states[i], state)) return false;
        }
        if (_entries.Count == _buckets.Length) Grow();
        int bucket = Bucket(hash);
        _entries.Add(new Entry
        {
            Hash = hash, Next = _buckets[bucket], Start = _words.Count, First = first, Length = window.Length,
        });
        _states.Add(state);
        _buckets[bucket] = _entries.Count - 1;
        _words.AddRange(window);
        _words.AddRange(others);
        return true;
    }

    private bool Covers(
        int index, ulong hash, int first, ReadOnlySpan<ulong> window, ReadOnlySpan<ulong> others)
    {
        Entry entry = _entries[index];
        if (entry.Hash != hash || entry.First != first || entry.Length != window.Length) return false;
        for (int i = 0; i < window.Length; i++)
        {
            if (_words[entry.Start + i] != window[i]) return false;
        }
        for (int i = 0; i < others.Length; i++)
        {
            if ((_words[entry.Start + window.Length + i] & ~others[i]) != 0) return false;
        }
        return true;
    }

    private static ReadOnlySpan<ulong> Window(ReadOnlySpan<ulong> words, out int first)
    {
        first = 0;
        while (first < words.Length && words[first] == ulong.MaxValue) first++;
        int end = words.Length;
        while (end > first && words[end - 1] == 0) end--;
        return words[first..end];
    }

    private void Grow()
    {
        _buckets = NewBuckets(_buckets.Length * 2);
        for (int i = 0; i < _entries.Count; i++)
        {
            Entry entry = _entries[i];
            int bucket = Bucket(entry.Hash);
            _entries[i] = entry with { Next = _buckets[bucket] };
            _buckets[bucket] = i;
        }
    }

    private int Bucket(ulong hash) => (int)(hash & (ulong)(_buckets.Length - 1));

    private static int[] NewBuckets(int count)
    {
        int[] buckets = new int[count];
        Array.Fill(buckets, None);
        return buckets;
    }

    private readonly struct Entry
    {
        public required ulong Hash { get; init; }
        public required int Next { get; init; }
        public required int Start { get; init; }
        public required int First { get; init; }
        public required int Length { get; init; }
    }
}
