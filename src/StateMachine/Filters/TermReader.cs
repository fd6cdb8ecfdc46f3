using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.StateMachine.Postings;

namespace Deterministic.StateMachine.Filters;

/// <summary>Reads postings of one window, and walks the terms that start with a prefix.</summary>
public sealed class TermReader(Trees trees)
{
    private readonly byte[] _key = new byte[Keys.SizeMax];
    private readonly byte[] _term = new byte[Keys.SizeMax];
    private readonly uint[] _documents = new uint[PostingBlock.PostingsMax];
    private readonly uint[] _frequencies = new uint[PostingBlock.PostingsMax];

    /// <summary>Bytes of postings read since the last time that the caller set it.</summary>
    public long BytesRead { get; set; }

    /// <summary>Sets the bits of the documents of the window that have the term.</summary>
    /// <param name="term">A key of the tree of terms: namespace, attribute, term.</param>
    /// <param name="window">Number of the window.</param>
    /// <param name="found">The window's bits.</param>
    public void Collect(ReadOnlySpan<byte> term, uint window, Span<ulong> found)
    {
        uint first = window * Limits.WindowDocuments;
        uint from = first + Limits.WindowDocuments - 1;
        while (TryBlockBelow(term, from, first, out PostingBlock block))
        {
            block.Decode(_documents, _frequencies);
            for (int i = 0; i < block.Count; i++)
            {
                uint bit = unchecked(_documents[i] - first);
                if (bit < Limits.WindowDocuments) WindowBitmap.Set(found, (int)bit);
            }
            if (block.First <= first) return;
            from = block.First - 1;
        }
    }

    /// <summary>Where the term stands in a document, as in section 3 of a block; false if it does not.</summary>
    public bool TryPositions(ReadOnlySpan<byte> term, uint document, out ReadOnlySpan<byte> positions)
    {
        positions = default;
        if (!TryBlockBelow(term, document, document, out PostingBlock block)) return false;
        block.Decode(_documents, _frequencies);
        int index = _documents.AsSpan(0, block.Count).BinarySearch(document);
        if (index < 0) return false;
        ReadOnlySpan<byte> rest = block.Positions;
        for (int i = 0; i <= index; i++) positions = PostingBlock.NextPositions(ref rest, out _);
        return true;
    }

    /// <summary>The term's block with the greatest first document not above <paramref name="from"/>, if it reaches up
    /// to <paramref name="least"/>.</summary>
    public bool TryBlockBelow(ReadOnlySpan<byte> term, uint from, uint least, out PostingBlock block)
    {
        block = default;
        Span<byte> key = _key;
        term.CopyTo(key);
        BinaryPrimitives.WriteUInt32BigEndian(key[term.Length..], from);
        if (!trees.Postings.TryFloor(key[..(term.Length + 4)], term.Length, out ReadOnlySpan<byte> found,
            out ReadOnlySpan<byte> value))
            return false;
        Check.That(found.Length == term.Length + 4);
        block = new PostingBlock(value, BinaryPrimitives.ReadUInt32BigEndian(found[term.Length..]));
        BytesRead += value.Length;
        return block.Last >= least;
    }

    /// <summary>Starts a walk, from the greatest down, over the terms that start with a prefix.</summary>
    /// <param name="prefix">Namespace, attribute and the prefix as a key.</param>
    /// <param name="bound">Takes the upper bound of the walk; <see cref="Keys.SizeMax"/> bytes.</param>
    public static void BeginPrefix(ReadOnlySpan<byte> prefix, Span<byte> bound)
    {
        Check.That(bound.Length == Keys.SizeMax);
        prefix.CopyTo(bound);
        bound[prefix.Length..].Fill(byte.MaxValue);
    }

    /// <summary>The next term; valid until the one after it is asked for.</summary>
    public bool TryNextTerm(
        ReadOnlySpan<byte> prefix, Span<byte> bound, out ReadOnlySpan<byte> term, out ulong documents)
    {
        documents = 0;
        term = default;
        if (!trees.Terms.TryFloor(bound, prefix.Length, out ReadOnlySpan<byte> found, out ReadOnlySpan<byte> value))
            return false;
        // The tree keeps a key that it hands out only for a while, and a term's postings take any number of searches.
        found.CopyTo(_term);
        term = _term.AsSpan(0, found.Length);
        documents = TermEntry.Count(value);
        // A term's key ends with 00 01 and none ends with 00 00, so with its last byte 0 the bound is just below it.
        Check.That(term[^1] == 1);
        term.CopyTo(bound);
        bound[(term.Length - 1)..].Clear();
        return true;
    }
}
