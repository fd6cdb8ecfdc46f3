using System;
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Columns;
using Deterministic.StateMachine.Namespaces;

using Deterministic.StateMachine.Postings;

namespace Deterministic.StateMachine.Documents;

/// <summary>Brings documents to life and to death in all trees at once. What a namespace's record and attribute
/// records count changes in the view; the caller saves it.</summary>
[FloatAllowed("norms of vectors in the canonical order")]
public sealed class DocumentStore
{
    private readonly Trees _trees;
    private readonly ComputeBackend _compute;
    private readonly TextIndex _text;
    private readonly SparseIndex _sparse;
    private readonly ColumnAppender _appender;
    private readonly VectorShrink _shrink;
    private readonly NativeBuffer _row;

    private readonly float[] _widened = new float[Limits.DimensionsMax];

    /// <summary>For keys of lookups whose results are handed out.</summary>
    private readonly byte[] _key = new byte[Keys.ChunkSize];

    public DocumentStore(StaticMemory memory, Trees trees, ComputeBackend compute, int rowSizeMax)
    {
        _compute = compute;
        _trees = trees;
        PostingLists lists = new(memory, trees.Terms, trees.Postings, TextIndex.PositionsSizeMax(rowSizeMax));
        _text = new TextIndex(memory, lists, rowSizeMax);
        _sparse = new SparseIndex(lists);
        _appender = new ColumnAppender(memory, rowSizeMax);
        _shrink = new VectorShrink(memory, trees, rowSizeMax);
        _row = memory.Take(rowSizeMax);
    }

    /// <summary>Key of a document id. Ids of one namespace are all of one kind, so that the kind is not part of the
    /// key.</summary>
    public static void AddIdKey(ref Keys key, ulong namespaceNumber, scoped in EncodedValue id)
    {
        key.Namespace(namespaceNumber);
        if (id.Kind != ValueKind.Uint)
        {
            key.Bytes(id.Payload);
            return;
        }
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(number, id.AsUint);
        key.Bytes(number);
    }

    /// <summary>The live document with the id, or 0.</summary>
    public uint Find(ulong namespaceNumber, scoped in EncodedValue id)
    {
        Keys key = new(stackalloc byte[8 + Limits.IdSizeMax]);
        AddIdKey(ref key, namespaceNumber, id);
        return _trees.Ids.TryGet(key.Key, out ReadOnlySpan<byte> value)
            ? BinaryPrimitives.ReadUInt32LittleEndian(value)
            : 0;
    }

    /// <summary>The row of a live document; valid until the next change.</summary>
    public DocumentRow Row(ulong namespaceNumber, uint document)
    {
        Keys key = new(_key);
        key.Namespace(namespaceNumber).Document(document);
        bool exists = _trees.Documents.TryGet(key.Key, out ReadOnlySpan<byte> row);
        Check.That(exists);
        return new DocumentRow(row);
    }

    /// <summary>The stored vector of a document; empty if it has none in that column.</summary>
    public ReadOnlySpan<byte> Vector(NamespaceView view, int slot, uint document)
    {
        ref AttributeRecord attribute = ref view.Attribute(slot);
        Keys key = new(_key);
        key.Namespace(view.Number).Attribute(attribute.Number).Chunk(document);
        if (!_trees.Vectors.TryFloor(
            key.Key, Keys.WindowSize, out ReadOnlySpan<byte> found, out ReadOnlySpan<byte> value)) return default;
        uint first = Keys.FirstOf(found);
        VectorChunk chunk = new(value, first, RowSize(attribute), IsCosine(view));
        uint index = document - first;
        if (index >= (uint)chunk.Count || !chunk.Has((int)index)) return default;
        return chunk.Packed(chunk.PackedIndex((int)index));
    }

    public static int RowSize(in AttributeRecord vector) =>
        (int)vector.Dimensions * AttributeTypes.VectorElementSize(vector.Type);

    public static bool IsCosine(NamespaceView view) => view.Record.Metric == DistanceMetric.CosineDistance;

    /// <summary>Before the first change of an operation.</summary>
    public void Begin(ulong op) => _shrink.Begin(op);

    /// <summary>Gives the document a number, an id entry, a row and a live bit. Columns, vectors and text follow for
    /// the whole batch in <see cref="Index"/>.</summary>
    public uint Add(NamespaceView view, ReadOnlySpan<byte> row, int vectorBytes)
    {
        uint document = view.Record.NextDocument++;
        Keys key = new(stackalloc byte[8 + Limits.IdSizeMax]);
        AddIdKey(ref key, view.Number, new DocumentRow(row).Id);
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(number, document);
        _trees.Ids.Put(key.Key, number);
        key.Namespace(view.Number).Document(document);
        _trees.Documents.Put(key.Key, row);
        SetLive(view.Number, document);
        view.Record.Rows++;
        view.Record.LogicalBytes += (ulong)(row.Length + vectorBytes);
        return document;
    }

