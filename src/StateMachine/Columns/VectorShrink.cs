using System;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.StateMachine.Filters;

namespace Deterministic.StateMachine.Columns;

/// <summary>Takes dead vectors out of a chunk once they are half of it, so that what a query reads and scores is never
/// more than twice what lives. Documents keep their numbers. A chunk of n vectors is written again after n/2 deaths, so
/// a death costs no more than the writing of one vector; what one operation may write is bounded, and what it leaves
/// is made up for by a later death in the chunk. Deaths one after the other in a chunk are looked at once, after the
/// last: what is replaced in the order in which it was written dies by whole chunks.</summary>
internal sealed class VectorShrink
{
    /// <summary>Bytes of chunks that one operation writes at most, in messages.</summary>
    private const int OperationMessagesMax = 4;

    /// <summary>By the slot of the attribute: the chunk in which the last document died.</summary>
    private readonly Pending[] _pending = new Pending[Limits.AttributesPerNamespaceMax + 1];

    /// <summary>For keys of lookups whose results are handed out.</summary>
    private readonly byte[] _key = new byte[Keys.ChunkSize];
    private readonly Trees _trees;
    private readonly NativeBuffer _chunk;
    private readonly long _operationSizeMax;
    private ulong _op;
    private long _left;
    private int _pendingCount;

    public VectorShrink(StaticMemory memory, Trees trees, int messageBodySizeMax)
    {
        _trees = trees;
        _operationSizeMax = (long)OperationMessagesMax * messageBodySizeMax;
        _chunk = memory.Take(ChunkLayout.SizeMax);
    }

    public void Begin(ulong op)
    {
        Check.That(_pendingCount == 0);
        if (op == _op) return;
        _op = op;
        // Where blocks are short, removing must not need any.
        _left = _trees.Forest.HasRoom(_operationSizeMax) ? _operationSizeMax : 0;
    }

    /// <summary>The document's bit has been cleared; its chunk is in memory. <see cref="EndDeaths"/> has to follow
    /// before anything is appended.</summary>
    public void AfterDeath(in VectorColumn column, int slot, uint document)
    {
        ref Pending pending = ref _pending[slot];
        if (document >= pending.First && document - pending.First < pending.Count)
        {
            pending.Document = document;
            return;
        }
        EndDeaths(column, slot);
        if (!TryFind(column, document, out uint first, out VectorChunk chunk)) return;
        pending = new Pending { First = first, Count = (uint)chunk.Count, Document = document };
        _pendingCount++;
    }

    /// <summary>Looks at the chunk of the last deaths.</summary>
    public void EndDeaths(in VectorColumn column, int slot)
    {
        ref Pending pending = ref _pending[slot];
        if (pending.Count == 0) return;
        uint document = pending.Document;
        pending = default;
        _pendingCount--;
        // It has gone if its window has died meanwhile.
        if (!TryFind(column, document, out uint first, out VectorChunk chunk)) return;
        Span<ulong> live = stackalloc ulong[ChunkLayout.PresenceSizeMax / sizeof(ulong)];
        int count = Live(column.Namespace, chunk, live);
        if (2 * count > chunk.PresentCount) return;
        int size = Write(chunk, live, column.RowSize, column.IsCosine);
        if (size > _left) return;
        _left -= size;
        Keys key = new(stackalloc byte[Keys.ChunkSize]);
        key.Namespace(column.Namespace).Attribute(column.Attribute).Chunk(first);
        _trees.Vectors.Put(key.Key, _chunk.Slice(0, size));
    }

