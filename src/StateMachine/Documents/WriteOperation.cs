using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Namespaces;

namespace Deterministic.StateMachine.Documents;

/// <summary>One atomic write (<see cref="WriteRequest"/>): the whole request is checked and staged first, and only then
/// changes anything, so an answer with an error means that nothing happened.</summary>
public sealed partial class WriteOperation
{
    private const int RowSizeMin = 6;

    private readonly Trees _trees;
    private readonly NamespaceView _view;
    private readonly DocumentStore _store;
    private readonly RowStage _stage;
    private readonly RowReader _rows;
    private readonly SchemaChange _schema = new();
    private readonly NativeBuffer _order;
    private readonly NativeBuffer _scratch;
    private readonly int _rowSizeMax;
    private WriteFlags _flags;
    private WriteKinds _kinds;
    private int _upserts;
    private int _patches;
    private int _deletes;
    private bool _isNew;
    private StateGrowth _growth;

    public WriteOperation(
        StaticMemory memory, Trees trees, NamespaceView view, DocumentStore store, FilterProgram filter,
        int messageSizeMax)
    {
        _filter = filter;
        _deleteMatches = new MatchList(memory, Limits.ByFilterRowsMax);
        _patchMatches = new MatchList(memory, Limits.ByFilterRowsMax);
        _trees = trees;
        _view = view;
        _store = store;
        _rowSizeMax = messageSizeMax;
        int rowsMax = messageSizeMax / RowSizeMin + 1;
        _stage = new RowStage(
            memory, 2 * (rowsMax + Limits.ByFilterRowsMax), WriteLimits.StageSize + MatchIdsSizeMax);
        _rows = new RowReader(view, _stage);
        _order = memory.Take(4L * rowsMax);
        _scratch = memory.Take(4L * rowsMax);
    }

    public int Execute(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        ErrorText error = new(reply);
        WireReader reader = new(body);
        if (!TryRead(context, ref reader, body, ref error)) return error.Size;
        if (!TryCheckWhole(reply, ref error)) return error.Size;
        return Apply(context, reply);
    }

    private bool TryRead(
        in OperationContext context, ref WireReader reader, ReadOnlySpan<byte> body, ref ErrorText error)
    {
        ReadOnlySpan<byte> name = reader.Name();
        _flags = (WriteFlags)reader.U8();
        DistanceMetric metric = (DistanceMetric)reader.U8();
        if (reader.Failed || (_flags & ~WriteFlags.All) != 0) return error.Malformed("write"u8);
        if (!NamespaceOperations.TryCheckName(name, ref error)) return false;
        _isNew = !_view.TryOpen(name);
        if (_isNew) _view.Create(name, NamespaceOperations.NextNumber(_trees), context.Timestamp);
        _stage.Clear();
        _kinds = WriteKinds.None;
        _schema.Begin(_view);
        if (!_schema.TryRead(ref reader, _view, ref error)) return false;
        if (!TrySkipFilters(ref reader, body, ref error)) return false;
        if (!TryRows(ref reader, body, ref error)) return false;
        if (!reader.AtEnd) return error.Malformed("bytes behind the deletes"u8);
        if (_isNew && _upserts == 0)
        {
            error.Begin(ErrorCode.NamespaceNotFound).Text("namespace "u8).Name(name).Text(" was not found"u8);
            return false;
        }
        return TryMetric(metric, ref error) && TryCompile(body, ref error);
    }

    private bool TryRows(ref WireReader reader, ReadOnlySpan<byte> body, ref ErrorText error)
    {
        if (!_rows.TryNames(ref reader, ref error)) return false;
        return TryRows(ref reader, body, StagedKind.Upsert, out _upserts, ref error) &&
            TryRows(ref reader, body, StagedKind.Patch, out _patches, ref error) &&
            TryRows(ref reader, body, StagedKind.Delete, out _deletes, ref error);
    }

    private bool TryRows(
        ref WireReader reader, ReadOnlySpan<byte> body, StagedKind kind, out int rows, ref ErrorText error)
    {
        uint count = reader.U32();
        rows = 0;
        if (reader.Failed || count > (uint)reader.Remaining) return error.Malformed("rows"u8);
        for (uint i = 0; i < count; i++)
            if (!_rows.TryRow(ref reader, body, kind, i, ref error)) return false;
        rows = (int)count;
        if (rows > 0)
        {
            _kinds |= kind switch
            {
                StagedKind.Upsert => WriteKinds.Upsert,
                StagedKind.Patch => WriteKinds.Patch,
                _ => WriteKinds.Delete,
            };
        }
        return true;
    }

