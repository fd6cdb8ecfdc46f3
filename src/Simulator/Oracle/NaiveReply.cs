using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Oracle;

/// <summary>Answers as bytes, the way docs/protocol.md lays them out.</summary>
internal static class NaiveReply
{
    /// <summary>Of the answer to a query: two counters at its end, of rows and bytes looked at, which only an
    /// implementation can know.</summary>
    public const int CountersSize = 16;

    public static void Refused(ref WireWriter writer, Refusal refusal) =>
        new ReplyStatus(refusal.Code, refusal.Text).Write(ref writer);

    /// <summary>Status, results and the number of rows; the counters do not follow.</summary>
    public static void Query(ref WireWriter writer, QueryRequest request, QueryReply reply, NaiveSchema schema)
    {
        writer.U16((ushort)ErrorCode.Ok);
        writer.U8((byte)reply.Results.Count);
        for (int i = 0; i < reply.Results.Count; i++)
        {
            QueryResult result = reply.Results[i];
            writer.U8((byte)result.Kind);
            if (result.Kind is ResultKind.Rows or ResultKind.RowsWithComputed)
                Rows(ref writer, request.Queries[i], result, schema);
            else Aggregates(ref writer, request.Queries[i], result);
        }
        writer.U64(reply.NamespaceRows);
    }

    /// <summary>Attributes in the order in which the namespace got them, vectors behind the others.</summary>
    private static void Rows(ref WireWriter writer, Query query, QueryResult result, NaiveSchema schema)
    {
        List<NaiveAttribute> included = schema.ByNumber();
        included.RemoveAll(attribute => !Includes(query, attribute.Name));
        writer.U16(included.Count);
        foreach (NaiveAttribute attribute in included) writer.Name(Encoding.UTF8.GetBytes(attribute.Name));
        bool computed = result.Kind == ResultKind.RowsWithComputed;
        if (computed) writer.U16(query.Computed.Length);
        foreach (ComputedAttribute label in query.Computed) writer.Name(Encoding.UTF8.GetBytes(label.Label));
        writer.U32((uint)result.Rows.Count);
        foreach (ResultRow row in result.Rows)
        {
            row.Id.Write(ref writer);
            writer.U8(row.Score is null ? (byte)0 : (byte)1);
            if (row.Score is float score) writer.F32(score);
            writer.U16(row.Attributes.Count);
            for (int vectors = 0; vectors < 2; vectors++)
            {
                for (int i = 0; i < included.Count; i++)
                {
                    if (included[i].IsVector != (vectors == 1)) continue;
                    WriteIfPresent(ref writer, i, included[i].Name, row.Attributes);
                }
            }
            foreach (ComputedAttribute label in query.Computed) WriteComputed(ref writer, label.Label, row);
        }
    }

    private static void WriteComputed(ref WireWriter writer, string label, ResultRow row)
    {
        foreach (KeyValuePair<string, float> pair in row.Computed)
        {
            if (pair.Key != label) continue;
            writer.U8(1);
            writer.F32(pair.Value);
            return;
        }
        foreach (KeyValuePair<string, HighlightFragment[]> pair in row.Highlights)
        {
            if (pair.Key != label) continue;
            writer.U8(2);
            writer.U16(pair.Value.Length);
            foreach (HighlightFragment fragment in pair.Value) fragment.Write(ref writer);
            return;
        }
        writer.U8(0);
    }

    private static void WriteIfPresent(
        ref WireWriter writer, int index, string name, List<KeyValuePair<string, Value>> attributes)
    {
        foreach (KeyValuePair<string, Value> pair in attributes)
        {
            if (pair.Key != name) continue;
            writer.U16(index);
            pair.Value.Write(ref writer);
        }
    }

    public static bool Includes(Query query, string name)
    {
        bool named = Array.IndexOf(query.IncludeNames, name) >= 0;
        return query.Include switch
        {
            IncludeMode.All => true,
            IncludeMode.Listed => named,
            IncludeMode.AllExcept => !named,
            _ => false,
        };
    }

    private static void Aggregates(ref WireWriter writer, Query query, QueryResult result)
    {
        writer.U16(query.GroupBy.Length + query.Aggregates.Length);
        foreach (string name in query.GroupBy) writer.Name(Encoding.UTF8.GetBytes(name));
        foreach (Aggregate aggregate in query.Aggregates) writer.Name(Encoding.UTF8.GetBytes(aggregate.Label));
        if (result.Kind == ResultKind.Aggregates)
        {
            Pairs(ref writer, 0, result.Aggregates);
            return;
        }
        writer.U32((uint)result.Groups.Count);
        foreach (ResultGroup group in result.Groups)
        {
            Pairs(ref writer, 0, group.Keys);
            Pairs(ref writer, query.GroupBy.Length, group.Aggregates);
        }
    }

    private static void Pairs(ref WireWriter writer, int first, List<KeyValuePair<string, Value>> pairs)
    {
        writer.U16(pairs.Count);
        for (int i = 0; i < pairs.Count; i++)
        {
            writer.U16(first + i);
            pairs[i].Value.Write(ref writer);
        }
    }
}
