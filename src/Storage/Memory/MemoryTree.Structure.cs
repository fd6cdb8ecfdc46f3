using System;
using Deterministic.Core;

namespace Deterministic.Storage.Memory;

/// <summary>Splitting and joining pages. Two neighbours under one parent always hold more than
/// <see cref="JoinSizeMax"/> bytes together: that is what bounds the memory of a tree by its contents.
/// In an inner page the key of slot i is a lower bound of child i, but of child 0, which also takes all
/// below.</summary>
internal sealed unsafe partial class MemoryTree
{
    internal const int JoinSizeMax = Page.Size * 3 / 4;

    private uint FindLeaf(ReadOnlySpan<byte> key)
    {
        uint page = _root;
        for (int level = _height - 1; level > 0; level--)
        {
            Page view = _pages[page];
            page = view.Reference(ChildSlot(view, key));
        }
        return page;
    }

    /// <summary>Fills the path from the root down to <paramref name="level"/> and returns the page there.</summary>
    private uint Descend(ReadOnlySpan<byte> key, int level)
    {
        Check.That(level >= 0 && level < _height);
        uint page = _root;
        for (int at = _height - 1; at > level; at--)
        {
            Page view = _pages[page];
            int slot = ChildSlot(view, key);
            _pathPage[at] = page;
            _pathSlot[at] = slot;
            page = view.Reference(slot);
        }
        _pathPage[level] = page;
        return page;
    }

    private static int ChildSlot(Page page, ReadOnlySpan<byte> key)
    {
        int slot = page.LowerBound(key, out bool found);
        return found || slot == 0 ? slot : slot - 1;
    }

    /// <summary>Inserts an entry into the page of the path at <paramref name="level"/>, splitting upward as needed.
    /// True if pages split, which leaves the path stale.</summary>
    private bool Insert(int level, ReadOnlySpan<byte> key, int slot, int valueSize, out uint page, out int at)
    {
        page = _pathPage[level];
        at = slot;
        Page left = _pages[page];
        if (left.Fits(key.Length, valueSize))
        {
            left.Insert(slot, key, valueSize, _pages.Scratch);
            return false;
        }
        int kept = SplitSlot(left, slot, Page.SlotSize + Page.CellSize(key.Length, valueSize), out bool toLeft);
        uint rightPage = _pages.Allocate((byte)level);
        Page right = _pages[rightPage];
        if (level == 0) Link(page, rightPage);
        MoveEntries(page, kept, left.Count - kept, rightPage);
        if (!toLeft)
        {
            page = rightPage;
            at = slot - kept;
        }
        _pages[page].Insert(at, key, valueSize, _pages.Scratch);
        if (level == _height - 1) GrowRoot();
        int parentSlot = _pathSlot[level + 1] + 1;
        if (parentSlot == 1) OpenFirstSlot(_pages[_pathPage[level + 1]], right.Key(0));
        Insert(level + 1, right.Key(0), parentSlot, sizeof(uint), out uint parent, out int parentAt);
        _pages[parent].SetReference(parentAt, rightPage);
        return true;
    }

    /// <summary>How many of the page's entries stay when a new one of <paramref name="size"/> bytes comes in at
    /// <paramref name="slot"/>: all if it comes last, for ascending keys leave full pages; else half of the
    /// bytes.</summary>
    private static int SplitSlot(Page page, int slot, int size, out bool toLeft)
    {
        toLeft = false;
        if (slot == page.Count) return slot;
        int half = (page.Header.Used + size) / 2;
        int sum = 0;
        for (int i = 0; i < page.Count; i++)
        {
            if (i == slot)
            {
                sum += size;
                toLeft = true;
                if (sum >= half) return i;
            }
            sum += page.EntrySize(i);
            if (sum >= half && i + 1 < page.Count) return i + 1;
        }
        Check.That(toLeft);
        return page.Count - 1;
    }

    /// <summary>Child 0 also takes keys below its slot's. When it splits among those, the slot's key becomes the
    /// empty one,
    /// which is below all and always fits.</summary>
    private void OpenFirstSlot(Page parent, ReadOnlySpan<byte> key)
    {
        if (parent.Key(0).SequenceCompareTo(key) < 0) return;
        uint child = parent.Reference(0);
        parent.Remove(0, 1);
        parent.Insert(0, [], sizeof(uint), _pages.Scratch);
        parent.SetReference(0, child);
    }

    private void GrowRoot()
    {
        Check.That(_height + 1 < HeightMax);
        uint root = _pages.Allocate((byte)_height);
        _pages[root].Insert(0, _pages[_root].Key(0), sizeof(uint), _pages.Scratch);
        _pages[root].SetReference(0, _root);
        _root = root;
        _pathPage[_height] = root;
        _pathSlot[_height] = 0;
        _height++;
    }

    private void Link(uint left, uint right)
    {
        ref PageHeader header = ref _pages[left].Header;
        uint next = header.Next;
        _pages[right].Header.Next = next;
        _pages[right].Header.Previous = left;
        header.Next = right;
        if (next != 0) _pages[next].Header.Previous = right;
    }

