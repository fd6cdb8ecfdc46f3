using System;
using System.Buffers.Binary;
using Deterministic.Core;

namespace Deterministic.StateMachine;

/// <summary>Builds tree keys into a caller's buffer. Numbers are big-endian so that byte order is numeric order.
/// A term is followed by 00 01, and a zero byte inside a term is written 00 FF, so that the order of keys is the order
/// of terms and every prefix of terms is one range of keys.</summary>
public ref struct Keys(Span<byte> buffer)
{
    /// <summary>Longest key: namespace, attribute, a term of the greatest size with every byte escaped,
    /// document.</summary>
    public const int SizeMax = 8 + 2 + 2 * Limits.TokenSizeMax + 2 + 4;

    /// <summary>Bytes of a chunk's key, and those of them that all chunks of a window share.</summary>
    public const int ChunkSize = WindowSize + 2;
    public const int WindowSize = 8 + 2 + 4;

    /// <summary>Added to an attribute's number for the column of its token counts.</summary>
    public const ushort TokenCountColumn = 0x8000;

    private readonly Span<byte> _buffer = buffer;
    private int _size;

    public readonly ReadOnlySpan<byte> Key => _buffer[.._size];
    public readonly int Size => _size;

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Keys Namespace(ulong number)
    {
        Check.That(number > 0);
        _size = 0;
        BinaryPrimitives.WriteUInt64BigEndian(_buffer, number);
        _size = 8;
        return ref this;
    }

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Keys Attribute(ushort number)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[_size..], number);
        _size += 2;
        return ref this;
    }

    /// <summary>A document number or a window number.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Keys Document(uint number)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_buffer[_size..], number);
        _size += 4;
        return ref this;
    }

    /// <summary>The window of a document and its place there, so that a walk can be kept inside of a
    /// window.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Keys Chunk(uint document)
    {
        Document(document / Limits.WindowDocuments);
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[_size..], (ushort)(document % Limits.WindowDocuments));
        _size += 2;
        return ref this;
    }

    /// <summary>The first document of the chunk with a key.</summary>
    public static uint FirstOf(ReadOnlySpan<byte> chunkKey)
    {
        Check.That(chunkKey.Length == ChunkSize);
        uint window = BinaryPrimitives.ReadUInt32BigEndian(chunkKey[(WindowSize - 4)..]);
        return window * Limits.WindowDocuments + BinaryPrimitives.ReadUInt16BigEndian(chunkKey[WindowSize..]);
    }

    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Keys Bytes(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer[_size..]);
        _size += bytes.Length;
        return ref this;
    }

    /// <summary>A whole term with its end mark.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Keys Term(scoped ReadOnlySpan<byte> term)
    {
        TermPrefix(term);
        _buffer[_size++] = 0x00;
        _buffer[_size++] = 0x01;
        return ref this;
    }

    /// <summary>The start of every term that begins with <paramref name="prefix"/>.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ref Keys TermPrefix(scoped ReadOnlySpan<byte> prefix)
    {
        Check.That(prefix.Length <= Limits.TokenSizeMax);
        foreach (byte b in prefix)
        {
            _buffer[_size++] = b;
            if (b == 0) _buffer[_size++] = 0xFF;
        }
        return ref this;
    }
}
