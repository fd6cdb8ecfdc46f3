using System;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.Storage.Memory;

/// <summary>The newest entries of all trees, in static memory. The trees share pages, a value heap and one size.
/// Address space is reserved for the worst case, memory is used as it is touched.
/// <para>Why it always suffices, for a size S, page size P and J = 3/4 P:
/// Pages: an entry takes at most key + value + 26 bytes of its page, less than it counts in S. Neighbours under
/// one parent hold over J bytes together, so N leaves under M parents hold at least (N - M) J / 2. An inner entry takes
/// at most 564 bytes, so two neighbouring inner pages have 22 children or more, and a level has N' ≤ N / 8 + 5 pages
/// where the one below has N; over all levels the pages of a tree are at most 7/2 S / P + 80.
/// Heap: a value takes at most 4/3 of its size with the waste of its class and of the end of its chunk; each class has
/// one chunk at most that is not full, and a value being resized exists twice.</para></summary>
internal sealed unsafe class Memtable
{
    /// <summary>What an entry counts beside its key and value.</summary>
    public const int EntryOverheadSize = 64;

    private const int TreePagesMin = 96;
    private readonly MemoryTree[] _trees;
    private readonly PagePool _pages;
    private readonly ValueHeap _heap;
    private readonly long _sizeMax;

    public Memtable(StaticMemory memory, int treeCount, long sizeMax)
    {
        Check.That(treeCount > 0);
        Check.That(sizeMax > 0);
        _sizeMax = sizeMax;
        _pages = new PagePool(memory, sizeMax * 7 / 2 / Page.Size + treeCount * TreePagesMin);
        _heap = new ValueHeap(memory, (int)(sizeMax * 4 / 3 / ValueHeap.ChunkSize) + ValueHeap.Classes + 2);
        _trees = new MemoryTree[treeCount];
        for (int i = 0; i < treeCount; i++) _trees[i] = new MemoryTree(this, _pages, _heap);
    }

    public MemoryTree this[int tree] => _trees[tree];

    public int TreeCount => _trees.Length;

    /// <summary>Sum over all entries of key, value and <see cref="EntryOverheadSize"/>.</summary>
    public long SizeBytes { get; private set; }

    public bool IsEmpty => SizeBytes == 0;

    public static int SizeOf(int keySize, int valueSize) =>
        EntryOverheadSize + keySize + (valueSize < 0 ? 0 : valueSize);

    /// <summary>Whether entries of this size may be added.</summary>
    public bool HasRoom(long size) => SizeBytes + size <= _sizeMax;

    public void Clear()
    {
        _pages.Clear();
        _heap.Clear();
        SizeBytes = 0;
        for (int i = 0; i < _trees.Length; i++) _trees[i].Clear();
    }

    /// <summary>Checks every invariant of the whole structure. Slow: for tests and the simulator.</summary>
    public void Verify()
    {
        long size = 0;
        long pages = 0;
        long heapValues = 0;
        for (int i = 0; i < _trees.Length; i++) _trees[i].Verify(ref size, ref pages, ref heapValues);
        Check.That(size == SizeBytes);
        Check.That(pages == _pages.UsedPages);
        Check.That(heapValues == _heap.CountValues());
    }

    internal long UsedPages => _pages.UsedPages;

    internal int UsedChunks => _heap.UsedChunks;

    internal void Account(long size)
    {
        SizeBytes += size;
        Check.That(SizeBytes >= 0 && HasRoom(0));
    }

    internal bool Contains(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* pointer = bytes) return bytes.Length > 0 && (_pages.Contains(pointer) || _heap.Contains(pointer));
    }
}
