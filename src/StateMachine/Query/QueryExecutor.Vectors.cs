using System;
using System.Numerics;
using System.Runtime.InteropServices;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.StateMachine.Columns;
using Deterministic.StateMachine.Filters;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Query;

public sealed partial class QueryExecutor
{
    /// <summary>A row scored alone takes the time of so many more bytes, for nothing fetches it ahead.</summary>
    private const int LoneRowExtraSize = 4096;

    private readonly CursorSlot _vectorChunks;
    private readonly float[] _scores = new float[ChunkLayout.RowsMax];
    private float _inverseNorm;

    /// <summary>Greater distances cannot be among the best; where groups are limited every row is offered.</summary>
    private float ScoreBound => _plan.IsCapped ? float.PositiveInfinity : _heap.ScoreBound;

    private void BeginVector() => 
        _inverseNorm = Normalisation.InverseNorm(_backend, _plan.Vector(_plan.Ranks[0]));

    /// <summary>Scores the documents of the mask that have a vector, chunk by chunk from the last of the window to the
    /// first; the order of the results is total, so the order of scoring does not matter.</summary>
    private void ScoreVectors(uint window)
    {
        ref AttributeRecord attribute = ref _view.Attribute(_plan.Ranks[0].Slot);
        int rowSize = _plan.Ranks[0].VectorSize * AttributeTypes.VectorElementSize(attribute.Type);
        bool cosine = _view.Record.Metric == DistanceMetric.CosineDistance;
        bool half = attribute.Type == AttributeType.VectorF16;
        uint first = window * Limits.WindowDocuments;
        int bit = WindowBitmap.Previous(_mask, Limits.WindowDocuments - 1);
        Check.That(bit >= 0);
        Keys key = new(stackalloc byte[Keys.ChunkSize + 1]);
        key.Namespace(_view.Number).Attribute(attribute.Number).Chunk(first + (uint)bit).Bytes([0]);
        TreeCursor at = _trees.Vectors.SeekBefore(_vectorChunks, key.Key, Keys.WindowSize);
        while (bit >= 0 && at.Valid)
        {
            uint start = Keys.FirstOf(at.Key);
            ScoreChunk(new VectorChunk(at.Value, start, rowSize, cosine), (int)(start - first), cosine, half);
            bit = WindowBitmap.Previous(_mask, (int)(start - first) - 1);
            if (bit >= 0) at.Previous();
        }
    }

    /// <summary>Scores the wanted rows one by one, or the whole chunk at once, unwanted rows with it, where that is
    /// less. A distance above the bound could not enter the heap.</summary>
    private void ScoreChunk(VectorChunk chunk, int bit, bool cosine, bool half)
    {
        ReadOnlySpan<ulong> presence = chunk.Presence;
        int wantedCount = 0;
        for (int word = 0; word < presence.Length; word++)
            if (presence[word] != 0)
                wantedCount += BitOperations.PopCount(presence[word] & WindowBitmap.Extract(_mask, bit + word * 64));
        if (wantedCount == 0) return;
        _scored += (ulong)wantedCount;
        long rowSize = chunk.RowBytes.Length / chunk.PresentCount;
        bool whole = wantedCount * (rowSize + LoneRowExtraSize) >= chunk.PresentCount * rowSize;
        ReadOnlySpan<float> query = _plan.Vector(_plan.Ranks[0]);
        if (whole) ScoreRows(query, chunk, 0, chunk.PresentCount, half);
        _bytesRead += (whole ? chunk.PresentCount : wantedCount) * rowSize;
        ReadOnlySpan<float> inverseNorms = cosine ? chunk.InverseNorms : default;
        ReadOnlySpan<float> scores = _scores;
        float bound = ScoreBound;
        int packed = 0;
        for (int word = 0; word < presence.Length; word++)
        {
            ulong present = presence[word];
            if (present == 0) continue;
            ulong wanted = present & WindowBitmap.Extract(_mask, bit + word * 64);
            for (ulong rest = wanted; rest != 0; rest &= rest - 1)
            {
                int row = BitOperations.TrailingZeroCount(rest);
                int index = packed + BitOperations.PopCount(present & ((1UL << row) - 1));
                if (!whole) ScoreRows(query, chunk, index, 1, half);
                float distance = scores[index];
                if (cosine) distance = 1f - distance * _inverseNorm * inverseNorms[index];
                if (distance > bound) continue;
                Offer(Scores.AscendingKey(distance), distance, chunk.First + (uint)(word * 64 + row));
                bound = ScoreBound;
            }
            packed += BitOperations.PopCount(present);
        }
    }

    private void ScoreRows(ReadOnlySpan<float> query, VectorChunk chunk, int index, int count, bool half)
    {
        Span<float> scores = _scores.AsSpan(index, count);
        bool cosine = _view.Record.Metric == DistanceMetric.CosineDistance;
        if (half)
        {
            ReadOnlySpan<Half> rows = chunk.HalfRows.Slice(index * query.Length, count * query.Length);
            if (cosine) _backend.Dot(query, rows, scores);
            else _backend.SquaredL2(query, rows, scores);
            return;
        }
        ReadOnlySpan<float> floats = chunk.Rows.Slice(index * query.Length, count * query.Length);
        if (cosine) _backend.Dot(query, floats, scores);
        else _backend.SquaredL2(query, floats, scores);
    }
}