    private bool TryMetric(DistanceMetric metric, ref ErrorText error)
    {
        ref NamespaceRecord record = ref _view.Record;
        if (metric > DistanceMetric.EuclideanSquared)
        {
            error.Begin(ErrorCode.InvalidArgument).Text("distance_metric "u8).Number((long)metric)
                .Text(" is unknown"u8);
            return false;
        }
        if (record.VectorColumns == 0) return true;
        if (record.Metric == DistanceMetric.Unspecified && metric == DistanceMetric.Unspecified)
        {
            error.Begin(ErrorCode.DistanceMetricMissing)
                .Text("distance_metric must be specified for write to namespace with a vector"u8);
            return false;
        }
        if (record.Metric == DistanceMetric.Unspecified) record.Metric = metric;
        if (metric == DistanceMetric.Unspecified || metric == record.Metric) return true;
        error.Begin(ErrorCode.DistanceMetricMismatch).Text("distance metric mismatch, expected "u8)
            .Text(MetricName(record.Metric)).Text(", got "u8).Text(MetricName(metric));
        return false;
    }

    private static ReadOnlySpan<byte> MetricName(DistanceMetric metric) =>
        metric == DistanceMetric.CosineDistance ? "cosine_distance"u8 : "euclidean_squared"u8;

    /// <summary>What can only be judged with all rows at hand: duplicates, document numbers, size of the state, of the
    /// rows that patches lead to and of the reply.</summary>
    private bool TryCheckWhole(ReadOnlySpan<byte> reply, ref ErrorText error)
    {
        if (!TryUnique(ref error)) return false;
        if (!TryMatch(ref error)) return false;
        int requested = _stage.Count + _patchMatches.Count;
        if (_view.Record.NextDocument > uint.MaxValue - (uint)requested - 1)
        {
            error.Begin(ErrorCode.LimitExceeded).Text("namespace has used all of its "u8).Number((long)uint.MaxValue)
                .Text(" document versions"u8);
            return false;
        }
        if (_schema.RebuildsIndexes(_view) && _view.Record.Rows > WriteLimits.IndexRowsMax)
        {
            error.Begin(ErrorCode.SchemaConflict).Text("indexes of a namespace of "u8).Number(_view.Record.Rows)
                .Text(" rows cannot be changed, limit is "u8).Number((long)WriteLimits.IndexRowsMax);
            return false;
        }
        _growth = default;
        if (!TryMeasurePatches(ref error)) return false;
        if (!TryFitState(ref error)) return false;
        return TryFitReply(reply, ref error);
    }

    private bool TryUnique(ref ErrorText error)
    {
        Span<int> order = _order.As<int>()[..(_stage.Count - _first)];
        for (int i = 0; i < order.Length; i++) order[i] = _first + i;
        IndexSort.Sort(order, _scratch.As<int>(), new IdOrder(_stage));
        for (int i = 1; i < order.Length; i++)
        {
            EncodedValue id = Id(order[i]);
            if (!id.Payload.SequenceEqual(Id(order[i - 1]).Payload)) continue;
            error.Begin(ErrorCode.DuplicateId).Text("id "u8);
            if (id.Kind == ValueKind.Uint) error.Number(id.AsUint);
            else if (id.Kind == ValueKind.String) error.Name(id.Payload);
            else DescribeUuid(id.Payload, ref error);
            error.Text(" is in this request more than once"u8);
            return false;
        }
        return true;
    }

    private static void DescribeUuid(ReadOnlySpan<byte> uuid, ref ErrorText error)
    {
        ReadOnlySpan<byte> digits = "0123456789abcdef"u8;
        foreach (byte b in uuid) error.Text(digits.Slice(b >> 4, 1)).Text(digits.Slice(b & 15, 1));
    }

    /// <summary>Bytes of the rows and vectors that the patched documents will have; no patch may make the stage run
    /// over, or a row longer than a row that can be written at once.</summary>
    private bool TryMeasurePatches(ref ErrorText error)
    {
        long bytes = _patchMatches.Bytes;
        for (int i = 0; i < _patchMatches.Count; i++)
            if (!TryMeasurePatch(_patchMatches[i], _stage[0], patchedBefore: false, ref error)) return false;
        int vectorBytes = VectorRowBytes();
        int end = _first + _upserts + _patches;
        for (int i = _first + _upserts; i < end; i++)
        {
            uint document = _store.Find(_view.Number, Id(i));
            if (document == 0) continue;
            bool patchedBefore = _patchMatches.Contains(document);
            if (!TryMeasurePatch(document, _stage[i], patchedBefore, ref error)) return false;
            bytes += _store.Row(_view.Number, document).Bytes.Length + _stage[i].Size + PatchValuesSize + vectorBytes;
        }
        if (bytes <= WriteLimits.StageSize - _stage.BytesUsed) return true;
        error.Begin(ErrorCode.LimitExceeded).Text("patched rows take "u8).Number(bytes)
            .Text(" bytes, limit of one request is "u8).Number((long)WriteLimits.StageSize);
        return false;
    }

