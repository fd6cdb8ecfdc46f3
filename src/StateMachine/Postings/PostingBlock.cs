using System;
using System.Buffers.Binary;
using Deterministic.Core;

namespace Deterministic.StateMachine.Postings;

/// <summary>Value of <see cref="TreeId.Postings"/>: up to <see cref="PostingsMax"/> postings in ascending document
/// order. u16 n, u16 zero, u32 last document, u32 size of section 1, u32 size of section 2; section 1: varint
/// differences between document numbers, the first to the number in the key, which is that of the block's first posting
/// ever and stays when that one goes; section 2: varint term frequencies, of sparse vectors the bits of the weights;
/// section 3: per posting the varint size in bytes of its positions, then the positions as varint differences, the
/// first absolute; of sparse vectors nothing. Varints are little-endian base 128.</summary>
public readonly ref struct PostingBlock
{
    public const int HeaderSize = 16;
    public const int PostingsMax = 256;

    /// <summary>A block that is as large as this takes no further posting.</summary>
    public const int SizeSoftMax = 16 << 10;

    private readonly ReadOnlySpan<byte> _block;

    public PostingBlock(ReadOnlySpan<byte> block, uint first)
    {
        Check.That(block.Length >= HeaderSize);
        _block = block;
        First = first;
        Count = BinaryPrimitives.ReadUInt16LittleEndian(block);
        Check.That(Count is > 0 and <= PostingsMax);
        Last = BinaryPrimitives.ReadUInt32LittleEndian(block[4..]);
        DocumentsSize = BinaryPrimitives.ReadInt32LittleEndian(block[8..]);
        FrequenciesSize = BinaryPrimitives.ReadInt32LittleEndian(block[12..]);
        Check.That(HeaderSize + DocumentsSize + FrequenciesSize <= block.Length);
    }

    /// <summary>No document of the block is below; it need not be in it any more.</summary>
    public uint First { get; }
    public uint Last { get; }
    public int Count { get; }
    public int DocumentsSize { get; }
    public int FrequenciesSize { get; }
    public ReadOnlySpan<byte> Documents => _block.Slice(HeaderSize, DocumentsSize);
    public ReadOnlySpan<byte> Frequencies => _block.Slice(HeaderSize + DocumentsSize, FrequenciesSize);
    public ReadOnlySpan<byte> Positions => _block[(HeaderSize + DocumentsSize + FrequenciesSize)..];

    /// <summary>Decodes document numbers and frequencies; both spans hold at least <see cref="Count"/>.</summary>
    public void Decode(Span<uint> documents, Span<uint> frequencies)
    {
        Check.That(documents.Length >= Count && frequencies.Length >= Count);
        ReadOnlySpan<byte> deltas = Documents;
        ReadOnlySpan<byte> counts = Frequencies;
        uint document = First;
        for (int i = 0; i < Count; i++)
        {
            document += Varint.Read(ref deltas);
            documents[i] = document;
            frequencies[i] = Varint.Read(ref counts);
        }
        Check.That(document == Last);
    }

    /// <summary>Takes the positions of the next posting from <paramref name="positions"/>, at first
    /// <see cref="Positions"/>.</summary>
    public static ReadOnlySpan<byte> NextPositions(scoped ref ReadOnlySpan<byte> positions, out int size)
    {
        size = (int)Varint.Read(ref positions);
        ReadOnlySpan<byte> taken = positions[..size];
        positions = positions[size..];
        return taken;
    }
}

/// <summary>Unsigned integers in base 128, low digits first, the top bit set on all but the last byte.</summary>
public static class Varint
{
    public const int SizeMax = 5;

    public static uint Read(scoped ref ReadOnlySpan<byte> from)
    {
        uint value = from[0];
        if (value < 0x80)
        {
            from = from[1..];
            return value;
        }
        value &= 0x7F;
        int size = 1;
        for (int shift = 7; ; shift += 7)
        {
            Check.That(size < SizeMax);
            byte digit = from[size++];
            value |= (uint)(digit & 0x7F) << shift;
            if (digit < 0x80) break;
        }
        from = from[size..];
        return value;
    }

    public static int Write(Span<byte> to, uint value)
    {
        int size = 0;
        while (value >= 0x80)
        {
            to[size++] = (byte)(value & 0x7F | 0x80);
            value >>= 7;
        }
        to[size++] = (byte)value;
        return size;
    }
}
