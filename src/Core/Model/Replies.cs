using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

/// <summary>Start of every reply body: error code u16; if it is not Ok, u16 length and the message, and nothing
/// else.</summary>
public readonly struct ReplyStatus(ErrorCode code, string message)
{
    public ErrorCode Code { get; } = code;
    public string Message { get; } = message;

    public void Write(ref WireWriter writer)
    {
        writer.U16((ushort)Code);
        if (Code == ErrorCode.Ok) return;
        byte[] text = Encoding.UTF8.GetBytes(Message);
        writer.U16(text.Length);
        writer.Bytes(text);
    }

    public static ReplyStatus Read(ref WireReader reader)
    {
        ErrorCode code = (ErrorCode)reader.U16();
        return new ReplyStatus(code, code == ErrorCode.Ok ? "" : Encoding.UTF8.GetString(reader.Bytes(reader.U16())));
    }
}

/// <summary>Which kinds of change a write asked for, so that an answer can leave out the counts of the
/// others.</summary>
[Flags]
public enum WriteKinds : byte
{
    None = 0,
    Upsert = 1,
    Patch = 2,
    Delete = 4,
    AffectedIds = 8,
    RowsRemaining = 16,
}

/// <summary>Reply to a write: kinds u8, counts of rows upserted, patched, deleted (u64 each), logical bytes written
/// u64, and with AffectedIds three lists (u32 count, id values). RowsRemaining: a by-filter change stopped at its
/// limit.</summary>
public sealed class WriteReply
{
    public WriteKinds Kinds { get; init; }
    public ulong Upserted { get; init; }
    public ulong Patched { get; init; }
    public ulong Deleted { get; init; }
    public ulong BytesWritten { get; init; }
    public List<Value> UpsertedIds { get; init; } = [];
    public List<Value> PatchedIds { get; init; } = [];
    public List<Value> DeletedIds { get; init; } = [];

    public ulong RowsAffected => Upserted + Patched + Deleted;

    public void Write(ref WireWriter writer)
    {
        writer.U8((byte)Kinds);
        writer.U64(Upserted);
        writer.U64(Patched);
        writer.U64(Deleted);
        writer.U64(BytesWritten);
        if ((Kinds & WriteKinds.AffectedIds) == 0) return;
        WriteIds(ref writer, UpsertedIds);
        WriteIds(ref writer, PatchedIds);
        WriteIds(ref writer, DeletedIds);
    }

    public static WriteReply Read(ref WireReader reader)
    {
        WriteReply counts = new()
        {
            Kinds = (WriteKinds)reader.U8(), Upserted = reader.U64(), Patched = reader.U64(),
            Deleted = reader.U64(), BytesWritten = reader.U64(),
        };
        if ((counts.Kinds & WriteKinds.AffectedIds) == 0) return counts;
        ReadIds(ref reader, counts.UpsertedIds);
        ReadIds(ref reader, counts.PatchedIds);
        ReadIds(ref reader, counts.DeletedIds);
        return counts;
    }

    private static void WriteIds(ref WireWriter writer, List<Value> ids)
    {
        writer.U32((uint)ids.Count);
        foreach (Value id in ids) id.Write(ref writer);
    }

    private static void ReadIds(ref WireReader reader, List<Value> ids)
    {
        uint count = reader.U32();
        for (uint i = 0; i < count && !reader.Failed; i++) ids.Add(Value.Read(ref reader));
    }
}

/// <summary>What one sub-query yields. Append only.</summary>
public enum ResultKind : byte
{
    Rows = 1,
    Aggregates = 2,
    Groups = 3,
    RowsWithComputed = 4,
}

/// <summary>One row of an answer. Attributes without a value are left out.</summary>
public sealed class ResultRow
{
    public required Value Id { get; init; }

    /// <summary>Distance or score; null when rows are ordered by attributes.</summary>
    public float? Score { get; init; }
    public List<KeyValuePair<string, Value>> Attributes { get; init; } = [];

    /// <summary>Computed attributes that have a value, by their labels.</summary>
    public List<KeyValuePair<string, float>> Computed { get; init; } = [];
    public List<KeyValuePair<string, HighlightFragment[]>> Highlights { get; init; } = [];
}

/// <summary>A group: its key values, then its aggregates, both named.</summary>
public sealed class ResultGroup
{
    public List<KeyValuePair<string, Value>> Keys { get; init; } = [];
    public List<KeyValuePair<string, Value>> Aggregates { get; init; } = [];
}

/// <summary>Answer of one sub-query: kind u8, then names (u16 count) used by index below. Rows: u32 count, each id
/// value, u8 1 and f32 if there is a score else u8 0, u16 count of (u16 name, value). Aggregates: u16 count of (u16
/// name, value). Groups: u32 count, each u16 count of key pairs, u16 count of aggregate pairs. RowsWithComputed: u16
/// count of labels, then as Rows, and behind each row for every label u8 1 and f32, or u8 2 and u16 count of
/// fragments, or u8 0.</summary>
public sealed class QueryResult
{
    public required ResultKind Kind { get; init; }
    public List<ResultRow> Rows { get; init; } = [];
    public List<KeyValuePair<string, Value>> Aggregates { get; init; } = [];
    public List<ResultGroup> Groups { get; init; } = [];

