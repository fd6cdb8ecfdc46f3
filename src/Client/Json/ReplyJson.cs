using System;
using System.Buffers.Text;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Deterministic.Core.Model;

namespace Deterministic.Client.Json;

/// <summary>Answers in turbopuffer's shapes.</summary>
public static class ReplyJson
{
    /// <summary>Least bytes that turbopuffer bills for a query; kept so that its clients see what they
    /// expect.</summary>
    public const ulong BilledBytesMin = 256_000_000;

    private const int ScoreSize = 4;
    private const int NumberSize = 8;
    private const int UuidSize = 16;
    private const int SparseWeightSize = 2;

    /// <param name="elapsed">Time that the caller measured for the whole request.</param>
    /// <param name="units">Entries of the log that the write was split into, each of them atomic; told if there is
    /// more than one.</param>
    /// <param name="isOneSnapshot">Of a copy: whether its rows are those of one moment.</param>
    public static void Write(
        Utf8JsonWriter writer, WriteReply reply, TimeSpan elapsed, int units = 1, bool? isOneSnapshot = null)
    {
        writer.WriteStartObject();
        writer.WriteString("status", "OK");
        writer.WriteString("message", "documents committed successfully");
        writer.WriteNumber("rows_affected", reply.RowsAffected);
        if ((reply.Kinds & WriteKinds.Upsert) != 0) writer.WriteNumber("rows_upserted", reply.Upserted);
        if ((reply.Kinds & WriteKinds.Patch) != 0) writer.WriteNumber("rows_patched", reply.Patched);
        if ((reply.Kinds & WriteKinds.Delete) != 0) writer.WriteNumber("rows_deleted", reply.Deleted);
        if ((reply.Kinds & WriteKinds.RowsRemaining) != 0) writer.WriteBoolean("rows_remaining", true);
        if (units > 1) writer.WriteNumber("atomic_units", units);
        if (isOneSnapshot is bool one) writer.WriteBoolean("one_snapshot", one);
        WriteIds(writer, "upserted_ids", reply.UpsertedIds);
        WriteIds(writer, "patched_ids", reply.PatchedIds);
        WriteIds(writer, "deleted_ids", reply.DeletedIds);
        writer.WriteStartObject("billing");
        writer.WriteNumber("billable_logical_bytes_written", reply.BytesWritten);
        writer.WriteEndObject();
        writer.WriteStartObject("performance");
        writer.WriteNumber("server_total_ms", Milliseconds(elapsed));
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <param name="elapsed">Time that the caller measured for the whole request.</param>
    public static void Write(Utf8JsonWriter writer, QueryReply reply, ParsedQuery query, TimeSpan elapsed)
    {
        ulong returned = 0;
        writer.WriteStartObject();
        if (query.Multiple)
        {
            writer.WriteStartArray("results");
            foreach (QueryResult result in reply.Results)
            {
                writer.WriteStartObject();
                returned += WriteResult(writer, result, query.VectorEncoding);
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }
        else
        {
            foreach (QueryResult result in reply.Results) returned += WriteResult(writer, result, query.VectorEncoding);
        }
        writer.WriteStartObject("billing");
        writer.WriteNumber("billable_logical_bytes_queried", Math.Max(BilledBytesMin, reply.BytesQueried));
        writer.WriteNumber("billable_logical_bytes_returned", returned);
        writer.WriteEndObject();
        // The whole state is in memory, so every read is a hit.
        writer.WriteStartObject("performance");
        writer.WriteNumber("approx_namespace_size", reply.NamespaceRows);
        writer.WriteNumber("cache_hit_ratio", 1.0);
        writer.WriteString("cache_temperature", "hot");
        writer.WriteNumber("exhaustive_search_count", reply.ExhaustiveCount);
        writer.WriteNumber("query_execution_ms", Milliseconds(elapsed));
        writer.WriteNumber("server_total_ms", Milliseconds(elapsed));
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>The cursor of a page is the base64 (URL form) of its last name.</summary>
    public static void Write(Utf8JsonWriter writer, ListNamespacesReply reply)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("namespaces");
        foreach (string name in reply.Names)
        {
            writer.WriteStartObject();
            writer.WriteString("id", name);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WritePropertyName("next_cursor");
        if (reply.More && reply.Names.Count > 0) writer.WriteStringValue(EncodeCursor(reply.Names[^1]));
        else writer.WriteNullValue();
        writer.WriteEndObject();
    }

    public static string EncodeCursor(string name) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(name));

    /// <exception cref="JsonRequestException">If it is not a cursor that a list gave out.</exception>
    public static string DecodeCursor(string cursor)
    {
        try
        {
            return Encoding.UTF8.GetString(Base64Url.DecodeFromChars(cursor));
        }
        catch (FormatException)
        {
            throw new JsonRequestException(
                ErrorCode.InvalidArgument, "cursor", $"\"{cursor}\" is not the next_cursor of a list of namespaces");
        }
    }

    /// <param name="version">Of the API, 1 or 2: the first has the schema as the schema endpoint has it.</param>
    public static void Write(Utf8JsonWriter writer, MetadataReply reply, int version = 2)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("schema");
        if (version == 1) SchemaJson.Write(writer, reply.Schema);
        else SchemaJson.WriteCompact(writer, reply.Schema, reply.Metric);
        writer.WriteNumber("approx_logical_bytes", reply.LogicalBytes);
        writer.WriteNumber("approx_row_count", reply.Rows);
        writer.WriteString("created_at", Time(reply.CreatedAt));
        writer.WriteString("updated_at", Time(reply.UpdatedAt));
        writer.WriteString("last_write_at", Time(reply.LastWriteAt));
        writer.WriteStartObject("encryption");
        if (version == 1) writer.WriteBoolean("sse", true);
        else writer.WriteString("mode", "default");
        writer.WriteEndObject();
        writer.WriteStartObject("index");
        writer.WriteString("status", reply.UnindexedBytes == 0 ? "up-to-date" : "updating");
        if (reply.UnindexedBytes > 0) writer.WriteNumber("unindexed_bytes", reply.UnindexedBytes);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    public static void Write(Utf8JsonWriter writer, SchemaReply reply) => SchemaJson.Write(writer, reply.Schema);

    /// <summary>The row as turbopuffer answers it: id, $dist if there is a score, attributes that have a
    /// value.</summary>
    public static void WriteRow(Utf8JsonWriter writer, ResultRow row, VectorEncoding encoding = VectorEncoding.Float)
    {
        writer.WriteStartObject();
        writer.WritePropertyName(ValueJson.IdName);
        ValueJson.Write(writer, row.Id);
        if (row.Score is float score)
        {
            writer.WritePropertyName("$dist");
            ValueJson.WriteSingle(writer, score);
        }
        WritePairs(writer, row.Attributes, encoding);
        foreach (KeyValuePair<string, float> computed in row.Computed)
        {
            writer.WritePropertyName(computed.Key);
            ValueJson.WriteSingle(writer, computed.Value);
        }
        foreach (KeyValuePair<string, HighlightFragment[]> highlight in row.Highlights)
        {
            writer.WriteStartArray(highlight.Key);
            foreach (HighlightFragment fragment in highlight.Value) WriteFragment(writer, fragment);
            writer.WriteEndArray();
        }
        writer.WriteEndObject();
    }

    private static void WriteFragment(Utf8JsonWriter writer, HighlightFragment fragment)
    {
        writer.WriteStartObject();
        writer.WriteString("text", fragment.Text);
        if (fragment.Range is not null)
        {
            writer.WriteStartArray("fragment_range");
            WriteRange(writer, fragment.Range.Value);
            writer.WriteEndArray();
            writer.WriteStartArray("match_ranges");
            foreach ((uint, uint) match in fragment.Matches)
            {
                writer.WriteStartArray();
                WriteRange(writer, match);
                writer.WriteEndArray();
            }
            writer.WriteEndArray();
        }
        if (fragment.ArrayIndex is uint index) writer.WriteNumber("array_index", index);
        writer.WriteEndObject();
    }

    private static void WriteRange(Utf8JsonWriter writer, (uint Start, uint End) range)
    {
        writer.WriteNumberValue(range.Start);
        writer.WriteNumberValue(range.End);
    }

    private static ulong WriteResult(Utf8JsonWriter writer, QueryResult result, VectorEncoding encoding)
    {
        ulong returned = 0;
        switch (result.Kind)
        {
            case ResultKind.Rows or ResultKind.RowsWithComputed:
                writer.WriteStartArray("rows");
                foreach (ResultRow row in result.Rows)
                {
                    WriteRow(writer, row, encoding);
                    returned += Size(row.Id) + (row.Score is null ? 0 : (ulong)ScoreSize) +
                        LogicalSize(row.Attributes) + (ulong)(ScoreSize * row.Computed.Count) + Size(row.Highlights);
                }
                writer.WriteEndArray();
                break;
            case ResultKind.Aggregates:
                writer.WriteStartObject("aggregations");
                WritePairs(writer, result.Aggregates, encoding);
                writer.WriteEndObject();
                returned += LogicalSize(result.Aggregates);
                break;
            default:
                writer.WriteStartArray("aggregation_groups");
                foreach (ResultGroup group in result.Groups)
                {
                    writer.WriteStartObject();
                    WritePairs(writer, group.Keys, encoding);
                    WritePairs(writer, group.Aggregates, encoding);
                    writer.WriteEndObject();
                    returned += LogicalSize(group.Keys) + LogicalSize(group.Aggregates);
                }
                writer.WriteEndArray();
                break;
        }
        return returned;
    }

    private static void WritePairs(
        Utf8JsonWriter writer, List<KeyValuePair<string, Value>> pairs, VectorEncoding encoding)
    {
        foreach (KeyValuePair<string, Value> pair in pairs)
        {
            writer.WritePropertyName(pair.Key);
            ValueJson.Write(writer, pair.Value, encoding);
        }
    }

    private static void WriteIds(Utf8JsonWriter writer, string name, List<Value> ids)
    {
        if (ids.Count == 0) return;
        writer.WriteStartArray(name);
        foreach (Value id in ids) ValueJson.Write(writer, id);
        writer.WriteEndArray();
    }

    /// <summary>Logical bytes of all values, see turbopuffer's billing.</summary>
    public static ulong LogicalSize(List<KeyValuePair<string, Value>> pairs)
    {
        ulong size = 0;
        foreach (KeyValuePair<string, Value> pair in pairs) size += Size(pair.Value);
        return size;
    }

    private static ulong Size(List<KeyValuePair<string, HighlightFragment[]>> highlights)
    {
        ulong size = 0;
        foreach (KeyValuePair<string, HighlightFragment[]> highlight in highlights)
            foreach (HighlightFragment fragment in highlight.Value)
                size += (ulong)Encoding.UTF8.GetByteCount(fragment.Text);
        return size;
    }

    /// <summary>Logical bytes of a value as turbopuffer counts them: numbers 8, text its UTF-8, vectors 4 a dimension;
    /// sparse ones the names of their dimensions and 2 for each.</summary>
    private static ulong Size(Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Null: return 0;
            case ValueKind.False or ValueKind.True: return 1;
            case ValueKind.String: return (ulong)value.AsUtf8.Length;
            case ValueKind.Uuid: return UuidSize;
            case ValueKind.Vector: return sizeof(float) * (ulong)value.AsVector.Length;
            case ValueKind.Array:
                ulong size = 0;
                foreach (Value element in value.AsArray) size += Size(element);
                return size;
            case ValueKind.Sparse:
                ulong dimensions = 0;
                foreach (SparseDimension dimension in value.AsSparse)
                    dimensions += (ulong)dimension.Name.Length + SparseWeightSize;
                return dimensions;
            default: return NumberSize;
        }
    }

    private static long Milliseconds(TimeSpan elapsed) => (long)Math.Round(elapsed.TotalMilliseconds);

    private static string Time(ulong nanoseconds)
    {
        DateTime time = DateTime.UnixEpoch.AddTicks((long)(nanoseconds / TimeSpan.NanosecondsPerTick));
        return time.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);
    }
}
