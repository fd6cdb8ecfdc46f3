using System;
using System.Collections.Generic;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Oracle;

/// <summary>What a fleet must have met: everything that the state machine can do, and every error that it can
/// answer.</summary>
internal static class RequiredCoverage
{
    private static readonly string[] Paths =
    [
        "condition met", "condition not met", "compared with the new row", "inserted", "replaced", "patched", "deleted",
        "patched by filter", "deleted by filter", "partial patch allowed", "partial delete allowed", "ids returned",
        "namespace created again", "indexes changed", "indexes changed by a write", "type inferred", "query with rows",
        "page of a list", "several queries", "fusion", "weighted fusion", "grouped", "offset",
        "ordered by several attributes", "last token as prefix", "ranked by a prefix",
    ];

    private static readonly string[] Storage =
    [
        "evictions", "cold rounds", "tables moved", "tombstones dropped", "merges resumed", "tables of level 1",
        "tables of level 2", "scrub passes", "rot found by scrubbing", "corruption stopped the replica",
    ];

    private static readonly string[] Archive =
    [
        "upload finished", "upload abandoned", "upload resumed after a crash", "garbage collected",
        "block repaired from the store", "commits held back", "checkpoint restored", "older checkpoint restored",
        "damage reported by a restore",
    ];

    public static List<string> Missing(Coverage coverage)
    {
        List<string> missing = [];
        foreach ((string kind, string name) in All())
        {
            if (coverage.Count(kind, name) == 0) missing.Add($"{kind} {name}");
        }
        return missing;
    }

    public static List<(string Kind, string Name)> All()
    {
        List<(string Kind, string Name)> all = [];
        for (Operation operation = Operation.Write; operation <= Operation.Batch; operation++)
            all.Add(("operation", operation.ToString()));
        foreach (FilterOperator op in Enum.GetValues<FilterOperator>())
        {
            bool refused = op is >= FilterOperator.Glob and <= FilterOperator.Fuzzy;
            if (op != FilterOperator.None && !refused) all.Add(("filter", op.ToString()));
        }
        foreach (RankKind kind in Enum.GetValues<RankKind>()) all.Add(("rank", kind.ToString()));
        foreach (AggregateFunction function in Enum.GetValues<AggregateFunction>())
            all.Add(("aggregate", function.ToString()));
        foreach (IncludeMode mode in Enum.GetValues<IncludeMode>()) all.Add(("include", mode.ToString()));
        foreach (AttributeType type in Enum.GetValues<AttributeType>())
        {
            if (type is not (AttributeType.None or AttributeType.ArrayFlag)) all.Add(("type", type.ToString()));
        }
        foreach (ValueKind kind in Enum.GetValues<ValueKind>())
        {
            if (kind != ValueKind.Null) all.Add(("value", kind.ToString()));
        }
        foreach (AttributeType type in (AttributeType[])[AttributeType.Uint, AttributeType.Uuid, AttributeType.String])
            all.Add(("id", type.ToString()));
        foreach (ErrorCode code in Enum.GetValues<ErrorCode>())
        {
            // The state machine of one replica is never too busy to answer.
            if (code is not (ErrorCode.Ok or ErrorCode.Busy)) all.Add(("error", code.ToString()));
        }
        foreach (string path in Paths) all.Add(("path", path));
        foreach (string name in Storage) all.Add(("storage", name));
        foreach (string name in (string[])["checkpoints compared", "blocks compared", "crashes"])
            all.Add(("twin", name));
        foreach (string name in Archive) all.Add(("archive", name));
        return all;
    }
}
