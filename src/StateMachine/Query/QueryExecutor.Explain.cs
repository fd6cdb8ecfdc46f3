using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Filters;

namespace Deterministic.StateMachine.Query;

/// <summary>Tells how a query is carried out, by doing so and counting on the way.</summary>
public sealed partial class QueryExecutor
{
    /// <summary>One plan after the other, as they are answered.</summary>
    private readonly NativeBuffer _plans;
    private int _plansSize;
    private bool _plansFit;
    private bool _explains;
    private uint _windows;
    private uint _windowsWithCandidates;
    private ulong _documentsSeen;
    private ulong _candidates;
    private ulong _scored;
    private long _bytesBefore;

    /// <summary>Answers how the query of a body is carried out, or with the error that it gets. What a prefetch has
    /// ranked is ranked again: nothing was counted then.</summary>
    public int Explain(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        Check.That(context.Operation == Operation.Explain);
        Forget();
        _plansSize = 0;
        _plansFit = true;
        SetExplaining(true);
        ErrorText error = new(reply);
        bool ran = TryRun(body, ref error);
        SetExplaining(false);
        if (!ran) return error.Size;
        bool fused = _lists.Open.IsFused;
        int size = _lists.Fits ? Render(body, _lists.Open, isRead: _queries == 1, reply) : TooLarge(reply);
        _lists.Drop();
        ErrorCode code = (ErrorCode)BinaryPrimitives.ReadUInt16LittleEndian(reply);
        if (code is not (ErrorCode.Ok or ErrorCode.ReplyTooLarge)) return size;
        WireWriter writer = new(reply);
        writer.U16((ushort)ErrorCode.Ok);
        writer.U8((byte)_queries);
        writer.Bytes(_plans.Slice(0, _plansSize));
        writer.U8(fused ? (byte)1 : (byte)0);
        writer.U32(code == ErrorCode.Ok ? (uint)size : 0);
        if (_plansFit && !writer.Overflowed) return writer.Position;
        error.Begin(ErrorCode.ReplyTooLarge).Text("the plan is larger than one message of "u8)
            .Number((long)reply.Length).Text(" bytes; ask with fewer queries or filters"u8);
        return error.Size;
    }

    private void SetExplaining(bool on)
    {
        _explains = on;
        _filters.SetCounting(on);
    }

    private void BeginPlan()
    {
        if (!_explains) return;
        _windows = 0;
        _windowsWithCandidates = 0;
        _documentsSeen = 0;
        _candidates = 0;
        _scored = 0;
        _bytesBefore = _bytesRead + _filters.BytesRead;
    }

    /// <summary>The live documents of the next window are in the mask.</summary>
    private void CountDocuments()
    {
        if (!_explains) return;
        _windows++;
        _documentsSeen += (ulong)WindowBitmap.Count(_mask);
    }

    /// <summary>Those that pass the filter are.</summary>
    private void CountCandidates()
    {
        if (!_explains) return;
        _windowsWithCandidates++;
        _candidates += (ulong)WindowBitmap.Count(_mask);
    }

    /// <summary>Writes the plan of the sub-query that has been carried out.</summary>
    private void EndPlan(int rows)
    {
        if (!_explains) return;
        PlanMethod method = _plan.Method;
        bool scores = method is PlanMethod.Scores or PlanMethod.Vectors;
        WireWriter writer = new(_plans.Span[_plansSize..]);
        writer.U8((byte)method);
        // Each method looks at every candidate.
        writer.U8(1);
        writer.U32(_windows);
        writer.U32(_windowsWithCandidates);
        writer.U64(_documentsSeen);
        writer.U64(_candidates);
        writer.U64(scores ? _scored : _candidates);
        writer.U32((uint)rows);
        writer.U16(_plan.Computed.Length);
        writer.U64((ulong)(_bytesRead + _filters.BytesRead - _bytesBefore));
        int countAt = writer.ReserveU16();
        int count = _filters.WriteSteps(_plan.FilterRoot, 0, ref writer);
        count += WriteRankSteps(ref writer);
        foreach (ref readonly AggregatePlan aggregate in _plan.Aggregates)
        {
            if (aggregate.Slot < 0) continue;
            count += WriteStep(ref writer, PlanPart.Aggregate, (byte)aggregate.Function, aggregate.Slot);
        }
        foreach (int slot in _plan.GroupSlots) count += WriteStep(ref writer, PlanPart.Group, 0, slot);
        foreach (int slot in _plan.CapSlots) count += WriteStep(ref writer, PlanPart.LimitPer, 0, slot);
        writer.PatchU16(countAt, count);
        _plansFit &= !writer.Overflowed;
        if (_plansFit) _plansSize += writer.Position;
    }

    /// <summary>An order has a step for each of its attributes; expressions have one for each node, those of the
    /// filters in them too.</summary>
    private int WriteRankSteps(ref WireWriter writer)
    {
        if (_plan.IsAggregation) return 0;
        for (int i = 0; i < _plan.OrderCount; i++)
        {
            byte order = (byte)RankKind.Attributes;
            WriteStep(ref writer, PlanPart.Rank, order, _plan.OrderSlots[i], _plan.Descending[i]);
        }
        if (_plan.OrderCount > 0) return _plan.OrderCount;
        Span<int> ends = stackalloc int[Limits.RankDepthMax];
        int above = 0;
        int count = 0;
        for (int i = 0; i < _plan.Ranks[0].End; i++, count++)
        {
            ref readonly RankNode node = ref _plan.Ranks[i];
            while (above > 0 && ends[above - 1] <= i) above--;
            bool named = node.Access is PlanAccess.Vectors or PlanAccess.Postings or PlanAccess.Column;
            WriteStep(ref writer, (byte)above, (byte)node.Kind, node.Access, (uint)node.TermCount,
                named ? NameOf(node.Slot) : default);
            if (node.Kind == RankKind.Filter) count += _filters.WriteSteps(node.FilterRoot, above + 1, ref writer);
            if (node.End > i + 1) ends[above++] = node.End;
        }
        return count;
    }

    private int WriteStep(ref WireWriter writer, PlanPart part, byte code, int slot, bool descending = false)
    {
        writer.U8((byte)part);
        writer.U8(0);
        writer.U8(code);
        writer.U8((byte)PlanAccess.Column);
        writer.U8(descending ? (byte)1 : (byte)0);
        writer.Name(NameOf(slot));
        writer.U32(0);
        writer.U64(0);
        writer.U64(0);
        return 1;
    }

    /// <summary>A node of an expression.</summary>
    private static void WriteStep(
        ref WireWriter writer, byte depth, byte kind, PlanAccess access, uint words, ReadOnlySpan<byte> name)
    {
        writer.U8((byte)PlanPart.Rank);
        writer.U8(depth);
        writer.U8(kind);
        writer.U8((byte)access);
        writer.U8(0);
        writer.Name(name);
        writer.U32(words);
        writer.U64(0);
        writer.U64(0);
    }

    private ReadOnlySpan<byte> NameOf(int slot) => slot == 0 ? "id"u8 : _view.AttributeName(slot);
}
