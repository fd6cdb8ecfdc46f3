using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Namespaces;
using Deterministic.StateMachine.Prefetch;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Query;

/// <summary>Answers queries. A sub-query walks the live documents of the namespace window by window, keeps those that
/// pass the filter, scores them and holds the best in a bounded heap, so its memory does not depend on the namespace's
/// size. Rows are ordered by the exact value of their score, before it is rounded to the f32 that the answer carries,
/// then by id: uint by number, uuid and string by bytes.</summary>
[FloatAllowed("scores of one document at a time, terms in the order of the query")]
public sealed partial class QueryExecutor : IRowTies
{
    private const int NoPart = -1;

    private readonly Trees _trees;
    private readonly ComputeBackend _backend;
    private readonly NamespaceView _view;
    private readonly FilterProgram _filters;
    private readonly QueryPlan _plan;
    private readonly RowHeap _heap;
    private readonly CappedRows _capped;
    private readonly Aggregator _aggregator;
    private readonly Fusion _fusion;
    private readonly ColumnWalk _ids;
    private readonly ColumnWalk _lengths;
    private readonly ColumnWalk[] _order = new ColumnWalk[Limits.OrderByAttributesMax];
    private readonly ColumnWalk[] _orderOther = new ColumnWalk[Limits.OrderByAttributesMax];
    private readonly ulong[] _mask = new ulong[WindowBitmap.Words];
    private readonly byte[] _unusedError = new byte[8];
    private readonly RankedLists _lists;
    private readonly QueryPrefetch _prefetch;
    private DistanceMetric _metric;
    private int _queries;

    /// <summary>Where the sub-queries begin in the body.</summary>
    private int _start;

    /// <summary>The kept part whose only sub-query is in the plan and whose namespace is in the view.</summary>
    private int _partRead = NoPart;
    private ulong _exhaustive;
    private long _bytesRead;

    /// <param name="memory">Where everything is taken from.</param>
    /// <param name="trees">Read only.</param>
    /// <param name="backend">Scores vectors.</param>
    /// <param name="messageBodySizeMax">Of the configuration: bounds requests, and so the operands of filters.</param>
    public QueryExecutor(StaticMemory memory, Trees trees, ComputeBackend backend, int messageBodySizeMax)
    {
        _trees = trees;
        _vectorChunks = trees.Vectors.NewCursor();
        _backend = backend;
        _view = new NamespaceView(trees.Namespaces, trees.Attributes);
        _filters = new FilterProgram(memory, trees, _view, messageBodySizeMax);
        _plan = new QueryPlan(memory, trees, _view, _filters);
        _heap = new RowHeap(memory, Limits.ResultsMax, this);
        _capped = new CappedRows(memory, trees, _view, this);
        _aggregator = new Aggregator(memory, trees, _view, messageBodySizeMax);
        _fusion = new Fusion(memory);
        _lists = new RankedLists(memory, messageBodySizeMax);
        _prefetch = new QueryPrefetch(trees, _view, _filters);
        _ids = new ColumnWalk(trees.Columns);
        _lengths = new ColumnWalk(trees.Columns);
        _rankTerms = new TermReader(trees);
        _values = memory.Take((Limits.RankDepthMax + 1L) * Limits.WindowDocuments * sizeof(double));
        _highlighter = new Highlighter(memory, _plan.Highlights);
        _computed = memory.Take((long)messageBodySizeMax * sizeof(float));
        _plans = memory.Take(messageBodySizeMax);
        for (int i = 0; i < _order.Length; i++)
        {
            _order[i] = new ColumnWalk(trees.Columns);
            _orderOther[i] = new ColumnWalk(trees.Columns);
        }
    }

    /// <summary>Runs a request and returns the size of the reply's body, which is an answer or an error. What
    /// <see cref="Prefetch"/> has ranked for the same part of the same operation is only written down.</summary>
    public int Execute(in OperationContext context, int part, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        Check.That(context.Operation == Operation.Query);
        if (_lists.TryFind(context.Op, part, out RankedRequest ranked))
            return Render(body, ranked, isRead: part == _partRead, reply);
        ErrorText error = new(reply);
        if (!TryRun(body, ref error)) return error.Size;
        if (!_lists.Fits)
        {
            // The kept ones took the room; alone a request has enough for all that fits into a reply.
            Forget();
            bool ranks = TryRun(body, ref error);
            Check.That(ranks);
            if (!_lists.Fits) return TooLarge(reply);
        }
        int size = Render(body, _lists.Open, isRead: _queries == 1, reply);
        _lists.Drop();
        return size;
    }