    /// <summary>Ends a document's life; its id entry is the caller's to remove or overwrite.</summary>
    public void Kill(NamespaceView view, uint document)
    {
        Keys key = new(stackalloc byte[12]);
        key.Namespace(view.Number).Document(document);
        bool exists = _trees.Documents.TryGet(key.Key, out ReadOnlySpan<byte> stored);
        Check.That(exists);
        int bytes = stored.Length;
        Span<byte> row = _row.Slice(0, bytes);
        stored.CopyTo(row);
        for (int slot = 1; slot <= view.AttributeCount; slot++)
        {
            ref AttributeRecord attribute = ref view.Attribute(slot);
            if (AttributeTypes.IsVector(attribute.Type)) bytes += Vector(view, slot, document).Length;
        }
        DocumentRow.Enumerator attributes = new DocumentRow(row).Attributes;
        while (attributes.MoveNext())
        {
            ref AttributeRecord attribute = ref view.Attribute(attributes.Number);
            if (attribute.Type == AttributeType.SparseF16)
                _sparse.Remove(view.Number, attribute, document, attributes.Value);
            if ((attribute.Flags & AttributeFlags.FullText) == 0) continue;
            uint tokens = _text.Remove(view.Number, attribute, document, attributes.Value);
            Check.That(attribute.TextDocuments > 0 && attribute.TextTokens >= tokens);
            attribute.TextDocuments--;
            attribute.TextTokens -= tokens;
        }
        _trees.Documents.Remove(key.Key);
        Check.That(view.Record.Rows > 0);
        view.Record.Rows--;
        view.Record.LogicalBytes -= (ulong)bytes;
        ClearLive(view, document);
        for (int slot = 1; slot <= view.AttributeCount; slot++)
        {
            ref AttributeRecord attribute = ref view.Attribute(slot);
            if (!AttributeTypes.IsVector(attribute.Type)) continue;
            _shrink.AfterDeath(Column(view, attribute), slot, document);
        }
    }

    public void RemoveId(ulong namespaceNumber, scoped in EncodedValue id)
    {
        Keys key = new(stackalloc byte[8 + Limits.IdSizeMax]);
        AddIdKey(ref key, namespaceNumber, id);
        bool removed = _trees.Ids.Remove(key.Key);
        Check.That(removed);
    }

    /// <summary>Adds columns, token counts, postings and vectors of a batch of new documents, one attribute after
    /// another.</summary>
    public void Index(NamespaceView view, RowStage stage, int from)
    {
        EndDeaths(view);
        if (from == stage.Count) return;
        IndexIds(view, stage, from);
        for (int slot = 1; slot <= view.AttributeCount; slot++)
        {
            ref AttributeRecord attribute = ref view.Attribute(slot);
            if (AttributeTypes.IsVector(attribute.Type)) IndexVectors(view, attribute, stage, from);
            else if (attribute.Type == AttributeType.SparseF16) IndexSparse(view, attribute, stage, from);
            else IndexValues(view, ref attribute, stage, from);
        }
    }

    private void EndDeaths(NamespaceView view)
    {
        for (int slot = 1; slot <= view.AttributeCount; slot++)
        {
            ref AttributeRecord attribute = ref view.Attribute(slot);
            if (AttributeTypes.IsVector(attribute.Type)) _shrink.EndDeaths(Column(view, attribute), slot);
        }
    }

    private static VectorColumn Column(NamespaceView view, in AttributeRecord attribute) => new()
    {
        Namespace = view.Number, Attribute = attribute.Number, RowSize = RowSize(attribute), IsCosine = IsCosine(view),
    };

    private void IndexIds(NamespaceView view, RowStage stage, int from)
    {
        _appender.BeginColumn(_trees.Columns, view.Number, 0, AttributeTypes.ColumnWidth(view.Record.IdType));
        for (int i = from; i < stage.Count; i++)
        {
            ref StagedRow row = ref stage[i];
            if (row.NewDocument == 0) continue;
            _appender.Append(row.NewDocument, new DocumentRow(stage.Bytes(row)).Id.Payload);
        }
        _appender.End();
    }