    /// <summary>The chunk that has the document's vector; false if the document has none.</summary>
    private bool TryFind(in VectorColumn column, uint document, out uint first, out VectorChunk chunk)
    {
        first = 0;
        chunk = default;
        Keys key = new(_key);
        key.Namespace(column.Namespace).Attribute(column.Attribute).Chunk(document);
        if (!_trees.Vectors.TryFloor(
            key.Key, Keys.WindowSize, out ReadOnlySpan<byte> found, out ReadOnlySpan<byte> value)) return false;
        first = Keys.FirstOf(found);
        chunk = new VectorChunk(value, first, column.RowSize, column.IsCosine);
        return document - first < (uint)chunk.Count && chunk.Has((int)(document - first));
    }

    /// <summary>Counts the documents of the chunk that have a vector and live.</summary>
    private int Live(ulong namespaceNumber, VectorChunk chunk, Span<ulong> live)
    {
        uint window = chunk.First / Limits.WindowDocuments;
        Keys key = new(stackalloc byte[12]);
        bool exists = _trees.Liveness.TryGet(
            key.Namespace(namespaceNumber).Document(window).Key, out ReadOnlySpan<byte> bytes);
        Check.That(exists);
        ReadOnlySpan<ulong> bits = MemoryMarshal.Cast<byte, ulong>(bytes);
        ReadOnlySpan<ulong> presence = chunk.Presence;
        int bit = (int)(chunk.First % Limits.WindowDocuments);
        int count = 0;
        for (int word = 0; word < presence.Length; word++, bit += 64)
        {
            live[word] = presence[word] == 0 ? 0 : presence[word] & WindowBitmap.Extract(bits, bit);
            count += BitOperations.PopCount(live[word]);
        }
        return count;
    }

    /// <summary>Writes the chunk with the live rows alone, up to the last of them, and returns its size. One without
    /// any stays as an empty row, so that searches from above end where they did.</summary>
    private int Write(VectorChunk chunk, ReadOnlySpan<ulong> live, int rowSize, bool cosine)
    {
        int words = live.Length;
        while (words > 1 && live[words - 1] == 0) words--;
        int rows = Math32.Max(1, 64 * words - BitOperations.LeadingZeroCount(live[words - 1]));
        Span<byte> bytes = _chunk.Span;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)rows);
        int size = ChunkLayout.PayloadOffset(rows);
        MemoryMarshal.AsBytes(live[..words]).CopyTo(bytes[4..]);
        size += Copy(chunk, live[..words], chunk.RowBytes, rowSize, bytes[size..]);
        if (cosine)
            size += Copy(chunk, live[..words], MemoryMarshal.AsBytes(chunk.InverseNorms), sizeof(float), bytes[size..]);
        return size;
    }

    /// <summary>Copies what live rows have in a packed array, and returns how many bytes that is.</summary>
    private static int Copy(
        VectorChunk chunk, ReadOnlySpan<ulong> live, ReadOnlySpan<byte> packed, int itemSize, Span<byte> to)
    {
        ReadOnlySpan<ulong> presence = chunk.Presence;
        int before = 0;
        int size = 0;
        for (int word = 0; word < live.Length; word++)
        {
            for (ulong rest = live[word]; rest != 0; rest &= rest - 1)
            {
                ulong below = (rest & (~rest + 1)) - 1;
                int index = before + BitOperations.PopCount(presence[word] & below);
                packed.Slice(index * itemSize, itemSize).CopyTo(to[size..]);
                size += itemSize;
            }
            before += BitOperations.PopCount(presence[word]);
        }
        return size;
    }

    private struct Pending
    {
        public uint First;

        /// <summary>Rows of the chunk; 0 if there is none.</summary>
        public uint Count;
        public uint Document;
    }
}

/// <summary>Where the vectors of an attribute are, and how wide they are stored.</summary>
internal readonly struct VectorColumn
{
    /// <summary>Its number.</summary>
    public required ulong Namespace { get; init; }

    /// <summary>Its number.</summary>
    public required ushort Attribute { get; init; }

    /// <summary>Bytes of a vector.</summary>
    public required int RowSize { get; init; }

    /// <summary>Whether norms stand beside them.</summary>
    public required bool IsCosine { get; init; }
}