    /// <summary>A row that is patched by filter and again by id is judged as if both patches only added.</summary>
    private bool TryMeasurePatch(uint document, in StagedRow staged, bool patchedBefore, ref ErrorText error)
    {
        DocumentRow old = _store.Row(_view.Number, document);
        DocumentRow patch = new(_stage.Bytes(staged));
        _growth.AddRow(_view, VectorRowBytes());
        _growth.AddValues(_view, old);
        _growth.AddValues(_view, patch);
        long size = old.Bytes.Length + (long)staged.Size;
        if (patchedBefore)
        {
            _growth.AddValues(_view, new DocumentRow(_stage.Bytes(_stage[0])));
            size += PatchValuesSize;
        }
        else if (size > _rowSizeMax)
        {
            size = Merge(old, patch, _stage.Free);
        }
        if (size <= _rowSizeMax) return true;
        error.Begin(ErrorCode.LimitExceeded).Text("a patched row takes "u8).Number(size)
            .Text(" bytes, limit of a row is "u8).Number((long)_rowSizeMax);
        return false;
    }

    /// <summary>Deletes and patches that find nothing always fit.</summary>
    private bool TryFitState(ref ErrorText error)
    {
        for (int i = _first; i < _first + _upserts; i++)
        {
            _growth.AddRow(_view, _stage[i].VectorBytes);
            _growth.AddValues(_view, new DocumentRow(_stage.Bytes(_stage[i])));
        }
        if (_isNew) _growth.AddNamespace();
        _schema.Measure(_view, _store, ref _growth);
        return _growth.TryFit(_view, _trees.Forest, ref error);
    }

    private bool TryFitReply(ReadOnlySpan<byte> reply, ref ErrorText error)
    {
        long size = WriteReplyWriter.SizeMin;
        if ((_flags & WriteFlags.ReturnAffectedIds) != 0)
        {
            for (int i = _first; i < _stage.Count; i++) size += Id(i).EncodedSize;
            size += _deleteMatches.IdBytes + _patchMatches.IdBytes;
        }
        if (size <= reply.Length) return true;
        error.Begin(ErrorCode.ReplyTooLarge).Text("affected ids take "u8).Number(size)
            .Text(" bytes, limit of a reply is "u8).Number((long)reply.Length).Text(": send fewer rows at once"u8);
        return false;
    }

    private int Apply(in OperationContext context, Span<byte> reply)
    {
        ref NamespaceRecord record = ref _view.Record;
        if (_isNew) NamespaceOperations.TakeNumber(_trees, record.Number);
        if (_kinds != WriteKinds.None) record.LastWriteAt = context.Timestamp;
        record.UpdatedAt = context.Timestamp;
        _store.Begin(context.Op);
        _schema.BuildIndexes(_view, _store);
        WriteReplyWriter counts = new() { Kinds = _kinds };
        ApplyFilters(ref counts);
        int at = _first;
        for (int end = at + _upserts; at < end; at++) Upsert(ref _stage[at], ref counts);
        for (int end = at + _patches; at < end; at++) Patch(ref _stage[at], ref counts);
        for (int end = at + _deletes; at < end; at++) Delete(ref _stage[at], ref counts);
        _store.Index(_view, _stage, _first);
        _view.Save();
        if ((_flags & WriteFlags.ReturnAffectedIds) != 0) counts.Kinds |= WriteKinds.AffectedIds;
        return counts.Write(reply, _stage);
    }

    private void Upsert(ref StagedRow row, ref WriteReplyWriter counts)
    {
        uint old = _store.Find(_view.Number, new DocumentRow(_stage.Bytes(row)).Id);
        if (old != 0)
        {
            ReadOnlySpan<byte> stored = _store.Row(_view.Number, old).Bytes;
            if (!_filter.Matches(_roots[UpsertCondition], stored, _stage.Bytes(row))) return;
            _store.Kill(_view, old);
        }
        row.NewDocument = _store.Add(_view, _stage.Bytes(row), row.VectorBytes);
        row.Applied = 1;
        counts.Upserted++;
        counts.BytesWritten += (ulong)(row.Size + row.VectorBytes);
    }

