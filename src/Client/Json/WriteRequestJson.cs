using System;
using System.Collections.Generic;
using System.Text.Json;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>A write, or the copy or the branch of a namespace.</summary>
public sealed class ParsedWrite
{
    public required WriteRequest Request { get; init; }

    /// <summary>The namespace to copy; null for a write. Then nothing else is in the request.</summary>
    public string? CopyFrom { get; init; }

    /// <summary>The namespace to branch; null for a write. Then nothing else is in the request.</summary>
    public string? BranchFrom { get; init; }
}

/// <summary>The body of a write: upsert_rows, upsert_columns, patch_rows, patch_columns, deletes, conditions,
/// changes by filter, schema, distance_metric, return_affected_ids.</summary>
public static class WriteRequestJson
{
    private const string CopyField = "copy_from_namespace";
    private const string BranchField = "branch_from_namespace";
    private const string EncryptionField = "encryption";

    private static readonly string[] Unsupported =
        ["sharding"];

    /// <exception cref="JsonRequestException">Names what is wrong and where.</exception>
    public static WriteRequest Parse(string name, ReadOnlySpan<byte> json)
    {
        ParsedWrite write = ParseWithCopy(name, json);
        if (write.CopyFrom is null && write.BranchFrom is null) return write.Request;
        throw new JsonRequestException(ErrorCode.NotSupported, write.CopyFrom is null ? BranchField : CopyField,
            "only the HTTP gateway copies and branches namespaces in this release");
    }

    /// <summary>The same where namespaces can be copied.</summary>
    /// <exception cref="JsonRequestException">Names what is wrong and where.</exception>
    public static ParsedWrite ParseWithCopy(string name, ReadOnlySpan<byte> json)
    {
        // The schema tells which arrays and strings are vectors and may stand after the rows.
        bool hasSchema = json.IndexOf("\"schema\""u8) >= 0;
        AttributeSchema[] schema = hasSchema ? FindSchema(json) : [];
        Draft draft = new(name, schema, hasSchema, new VectorColumns(schema));
        JsonCursor cursor = new(json);
        ObjectScope scope = cursor.Object("a write (an object)");
        while (cursor.Next(ref scope, out string field)) draft.ReadField(ref cursor, field);
        cursor.End();
        return draft.Build(ref cursor);
    }

    /// <summary>One document as an object with its id: a line of a JSON Lines file.</summary>
    /// <param name="idField">The key that holds the id.</param>
    /// <param name="numberText">Whether an id that is a string of digits means the number.</param>
    /// <exception cref="JsonRequestException">Names what is wrong and where.</exception>
    public static Row ParseRow(ReadOnlySpan<byte> json, VectorColumns vectors, string idField, bool numberText)
    {
        JsonCursor cursor = new(json);
        Row row = ReadRow(ref cursor, vectors, idField, keepNull: false);
        cursor.End();
        if (!numberText || row.Id.Kind != ValueKind.String) return row;
        if (!ulong.TryParse(row.Id.AsUtf8, out ulong number))
        {
            throw new JsonRequestException(
                ErrorCode.InvalidArgument, idField, $"\"{row.Id.AsString}\" is not an unsigned 64-bit integer");
        }
        return new Row { Id = Value.Of(number), Attributes = row.Attributes };
    }

    private static AttributeSchema[] FindSchema(ReadOnlySpan<byte> json)
    {
        JsonCursor cursor = new(json);
        ObjectScope scope = cursor.Object("a write (an object)");
        AttributeSchema[] schema = [];
        while (cursor.Next(ref scope, out string field))
        {
            if (field == "schema" && !cursor.IsNull) schema = SchemaJson.Read(ref cursor);
            else cursor.Skip();
        }
        return schema;
    }

    private static Row ReadRow(ref JsonCursor json, VectorColumns vectors, string idField, bool keepNull)
    {
        Value? id = null;
        List<KeyValuePair<string, Value>> attributes = [];
        ObjectScope scope = json.Object("a row (an object with an id)");
        while (json.Next(ref scope, out string name))
        {
            json.CheckName(name);
            if (name == idField) id = ValueJson.ReadId(ref json);
            else if (!json.IsNull) attributes.Add(new(name, vectors.Read(ref json, name)));
            else if (keepNull) attributes.Add(new(name, Value.Null));
        }
        if (id is null) throw json.Missing(idField);
        json.CheckCount(attributes.Count, Limits.AttributesPerNamespaceMax, "attributes");
        return new Row { Id = id, Attributes = attributes };
    }

    /// <param name="before">Rows and ids that the request has had so far.</param>
    private static List<Value> ReadIds(ref JsonCursor json, int before)
    {
        List<Value> ids = [];
        if (json.Token != JsonTokenType.StartArray) throw json.NoVariant("an array of ids", "IdVec");
        ArrayScope array = json.Array();
        while (NextRow(ref json, ref array, before)) ids.Add(ValueJson.ReadId(ref json));
        return ids;
    }