    private bool TryRun(ReadOnlySpan<byte> body, ref ErrorText error)
    {
        _partRead = NoPart;
        _lists.BeginRequest();
        if (TryRead(body, touching: false, ref error) && TryRank(body, touching: false, ref error)) return true;
        _lists.Drop();
        return false;
    }

    /// <summary>Nothing is kept of what has been ranked.</summary>
    public void Forget()
    {
        _lists.Forget();
        _partRead = NoPart;
    }

    private bool TryHeader(ref WireReader reader, out ReadOnlySpan<byte> name, ref ErrorText error)
    {
        name = reader.Name();
        _metric = (DistanceMetric)reader.U8();
        _queries = reader.U8();
        return !reader.Failed || error.Malformed("query"u8);
    }

    /// <summary>Opens the namespace, reads all sub-queries and leaves the last in the plan.</summary>
    private bool TryRead(ReadOnlySpan<byte> body, bool touching, ref ErrorText error)
    {
        WireReader reader = new(body);
        if (!TryHeader(ref reader, out ReadOnlySpan<byte> name, ref error) ||
            !TryOpen(name, _metric, _queries, ref error)) return false;
        _start = reader.Position;
        _filters.Begin();
        bool aggregates = false;
        bool resident = true;
        for (int i = 0; i < _queries; i++)
        {
            if (!_plan.TryRead(ref reader, ref error, touching)) return false;
            if (touching) resident &= _prefetch.TouchRanking(_plan);
            aggregates |= _plan.IsAggregation;
        }
        if (!_fusion.TryRead(ref reader, _queries, ref error)) return false;
        if (!reader.AtEnd) return error.Malformed("query"u8);
        if (!_fusion.IsOn || !aggregates) return resident;
        error.Begin(ErrorCode.InvalidArgument).Text("rerank_by cannot be combined with aggregate_by"u8);
        return false;
    }

    /// <summary>Ranks what <see cref="TryRead"/> has read into the open request of the lists.</summary>
    private bool TryRank(ReadOnlySpan<byte> body, bool touching, ref ErrorText error)
    {
        _exhaustive = 0;
        _bytesRead = 0;
        WireReader reader = new(body);
        reader.Bytes(_start);
        if (_queries > 1) _filters.Begin();
        int fusedLimit = 0;
        for (int i = 0; i < _queries; i++)
        {
            bool read = _queries == 1 || _plan.TryRead(ref reader, ref error);
            Check.That(read);
            _filters.BeginWork();
            BeginPlan();
            if (_plan.IsAggregation)
            {
                if (!RunAggregation(body, ref error) || !_filters.TryEndWork(ref error)) return false;
                EndPlan(rows: 0);
                continue;
            }
            RunRanking();
            if (!_filters.TryEndWork(ref error)) return false;
            fusedLimit = Math32.Max(fusedLimit, _plan.Limit);
            ReadOnlySpan<RankedRow> rows = _plan.IsCapped ? _capped.Sort() : _heap.Sort();
            rows = rows[Math32.Min(_plan.Offset, rows.Length)..];
            EndPlan(rows.Length);
            if (_fusion.IsOn) _fusion.Add(i, rows);
            else EndList(rows, touching);
        }
        if (_fusion.IsOn) Fuse(body, fusedLimit, touching);
        _lists.EndRequest(_fusion.IsOn, _exhaustive, _bytesRead + _filters.BytesRead);
        return true;
    }

    private void EndList(ReadOnlySpan<RankedRow> rows, bool touching)
    {
        if (touching) _prefetch.TouchRows(_plan, rows);
        _lists.AddRows(rows);
    }

    /// <summary>The fused rows carry the attributes that the first sub-query asks for, and are ranked by score
    /// alone.</summary>
    private void Fuse(ReadOnlySpan<byte> body, int limit, bool touching)
    {
        _bytesRead += _filters.BytesRead;
        ReadAgain(body);
        _plan.ClearOrder();
        _heap.Reset(_fusion.Limit > 0 ? _fusion.Limit : limit);
        _fusion.Merge(_heap);
        EndList(_heap.Sort(), touching);
    }

