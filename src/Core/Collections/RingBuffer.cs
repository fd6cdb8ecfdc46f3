using System.Runtime.CompilerServices;

namespace Deterministic.Core.Collections;

/// <summary>A queue of fixed capacity: first in, first out, nothing allocated after construction. A full queue refuses,
/// and what to do then is its owner's affair.</summary>
public sealed class RingBuffer<T>
{
    private readonly T[] _items;
    private int _head;

    public RingBuffer(int capacity)
    {
        Check.That(capacity > 0);
        _items = new T[capacity];
    }

    public int Capacity => _items.Length;
    public int Count { get; private set; }
    public bool IsEmpty => Count == 0;
    public bool IsFull => Count == _items.Length;

    public bool TryAdd(T item)
    {
        if (IsFull) return false;
        _items[(_head + Count) % _items.Length] = item;
        Count++;
        return true;
    }

    public bool TryTake(out T item)
    {
        if (IsEmpty)
        {
            item = default!;
            return false;
        }
        item = _items[_head];
        // What was handed out must not be kept alive by the queue.
        if (RuntimeHelpers.IsReferenceOrContainsReferences<T>()) _items[_head] = default!;
        _head = (_head + 1) % _items.Length;
        Count--;
        return true;
    }

    /// <summary>The item at <paramref name="index"/> from the front, 0 the oldest.</summary>
    public ref readonly T this[int index]
    {
        get
        {
            Check.That(index >= 0 && index < Count);
            return ref _items[(_head + index) % _items.Length];
        }
    }
}
