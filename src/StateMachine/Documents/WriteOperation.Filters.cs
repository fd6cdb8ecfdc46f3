using System;
using System.Numerics;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Filters;
using Deterministic.StateMachine.Prefetch;

namespace Deterministic.StateMachine.Documents;

/// <summary>Changes by filter, and conditions. Filters are compiled after the rows have named their attributes; what
/// they match is found before the first change, and judged by its limits then.</summary>
public sealed partial class WriteOperation
{
    private const int DeleteByFilter = 0;
    private const int PatchByFilter = 1;
    private const int UpsertCondition = 2;
    private const int PatchCondition = 3;
    private const int DeleteCondition = 4;
    private const int FilterCount = 5;

    /// <summary>Filters of a request behind those of its changes.</summary>
    internal const int ConditionCount = FilterCount - UpsertCondition;
    private const int MatchIdsSizeMax = Limits.ByFilterRowsMax * (Limits.IdSizeMax + 16);

    private readonly FilterProgram _filter;
    private readonly MatchList _deleteMatches;
    private readonly MatchList _patchMatches;
    private readonly byte[] _unusedError = new byte[8];
    private readonly int[] _positions = new int[FilterCount];
    private readonly int[] _roots = new int[FilterCount];
    private readonly ulong[] _mask = new ulong[WindowBitmap.Words];

    /// <summary>Index of the first staged row of the request; before it lie the values of a patch by filter.</summary>
    private int _first;

    private int PatchValuesSize => _first == 0 ? 0 : _stage[0].Size;

    private bool TrySkipFilters(ref WireReader reader, ReadOnlySpan<byte> body, ref ErrorText error)
    {
        for (int i = 0; i < FilterCount; i++)
        {
            _positions[i] = reader.Position;
            bool any = FilterSkip.Optional(ref reader);
            if (reader.Failed) return error.Malformed("filter"u8);
            if (any && i == DeleteByFilter) _kinds |= WriteKinds.Delete;
            if (!any || i != PatchByFilter) continue;
            _kinds |= WriteKinds.Patch;
            if (!_rows.TryPatchValues(ref reader, body, ref error)) return false;
        }
        _first = _stage.Count;
        return true;
    }

    /// <summary>Of <see cref="TryFindMatches"/>.</summary>
    internal MatchList DeleteMatches => _deleteMatches;
    internal MatchList PatchMatches => _patchMatches;

    /// <summary>For a prefetch: asks for what filters of changes read, then for the rows that they match, and finds
    /// the matches once all of it is in memory. False: not yet, or the request will be refused.</summary>
    internal bool TryFindMatches(in OperationContext context, ReadOnlySpan<byte> body)
    {
        ErrorText unused = new(_unusedError);
        WireReader reader = new(body);
        if (!TryRead(context, ref reader, body, ref unused)) return false;
        bool resident = WindowTouch.Liveness(_trees, _view) &
            _filter.Touch(_roots[DeleteByFilter]) & _filter.Touch(_roots[PatchByFilter]);
        if (!resident) return false;
        // One more than may change is looked at; those that the deletes take do not count among the patches.
        resident = TouchMatches(DeleteByFilter, Limits.ByFilterRowsMax + 1) &
            TouchMatches(PatchByFilter, 2 * Limits.ByFilterRowsMax + 1);
        return resident && TryMatch(ref unused);
    }

    private bool TouchMatches(int filter, int documentsMax)
    {
        if (_roots[filter] == FilterProgram.NoFilter) return true;
        bool resident = true;
        _filter.BeginWork();
        Keys key = new(stackalloc byte[12]);
        LiveWindows live = new(_trees.Liveness, _view.Number, _view.Record.NextDocument);
        while (documentsMax > 0 && live.MoveNext())
        {
            uint window = live.Window;
            LoadWindow(window);
            _filter.EvaluateWindow(_roots[filter], window, _mask);
            int bit = WindowBitmap.Next(_mask, 0);
            for (; bit < Limits.WindowDocuments && documentsMax-- > 0; bit = WindowBitmap.Next(_mask, bit + 1))
            {
                key.Namespace(_view.Number).Document(window * Limits.WindowDocuments + (uint)bit);
                resident &= _trees.Documents.Touch(key.Key);
            }
        }
        return resident;
    }

    /// <summary>Leaves the live documents of a window in the mask.</summary>
    private void LoadWindow(uint window)
    {
        Keys key = new(stackalloc byte[12]);
        bool exists = _trees.Liveness.TryGet(
            key.Namespace(_view.Number).Document(window).Key, out ReadOnlySpan<byte> bits);
        Check.That(exists);
        bits.CopyTo(MemoryMarshal.AsBytes(_mask.AsSpan()));
    }