    /// <summary>Leaves the first sub-query in the plan and returns the reader behind it.</summary>
    private WireReader ReadAgain(ReadOnlySpan<byte> body)
    {
        WireReader reader = new(body);
        reader.Bytes(_start);
        _filters.Begin();
        ErrorText unused = new(_unusedError);
        bool read = _plan.TryRead(ref reader, ref unused);
        Check.That(read);
        return reader;
    }

    private bool TryOpen(scoped ReadOnlySpan<byte> name, DistanceMetric metric, int queries, ref ErrorText error)
    {
        bool validName = name.Length is > 0 and <= Limits.NamespaceNameSizeMax;
        if (!validName || !_view.TryOpen(name))
        {
            error.Begin(ErrorCode.NamespaceNotFound).Text("namespace '"u8).Text(name).Text("' was not found"u8);
            return false;
        }
        if (queries is < 1 or > Limits.SubqueriesMax)
        {
            error.Begin(ErrorCode.LimitExceeded).Text("queries must have between 1 and "u8)
                .Number((long)Limits.SubqueriesMax).Text(" entries, but has "u8).Number((long)queries);
            return false;
        }
        DistanceMetric own = _view.Record.Metric;
        if (metric == DistanceMetric.Unspecified || own == DistanceMetric.Unspecified || metric == own) return true;
        error.Begin(ErrorCode.DistanceMetricMismatch).Text("distance metric mismatch, expected "u8)
            .Text(own == DistanceMetric.CosineDistance ? "cosine_distance"u8 : "euclidean_squared"u8);
        return false;
    }

    private void RunRanking()
    {
        if (_plan.IsCapped) _capped.Reset(_plan.Offset + _plan.Limit, _plan.GroupLimit, _plan.CapSlots);
        else _heap.Reset(_plan.Offset + _plan.Limit);
        BeginColumn(_ids, 0);
        for (int i = 0; i < _plan.OrderCount; i++)
        {
            BeginColumn(_order[i], _plan.OrderSlots[i]);
            BeginColumn(_orderOther[i], _plan.OrderSlots[i]);
        }
        PlanMethod method = _plan.Method;
        if (method == PlanMethod.Vectors) BeginVector();
        else if (method == PlanMethod.Scores) BeginScores();
        LiveWindows live = new(_trees.Liveness, _view.Number, _view.Record.NextDocument);
        while (TryWindow(ref live, out uint window))
        {
            if (method == PlanMethod.Vectors) ScoreVectors(window);
            else if (method == PlanMethod.Scores) ScoreWindow(window);
            else OrderWindow(window);
        }
        _bytesRead += _ids.BytesRead + (_plan.IsCapped ? _capped.BytesRead : 0);
        for (int i = 0; i < _plan.OrderCount; i++) _bytesRead += _order[i].BytesRead;
    }

    private bool RunAggregation(ReadOnlySpan<byte> body, ref ErrorText error)
    {
        _aggregator.Begin(_plan);
        LiveWindows live = new(_trees.Liveness, _view.Number, _view.Record.NextDocument);
        while (TryWindow(ref live, out uint window))
            if (!_aggregator.AddWindow(_plan, window, _mask, ref error)) return false;
        WireWriter writer = new(_lists.FreeBytes);
        if (!_aggregator.Write(_plan, body, ref writer, ref error)) return false;
        _bytesRead += _aggregator.BytesRead;
        _lists.AddBytes(writer.Position, writer.Overflowed);
        return true;
    }

    /// <summary>Moves to the next window with documents that pass the filter and leaves them in the mask.</summary>
    private bool TryWindow(ref LiveWindows live, out uint window)
    {
        window = 0;
        Keys key = new(stackalloc byte[12]);
        while (live.MoveNext())
        {
            window = live.Window;
            bool exists = _trees.Liveness.TryGet(
                key.Namespace(_view.Number).Document(window).Key, out ReadOnlySpan<byte> bits);
            Check.That(exists && bits.Length == WindowBitmap.Bytes);
            MemoryMarshal.Cast<byte, ulong>(bits).CopyTo(_mask);
            if (_plan.IsVector) _exhaustive += (ulong)WindowBitmap.Count(_mask);
            CountDocuments();
            _filters.EvaluateWindow(_plan.FilterRoot, window, _mask);
            if (WindowBitmap.IsEmpty(_mask)) continue;
            CountCandidates();
            return true;
        }
        return false;
    }

