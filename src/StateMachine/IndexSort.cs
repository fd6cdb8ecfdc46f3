using System;
using Deterministic.Core;

namespace Deterministic.StateMachine;

/// <summary>An order of things known by their index.</summary>
internal interface IIndexOrder
{
    int Compare(int left, int right);
}

/// <summary>Stable merge sort of indexes without allocation.</summary>
internal static class IndexSort
{
    public static void Sort<TOrder>(Span<int> items, Span<int> scratch, TOrder order)
        where TOrder : IIndexOrder, allows ref struct
    {
        Check.That(scratch.Length >= items.Length);
        if (IsSorted(items, order)) return;
        Span<int> from = items;
        Span<int> to = scratch[..items.Length];
        for (int width = 1; width < items.Length; width *= 2)
        {
            for (int start = 0; start < items.Length; start += 2 * width)
            {
                int middle = Math32.Min(start + width, items.Length);
                int end = Math32.Min(middle + width, items.Length);
                Merge(from[start..middle], from[middle..end], to[start..end], order);
            }
            Span<int> swap = from;
            from = to;
            to = swap;
        }
        if (from != items) from.CopyTo(items);
    }

    private static bool IsSorted<TOrder>(Span<int> items, TOrder order) where TOrder : IIndexOrder, allows ref struct
    {
        for (int i = 1; i < items.Length; i++)
            if (order.Compare(items[i - 1], items[i]) > 0) return false;
        return true;
    }

    private static void Merge<TOrder>(Span<int> left, Span<int> right, Span<int> to, TOrder order)
        where TOrder : IIndexOrder, allows ref struct
    {
        int i = 0;
        int j = 0;
        for (int k = 0; k < to.Length; k++)
        {
            bool takeLeft = j == right.Length || i < left.Length && order.Compare(left[i], right[j]) <= 0;
            to[k] = takeLeft ? left[i++] : right[j++];
        }
    }
}
