using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

[Flags]
public enum WriteFlags : byte
{
    None = 0,
    ReturnAffectedIds = 1,
    PatchByFilterAllowPartial = 2,
    DeleteByFilterAllowPartial = 4,

    /// <summary>Every bit that has a meaning; others are refused, so that they can get one later.</summary>
    All = ReturnAffectedIds | PatchByFilterAllowPartial | DeleteByFilterAllowPartial,
}

/// <summary>A document as a client writes it: an id (uint, UUID or string) and named values.</summary>
public sealed class Row
{
    public required Value Id { get; init; }
    public List<KeyValuePair<string, Value>> Attributes { get; init; } = [];

    public Row With(string name, Value value)
    {
        Attributes.Add(new(name, value));
        return this;
    }
}

/// <summary>One atomic write into one namespace. Body of <see cref="Operation.Write"/>: namespace name, flags u8,
/// metric u8, schema (u16 count), delete_by_filter, patch_by_filter (a filter; if present, its patch follows as u16
/// count and (name, value)), upsert condition, patch condition, delete condition (filters, 0 if absent), u16 count of
/// attribute names, u32 upserts, u32 patches (rows: id value, u16 count, (u16 name index, value)), u32 deletes (id
/// values).</summary>
public sealed class WriteRequest
{
    public required string Namespace { get; init; }
    public WriteFlags Flags { get; init; }
    public DistanceMetric Metric { get; init; }
    public AttributeSchema[] Schema { get; init; } = [];
    public Filter? DeleteByFilter { get; set; }
    public Filter? PatchByFilter { get; set; }
    public List<KeyValuePair<string, Value>> PatchByFilterValues { get; init; } = [];
    public Filter? UpsertCondition { get; init; }
    public Filter? PatchCondition { get; init; }
    public Filter? DeleteCondition { get; init; }
    public List<Row> Upserts { get; init; } = [];
    public List<Row> Patches { get; init; } = [];
    public List<Value> Deletes { get; init; } = [];

    public void Write(ref WireWriter writer)
    {
        writer.Name(Encoding.UTF8.GetBytes(Namespace));
        writer.U8((byte)Flags);
        writer.U8((byte)Metric);
        AttributeSchema.WriteAll(ref writer, Schema);
        Filter.WriteOptional(ref writer, DeleteByFilter);
        Filter.WriteOptional(ref writer, PatchByFilter);
        if (PatchByFilter is not null)
        {
            writer.U16(PatchByFilterValues.Count);
            foreach (KeyValuePair<string, Value> pair in PatchByFilterValues)
            {
                writer.Name(Encoding.UTF8.GetBytes(pair.Key));
                pair.Value.Write(ref writer);
            }
        }
        Filter.WriteOptional(ref writer, UpsertCondition);
        Filter.WriteOptional(ref writer, PatchCondition);
        Filter.WriteOptional(ref writer, DeleteCondition);
        NameTable names = new();
        foreach (Row row in Upserts) names.AddAll(row);
        foreach (Row row in Patches) names.AddAll(row);
        names.Write(ref writer);
        WriteRows(ref writer, Upserts, names);
        WriteRows(ref writer, Patches, names);
        writer.U32((uint)Deletes.Count);
        foreach (Value id in Deletes) id.Write(ref writer);
    }

    public static WriteRequest Read(ref WireReader reader)
    {
        string name = Encoding.UTF8.GetString(reader.Name());
        WriteFlags flags = (WriteFlags)reader.U8();
        DistanceMetric metric = (DistanceMetric)reader.U8();
        AttributeSchema[] schema = AttributeSchema.ReadAll(ref reader);
        Filter? deleteByFilter = Filter.ReadOptional(ref reader);
        Filter? patchByFilter = Filter.ReadOptional(ref reader);
        List<KeyValuePair<string, Value>> patchValues = [];
        if (patchByFilter is not null)
        {
            int count = reader.U16();
            for (int i = 0; i < count && !reader.Failed; i++)
                patchValues.Add(new(Encoding.UTF8.GetString(reader.Name()), Value.Read(ref reader)));
        }
        Filter? upsertCondition = Filter.ReadOptional(ref reader);
        Filter? patchCondition = Filter.ReadOptional(ref reader);
        Filter? deleteCondition = Filter.ReadOptional(ref reader);
        string[] names = NameTable.Read(ref reader);
        WriteRequest request = new()
        {
            Namespace = name, Flags = flags, Metric = metric, Schema = schema,
            DeleteByFilter = deleteByFilter, PatchByFilter = patchByFilter, PatchByFilterValues = patchValues,
            UpsertCondition = upsertCondition, PatchCondition = patchCondition, DeleteCondition = deleteCondition,
            Upserts = ReadRows(ref reader, names), Patches = ReadRows(ref reader, names),
        };
        uint deletes = reader.U32();
        for (uint i = 0; i < deletes && !reader.Failed; i++) request.Deletes.Add(Value.Read(ref reader));
        return request;
    }

    private static void WriteRows(ref WireWriter writer, List<Row> rows, NameTable names)
    {
        writer.U32((uint)rows.Count);
        foreach (Row row in rows)
        {
            row.Id.Write(ref writer);
            writer.U16(row.Attributes.Count);
            foreach (KeyValuePair<string, Value> pair in row.Attributes)
            {
                writer.U16(names.IndexOf(pair.Key));
                pair.Value.Write(ref writer);
            }
        }
    }

    private static List<Row> ReadRows(ref WireReader reader, string[] names)
    {
        uint count = reader.U32();
        List<Row> rows = [];
        for (uint i = 0; i < count && !reader.Failed; i++)
        {
            Row row = new() { Id = Value.Read(ref reader) };
            int attributes = reader.U16();
            for (int j = 0; j < attributes && !reader.Failed; j++)
            {
                int index = reader.U16();
                if (index >= names.Length) reader.Fail();
                Value value = Value.Read(ref reader);
                if (!reader.Failed) row.With(names[index], value);
            }
            rows.Add(row);
        }
        return rows;
    }
}

/// <summary>Attribute names of a message, each once, in the order of first use: u16 count, then names.</summary>
public sealed class NameTable
{
    private readonly SortedDictionary<string, int> _indexes = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];

    public void Add(string name)
    {
        if (_indexes.TryAdd(name, _names.Count)) _names.Add(name);
    }

    public void AddAll(Row row)
    {
        foreach (KeyValuePair<string, Value> pair in row.Attributes) Add(pair.Key);
    }

    public int IndexOf(string name) => _indexes[name];

    public void Write(ref WireWriter writer)
    {
        writer.U16(_names.Count);
        foreach (string name in _names) writer.Name(Encoding.UTF8.GetBytes(name));
    }

    public static string[] Read(ref WireReader reader)
    {
        int count = reader.U16();
        if (count > reader.Remaining) reader.Fail();
        if (reader.Failed) return [];
        string[] names = new string[count];
        for (int i = 0; i < count; i++) names[i] = Encoding.UTF8.GetString(reader.Name());
        return names;
    }
}