    /// <summary>Moves to the next row or id, as long as there may be one more. What is beyond that is only
    /// counted.</summary>
    private static bool NextRow(ref JsonCursor json, ref ArrayScope array, int before)
    {
        if (!json.Next(ref array)) return false;
        if (before + array.Count <= Limits.WriteRowsMax) return true;
        do json.Skip();
        while (json.Next(ref array));
        json.CheckCount(before + array.Count, Limits.WriteRowsMax, "rows and ids in one request");
        return false;
    }

    /// <summary>Columns of equal length, one of them the ids, become rows.</summary>
    /// <param name="before">Rows and ids that the request has had so far.</param>
    private static void ReadColumns(
        ref JsonCursor json, VectorColumns vectors, List<Row> rows, bool keepNull, int before)
    {
        List<Value>? ids = null;
        List<(string Name, List<Value> Values)> columns = [];
        List<(string Name, float[] Elements)> flat = [];
        ObjectScope scope = json.Object("an object of columns");
        while (json.Next(ref scope, out string name))
        {
            json.CheckName(name);
            if (name == ValueJson.IdName) ids = ReadIds(ref json, before);
            else if (vectors.Contains(name) && VectorColumns.IsFlat(json))
                flat.Add((name, ValueJson.ReadFloats(ref json)));
            else columns.Add((name, ReadColumn(ref json, vectors, name, before)));
        }
        if (ids is null) throw json.Missing("id");
        json.CheckCount(columns.Count + flat.Count, Limits.AttributesPerNamespaceMax, "columns");
        foreach ((string name, float[] elements) in flat)
        {
            if (ids.Count == 0 || elements.Length % ids.Count != 0)
                throw json.Fail($"column \"{name}\" has {elements.Length} numbers for {ids.Count} ids");
            int dimensions = elements.Length / ids.Count;
            List<Value> values = new(ids.Count);
            for (int i = 0; i < ids.Count; i++)
                values.Add(Value.Of(elements.AsSpan(i * dimensions, dimensions).ToArray()));
            columns.Add((name, values));
        }
        foreach ((string name, List<Value> values) in columns)
        {
            if (values.Count != ids.Count)
                throw json.Fail($"column \"{name}\" has {values.Count} values for {ids.Count} ids");
        }
        for (int i = 0; i < ids.Count; i++)
        {
            Row row = new() { Id = ids[i] };
            foreach ((string name, List<Value> values) in columns)
                if (keepNull || !values[i].IsNull) row.With(name, values[i]);
            rows.Add(row);
        }
    }

    private static List<Value> ReadColumn(ref JsonCursor json, VectorColumns vectors, string name, int before)
    {
        List<Value> values = [];
        ArrayScope array = json.Array("a column (an array with a value for each id)");
        while (NextRow(ref json, ref array, before))
            values.Add(json.IsNull ? Value.Null : vectors.Read(ref json, name));
        return values;
    }

    /// <summary>A write request while its fields come in any order.</summary>
    private sealed class Draft(string name, AttributeSchema[] schema, bool hasSchema, VectorColumns vectors)
    {
        private readonly List<Row> _upserts = [];
        private readonly List<Row> _patches = [];
        private List<Value> _deletes = [];
        private WriteFlags _flags;
        private DistanceMetric _metric;
        private Filter? _deleteByFilter, _patchByFilter, _upsertCondition, _patchCondition, _deleteCondition;
        private List<KeyValuePair<string, Value>> _patch = [];
        private string? _copyFrom, _branchFrom, _others, _othersThanBranch;

        private int Rows => _upserts.Count + _patches.Count + _deletes.Count;

