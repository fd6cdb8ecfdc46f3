using System;
using Deterministic.Core;
using Deterministic.Core.Memory;

namespace Deterministic.Storage;

/// <summary>A fixed set of trees that share pages, a value heap and one size. Everything is taken from static memory at
/// construction; address space is reserved for the worst case, memory is used as it is touched.
/// <para>Why it always suffices, for a logical size S (with the overshoot), page size P and J = 3/4 P:
/// Pages: an entry takes at most key + value + 26 bytes of its page, less than it counts in S. Neighbours under
/// one parent
/// hold over J bytes together, so N leaves under M parents hold at least (N - M) J / 2. An inner entry takes at
/// most 564
/// bytes, so two neighbouring inner pages have 22 children or more, and a level has N' ≤ N / 8 + 5 pages where
/// the one below has N; over all levels the pages of a tree are at most 7/2 S / P + 80.
/// Heap: a value takes at most 4/3 of its size with the waste of its class and of the end of its chunk; each class has
/// one chunk at most that is not full, and a value being resized exists twice.</para></summary>
public sealed unsafe class Forest
{
    /// <summary>What an entry counts in <see cref="SizeBytes"/> beside its key and value.</summary>
    public const int EntryOverheadSize = 64;

    /// <summary>How far one operation may carry the state past <see cref="SizeBytesMax"/>.</summary>
    public const long OvershootSizeMax = 64L << 20;

    private const int TreePagesMin = 96;
    private readonly Tree[] _trees;
    private readonly PagePool _pages;
    private readonly ValueHeap _heap;
    private readonly CheckpointWriter _checkpoint;
    private readonly CheckpointWriter _checksum;
    private readonly CheckpointReader _restore;
    private readonly NativeBuffer _checksumPart;

    public Forest(StaticMemory memory, int treeCount, long stateSizeMax)
    {
        Check.That(treeCount > 0 && treeCount < CheckpointWriter.EndMark);
        Check.That(stateSizeMax > 0);
        SizeBytesMax = stateSizeMax;
        long size = stateSizeMax + OvershootSizeMax;
        _pages = new PagePool(memory, size * 7 / 2 / Page.Size + treeCount * TreePagesMin);
        _heap = new ValueHeap(memory, (int)(size * 4 / 3 / ValueHeap.ChunkSize) + ValueHeap.Classes + 2);
        _trees = new Tree[treeCount];
        for (int i = 0; i < treeCount; i++) _trees[i] = new Tree(this, _pages, _heap);
        _checkpoint = new CheckpointWriter(this);
        _checksum = new CheckpointWriter(this);
        _restore = new CheckpointReader(this);
        _checksumPart = memory.Take(1 << 16);
    }

    public Tree this[int tree] => _trees[tree];

    public int TreeCount => _trees.Length;

    /// <summary>Sum over all entries of key, value and <see cref="EntryOverheadSize"/>: a function of the contents
    /// alone.</summary>
    public long SizeBytes { get; private set; }

    /// <summary>The size past which the state machine refuses writes.</summary>
    public long SizeBytesMax { get; }

    /// <summary>Set, it judges every access to the trees. For tests, the simulator and fuzzing.</summary>
    public TouchGuard? Guard { get; set; }

    /// <summary>Starts to gather what one operation needs. Asked again for the same operation after reads have
    /// completed, it gathers further.</summary>
    public void PrefetchStart(ulong op)
    {
        Check.That(op > 0);
        Guard?.Start(op);
    }

    /// <summary>True once everything touched since the start is in memory; it stays there until the next start for
    /// another operation. False: reads are under way.</summary>
    public bool PrefetchEnd() => Guard?.EndRound() ?? true;

    /// <summary>Starts handing out the contents; no changes until <see cref="CheckpointRead"/> returned 0.</summary>
    public void CheckpointStart() => _checkpoint.Start();

    /// <summary>Fills <paramref name="part"/> as far as the stream goes and returns the bytes written; 0: the
    /// end.</summary>
    public int CheckpointRead(Span<byte> part) => _checkpoint.Read(part);

    /// <summary>Forgets everything and takes new contents.</summary>
    public void RestoreStart()
    {
        Clear();
        _restore.Start();
    }

    public void RestoreWrite(ReadOnlySpan<byte> part) => _restore.Write(part);

    /// <summary>False if the parts were not exactly one valid stream; the forest is then empty.</summary>
    public bool RestoreEnd()
    {
        bool valid = _restore.End();
        if (!valid) Clear();
        return valid;
    }

    /// <summary>The checksum with which the checkpoint stream ends, over all its bytes before.</summary>
    public UInt128 StateChecksum()
    {
        _checksum.Start();
        while (_checksum.Read(_checksumPart.Span) > 0) continue;
        return _checksum.Checksum;
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

    internal bool Room(long size) => SizeBytes + size <= SizeBytesMax + OvershootSizeMax;

    internal long UsedPages => _pages.UsedPages;

    internal int UsedChunks => _heap.UsedChunks;

    internal void Account(long size)
    {
        SizeBytes += size;
        Check.That(SizeBytes >= 0 && Room(0));
    }

    internal bool Contains(ReadOnlySpan<byte> bytes)
    {
        fixed (byte* pointer = bytes) return bytes.Length > 0 && (_pages.Contains(pointer) || _heap.Contains(pointer));
    }

    private void Clear()
    {
        _pages.Clear();
        _heap.Clear();
        SizeBytes = 0;
        for (int i = 0; i < _trees.Length; i++) _trees[i].Clear();
    }
}
