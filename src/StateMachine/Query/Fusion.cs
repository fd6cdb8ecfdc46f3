using System;
using System.Runtime.InteropServices;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Filters;

namespace Deterministic.StateMachine.Query;

/// <summary>Reciprocal rank fusion: a row's score is Σ over sub-queries of weight / (constant + rank), rank counted
/// from 1, added in double in the order of the sub-queries.</summary>
[FloatAllowed("reciprocal ranks added in the order of the sub-queries")]
public sealed class Fusion(StaticMemory memory)
{
    private readonly NativeBuffer _entries =
        memory.Take((long)Limits.SubqueriesMax * Limits.ResultsMax * Marshal.SizeOf<Entry>());
    private readonly double[] _weights = new double[Limits.SubqueriesMax];
    private double _constant;
    private int _count;

    public bool IsOn { get; private set; }

    /// <summary>Of the fused list; 0: not said.</summary>
    public int Limit { get; private set; }

    public bool TryRead(ref WireReader reader, int queries, ref ErrorText error)
    {
        Rerank rerank = (Rerank)reader.U8();
        _count = 0;
        Limit = 0;
        IsOn = rerank == Rerank.ReciprocalRankFusion;
        if (reader.Failed || rerank > Rerank.ReciprocalRankFusion) return error.Malformed("rerank_by"u8);
        if (!IsOn) return true;
        _constant = reader.F64();
        int weights = reader.U8();
        if (reader.Failed) return error.Malformed("rerank_by"u8);
        if (!(_constant > 0 && _constant <= 1e9)) return Invalid(ref error,
            "rank_constant must be above 0 and at most 1e9"u8);
        if (queries < 2) return Invalid(ref error, "rerank_by needs at least two queries"u8);
        if (weights != 0 && weights != queries) return Invalid(ref error, "rerank_by needs one weight per query"u8);
        for (int i = 0; i < queries; i++)
        {
            _weights[i] = weights == 0 ? 1 : reader.F64();
            if (!(_weights[i] >= 0 && _weights[i] <= 1e9))
                return Invalid(ref error, "rerank_by weights must be between 0 and 1e9"u8);
        }
        uint limit = reader.U32();
        if (reader.Failed) return error.Malformed("rerank_by"u8);
        if (limit > Limits.ResultsMax) return Invalid(ref error, "limit of the fused list must be at most 10000"u8);
        Limit = (int)limit;
        return true;
    }

    /// <summary>Takes the rows of a sub-query, best first.</summary>
    public void Add(int query, ReadOnlySpan<RankedRow> rows)
    {
        Span<Entry> entries = _entries.As<Entry>();
        for (int i = 0; i < rows.Length; i++)
        {
            double score = _weights[query] / (_constant + (i + 1));
            entries[_count++] = new Entry { Row = rows[i], Query = query, Fused = score };
        }
    }

    /// <summary>Offers every row once, with its fused score, to the heap.</summary>
    public void Merge(RowHeap heap)
    {
        Span<Entry> entries = _entries.As<Entry>()[.._count];
        HeapSort.Sort(entries, new ByDocument());
        int i = 0;
        while (i < entries.Length)
        {
            RankedRow row = entries[i].Row;
            double score = 0;
            for (; i < entries.Length && entries[i].Row.Document == row.Document; i++) score += entries[i].Fused;
            row.Key = Scores.DescendingKey(score);
            row.Score = (float)score;
            heap.Add(row);
        }
    }

    private static bool Invalid(ref ErrorText error, ReadOnlySpan<byte> text)
    {
        error.Begin(ErrorCode.InvalidArgument).Text(text);
        return false;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        public RankedRow Row;
        public double Fused;
        public int Query;
    }

    private readonly struct ByDocument : IOrder<Entry>
    {
        public int Compare(in Entry left, in Entry right)
        {
            int order = left.Row.Document.CompareTo(right.Row.Document);
            return order != 0 ? order : left.Query.CompareTo(right.Query);
        }
    }
}
