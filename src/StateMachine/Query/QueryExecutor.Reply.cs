using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Columns;
using Deterministic.StateMachine.Documents;

namespace Deterministic.StateMachine.Query;

public sealed partial class QueryExecutor
{
    private readonly ushort[] _nameIndexes = new ushort[Limits.AttributesPerNamespaceMax + 1];
    private readonly byte[] _documentKey = new byte[8 + 4];
    private readonly byte[] _vectorKey = new byte[Keys.ChunkSize];

    /// <summary>Writes what has been ranked.</summary>
    /// <param name="body">The request.</param>
    /// <param name="ranked">What ranking it has led to.</param>
    /// <param name="isRead">Whether its only sub-query is still in the plan.</param>
    /// <param name="reply">Takes the answer.</param>
    private int Render(ReadOnlySpan<byte> body, in RankedRequest ranked, bool isRead, Span<byte> reply)
    {
        WireWriter writer = new(reply);
        writer.U16((ushort)ErrorCode.Ok);
        _bytesRead = ranked.BytesRead;
        _highlighter.Work = 0;
        WireReader reader = default;
        if (!isRead) reader = OpenAgain(body);
        writer.U8(ranked.IsFused ? (byte)1 : (byte)_queries);
        ErrorText unused = new(_unusedError);
        for (int i = 0; i < ranked.ListCount; i++)
        {
            bool read = isRead || _plan.TryRead(ref reader, ref unused);
            Check.That(read);
            RankedList list = _lists.List(ranked, i);
            if (list.IsBytes) writer.Bytes(_lists.Bytes(list));
            if (list.IsBytes) continue;
            _filters.BeginWork();
            if (!TryCompute(_lists.Rows(list))) return TooLarge(reply);
            ErrorText error = new(reply);
            if (!_filters.TryEndWork(ref error)) return error.Size;
            WriteRows(body, _lists.Rows(list), ranked.IsFused || _plan.OrderCount == 0, ref writer);
            if (_highlighter.WorkExceeded && !writer.Overflowed) return TooMuchHighlighted(reply);
        }
        writer.U64(_view.Record.Rows);
        writer.U64(ranked.Exhaustive);
        writer.U64((ulong)_bytesRead);
        return writer.Overflowed ? TooLarge(reply) : writer.Position;
    }

    /// <summary>Opens the request's namespace and returns a reader at its first sub-query.</summary>
    private WireReader OpenAgain(ReadOnlySpan<byte> body)
    {
        WireReader reader = new(body);
        ErrorText unused = new(_unusedError);
        _partRead = NoPart;
        bool opened = TryHeader(ref reader, out ReadOnlySpan<byte> name, ref unused) && _view.TryOpen(name);
        Check.That(opened);
        _filters.Begin();
        return reader;
    }

    private static int TooLarge(Span<byte> reply)
    {
        ErrorText error = new(reply);
        error.Begin(ErrorCode.ReplyTooLarge).Text("the answer is larger than one message of "u8)
            .Number((long)reply.Length).Text(" bytes; lower top_k or limit, or name fewer attributes in "u8)
            .Text("include_attributes"u8);
        return error.Size;
    }

    private static int TooMuchHighlighted(Span<byte> reply)
    {
        ErrorText error = new(reply);
        error.Begin(ErrorCode.LimitExceeded).Text("highlights need more than "u8)
            .Number(Limits.HighlightWorkMax).Text(" steps; lower top_k or limit, or highlight shorter texts"u8);
        return error.Size;
    }