    public static QueryResult Read(ref WireReader reader)
    {
        QueryResult result = new() { Kind = (ResultKind)reader.U8() };
        string[] names = NameTable.Read(ref reader);
        switch (result.Kind)
        {
            case ResultKind.Rows or ResultKind.RowsWithComputed:
                string[] labels = result.Kind == ResultKind.Rows ? [] : NameTable.Read(ref reader);
                uint rows = reader.U32();
                for (uint i = 0; i < rows && !reader.Failed; i++)
                {
                    Value id = Value.Read(ref reader);
                    float? score = reader.U8() != 0 ? reader.F32() : null;
                    ResultRow row = new() { Id = id, Score = score };
                    ReadPairs(ref reader, names, row.Attributes);
                    foreach (string label in labels) ReadComputed(ref reader, label, row);
                    result.Rows.Add(row);
                }
                break;
            case ResultKind.Aggregates:
                ReadPairs(ref reader, names, result.Aggregates);
                break;
            case ResultKind.Groups:
                uint groups = reader.U32();
                for (uint i = 0; i < groups && !reader.Failed; i++)
                {
                    ResultGroup group = new();
                    ReadPairs(ref reader, names, group.Keys);
                    ReadPairs(ref reader, names, group.Aggregates);
                    result.Groups.Add(group);
                }
                break;
            default:
                reader.Fail();
                break;
        }
        return result;
    }

    private static void ReadComputed(ref WireReader reader, string label, ResultRow row)
    {
        switch (reader.U8())
        {
            case 0:
                break;
            case 1:
                row.Computed.Add(new(label, reader.F32()));
                break;
            case 2:
                int count = reader.U16();
                if (count > reader.Remaining) reader.Fail();
                HighlightFragment[] fragments = new HighlightFragment[reader.Failed ? 0 : count];
                for (int i = 0; i < fragments.Length; i++) fragments[i] = HighlightFragment.Read(ref reader);
                row.Highlights.Add(new(label, fragments));
                break;
            default:
                reader.Fail();
                break;
        }
    }

    private static void ReadPairs(ref WireReader reader, string[] names, List<KeyValuePair<string, Value>> pairs)
    {
        int count = reader.U16();
        for (int i = 0; i < count && !reader.Failed; i++)
        {
            int name = reader.U16();
            if (name >= names.Length) reader.Fail();
            Value value = Value.Read(ref reader);
            if (!reader.Failed) pairs.Add(new(names[name], value));
        }
    }
}

/// <summary>Reply to a query: u8 count of results and the results, then rows in the namespace u64, rows or vectors
/// that were scored exhaustively u64, logical bytes read u64.</summary>
public sealed class QueryReply
{
    public List<QueryResult> Results { get; init; } = [];
    public ulong NamespaceRows { get; set; }
    public ulong ExhaustiveCount { get; set; }
    public ulong BytesQueried { get; set; }

    public static QueryReply Read(ref WireReader reader)
    {
        QueryReply reply = new();
        int count = reader.U8();
        for (int i = 0; i < count && !reader.Failed; i++) reply.Results.Add(QueryResult.Read(ref reader));
        reply.NamespaceRows = reader.U64();
        reply.ExhaustiveCount = reader.U64();
        reply.BytesQueried = reader.U64();
        return reply;
    }
}

/// <summary>Reply to ListNamespaces: u32 count of names in ascending byte order, u8 1 if there are more.</summary>
public sealed class ListNamespacesReply
{
    public List<string> Names { get; init; } = [];
    public bool More { get; set; }

    public static ListNamespacesReply Read(ref WireReader reader)
    {
        ListNamespacesReply reply = new();
        uint count = reader.U32();
        for (uint i = 0; i < count && !reader.Failed; i++) reply.Names.Add(Encoding.UTF8.GetString(reader.Name()));
        reply.More = reader.U8() != 0;
        return reply;
    }
}

/// <summary>Reply to Metadata: created, updated and last write in nanoseconds since 1970 (u64 each), rows u64, logical
/// bytes u64, unindexed bytes u64, metric u8, attributes (u16 count) in the order of their names.</summary>
public sealed class MetadataReply
{
    public ulong CreatedAt { get; init; }
    public ulong UpdatedAt { get; init; }
    public ulong LastWriteAt { get; init; }
    public ulong Rows { get; init; }
    public ulong LogicalBytes { get; init; }
    public ulong UnindexedBytes { get; init; }
    public DistanceMetric Metric { get; init; }
    public AttributeSchema[] Schema { get; init; } = [];

    public static MetadataReply Read(ref WireReader reader) => new()
    {
        CreatedAt = reader.U64(), UpdatedAt = reader.U64(), LastWriteAt = reader.U64(), Rows = reader.U64(),
        LogicalBytes = reader.U64(), UnindexedBytes = reader.U64(), Metric = (DistanceMetric)reader.U8(),
        Schema = AttributeSchema.ReadAll(ref reader),
    };
}

/// <summary>Reply to Schema and UpdateSchema: metric u8, attributes (u16 count, the id first, then in the order of
/// their names).</summary>
public sealed class SchemaReply
{
    public DistanceMetric Metric { get; init; }
    public AttributeSchema[] Schema { get; init; } = [];

    public static SchemaReply Read(ref WireReader reader) => new()
    {
        Metric = (DistanceMetric)reader.U8(), Schema = AttributeSchema.ReadAll(ref reader),
    };
}

/// <summary>Reply to Branch: rows u64 and logical bytes u64 of the new namespace.</summary>
public sealed class BranchReply
{
    public ulong Rows { get; init; }
    public ulong LogicalBytes { get; init; }

    public void Write(ref WireWriter writer)
    {
        writer.U64(Rows);
        writer.U64(LogicalBytes);
    }

    public static BranchReply Read(ref WireReader reader) =>
        new() { Rows = reader.U64(), LogicalBytes = reader.U64() };
}
