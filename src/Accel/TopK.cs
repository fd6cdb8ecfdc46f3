using System;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.Accel;

/// <summary>One candidate. Order: <see cref="Key"/> (see <see cref="Scores"/>; smaller is better), then
/// <see cref="Tie"/> (the id, smaller first). <see cref="Payload"/> is carried along and takes no part in the
/// order.</summary>
[StructLayout(LayoutKind.Sequential)]
public readonly struct Candidate(UInt128 tie, ulong key, ulong payload)
{
    public readonly UInt128 Tie = tie;
    public readonly ulong Key = key;
    public readonly ulong Payload = payload;

    public bool IsBefore(in Candidate other) => Key != other.Key ? Key < other.Key : Tie < other.Tie;
}

/// <summary>Keeps the best k of any number of candidates under the total order of <see cref="Candidate"/>. The result
/// depends on the set of candidates alone and not on the order in which they come, provided that no two have both key
/// and tie in common. All memory is taken at construction. Use: <see cref="Reset"/>, <see cref="Add(in Candidate)"/> as
/// often as wanted, <see cref="Sort"/> once.</summary>
/// <remarks>A binary heap whose root is the worst kept candidate, and a heap sort at the end.</remarks>
public sealed unsafe class TopK
{
    public const int CapacityMax = Limits.ResultsMax;

    private readonly Candidate* _heap;
    private int _limit;
    private int _count;
    private bool _sorted;

    public TopK(StaticMemory memory, int capacity)
    {
        Check.That(capacity > 0 && capacity <= CapacityMax);
        Capacity = capacity;
        _heap = (Candidate*)memory.Take((long)capacity * sizeof(Candidate)).Pointer;
        Reset(capacity);
    }

    public int Capacity { get; }

    public int Count => _count;

    public bool IsFull => _count == _limit;

    /// <summary>A candidate with a greater key cannot enter any more; one with an equal key may, by its tie.</summary>
    public ulong Threshold { get; private set; }

    /// <summary>Forgets everything and keeps the best <paramref name="limit"/> from now on.</summary>
    public void Reset(int limit)
    {
        Check.That(limit > 0 && limit <= Capacity);
        _limit = limit;
        _count = 0;
        _sorted = false;
        Threshold = ulong.MaxValue;
    }

    public bool Add(ulong key, UInt128 tie, ulong payload) => Add(new Candidate(tie, key, payload));

    /// <summary>Takes the candidate if it is among the best so far, and says whether it did.</summary>
    public bool Add(in Candidate candidate)
    {
        Check.That(!_sorted);
        if (_count < _limit)
        {
            SiftUp(_count, candidate);
            _count++;
        }
        else
        {
            if (!candidate.IsBefore(_heap[0])) return false;
            SiftDown(0, candidate, _count);
        }
        if (_count == _limit) Threshold = _heap[0].Key;
        return true;
    }

    /// <summary>The kept candidates, best first; valid until the next <see cref="Reset"/>.</summary>
    public ReadOnlySpan<Candidate> Sort()
    {
        Check.That(!_sorted);
        for (int end = _count - 1; end > 0; end--)
        {
            Candidate last = _heap[end];
            _heap[end] = _heap[0];
            SiftDown(0, last, end);
        }
        _sorted = true;
        return new ReadOnlySpan<Candidate>(_heap, _count);
    }

    /// <summary>Puts the candidate at the free place <paramref name="index"/> or above.</summary>
    private void SiftUp(int index, Candidate candidate)
    {
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (!_heap[parent].IsBefore(candidate)) break;
            _heap[index] = _heap[parent];
            index = parent;
        }
        _heap[index] = candidate;
    }

    /// <summary>Puts the candidate at the free place <paramref name="index"/> or below, in a heap of
    /// <paramref name="count"/>.</summary>
    private void SiftDown(int index, Candidate candidate, int count)
    {
        while (true)
        {
            int child = 2 * index + 1;
            if (child >= count) break;
            if (child + 1 < count && _heap[child].IsBefore(_heap[child + 1])) child++;
            if (!candidate.IsBefore(_heap[child])) break;
            _heap[index] = _heap[child];
            index = child;
        }
        _heap[index] = candidate;
    }
}
