using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Postings;

/// <summary>Adds postings to, and takes them from, <see cref="TreeId.Terms"/> and <see cref="TreeId.Postings"/>:
/// documents per term of an attribute, or per dimension of a sparse vector. A document is added above all that the term
/// has. The term's entry names the last block of its postings, so that adding to it takes two reads of single keys and
/// no search.</summary>
public sealed class PostingLists
{
    private const int KeySizeMax = Keys.SizeMax;

    private readonly Tree _terms;
    private readonly Tree _postings;
    private readonly NativeBuffer _block;

    /// <param name="memory">Where the buffer is taken from.</param>
    /// <param name="terms">Entries of terms.</param>
    /// <param name="postings">Blocks of postings.</param>
    /// <param name="positionsSizeMax">Bytes of the positions of one posting.</param>
    public PostingLists(StaticMemory memory, Tree terms, Tree postings, int positionsSizeMax)
    {
        Check.That(positionsSizeMax > 0);
        _terms = terms;
        _postings = postings;
        _block = memory.Take(positionsSizeMax + 2L * PostingBlock.SizeSoftMax + 4096);
    }

    /// <summary>Whether all terms and postings of the attribute are in memory: nothing has to be touched.</summary>
    public bool IsResident(ulong namespaceNumber, ushort attribute)
    {
        Keys key = new(stackalloc byte[10]);
        key.Namespace(namespaceNumber).Attribute(attribute);
        return _terms.IsResident(key.Key) && _postings.IsResident(key.Key);
    }

    /// <summary>Asks for what adding or removing a document needs; the greatest number stands for new
    /// documents.</summary>
    public void Touch(ulong namespaceNumber, ushort attribute, ReadOnlySpan<byte> term, uint document)
    {
        Keys key = new(stackalloc byte[KeySizeMax]);
        key.Namespace(namespaceNumber).Attribute(attribute).Term(term);
        int termSize = key.Size;
        _terms.Touch(key.Key);
        _postings.TouchFloor(key.Document(document).Key, termSize);
    }

    /// <summary>Adds a document to those that have the term.</summary>
    /// <param name="namespaceNumber">Of the document.</param>
    /// <param name="attribute">Number of the attribute.</param>
    /// <param name="term">Stays as it is while the trees change.</param>
    /// <param name="document">Above all that have the term.</param>
    /// <param name="frequency">Of a sparse vector the bits of the weight.</param>
    /// <param name="positions">As section 3 of a block has them; empty for a sparse vector.</param>
    public void Add(ulong namespaceNumber, ushort attribute, ReadOnlySpan<byte> term, uint document, uint frequency,
        ReadOnlySpan<byte> positions)
    {
        Keys key = new(stackalloc byte[KeySizeMax]);
        key.Namespace(namespaceNumber).Attribute(attribute).Term(term);
        int prefix = key.Size;
        Span<byte> entry = _terms.Resize(key.Key, TermEntry.Size);
        TermEntry.SetCount(entry, TermEntry.Count(entry) + 1);
        uint first = TermEntry.LastBlock(entry);
        if (first != TermEntry.NoBlock)
        {
            key.Document(first);
            bool exists = _postings.TryGet(key.Key, out ReadOnlySpan<byte> value);
            Check.That(exists);
            PostingBlock last = new(value, first);
            Check.That(last.Last < document);
            if (last.Count < PostingBlock.PostingsMax && value.Length + positions.Length < PostingBlock.SizeSoftMax)
            {
                Append(key.Key, last, value.Length, document, frequency, positions);
                return;
            }
        }
        TermEntry.SetLastBlock(entry, document);
        key.Namespace(namespaceNumber).Attribute(attribute).Term(term).Document(document);
        Check.That(key.Size == prefix + 4);
        PutFirst(key.Key, document, frequency, positions);
    }

    /// <summary>Opens two gaps in the block where it lies, from the back to the front, and fills them.</summary>
    private void Append(ReadOnlySpan<byte> key, in PostingBlock block, int size, uint document, uint frequency,
        ReadOnlySpan<byte> positions)
    {
        Span<byte> delta = stackalloc byte[Varint.SizeMax];
        Span<byte> count = stackalloc byte[Varint.SizeMax];
        delta = delta[..Varint.Write(delta, document - block.Last)];
        count = count[..Varint.Write(count, frequency)];
        int number = block.Count;
        int documentsEnd = PostingBlock.HeaderSize + block.DocumentsSize;
        int frequenciesEnd = documentsEnd + block.FrequenciesSize;
        int grown = size + delta.Length + count.Length + positions.Length;
        Span<byte> bytes = _postings.Resize(key, grown);
        bytes[frequenciesEnd..size].CopyTo(bytes[(frequenciesEnd + delta.Length + count.Length)..]);
        bytes[documentsEnd..frequenciesEnd].CopyTo(bytes[(documentsEnd + delta.Length)..]);
        delta.CopyTo(bytes[documentsEnd..]);
        count.CopyTo(bytes[(frequenciesEnd + delta.Length)..]);
        positions.CopyTo(bytes[(grown - positions.Length)..]);
        WriteHeader(bytes, number + 1, document, documentsEnd - PostingBlock.HeaderSize + delta.Length,
            frequenciesEnd - documentsEnd + count.Length);
    }