    private void Patch(ref StagedRow patch, ref WriteReplyWriter counts)
    {
        uint old = _store.Find(_view.Number, new DocumentRow(_stage.Bytes(patch)).Id);
        if (old != 0) PatchDocument(old, patch, _roots[PatchCondition], ref counts);
    }

    /// <summary>The patched document is staged as a whole, vectors copied, before its old version dies. A condition
    /// sees it as the new row.</summary>
    private void PatchDocument(uint old, in StagedRow patch, int condition, ref WriteReplyWriter counts)
    {
        DocumentRow stored = _store.Row(_view.Number, old);
        int size = Merge(stored, new DocumentRow(_stage.Bytes(patch)), _stage.Free);
        if (!_filter.Matches(condition, stored.Bytes, _stage.Free[..size])) return;
        ref StagedRow merged = ref _stage.Add(StagedKind.Patch);
        merged.Size = size;
        merged.Offset = _stage.Take(size);
        for (int slot = 1; slot <= _view.AttributeCount; slot++)
        {
            ref AttributeRecord attribute = ref _view.Attribute(slot);
            if (!AttributeTypes.IsVector(attribute.Type)) continue;
            ReadOnlySpan<byte> vector = _store.Vector(_view, slot, old);
            if (vector.IsEmpty) continue;
            int column = _stage.AddVectorColumn(attribute.Number, vector.Length);
            vector.CopyTo(_stage.Free);
            _stage.SetVector(ref merged, column, _stage.Take(vector.Length));
        }
        _store.Kill(_view, old);
        merged.NewDocument = _store.Add(_view, _stage.Bytes(merged), merged.VectorBytes);
        merged.Applied = 1;
        counts.Patched++;
        counts.BytesWritten += (ulong)(merged.Size + merged.VectorBytes);
    }

    /// <summary>Both rows are in the order of attribute numbers; the patch wins, its nulls clear.</summary>
    private static int Merge(in DocumentRow old, in DocumentRow patch, Span<byte> to)
    {
        WireWriter writer = new(to);
        old.Id.Write(ref writer);
        int countAt = writer.ReserveU16();
        int count = 0;
        DocumentRow.Enumerator left = old.Attributes;
        DocumentRow.Enumerator right = patch.Attributes;
        bool hasLeft = left.MoveNext();
        bool hasRight = right.MoveNext();
        while (hasLeft || hasRight)
        {
            bool takeRight = hasRight && (!hasLeft || right.Number <= left.Number);
            if (takeRight)
            {
                if (hasLeft && left.Number == right.Number) hasLeft = left.MoveNext();
                if (!right.Value.IsNull)
                {
                    writer.U16(right.Number);
                    right.Value.Write(ref writer);
                    count++;
                }
                hasRight = right.MoveNext();
                continue;
            }
            writer.U16(left.Number);
            left.Value.Write(ref writer);
            count++;
            hasLeft = left.MoveNext();
        }
        writer.PatchU16(countAt, count);
        Check.That(!writer.Overflowed);
        return writer.Position;
    }

    private void Delete(ref StagedRow row, ref WriteReplyWriter counts)
    {
        EncodedValue id = new DocumentRow(_stage.Bytes(row)).Id;
        uint old = _store.Find(_view.Number, id);
        int condition = _roots[DeleteCondition];
        if (condition != FilterProgram.NoFilter)
        {
            if (old == 0 || !_filter.Matches(condition, _store.Row(_view.Number, old).Bytes, default)) return;
        }
        row.Applied = 1;
        counts.Deleted++;
        if (old == 0) return;
        _store.Kill(_view, old);
        _store.RemoveId(_view.Number, id);
    }

    private EncodedValue Id(int index) => new DocumentRow(_stage.Bytes(_stage[index])).Id;

    private readonly struct IdOrder(RowStage stage) : IIndexOrder
    {
        public int Compare(int left, int right)
        {
            EncodedValue a = new DocumentRow(stage.Bytes(stage[left])).Id;
            EncodedValue b = new DocumentRow(stage.Bytes(stage[right])).Id;
            if (a.Kind == ValueKind.Uint && b.Kind == ValueKind.Uint) return a.AsUint.CompareTo(b.AsUint);
            return a.Payload.SequenceCompareTo(b.Payload);
        }
    }
}