    private void Unlink(uint page)
    {
        PageHeader header = _pages[page].Header;
        if (header.Previous != 0) _pages[header.Previous].Header.Next = header.Next;
        if (header.Next != 0) _pages[header.Next].Header.Previous = header.Previous;
    }

    /// <summary>Moves entries to the end of another page of the level.</summary>
    private void MoveEntries(uint from, int slot, int count, uint to)
    {
        if (count == 0) return;
        for (int i = slot; i < slot + count; i++) AppendEntry(from, i, _pages[from].Key(i), to);
        _pages[from].Remove(slot, count);
    }

    private void AppendEntry(uint from, int slot, ReadOnlySpan<byte> key, uint to)
    {
        Page source = _pages[from];
        Page target = _pages[to];
        int valueSize = source.Slot(slot).ValueSize;
        int at = target.Count;
        target.Insert(at, key, valueSize, _pages.Scratch);
        bool inHeap = source.InHeap(slot);
        int payloadSize = inHeap ? sizeof(uint) : valueSize < 0 ? 0 : valueSize;
        var payload = new ReadOnlySpan<byte>(source.Payload(slot), payloadSize);
        payload.CopyTo(new Span<byte>(target.Payload(at), payloadSize));
        if (inHeap) _heap.SetOwner(target.Reference(at), valueSize, to);
    }

    /// <summary>Joins pages around the path of <paramref name="key"/> until neighbours are big enough again.
    /// <paramref name="wide"/>: pages split, so look two neighbours far and on every level.</summary>
    private void Settle(ReadOnlySpan<byte> key, bool wide)
    {
        for (int level = 0; level + 1 < _height; level++)
        {
            uint page = Descend(key, level);
            int used = _pages[page].Header.Used;
            if (!wide && used > JoinSizeMax) return;
            uint parent = _pathPage[level + 1];
            int slot = _pathSlot[level + 1];
            int reach = wide ? 2 : 1;
            if (wide && level + 2 < _height) JoinCousins(level);
            if (!JoinChildren(parent, slot - reach, slot + reach) && !wide) return;
        }
        ShrinkRoot();
    }

    /// <summary>The halves of a split page may have come under two parents: looks into the parents on both
    /// sides.</summary>
    private void JoinCousins(int level)
    {
        Page grandparent = _pages[_pathPage[level + 2]];
        int slot = _pathSlot[level + 2];
        if (slot + 1 < grandparent.Count) JoinChildren(grandparent.Reference(slot + 1), 0, 1);
        if (slot == 0) return;
        uint before = grandparent.Reference(slot - 1);
        JoinChildren(before, _pages[before].Count - 2, _pages[before].Count - 1);
    }

    private void ShrinkRoot()
    {
        while (_height > 1 && _pages[_root].Count <= 1)
        {
            uint old = _root;
            if (_pages[old].Count == 0)
            {
                _root = _pages.Allocate(0);
                _height = 1;
            }
            else
            {
                _root = _pages[old].Reference(0);
                _height--;
            }
            _pages.Free(old);
        }
    }

    /// <summary>Joins what can be joined among the children of the slots <paramref name="first"/> to
    /// <paramref name="last"/>; true if any did.</summary>
    private bool JoinChildren(uint parent, int first, int last)
    {
        Page view = _pages[parent];
        bool joined = view.Count == 1 && DropEmptyChild(parent);
        int slot = first < 0 ? 0 : first;
        while (slot < last && slot + 1 < view.Count)
        {
            if (!TryJoin(parent, slot))
            {
                slot++;
                continue;
            }
            joined = true;
            // The joined page has new neighbours on both sides.
            if (last < slot + 1) last = slot + 1;
            if (slot > 0) slot--;
        }
        return joined;
    }

    private bool DropEmptyChild(uint parent)
    {
        uint child = _pages[parent].Reference(0);
        if (_pages[child].Count > 0) return false;
        if (_pages[child].Header.Level == 0) Unlink(child);
        _pages.Free(child);
        _pages[parent].Remove(0, 1);
        return true;
    }

    /// <summary>Joins the child of <paramref name="slot"/> with the next one if both fit one page with room to
    /// spare.</summary>
    private bool TryJoin(uint parent, int slot)
    {
        Page view = _pages[parent];
        uint left = view.Reference(slot);
        uint right = view.Reference(slot + 1);
        Page leftPage = _pages[left];
        Page rightPage = _pages[right];
        int count = leftPage.Count;
        bool small = leftPage.Header.Used + rightPage.Header.Used <= JoinSizeMax;
        if (!small && count > 0 && rightPage.Count > 0) return false;
        int level = rightPage.Header.Level;
        if (level == 0)
        {
            Unlink(right);
            MoveEntries(right, 0, rightPage.Count, left);
        }
        else if (rightPage.Count > 0)
        {
            // Child 0 of the right page may hold keys below its slot's, but none below the parent's slot.
            AppendEntry(right, 0, view.Key(slot + 1), left);
            MoveEntries(right, 1, rightPage.Count - 1, left);
        }
        _pages.Free(right);
        view.Remove(slot + 1, 1);
        if (level > 0 && count > 0 && leftPage.Count > count) JoinChildren(left, count - 1, count);
        return true;
    }
}
