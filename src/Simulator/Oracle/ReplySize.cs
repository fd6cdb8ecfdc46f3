using System.Collections.Generic;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Oracle;

/// <summary>How large an answer must be at the least: only its values are counted.</summary>
internal static class ReplySize
{
    public static int AtLeast(QueryReply reply)
    {
        int size = 0;
        foreach (QueryResult result in reply.Results)
        {
            foreach (ResultRow row in result.Rows) size += SizeOf(row.Id) + SizeOf(row.Attributes);
            foreach (ResultGroup group in result.Groups) size += SizeOf(group.Keys) + SizeOf(group.Aggregates);
        }
        return size;
    }

    private static int SizeOf(List<KeyValuePair<string, Value>> pairs)
    {
        int size = 0;
        foreach (KeyValuePair<string, Value> pair in pairs) size += SizeOf(pair.Value);
        return size;
    }

    private static int SizeOf(Value value)
    {
        byte[] buffer = new byte[4096];
        WireWriter writer = new(buffer);
        value.Write(ref writer);
        return writer.Position;
    }
}
