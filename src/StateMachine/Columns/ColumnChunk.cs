using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Deterministic.Core;

namespace Deterministic.StateMachine.Columns;

/// <summary>The part that all chunks share: u32 n, then one presence bit per row in ceil(n/64)*8 bytes. Row i belongs
/// to document number first + i, first being in the key. A chunk never crosses a window.</summary>
public static class ChunkLayout
{
    public const int RowsMax = 1024;
    public const int SizeMax = 64_000;
    public const int PresenceSizeMax = RowsMax / 8;

    public static int PresenceSize(int rows) => (rows + 63) / 64 * 8;

    public static int PayloadOffset(int rows) => 4 + PresenceSize(rows);

    public static int Rows(ReadOnlySpan<byte> chunk)
    {
        uint rows = BinaryPrimitives.ReadUInt32LittleEndian(chunk);
        Check.That(rows is > 0 and <= RowsMax);
        Check.That(chunk.Length >= PayloadOffset((int)rows));
        return (int)rows;
    }

    public static bool IsSet(ReadOnlySpan<byte> bits, int index) => (bits[index >> 3] >> (index & 7) & 1) != 0;

    public static void Set(Span<byte> bits, int index) => bits[index >> 3] |= (byte)(1 << (index & 7));

    public static void Clear(Span<byte> bits, int index) =>
        bits[index >> 3] = (byte)(bits[index >> 3] & ~(1 << (index & 7)));
}

/// <summary>Value of <see cref="TreeId.Columns"/>. Payload of fixed-width types: one slot per row, zero where absent
/// (bool 1 byte; int, uint, float, datetime 8 bytes little-endian; uuid 16 bytes in text order; token counts u32).
/// Payload of strings and arrays: u32 end offset per row, then the bytes of the rows as in
/// <see cref="EncodedValue.Payload"/>.</summary>
public readonly ref struct ColumnChunk
{
    private readonly ReadOnlySpan<byte> _chunk;
    private readonly int _payloadOffset;

    /// <param name="chunk">The tree's value.</param>
    /// <param name="first">The document number in the tree's key.</param>
    /// <param name="width"><see cref="AttributeTypes.ColumnWidth"/>; 0 for strings and arrays.</param>
    public ColumnChunk(ReadOnlySpan<byte> chunk, uint first, int width)
    {
        Count = ChunkLayout.Rows(chunk);
        _payloadOffset = ChunkLayout.PayloadOffset(Count);
        _chunk = chunk;
        First = first;
        Width = width;
        Check.That(width == 0 || chunk.Length == _payloadOffset + width * Count);
    }

    public uint First { get; }

    /// <summary>Rows, present or not.</summary>
    public int Count { get; }
    public int Width { get; }
    public ReadOnlySpan<ulong> Presence =>
        MemoryMarshal.Cast<byte, ulong>(_chunk[4.._payloadOffset]);

    /// <summary>Fixed width: all slots.</summary>
    public ReadOnlySpan<byte> Slots => _chunk[_payloadOffset..];

    /// <summary>Fixed width: all slots as numbers of that width.</summary>
    public ReadOnlySpan<T> SlotsAs<T>() where T : unmanaged => MemoryMarshal.Cast<byte, T>(Slots);

    public bool Has(int row) => ChunkLayout.IsSet(_chunk[4..], row);

    /// <summary>Bytes of a row; meaningless if it is absent.</summary>
    public ReadOnlySpan<byte> Row(int row)
    {
        Check.That(row >= 0 && row < Count);
        if (Width > 0) return _chunk.Slice(_payloadOffset + row * Width, Width);
        ReadOnlySpan<byte> bytes = _chunk[(_payloadOffset + 4 * Count)..];
        int start = row == 0 ? 0 : End(row - 1);
        return bytes[start..End(row)];
    }

    private int End(int row) => BinaryPrimitives.ReadInt32LittleEndian(_chunk[(_payloadOffset + 4 * row)..]);
}

/// <summary>Value of <see cref="TreeId.Vectors"/>. Payload: rows of present documents packed one after another
/// (dimensions × 4 or 2 bytes), then for cosine namespaces an f32 inverse norm per present row, 0 for the zero
/// vector.</summary>
public readonly ref struct VectorChunk
{
    private readonly ReadOnlySpan<byte> _chunk;
    private readonly int _payloadOffset;
    private readonly int _rowSize;

    /// <param name="chunk">The tree's value.</param>
    /// <param name="first">The document number in the tree's key.</param>
    /// <param name="rowSize">Dimensions times the size of an element.</param>
    /// <param name="cosine">Whether inverse norms follow the rows.</param>
    public VectorChunk(ReadOnlySpan<byte> chunk, uint first, int rowSize, bool cosine)
    {
        Check.That(rowSize > 0);
        Count = ChunkLayout.Rows(chunk);
        _payloadOffset = ChunkLayout.PayloadOffset(Count);
        _chunk = chunk;
        _rowSize = rowSize;
        First = first;
        PresentCount = (chunk.Length - _payloadOffset) / (rowSize + (cosine ? 4 : 0));
        Check.That(PresentCount <= Count);
        Check.That(chunk.Length == _payloadOffset + PresentCount * (rowSize + (cosine ? 4 : 0)));
    }

    public uint First { get; }

    /// <summary>Document numbers covered, present or not.</summary>
    public int Count { get; }

    /// <summary>Rows in <see cref="RowBytes"/>.</summary>
    public int PresentCount { get; }

    /// <summary>Bit i: document First + i has a vector.</summary>
    public ReadOnlySpan<ulong> Presence => MemoryMarshal.Cast<byte, ulong>(_chunk[4.._payloadOffset]);
    public ReadOnlySpan<byte> RowBytes => _chunk.Slice(_payloadOffset, PresentCount * _rowSize);
    public ReadOnlySpan<float> Rows => MemoryMarshal.Cast<byte, float>(RowBytes);
    public ReadOnlySpan<Half> HalfRows => MemoryMarshal.Cast<byte, Half>(RowBytes);

    /// <summary>Cosine only: one per present row.</summary>
    public ReadOnlySpan<float> InverseNorms =>
        MemoryMarshal.Cast<byte, float>(_chunk[(_payloadOffset + PresentCount * _rowSize)..]);

    public bool Has(int row) => ChunkLayout.IsSet(_chunk[4..], row);

    /// <summary>Index among the packed rows of a present row.</summary>
    public int PackedIndex(int row)
    {
        Check.That(row >= 0 && row < Count);
        ReadOnlySpan<ulong> presence = Presence;
        int index = 0;
        for (int word = 0; word < row >> 6; word++) index += System.Numerics.BitOperations.PopCount(presence[word]);
        ulong below = (1UL << (row & 63)) - 1;
        return index + System.Numerics.BitOperations.PopCount(presence[row >> 6] & below);
    }

    public ReadOnlySpan<byte> Packed(int index) => _chunk.Slice(_payloadOffset + index * _rowSize, _rowSize);
}