    private bool TryCompile(ReadOnlySpan<byte> body, ref ErrorText error)
    {
        _filter.Begin();
        for (int i = 0; i < FilterCount; i++)
        {
            WireReader reader = new(body[_positions[i]..]);
            if (!_filter.TryCompile(ref reader, i >= UpsertCondition, ref error, out _roots[i])) return false;
        }
        return true;
    }

    private bool TryMatch(ref ErrorText error)
    {
        _deleteMatches.Clear();
        _patchMatches.Clear();
        bool deletes = _roots[DeleteByFilter] != FilterProgram.NoFilter;
        bool patches = _roots[PatchByFilter] != FilterProgram.NoFilter;
        if (!deletes && !patches) return true;
        if (_schema.RebuildsIndexes(_view))
        {
            error.Begin(ErrorCode.SchemaConflict)
                .Text("a change of indexes and a change by filter need a request each"u8);
            return false;
        }
        bool deletePartly = (_flags & WriteFlags.DeleteByFilterAllowPartial) != 0;
        bool patchPartly = (_flags & WriteFlags.PatchByFilterAllowPartial) != 0;
        return TryMatch(DeleteByFilter, _deleteMatches, deletePartly, "delete_by_filter"u8, ref error) &&
            TryMatch(PatchByFilter, _patchMatches, patchPartly, "patch_by_filter"u8, ref error);
    }

    private bool TryMatch(
        int filter, MatchList matches, bool allowPartial, ReadOnlySpan<byte> name, ref ErrorText error)
    {
        if (_roots[filter] == FilterProgram.NoFilter) return true;
        _filter.BeginWork();
        LiveWindows live = new(_trees.Liveness, _view.Number, _view.Record.NextDocument);
        while (live.MoveNext())
        {
            uint window = live.Window;
            LoadWindow(window);
            _filter.EvaluateWindow(_roots[filter], window, _mask);
            if (!_filter.TryEndWork(ref error)) return false;
            if (TryTakeMatches(filter, window, matches)) continue;
            if (allowPartial)
            {
                _kinds |= WriteKinds.RowsRemaining;
                return true;
            }
            error.Begin(ErrorCode.LimitExceeded).Text(name).Text(" matches more than the limit of "u8)
                .Number((long)Limits.ByFilterRowsMax).Text(" rows or "u8).Number((long)WriteLimits.ByFilterSize)
                .Text(" bytes; allow a partial change and repeat it"u8);
            return false;
        }
        return true;
    }

    /// <summary>False when the limit of rows or bytes came first.</summary>
    private bool TryTakeMatches(int filter, uint window, MatchList matches)
    {
        for (int word = 0; word < _mask.Length; word++)
        {
            for (ulong bits = _mask[word]; bits != 0; bits &= bits - 1)
            {
                uint bit = (uint)(64 * word + BitOperations.TrailingZeroCount(bits));
                uint document = window * Limits.WindowDocuments + bit;
                if (filter == PatchByFilter && _deleteMatches.Contains(document)) continue;
                DocumentRow row = _store.Row(_view.Number, document);
                long bytes = row.Bytes.Length;
                if (filter == PatchByFilter) bytes += PatchValuesSize + VectorRowBytes();
                if (!matches.HasRoom(bytes, WriteLimits.ByFilterSize)) return false;
                matches.Add(document, bytes, row.Id.EncodedSize);
            }
        }
        return true;
    }

    /// <summary>Bytes of one document with a vector in every vector column.</summary>
    private int VectorRowBytes()
    {
        int bytes = 0;
        for (int slot = 1; slot <= _view.AttributeCount; slot++)
        {
            ref AttributeRecord attribute = ref _view.Attribute(slot);
            if (AttributeTypes.IsVector(attribute.Type)) bytes += DocumentStore.RowSize(attribute);
        }
        return bytes;
    }

    /// <summary>Deletes, then patches, and brings the patched documents into the indexes, for the rows of the request
    /// may change them again.</summary>
    private void ApplyFilters(ref WriteReplyWriter counts)
    {
        for (int i = 0; i < _deleteMatches.Count; i++)
        {
            ref StagedRow row = ref _stage.Add(StagedKind.Delete);
            WireWriter writer = new(_stage.Free);
            _store.Row(_view.Number, _deleteMatches[i]).Id.Write(ref writer);
            writer.U16(0);
            Check.That(!writer.Overflowed);
            row.Size = writer.Position;
            row.Offset = _stage.Take(writer.Position);
            row.Applied = 1;
            _store.Kill(_view, _deleteMatches[i]);
            _store.RemoveId(_view.Number, new DocumentRow(_stage.Bytes(row)).Id);
            counts.Deleted++;
        }
        int from = _stage.Count;
        for (int i = 0; i < _patchMatches.Count; i++)
            PatchDocument(_patchMatches[i], _stage[0], FilterProgram.NoFilter, ref counts);
        _store.Index(_view, _stage, from);
        for (int i = from; i < _stage.Count; i++) _stage[i].NewDocument = 0;
    }
}
