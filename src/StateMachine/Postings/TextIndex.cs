using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Text;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Postings;

/// <summary>Keeps <see cref="TreeId.Terms"/> and <see cref="TreeId.Postings"/> of full-text attributes equal to what
/// the live documents hold: a document is added once, above all documents before it, and removed by analysing its old
/// text again. A term's entry names the last block of its postings, so that adding to it takes two reads of single
/// keys and no search.</summary>
public sealed class TextIndex
{
    private const int KeySizeMax = Keys.SizeMax;

    private readonly Tree _terms;
    private readonly Tree _postings;
    private readonly Analyzer _analyzer;
    private readonly TokenBuffer _tokens;
    private readonly NativeBuffer _order;
    private readonly NativeBuffer _scratch;
    private readonly NativeBuffer _positions;
    private readonly NativeBuffer _block;

    public TextIndex(StaticMemory memory, Tree terms, Tree postings, int textSizeMax)
    {
        Check.That(textSizeMax > 0);
        _terms = terms;
        _postings = postings;
        _analyzer = new Analyzer(memory);
        int tokensMax = textSizeMax;
        _tokens = new TokenBuffer(memory, tokensMax, 6 * textSizeMax);
        _order = memory.Take(4L * tokensMax);
        _scratch = memory.Take(4L * tokensMax);
        _positions = memory.Take((long)Varint.SizeMax * (tokensMax + 1));
        _block = memory.Take((long)Varint.SizeMax * (tokensMax + 1) + 2 * PostingBlock.SizeSoftMax + 4096);
    }

    /// <summary>Indexes one value and returns the number of its tokens.</summary>
    public uint Add(ulong namespaceNumber, in AttributeRecord attribute, uint document, in EncodedValue text)
    {
        Span<int> order = Analyze(attribute, text);
        int start = 0;
        while (start < order.Length)
        {
            int end = GroupEnd(order, start);
            AddPosting(namespaceNumber, attribute.Number, document, order[start..end]);
            start = end;
        }
        return (uint)order.Length;
    }

    /// <summary>Adds what <see cref="Add"/> may need for one value.</summary>
    public void Measure(in AttributeRecord attribute, in EncodedValue text, ref StateGrowth growth)
    {
        Span<int> order = Analyze(attribute, text);
        long terms = 0;
        long termBytes = 0;
        for (int start = 0; start < order.Length; start = GroupEnd(order, start))
        {
            terms++;
            termBytes += _tokens.Text(order[start]).Length;
        }
        growth.AddTerms(terms, termBytes, order.Length);
    }

    /// <summary>Asks for what adding or removing one value needs; nothing is analysed if all terms and postings of the
    /// attribute are in memory.</summary>
    public void Touch(
        ulong namespaceNumber, in AttributeRecord attribute, uint document, scoped in EncodedValue text)
    {
        Keys key = new(stackalloc byte[KeySizeMax]);
        key.Namespace(namespaceNumber).Attribute(attribute.Number);
        if (_terms.IsResident(key.Key) && _postings.IsResident(key.Key)) return;
        Span<int> order = Analyze(attribute, text);
        for (int start = 0; start < order.Length; start = GroupEnd(order, start))
        {
            key.Namespace(namespaceNumber).Attribute(attribute.Number).Term(_tokens.Text(order[start]));
            int termSize = key.Size;
            _terms.Touch(key.Key);
            _postings.TouchFloor(key.Document(document).Key, termSize);
        }
    }

    /// <summary>Takes one value out again and returns the number of its tokens.</summary>
    public uint Remove(ulong namespaceNumber, in AttributeRecord attribute, uint document, in EncodedValue text)
    {
        Span<int> order = Analyze(attribute, text);
        int start = 0;
        while (start < order.Length)
        {
            int end = GroupEnd(order, start);
            RemovePosting(namespaceNumber, attribute.Number, document, _tokens.Text(order[start]));
            start = end;
        }
        return (uint)order.Length;
    }

