using System;
using Deterministic.Core;

namespace Deterministic.Storage.Memory;

internal sealed unsafe partial class MemoryTree
{
    /// <summary>Checks every page of the tree, and adds its contents and pages to the sums.</summary>
    internal void Verify(ref long size, ref long pages, ref long heapValues)
    {
        long count = 0;
        uint previousLeaf = 0;
        Check.That(_pages[_root].Header.Level == _height - 1);
        VerifyPage(_root, [], ref previousLeaf, ref count, ref size, ref pages, ref heapValues);
        Check.That(count == Count);
        Check.That(_pages[previousLeaf].Header.Next == 0);
    }

    private void VerifyPage(
        uint number, ReadOnlySpan<byte> lowerBound, ref uint previousLeaf,
        ref long count, ref long size, ref long pages, ref long heapValues)
    {
        Page page = _pages[number];
        pages++;
        Check.That(page.Count > 0 || number == _root);
        VerifySlots(page, lowerBound);
        if (page.Header.Level == 0)
        {
            Check.That(page.Header.Previous == previousLeaf);
            Check.That(previousLeaf == 0 || _pages[previousLeaf].Header.Next == number);
            previousLeaf = number;
            VerifyEntries(number, ref count, ref size, ref heapValues);
            return;
        }
        for (int i = 0; i < page.Count; i++)
        {
            uint child = page.Reference(i);
            Check.That(_pages[child].Header.Level == page.Header.Level - 1);
            if (i > 0) Check.That(
                _pages[page.Reference(i - 1)].Header.Used + _pages[child].Header.Used > JoinSizeMax);
            ReadOnlySpan<byte> childBound = i == 0 ? lowerBound : page.Key(i);
            VerifyPage(child, childBound, ref previousLeaf, ref count, ref size, ref pages, ref heapValues);
            if (i + 1 < page.Count) Check.That(
                LastKey(child).SequenceCompareTo(page.Key(i + 1)) < 0);
        }
    }

    private ReadOnlySpan<byte> LastKey(uint number)
    {
        while (_pages[number].Header.Level > 0) number = _pages[number].Reference(_pages[number].Count - 1);
        return _pages[number].Key(_pages[number].Count - 1);
    }

    private static void VerifySlots(Page page, ReadOnlySpan<byte> lowerBound)
    {
        int used = 0;
        for (int i = 0; i < page.Count; i++)
        {
            ReadOnlySpan<byte> key = page.Key(i);
            used += page.EntrySize(i);
            Check.That(page.Slot(i).Offset >= page.Header.CellsStart);
            Check.That(key[..page.Header.Skip].SequenceEqual(page.Key(0)[..page.Header.Skip]));
            Check.That(page.Slot(i).Head == Page.HeadOf(key, page.Header.Skip));
            if (i > 0) Check.That(page.Key(i - 1).SequenceCompareTo(key) < 0);
            if (i == 0 && page.Header.Level == 0) Check.That(key.SequenceCompareTo(lowerBound) >= 0);
        }
        Check.That(used == page.Header.Used);
        Check.That(Page.HeaderSize + page.Count * Page.SlotSize <= page.Header.CellsStart);
    }

    private void VerifyEntries(uint number, ref long count, ref long size, ref long heapValues)
    {
        Page page = _pages[number];
        count += page.Count;
        for (int i = 0; i < page.Count; i++)
        {
            size += Memtable.SizeOf(page.Slot(i).KeySize, page.Slot(i).ValueSize);
            if (!page.InHeap(i)) continue;
            heapValues++;
            Check.That(_heap.Owner(page.Reference(i), page.Slot(i).ValueSize) == number);
        }
    }
}