    private void IndexVectors(NamespaceView view, in AttributeRecord attribute, RowStage stage, int from)
    {
        int column = stage.VectorColumn(attribute.Number);
        if (column < 0) return;
        bool cosine = IsCosine(view);
        _appender.BeginVectors(_trees.Vectors, view.Number, attribute.Number, RowSize(attribute), cosine);
        for (int i = from; i < stage.Count; i++)
        {
            ref StagedRow row = ref stage[i];
            if (row.NewDocument == 0) continue;
            ReadOnlySpan<byte> vector = stage.Vector(row, column);
            if (vector.IsEmpty) continue;
            float norm = cosine ? InverseNorm(vector, attribute.Type) : 0;
            _appender.Append(row.NewDocument, vector, norm);
        }
        _appender.End();
    }

    private void IndexSparse(NamespaceView view, in AttributeRecord attribute, RowStage stage, int from)
    {
        for (int i = from; i < stage.Count; i++)
        {
            ref StagedRow row = ref stage[i];
            if (row.NewDocument != 0 && stage.TryFind(ref row, attribute.Number, out EncodedValue value))
                _sparse.Add(view.Number, attribute, row.NewDocument, value);
        }
    }

    private void IndexValues(NamespaceView view, ref AttributeRecord attribute, RowStage stage, int from)
    {
        bool filterable = (attribute.Flags & AttributeFlags.Filterable) != 0;
        bool fullText = (attribute.Flags & AttributeFlags.FullText) != 0;
        if (!filterable && !fullText) return;
        if (filterable)
        {
            BeginColumn(view, attribute);
            for (int i = from; i < stage.Count; i++)
            {
                ref StagedRow row = ref stage[i];
                if (row.NewDocument != 0 && stage.TryFind(ref row, attribute.Number, out EncodedValue value))
                    AppendValue(row.NewDocument, value);
            }
            _appender.End();
        }
        if (!fullText) return;
        BeginTokenCounts(view, attribute);
        for (int i = from; i < stage.Count; i++)
        {
            ref StagedRow row = ref stage[i];
            if (row.NewDocument != 0 && stage.TryFind(ref row, attribute.Number, out EncodedValue value))
                AddText(view, ref attribute, row.NewDocument, value);
        }
        _appender.End();
    }

    /// <summary>Builds the column of an attribute that has just become filterable from the rows.</summary>
    public void BuildColumn(NamespaceView view, int slot)
    {
        BeginColumn(view, view.Attribute(slot));
        LiveDocuments live = new(_trees.Liveness, view.Number, view.Record.NextDocument);
        while (live.MoveNext())
        {
            if (CopyOfRow(view.Number, live.Document).TryFind((ushort)slot, out EncodedValue value))
                AppendValue(live.Document, value);
        }
        _appender.End();
    }

    /// <summary>Builds postings and token counts of an attribute that has just become full-text from the
    /// rows.</summary>
    public void BuildText(NamespaceView view, int slot)
    {
        ref AttributeRecord attribute = ref view.Attribute(slot);
        BeginTokenCounts(view, attribute);
        LiveDocuments live = new(_trees.Liveness, view.Number, view.Record.NextDocument);
        while (live.MoveNext())
        {
            if (CopyOfRow(view.Number, live.Document).TryFind((ushort)slot, out EncodedValue value))
                AddText(view, ref attribute, live.Document, value);
        }
        _appender.End();
    }

    /// <summary>Adds what <see cref="BuildText"/> would need.</summary>
    public void MeasureText(NamespaceView view, int slot, ref StateGrowth growth)
    {
        LiveDocuments live = new(_trees.Liveness, view.Number, view.Record.NextDocument);
        while (live.MoveNext())
            if (Row(view.Number, live.Document).TryFind((ushort)slot, out EncodedValue value))
                _text.Measure(view.Attribute(slot), value, ref growth);
    }

    /// <summary>Asks for the terms of a value and, per term, for the postings of a document; the greatest number stands
    /// for new documents.</summary>
    public void TouchPostings(
        ulong namespaceNumber, in AttributeRecord attribute, uint document, scoped in EncodedValue value)
    {
        Check.That(attribute.HasPostings);
        if (attribute.Type == AttributeType.SparseF16) _sparse.Touch(namespaceNumber, attribute, document, value);
        else _text.Touch(namespaceNumber, attribute, document, value);
    }

    /// <summary>Stays as it is while the trees change; valid until the next copy.</summary>
    private DocumentRow CopyOfRow(ulong namespaceNumber, uint document)
    {
        DocumentRow stored = Row(namespaceNumber, document);
        Span<byte> row = _row.Slice(0, stored.Bytes.Length);
        stored.Bytes.CopyTo(row);
        return new DocumentRow(row);
    }