    /// <summary>The tokens of a string, or of all elements of an array of strings, in the order of terms, then
    /// positions.</summary>
    private Span<int> Analyze(in AttributeRecord attribute, scoped in EncodedValue text)
    {
        _tokens.Clear();
        if (text.Kind == Core.Model.ValueKind.String)
        {
            _analyzer.Analyze(attribute.Text, text.Payload, _tokens);
        }
        else
        {
            WireReader elements = text.Elements;
            for (int i = 0; i < text.ElementCount; i++)
            {
                EncodedValue element = EncodedValue.Read(ref elements, element: true);
                if (!_analyzer.Analyze(attribute.Text, element.Payload, _tokens, _tokens.NextPosition)) break;
            }
        }
        Span<int> order = _order.As<int>()[.._tokens.Count];
        for (int i = 0; i < order.Length; i++) order[i] = i;
        IndexSort.Sort(order, _scratch.As<int>(), new TermOrder(_tokens));
        return order;
    }

    private int GroupEnd(Span<int> order, int start)
    {
        ReadOnlySpan<byte> term = _tokens.Text(order[start]);
        int end = start + 1;
        while (end < order.Length && _tokens.Text(order[end]).SequenceEqual(term)) end++;
        return end;
    }

    private void AddPosting(ulong namespaceNumber, ushort attribute, uint document, ReadOnlySpan<int> tokens)
    {
        Keys key = new(stackalloc byte[KeySizeMax]);
        key.Namespace(namespaceNumber).Attribute(attribute).Term(_tokens.Text(tokens[0]));
        int prefix = key.Size;
        Span<byte> entry = _terms.Resize(key.Key, TermEntry.Size);
        TermEntry.SetCount(entry, TermEntry.Count(entry) + 1);
        uint first = TermEntry.LastBlock(entry);

        ReadOnlySpan<byte> positions = EncodePositions(tokens);
        if (first != TermEntry.NoBlock)
        {
            key.Document(first);
            bool exists = _postings.TryGet(key.Key, out ReadOnlySpan<byte> value);
            Check.That(exists);
            PostingBlock last = new(value, first);
            Check.That(last.Last < document);
            if (last.Count < PostingBlock.PostingsMax && value.Length + positions.Length < PostingBlock.SizeSoftMax)
            {
                Append(key.Key, last, value.Length, document, (uint)tokens.Length, positions);
                return;
            }
        }
        TermEntry.SetLastBlock(entry, document);
        key.Namespace(namespaceNumber).Attribute(attribute).Term(_tokens.Text(tokens[0])).Document(document);
        Check.That(key.Size == prefix + 4);
        PutFirst(key.Key, document, (uint)tokens.Length, positions);
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

    /// <summary>Size, then differences of positions: a posting's part of section 3.</summary>
    private ReadOnlySpan<byte> EncodePositions(ReadOnlySpan<int> tokens)
    {
        Span<byte> bytes = _positions.Span;
        int used = Varint.SizeMax;
        int before = 0;
        foreach (int token in tokens)
        {
            int position = _tokens.Position(token);
            used += Varint.Write(bytes[used..], (uint)(position - before));
            before = position;
        }
        Span<byte> size = stackalloc byte[Varint.SizeMax];
        size = size[..Varint.Write(size, (uint)(used - Varint.SizeMax))];
        int start = Varint.SizeMax - size.Length;
        size.CopyTo(bytes[start..]);
        return bytes[start..used];
    }

    private void RemovePosting(ulong namespaceNumber, ushort attribute, uint document, ReadOnlySpan<byte> term)
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
        for (int i = 0; i < block.Count; i++)
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

    private readonly struct TermOrder(TokenBuffer tokens) : IIndexOrder
    {
        public int Compare(int left, int right)
        {
            int order = tokens.Text(left).SequenceCompareTo(tokens.Text(right));
            return order != 0 ? order : left.CompareTo(right);
        }
    }
}