    private void PutFirst(ReadOnlySpan<byte> key, uint document, uint frequency, ReadOnlySpan<byte> positions)
    {
        Span<byte> count = stackalloc byte[Varint.SizeMax];
        count = count[..Varint.Write(count, frequency)];
        Span<byte> bytes = _postings.Resize(key, PostingBlock.HeaderSize + 1 + count.Length + positions.Length);
        int used = PostingBlock.HeaderSize + Varint.Write(bytes[PostingBlock.HeaderSize..], 0);
        WriteHeader(bytes, 1, document, used - PostingBlock.HeaderSize, count.Length);
        count.CopyTo(bytes[used..]);
        positions.CopyTo(bytes[(used + count.Length)..]);
    }

    private static void WriteHeader(Span<byte> block, int count, uint last, int documentsSize, int frequenciesSize)
    {
        Check.That(count is > 0 and <= PostingBlock.PostingsMax);
        BinaryPrimitives.WriteUInt16LittleEndian(block, (ushort)count);
        BinaryPrimitives.WriteUInt16LittleEndian(block[2..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], last);
        BinaryPrimitives.WriteInt32LittleEndian(block[8..], documentsSize);
        BinaryPrimitives.WriteInt32LittleEndian(block[12..], frequenciesSize);
    }

    /// <summary>Takes out a document that the term has.</summary>
    public void Remove(ulong namespaceNumber, ushort attribute, ReadOnlySpan<byte> term, uint document)
    {
        Keys key = new(stackalloc byte[KeySizeMax]);
        key.Namespace(namespaceNumber).Attribute(attribute).Term(term);
        int termSize = key.Size;
        key.Document(document);
        bool exists = _postings.TryFloor(
            key.Key, termSize, out ReadOnlySpan<byte> found, out ReadOnlySpan<byte> value);
        Check.That(exists && found.Length == key.Size);
        uint first = BinaryPrimitives.ReadUInt32BigEndian(found[termSize..]);
        int size = Without(new PostingBlock(value, first), document);
        CountDown(key.Key[..termSize], size == 0 ? first : TermEntry.NoBlock);
        key.Namespace(namespaceNumber).Attribute(attribute).Term(term).Document(first);
        if (size > 0)
        {
            _postings.Put(key.Key, _block.Slice(0, size));
            return;
        }
        bool removed = _postings.Remove(key.Key);
        Check.That(removed);
    }

    /// <summary>One document less has the term; if the block that goes with it was the term's last, the next posting
    /// begins a new one.</summary>
    private void CountDown(ReadOnlySpan<byte> termKey, uint blockGone)
    {
        bool exists = _terms.TryGet(termKey, out ReadOnlySpan<byte> value);
        Check.That(exists);
        ulong count = TermEntry.Count(value);
        Check.That(count > 0);
        if (count == 1)
        {
            _terms.Remove(termKey);
            return;
        }
        Span<byte> entry = _terms.Resize(termKey, TermEntry.Size);
        TermEntry.SetCount(entry, count - 1);
        if (TermEntry.LastBlock(entry) == blockGone) TermEntry.SetLastBlock(entry, TermEntry.NoBlock);
    }

    /// <summary>Writes the block without one posting to the buffer and returns its size; 0 if nothing is
    /// left.</summary>
    private int Without(in PostingBlock block, uint document)
    {
        Span<uint> documents = stackalloc uint[PostingBlock.PostingsMax];
        Span<uint> frequencies = stackalloc uint[PostingBlock.PostingsMax];
        block.Decode(documents, frequencies);
        int at = documents[..block.Count].BinarySearch(document);
        Check.That(at >= 0);
        if (block.Count == 1) return 0;
        Span<byte> bytes = _block.Span;
        int used = PostingBlock.HeaderSize;
        uint before = block.First;
        for (int i = 0; i < block.Count; i++)
        {
            if (i == at) continue;
            used += Varint.Write(bytes[used..], documents[i] - before);
            before = documents[i];
        }
        int documentsSize = used - PostingBlock.HeaderSize;
        for (int i = 0; i < block.Count; i++)
            if (i != at) used += Varint.Write(bytes[used..], frequencies[i]);
        int frequenciesSize = used - PostingBlock.HeaderSize - documentsSize;
        ReadOnlySpan<byte> positions = block.Positions;
        for (int i = 0; i < block.Count && !positions.IsEmpty; i++)
        {
            ReadOnlySpan<byte> start = positions;
            PostingBlock.NextPositions(ref positions, out _);
            ReadOnlySpan<byte> one = start[..(start.Length - positions.Length)];
            if (i == at) continue;
            one.CopyTo(bytes[used..]);
            used += one.Length;
        }
        WriteHeader(bytes, block.Count - 1, before, documentsSize, frequenciesSize);
        return used;
    }
}
