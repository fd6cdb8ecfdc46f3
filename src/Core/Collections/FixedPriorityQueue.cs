using System.Runtime.CompilerServices;

namespace Deterministic.Core.Collections;

/// <summary>A queue of fixed capacity in ascending order of priority; among equal priorities, first in, first out. So
/// the order is total and says nothing of how the queue is kept. Nothing is allocated after construction, and a full
/// queue refuses. A binary heap: adding and taking are logarithmic in the count.</summary>
public sealed class FixedPriorityQueue<T>
{
    private readonly Entry[] _heap;
    private ulong _added;

    public FixedPriorityQueue(int capacity)
    {
        Check.That(capacity > 0);
        _heap = new Entry[capacity];
    }

    public int Capacity => _heap.Length;
    public int Count { get; private set; }
    public bool IsFull => Count == _heap.Length;

    public bool TryAdd(ulong priority, T item)
    {
        if (IsFull) return false;
        Entry added = new(priority, _added++, item);
        int at = Count++;
        while (at > 0 && added.IsBefore(_heap[(at - 1) / 2]))
        {
            _heap[at] = _heap[(at - 1) / 2];
            at = (at - 1) / 2;
        }
        _heap[at] = added;
        return true;
    }

    /// <summary>The least priority; false if the queue is empty.</summary>
    public bool TryPeek(out ulong priority)
    {
        priority = Count == 0 ? 0 : _heap[0].Priority;
        return Count > 0;
    }

    /// <summary>Takes the oldest item of the least priority.</summary>
    public bool TryTake(out T item)
    {
        if (Count == 0)
        {
            item = default!;
            return false;
        }
        item = _heap[0].Item;
        Entry last = _heap[--Count];
        // What was handed out must not be kept alive by the queue.
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>()) _heap[Count] = default;
        if (Count > 0) SiftDown(last);
        return true;
    }

    /// <summary>Puts the entry where the root was, and moves it down to its place.</summary>
    private void SiftDown(in Entry entry)
    {
        int at = 0;
        for (int child = 1; child < Count; child = 2 * at + 1)
        {
            if (child + 1 < Count && _heap[child + 1].IsBefore(_heap[child])) child++;
            if (!_heap[child].IsBefore(entry)) break;
            _heap[at] = _heap[child];
            at = child;
        }
        Check.That(at < Count);
        _heap[at] = entry;
    }

    private readonly struct Entry(ulong priority, ulong number, T item)
    {
        public ulong Priority { get; } = priority;

        public T Item { get; } = item;

        private readonly ulong _number = number;

        public bool IsBefore(in Entry other) =>
            Priority != other.Priority ? Priority < other.Priority : _number < other._number;
    }
}
