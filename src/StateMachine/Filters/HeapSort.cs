using System;

namespace Deterministic.StateMachine.Filters;

/// <summary>An order for <see cref="HeapSort"/>; it must be total, for the sort is not stable.</summary>
public interface IOrder<T>
{
    /// <summary>Below zero: <paramref name="left"/> comes first.</summary>
    int Compare(in T left, in T right);
}

/// <summary>Sorts in place without allocating, in n log n steps whatever the input.</summary>
public static class HeapSort
{
    public static void Sort<T, TOrder>(Span<T> items, TOrder order) where TOrder : struct, IOrder<T>
    {
        for (int i = items.Length / 2 - 1; i >= 0; i--) SiftDown(items, i, order);
        for (int end = items.Length - 1; end > 0; end--)
        {
            (items[0], items[end]) = (items[end], items[0]);
            SiftDown(items[..end], 0, order);
        }
    }

    /// <summary>Restores the heap (greatest item first) below <paramref name="at"/>.</summary>
    public static void SiftDown<T, TOrder>(Span<T> items, int at, TOrder order) where TOrder : struct, IOrder<T>
    {
        while (true)
        {
            int child = 2 * at + 1;
            if (child >= items.Length) return;
            if (child + 1 < items.Length && order.Compare(items[child], items[child + 1]) < 0) child++;
            if (order.Compare(items[at], items[child]) >= 0) return;
            (items[at], items[child]) = (items[child], items[at]);
            at = child;
        }
    }

    public static void SiftUp<T, TOrder>(Span<T> items, int at, TOrder order) where TOrder : struct, IOrder<T>
    {
        while (at > 0)
        {
            int parent = (at - 1) / 2;
            if (order.Compare(items[parent], items[at]) >= 0) return;
            (items[at], items[parent]) = (items[parent], items[at]);
            at = parent;
        }
    }
}