    private void BeginColumn(ColumnWalk walk, int slot)
    {
        ref AttributeRecord attribute = ref _view.Attribute(slot);
        walk.Begin(_view.Number, attribute.Number, attribute.Type, AttributeTypes.ColumnWidth(attribute.Type));
    }

    /// <summary>Adds a row if its key may enter; only then is its id read.</summary>
    private void Offer(UInt128 key, float score, uint document)
    {
        if (!(_plan.IsCapped ? _capped.MayEnter(key) : _heap.MayEnter(key))) return;
        bool has = _ids.TryRead(document, out ReadOnlySpan<byte> id);
        Check.That(has);
        UInt128 tie = _ids.Type == AttributeType.String ? Prefix(id) : ScalarKey.OfStored(_ids.Type, id);
        RankedRow row = new() { Key = key, Tie = tie, Score = score, Document = document };
        if (_plan.IsCapped) _capped.Add(row);
        else _heap.Add(row);
    }

    /// <summary>The first 16 bytes in their order, zeroes behind a shorter string.</summary>
    private static UInt128 Prefix(ReadOnlySpan<byte> text)
    {
        Span<byte> start = stackalloc byte[16];
        start.Clear();
        text[..Math32.Min(text.Length, 16)].CopyTo(start);
        return BinaryPrimitives.ReadUInt128BigEndian(start);
    }

    private void OrderWindow(uint window)
    {
        uint first = window * Limits.WindowDocuments;
        int bit = WindowBitmap.Next(_mask, 0);
        for (; bit < Limits.WindowDocuments; bit = WindowBitmap.Next(_mask, bit + 1))
            Offer(OrderKey(first + (uint)bit), 0, first + (uint)bit);
    }

    /// <summary>The first attribute of the order as a key: null lowest, exact but for strings and the last bit of
    /// uuids; turned for a descending order.</summary>
    private UInt128 OrderKey(uint document)
    {
        UInt128 key = 0;
        if (_order[0].TryRead(document, out ReadOnlySpan<byte> row))
        {
            key = _order[0].Type switch
            {
                AttributeType.String => Prefix(row) >> 1,
                AttributeType.Uuid => ScalarKey.OfStored(AttributeType.Uuid, row) >> 1,
                AttributeType type => ScalarKey.OfStored(type, row),
            };
            key |= UInt128.One << 127;
        }
        return _plan.Descending[0] ? ~key : key;
    }

    int IRowTies.Compare(in RankedRow left, in RankedRow right)
    {
        for (int i = 0; i < _plan.OrderCount; i++)
        {
            bool hasLeft = _order[i].TryRead(left.Document, out ReadOnlySpan<byte> leftRow);
            bool hasRight = _orderOther[i].TryRead(right.Document, out ReadOnlySpan<byte> rightRow);
            int order = hasLeft.CompareTo(hasRight);
            if (order == 0 && hasLeft)
            {
                AttributeType type = _order[i].Type;
                order = type == AttributeType.String
                    ? leftRow.SequenceCompareTo(rightRow)
                    : ScalarKey.OfStored(type, leftRow).CompareTo(ScalarKey.OfStored(type, rightRow));
            }
            if (order != 0) return _plan.Descending[i] ? -order : order;
        }
        if (left.Tie != right.Tie) return left.Tie.CompareTo(right.Tie);
        if (left.Document == right.Document || _ids.Type != AttributeType.String) return 0;
        return CompareIds(left.Document, right.Document);
    }

    /// <summary>String ids that agree in their first 16 bytes.</summary>
    private int CompareIds(uint left, uint right)
    {
        _ids.TryRead(left, out ReadOnlySpan<byte> id);
        Span<byte> copy = stackalloc byte[Limits.IdSizeMax];
        id.CopyTo(copy);
        int size = id.Length;
        _ids.TryRead(right, out ReadOnlySpan<byte> other);
        return copy[..size].SequenceCompareTo(other);
    }
}