    public void DropColumn(NamespaceView view, int slot, bool tokenCounts)
    {
        int number = tokenCounts ? slot | Keys.TokenCountColumn : slot;
        Keys key = new(stackalloc byte[10]);
        key.Namespace(view.Number).Attribute((ushort)number);
        _trees.Columns.RemovePrefix(key.Key, int.MaxValue);
    }

    public void DropText(NamespaceView view, int slot)
    {
        DropColumn(view, slot, tokenCounts: true);
        Keys key = new(stackalloc byte[10]);
        key.Namespace(view.Number).Attribute((ushort)slot);
        _trees.Postings.RemovePrefix(key.Key, int.MaxValue);
        _trees.Terms.RemovePrefix(key.Key, int.MaxValue);
        ref AttributeRecord attribute = ref view.Attribute(slot);
        attribute.TextDocuments = 0;
        attribute.TextTokens = 0;
    }

    private float InverseNorm(ReadOnlySpan<byte> vector, AttributeType type)
    {
        if (type == AttributeType.VectorF32)
            return Normalisation.InverseNorm(_compute, MemoryMarshal.Cast<byte, float>(vector));
        ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(vector);
        for (int i = 0; i < halves.Length; i++) _widened[i] = (float)halves[i];
        return Normalisation.InverseNorm(_compute, _widened.AsSpan(0, halves.Length));
    }

    private void BeginColumn(NamespaceView view, in AttributeRecord attribute) => _appender.BeginColumn(
        _trees.Columns, view.Number, attribute.Number, AttributeTypes.ColumnWidth(attribute.Type));

    private void BeginTokenCounts(NamespaceView view, in AttributeRecord attribute) => _appender.BeginColumn(
        _trees.Columns, view.Number, (ushort)(attribute.Number | Keys.TokenCountColumn),
            AttributeTypes.TokenCountWidth);

    private void AppendValue(uint document, in EncodedValue value)
    {
        if (value.Kind is ValueKind.True or ValueKind.False)
            _appender.Append(document, value.AsBool ? [1] : [0]);
        else
            _appender.Append(document, value.Payload);
    }

    private void AddText(NamespaceView view, ref AttributeRecord attribute, uint document, in EncodedValue value)
    {
        uint tokens = _text.Add(view.Number, attribute, document, value);
        attribute.TextDocuments++;
        attribute.TextTokens += tokens;
        Span<byte> count = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(count, tokens);
        _appender.Append(document, count);
    }

    private void SetLive(ulong namespaceNumber, uint document)
    {
        uint window = document / Limits.WindowDocuments;
        Keys key = new(stackalloc byte[12]);
        key.Namespace(namespaceNumber).Document(window);
        Span<byte> bits = _trees.Liveness.Resize(key.Key, Limits.WindowDocuments / 8);
        bool first = !bits.ContainsAnyExcept((byte)0);
        ChunkLayout.Set(bits, (int)(document % Limits.WindowDocuments));
        if (first) LiveWindows.Mark(_trees.Liveness, namespaceNumber, window);
    }

    private void ClearLive(NamespaceView view, uint document)
    {
        uint window = document / Limits.WindowDocuments;
        Keys key = new(stackalloc byte[12]);
        key.Namespace(view.Number).Document(window);
        Span<byte> bits = _trees.Liveness.Resize(key.Key, Limits.WindowDocuments / 8);
        int bit = (int)(document % Limits.WindowDocuments);
        Check.That(ChunkLayout.IsSet(bits, bit));
        ChunkLayout.Clear(bits, bit);
        if (bits.ContainsAnyExcept((byte)0)) return;
        _trees.Liveness.Remove(key.Key);
        LiveWindows.Unmark(_trees.Liveness, view.Number, window);
        RemoveWindow(view, TreeId.Columns, 0, window);
        for (int slot = 1; slot <= view.AttributeCount; slot++)
        {
            AttributeRecord attribute = view.Attribute(slot);
            if (AttributeTypes.IsVector(attribute.Type)) RemoveWindow(view, TreeId.Vectors, (ushort)slot, window);
            if ((attribute.Flags & AttributeFlags.Filterable) != 0)
                RemoveWindow(view, TreeId.Columns, (ushort)slot, window);
            if ((attribute.Flags & AttributeFlags.FullText) != 0)
                RemoveWindow(view, TreeId.Columns, (ushort)(slot | Keys.TokenCountColumn), window);
        }
    }

    private void RemoveWindow(NamespaceView view, TreeId tree, ushort attribute, uint window)
    {
        Keys key = new(stackalloc byte[Keys.WindowSize]);
        key.Namespace(view.Number).Attribute(attribute).Document(window);
        _trees[tree].RemovePrefix(key.Key, int.MaxValue);
    }
}
