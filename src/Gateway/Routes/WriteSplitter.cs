using System;
using System.Buffers;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Gateway.Http;

namespace Deterministic.Gateway.Routes;

/// <summary>Cuts a write into units that each fit into one entry of the log: in order, as many rows in each as fit.
/// The first has the schema and the changes by filter; conditions are in all.</summary>
internal sealed class WriteSplitter
{
    /// <summary>Length and bytes of a name, at most.</summary>
    private const int NameOverhead = 2;
    private const int RowOverhead = 2;
    private const int PairOverhead = 2;

    private readonly WriteRequest _request;
    private readonly int _sizeMax;
    private readonly int _sizeWithoutRows;
    private readonly List<WriteRequest> _units = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _allNames = new(StringComparer.Ordinal);
    private WriteRequest _unit;
    private long _size;

    private WriteSplitter(WriteRequest request, int sizeMax)
    {
        _request = request;
        _sizeMax = sizeMax;
        _unit = Empty(first: true);
        _sizeWithoutRows = Measure(_unit, sizeMax);
        _size = _sizeWithoutRows;
    }

    /// <param name="request">Its rows are shared with the units.</param>
    /// <param name="sizeMax">Bytes of the largest unit, encoded.</param>
    /// <exception cref="RequestException">A row, or what is not rows, is too large for any unit; or an id is there
    /// twice, which no unit could notice alone.</exception>
    public static List<WriteRequest> Split(WriteRequest request, int sizeMax)
    {
        Check.That(sizeMax > 0);
        WriteSplitter splitter = new(request, sizeMax);
        splitter.Run();
        return splitter._units;
    }

    private void Run()
    {
        for (int i = 0; i < _request.Upserts.Count; i++)
        {
            Fit(_request.Upserts[i], "upserted row", i);
            _unit.Upserts.Add(_request.Upserts[i]);
        }
        for (int i = 0; i < _request.Patches.Count; i++)
        {
            Fit(_request.Patches[i], "patched row", i);
            _unit.Patches.Add(_request.Patches[i]);
        }
        for (int i = 0; i < _request.Deletes.Count; i++)
        {
            Fit(SizeOf(_request.Deletes[i]), "deleted id", i);
            _unit.Deletes.Add(_request.Deletes[i]);
        }
        _units.Add(_unit);
        if (_units.Count > 1) CheckUnique();
    }

    private void Fit(Row row, string what, int index)
    {
        long size = SizeOf(row);
        if (!Fits(size + NewNames(row))) Next();
        size += NewNames(row);
        foreach (KeyValuePair<string, Value> pair in row.Attributes)
        {
            _names.Add(pair.Key);
            _allNames.Add(pair.Key);
        }
        if (_allNames.Count > Limits.AttributesPerNamespaceMax)
        {
            throw RequestException.Invalid(
                $"rows name more than {Limits.AttributesPerNamespaceMax} attributes, the limit of a namespace");
        }
        Fit(size, what, index);
    }

    /// <summary>Begins a new unit if the current one has no room.</summary>
    private void Fit(long size, string what, int index)
    {
        if (!Fits(size)) Next();
        if (!Fits(size))
        {
            throw RequestException.Invalid(
                $"{what} {index} takes {size} bytes, the limit is {_sizeMax - _sizeWithoutRows} bytes");
        }
        _size += size;
    }

    private bool Fits(long size) => _size + size <= _sizeMax;

    private void Next()
    {
        if (_unit.Upserts.Count == 0 && _unit.Patches.Count == 0 && _unit.Deletes.Count == 0) return;
        _units.Add(_unit);
        _unit = Empty(first: false);
        _names.Clear();
        _size = _sizeWithoutRows;
    }

    private WriteRequest Empty(bool first) => new()
    {
        Namespace = _request.Namespace, Flags = _request.Flags, Metric = _request.Metric,
        Schema = first ? _request.Schema : [],
        DeleteByFilter = first ? _request.DeleteByFilter : null,
        PatchByFilter = first ? _request.PatchByFilter : null,
        PatchByFilterValues = first ? _request.PatchByFilterValues : [],
        UpsertCondition = _request.UpsertCondition, PatchCondition = _request.PatchCondition,
        DeleteCondition = _request.DeleteCondition,
    };

    private static int Measure(WriteRequest request, int sizeMax)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(sizeMax);
        WireWriter writer = new(bytes.AsSpan(0, sizeMax));
        request.Write(ref writer);
        ArrayPool<byte>.Shared.Return(bytes);
        if (!writer.Overflowed) return writer.Position;
        throw RequestException.Invalid(
            $"schema, filters and conditions of one write take more than the limit of {sizeMax} bytes");
    }

    private long NewNames(Row row)
    {
        long size = 0;
        foreach (KeyValuePair<string, Value> pair in row.Attributes)
            if (!_names.Contains(pair.Key)) size += NameOverhead + Encoding.UTF8.GetByteCount(pair.Key);
        return size;
    }

    private static long SizeOf(Row row)
    {
        long size = SizeOf(row.Id) + RowOverhead;
        foreach (KeyValuePair<string, Value> pair in row.Attributes) size += PairOverhead + SizeOf(pair.Value);
        return size;
    }

    private static long SizeOf(Value value)
    {
        const int kind = 1, count = 4, number = 8, uuid = 16;
        switch (value.Kind)
        {
            case ValueKind.Null or ValueKind.False or ValueKind.True: return kind;
            case ValueKind.String: return kind + count + value.AsUtf8.Length;
            case ValueKind.Uuid: return kind + uuid;
            case ValueKind.Vector: return kind + count + sizeof(float) * (long)value.AsVector.Length;
            case ValueKind.Array:
                long size = kind + count;
                foreach (Value element in value.AsArray) size += SizeOf(element);
                return size;
            case ValueKind.Sparse:
                long dimensions = kind + count;
                foreach (SparseDimension dimension in value.AsSparse)
                    dimensions += SparseDimension.SizeWithoutName + dimension.Name.Length;
                return dimensions;
            default: return kind + number;
        }
    }

    private void CheckUnique()
    {
        HashSet<Value> ids = [];
        foreach (Row row in _request.Upserts) CheckNew(row.Id);
        foreach (Row row in _request.Patches) CheckNew(row.Id);
        foreach (Value id in _request.Deletes) CheckNew(id);

        void CheckNew(Value id)
        {
            if (!ids.Add(Canonical(id))) throw RequestException.Invalid($"id {id} is in this request more than once");
        }
    }

    /// <summary>One form for every way to write a UUID.</summary>
    private static Value Canonical(Value id)
    {
        if (id.Kind != ValueKind.String || !Guid.TryParse(id.AsString, out Guid uuid)) return id;
        return Value.Of(uuid.ToString("D"));
    }
}