    private void WriteRows(
        ReadOnlySpan<byte> body, ReadOnlySpan<RankedRow> rows, bool withScore, ref WireWriter writer)
    {
        bool computed = _plan.Computed.Length > 0;
        writer.U8((byte)(computed ? ResultKind.RowsWithComputed : ResultKind.Rows));
        int countAt = writer.ReserveU16();
        ushort names = 0;
        bool vectors = false;
        for (int slot = 1; slot <= _view.AttributeCount; slot++)
        {
            if (!_plan.Includes(slot)) continue;
            _nameIndexes[slot] = names++;
            writer.Name(_view.AttributeName(slot));
            vectors |= AttributeTypes.IsVector(_view.Attribute(slot).Type);
        }
        writer.PatchU16(countAt, names);
        if (computed) WriteLabels(body, ref writer);
        writer.U32((uint)rows.Length);
        Keys key = new(_documentKey);
        for (int i = 0; i < rows.Length; i++)
        {
            ref readonly RankedRow row = ref rows[i];
            key.Namespace(_view.Number).Document(row.Document);
            bool exists = _trees.Documents.TryGet(key.Key, out ReadOnlySpan<byte> bytes);
            Check.That(exists);
            _bytesRead += bytes.Length;
            DocumentRow document = new(bytes);
            document.Id.Write(ref writer);
            writer.U8(withScore ? (byte)1 : (byte)0);
            if (withScore) writer.F32(row.Score);
            WriteAttributes(document, row.Document, vectors, ref writer);
            if (computed) WriteComputed(document, i, ref writer);
            if (writer.Overflowed || _highlighter.WorkExceeded) return;
        }
    }

    private void WriteAttributes(DocumentRow document, uint number, bool vectors, ref WireWriter writer)
    {
        int countAt = writer.ReserveU16();
        int count = 0;
        DocumentRow.Enumerator attributes = document.Attributes;
        while (attributes.MoveNext())
        {
            bool known = _view.TryFindNumber(attributes.Number, out int slot);
            Check.That(known);
            if (!_plan.Includes(slot)) continue;
            writer.U16(_nameIndexes[slot]);
            attributes.Value.Write(ref writer);
            count++;
        }
        for (int slot = 1; vectors && slot <= _view.AttributeCount; slot++)
        {
            bool vector = _plan.Includes(slot) && AttributeTypes.IsVector(_view.Attribute(slot).Type);
            if (vector && WriteVector(slot, number, ref writer)) count++;
        }
        writer.PatchU16(countAt, count);
    }

    /// <summary>Writes name index and elements as f32; false if the document has no such vector.</summary>
    private bool WriteVector(int slot, uint document, ref WireWriter writer)
    {
        ref AttributeRecord attribute = ref _view.Attribute(slot);
        if (!TryVector(slot, document, out VectorChunk chunk, out int index)) return false;
        int elementSize = AttributeTypes.VectorElementSize(attribute.Type);
        ReadOnlySpan<byte> row = chunk.Packed(index);
        _bytesRead += row.Length;
        writer.U16(_nameIndexes[slot]);
        writer.U8((byte)ValueKind.Vector);
        writer.U32(attribute.Dimensions);
        if (elementSize == 4)
        {
            writer.Bytes(row);
            return true;
        }
        for (int i = 0; i < row.Length; i += 2) writer.F32((float)BinaryPrimitives.ReadHalfLittleEndian(row[i..]));
        return true;
    }

    /// <summary>The chunk of a document's vector, and its place among those that are there.</summary>
    private bool TryVector(int slot, uint document, out VectorChunk chunk, out int packed)
    {
        chunk = default;
        packed = 0;
        ref AttributeRecord attribute = ref _view.Attribute(slot);
        Keys key = new(_vectorKey);
        key.Namespace(_view.Number).Attribute(attribute.Number).Chunk(document);
        if (!_trees.Vectors.TryFloor(
            key.Key, Keys.WindowSize, out ReadOnlySpan<byte> found, out ReadOnlySpan<byte> value)) return false;
        uint first = Keys.FirstOf(found);
        int rowSize = (int)attribute.Dimensions * AttributeTypes.VectorElementSize(attribute.Type);
        chunk = new VectorChunk(value, first, rowSize, _view.Record.Metric == DistanceMetric.CosineDistance);
        uint index = document - first;
        if (index >= (uint)chunk.Count || !chunk.Has((int)index)) return false;
        packed = chunk.PackedIndex((int)index);
        return true;
    }
}