        public void ReadField(ref JsonCursor json, string field)
        {
            if (json.IsNull) return;
            if (field is not (CopyField or EncryptionField)) _others ??= field;
            if (field is not (BranchField or EncryptionField)) _othersThanBranch ??= field;
            switch (field)
            {
                case "upsert_rows": ReadRows(ref json, _upserts, keepNull: false); break;
                case "patch_rows": ReadRows(ref json, _patches, keepNull: true); break;
                case "upsert_columns": ReadColumns(ref json, vectors, _upserts, keepNull: false, Rows); break;
                case "patch_columns": ReadColumns(ref json, vectors, _patches, keepNull: true, Rows); break;
                case "deletes": _deletes = ReadIds(ref json, Rows); break;
                case "upsert_condition": _upsertCondition = FilterJson.Read(ref json, newRow: true); break;
                case "patch_condition": _patchCondition = FilterJson.Read(ref json, newRow: true); break;
                case "delete_condition": _deleteCondition = FilterJson.Read(ref json, newRow: true); break;
                case "delete_by_filter": _deleteByFilter = FilterJson.Read(ref json); break;
                case "patch_by_filter": ReadPatchByFilter(ref json); break;
                case "return_affected_ids": Flag(ref json, WriteFlags.ReturnAffectedIds); break;
                case "patch_by_filter_allow_partial": Flag(ref json, WriteFlags.PatchByFilterAllowPartial); break;
                case "delete_by_filter_allow_partial": Flag(ref json, WriteFlags.DeleteByFilterAllowPartial); break;
                case "distance_metric": _metric = SchemaJson.ReadMetric(ref json); break;
                case "schema" when hasSchema: json.Skip(); break;
                case "schema": throw json.Fail("write this key without escapes");
                case CopyField: _copyFrom = ReadSource(ref json); break;
                case BranchField: _branchFrom = ReadSource(ref json); break;
                case EncryptionField: ReadEncryption(ref json); break;
                case "disable_backpressure": json.Bool(); break;
                default:
                    if (Array.IndexOf(Unsupported, field) >= 0) throw json.NotSupported(field);
                    throw json.Fail("unknown field of a write");
            }
        }

        public ParsedWrite Build(ref JsonCursor json)
        {
            if (_copyFrom is not null && _others is not null)
                throw json.Fail($"{CopyField} cannot be combined with `{_others}`");
            if (_branchFrom is not null && _othersThanBranch is not null)
                throw json.Fail($"{BranchField} cannot be combined with `{_othersThanBranch}`");
            return new ParsedWrite { Request = Request(), CopyFrom = _copyFrom, BranchFrom = _branchFrom };
        }

        private WriteRequest Request() => new()
        {
            Namespace = name, Schema = schema, Flags = _flags, Metric = _metric, Upserts = _upserts,
            Patches = _patches, Deletes = _deletes, DeleteByFilter = _deleteByFilter, PatchByFilter = _patchByFilter,
            PatchByFilterValues = _patch, UpsertCondition = _upsertCondition, PatchCondition = _patchCondition,
            DeleteCondition = _deleteCondition,
        };

        /// <summary>A name, or an object with one.</summary>
        private static string ReadSource(ref JsonCursor json)
        {
            const string What = "the name of a namespace, or an object with source_namespace";
            if (json.Token == JsonTokenType.String) return json.String(What);
            string? source = null;
            ObjectScope scope = json.Object(What);
            while (json.Next(ref scope, out string field))
            {
                if (json.IsNull) continue;
                if (field == "source_namespace") source = json.String();
                else throw json.NotSupported(field);
            }
            return source ?? throw json.Missing("source_namespace");
        }

        /// <summary>The mode in which everything is; keys of customers there are none.</summary>
        private static void ReadEncryption(ref JsonCursor json)
        {
            JsonCursor start = json.Mark();
            bool isDefault = false;
            bool hasMore = false;
            ObjectScope scope = json.Object("an object with a mode");
            while (json.Next(ref scope, out string field))
            {
                isDefault |= field == "mode" && json.Token == JsonTokenType.String && json.String() == "default";
                hasMore |= field != "mode";
                if (field != "mode") json.Skip();
            }
            if (isDefault && !hasMore) return;
            json.Rewind(start);
            throw json.NotSupported(EncryptionField);
        }

        private void Flag(ref JsonCursor json, WriteFlags flag)
        {
            if (json.Bool()) _flags |= flag;
        }

        private void ReadRows(ref JsonCursor json, List<Row> rows, bool keepNull)
        {
            int before = Rows;
            ArrayScope array = json.Array("an array of rows");
            while (NextRow(ref json, ref array, before))
                rows.Add(ReadRow(ref json, vectors, ValueJson.IdName, keepNull));
        }

        private void ReadPatchByFilter(ref JsonCursor json)
        {
            ObjectScope scope = json.Object("an object with filters and patch");
            while (json.Next(ref scope, out string field))
            {
                if (field == "filters") _patchByFilter = FilterJson.Read(ref json);
                else if (field == "patch") _patch = ReadPatch(ref json);
                else throw json.Fail("unknown field; known are filters and patch");
            }
            if (_patchByFilter is null || _patch.Count == 0) throw json.Fail("needs both filters and a patch");
        }

        private List<KeyValuePair<string, Value>> ReadPatch(ref JsonCursor json)
        {
            List<KeyValuePair<string, Value>> patch = [];
            ObjectScope scope = json.Object("an object of attributes");
            while (json.Next(ref scope, out string attribute))
            {
                json.CheckName(attribute);
                patch.Add(new(attribute, json.IsNull ? Value.Null : vectors.Read(ref json, attribute)));
            }
            json.CheckCount(patch.Count, Limits.AttributesPerNamespaceMax, "attributes");
            return patch;
        }
    }
}
