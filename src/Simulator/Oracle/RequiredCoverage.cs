using System;
using System.Collections.Generic;
using Deterministic.Core.Model;
using Deterministic.Core.Tracing;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Oracle;

/// <summary>What a fleet must have met: everything that the state machine can do, every error that it can answer, and
/// the rare paths of the log; less where its options leave out the faults that lead there.</summary>
internal static class RequiredCoverage
{
    private static readonly string[] Paths =
    [
        "condition met", "condition not met", "compared with the new row", "inserted", "replaced", "patched", "deleted",
        "patched by filter", "deleted by filter", "partial patch allowed", "partial delete allowed", "ids returned",
        "namespace created again", "indexes changed", "indexes changed by a write", "type inferred", "query with rows",
        "page of a list", "page of keys", "several queries", "fusion", "weighted fusion", "grouped", "offset",
        "ordered by several attributes", "last token as prefix", "ranked by a prefix",
        "duration as midpoint", "limit per attribute", "fuzzy in any case",
        "computed score", "computed distance", "highlight", "branch with rows",
    ];

    private static readonly string[] Storage =
    [
        "evictions", "cold rounds", "tables moved", "tombstones dropped", "merges resumed", "tables of level 1",
        "tables of level 2", "scrub passes", "rot found by scrubbing",
    ];

    private static readonly string[] Archive =
    [
        "upload finished", "upload abandoned", "upload resumed after a crash", "garbage collected",
        "block repaired from the store", "commits held back", "checkpoint restored", "older checkpoint restored",
        "damage reported by a restore",
    ];

    /// <summary>Met under any options.</summary>
    private static readonly Mark[] Always =
    [
        Mark.CheckpointWritten, Mark.JournalReplayed, Mark.JournalWrapped, Mark.SessionRegistered,
        Mark.DuplicateAnswered, Mark.DuplicateInFlight, Mark.PipelineFull, Mark.RequestsGrouped,
    ];

    /// <summary>Met where more goes wrong than crashes and cuts, and sizes are small.</summary>
    private static readonly Mark[] Harsh =
    [
        Mark.SessionEvicted, Mark.JournalTorn, Mark.JournalHeaderRepaired, Mark.SuperblockRepaired,
        Mark.ClockWentBack, Mark.PrefetchWaited, Mark.JournalTruncated, Mark.SuperblockTorn,
        Mark.CheckpointInterrupted, Mark.StateFull, Mark.ReplyTooLarge,
    ];

    private static readonly Mark[] Many =
    [
        Mark.ViewChanged, Mark.PrimarySuspected, Mark.LogTruncated, Mark.LogGap, Mark.PrepareRepaired,
        Mark.CheckpointTaken, Mark.CheckpointComplete, Mark.BlockRepaired, Mark.ViewConfirmed, Mark.ReadTooOld,
    ];

    private static readonly Mark[] HarshToMany =
        [Mark.HeadUncertain, Mark.PrimaryAbdicated, Mark.ReplyRepaired];

    private static readonly string[] Cluster =
    [
        "entries compared", "checkpoints compared", "blocks compared", "primary crashed", "power lost everywhere",
        "replica cut off", "cluster in two parts", "cut both ways", "cut one way", "core without some",
        "outsider mute", "outsider deaf", "outsider cut off",
    ];

    private static readonly string[] HarshCluster =
    [
        "link clogged", "replica paused", "prepare damaged", "entry lost without a trace", "block damaged",
        "reply damaged", "replica renewed", "release changed", "older software again", "older software refused",
    ];

    private static readonly string[] ArchiveOfCluster =
        ["upload finished", "upload resumed after a crash", "checkpoint restored"];

    /// <summary>What two replicas are too few for.</summary>
    private static readonly string[] LostDisk = ["disk lost", "new disk filled"];

    private static readonly string[] Standbys =
        ["with standbys", "standby caught up by state sync", "standby lost its disk", "core without a standby"];

    private static readonly string[] Reads = ["compared", "of an earlier state", "Strong Answered", "Stale Answered"];

    private static readonly string[] ReadsOfMany =
        ["Strong NotPrimary", "Stale TooOld", "age judged", "compared with another"];

    public static List<string> Missing(Coverage coverage, SimulationOptions options)
    {
        List<string> missing = [];
        foreach ((string kind, string name) in All(options))
        {
            if (coverage.Count(kind, name) == 0) missing.Add($"{kind} {name}");
        }
        return missing;
    }

    public static List<(string Kind, string Name)> All(SimulationOptions options)
    {
        List<(string Kind, string Name)> all = [];
        bool harsh = !options.Lite && !options.Production;
        AddMarks(all, Always);
        if (harsh) AddMarks(all, Harsh);
        foreach (string name in Reads) all.Add(("read", name));
        if (options.Replicas != 1)
        {
            AddMarks(all, Many);
            if (harsh) AddMarks(all, HarshToMany);
            foreach (string name in Cluster) all.Add(("cluster", name));
            foreach (string name in ReadsOfMany) all.Add(("read", name));
            for (int i = 0; i < HarshCluster.Length && harsh; i++) all.Add(("cluster", HarshCluster[i]));
            for (int i = 0; i < ArchiveOfCluster.Length && harsh; i++)
                all.Add(("archive of a cluster", ArchiveOfCluster[i]));
            bool loses = harsh && options.Replicas != 2;
            for (int i = 0; i < LostDisk.Length && loses; i++) all.Add(("cluster", LostDisk[i]));
            if (loses && options.Standbys != 0) all.Add(("cluster", "standby promoted"));
        }
        for (int i = 0; i < Standbys.Length && harsh && options.Standbys != 0; i++)
            all.Add(("cluster", Standbys[i]));
        if (harsh && options.Replicas <= 1) AddAlone(all);
        if (!options.Production) AddWork(all);
        return all;
    }

    private static void AddMarks(List<(string Kind, string Name)> all, Mark[] marks)
    {
        foreach (Mark mark in marks) all.Add(("mark", mark.ToString()));
    }

    /// <summary>What only a single replica lives through.</summary>
    private static void AddAlone(List<(string Kind, string Name)> all)
    {
        all.Add(("mark", nameof(Mark.JournalCorrupt)));
        all.Add(("fleet", "sectors lost"));
        all.Add(("fleet", "reads failed"));
        all.Add(("fleet", "refusals of a damaged file"));
        all.Add(("storage", "corruption stopped the replica"));
        foreach (string name in (string[])["checkpoints compared", "blocks compared", "crashes"])
            all.Add(("twin", name));
        foreach (string name in Archive) all.Add(("archive", name));
        foreach (string name in Storage) all.Add(("storage", name));
    }

    /// <summary>What clients ask for.</summary>
    private static void AddWork(List<(string Kind, string Name)> all)
    {
        for (Operation operation = Operation.Write; operation <= Operation.Branch; operation++)
            all.Add(("operation", operation.ToString()));
        foreach (FilterOperator op in Enum.GetValues<FilterOperator>())
        {
            if (op != FilterOperator.None) all.Add(("filter", op.ToString()));
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
            // The state machine of one replica is never too busy to answer, and clients know no other operations.
            if (code is not (ErrorCode.Ok or ErrorCode.Busy or ErrorCode.NotSupported))
                all.Add(("error", code.ToString()));
        }
        foreach (string path in Paths) all.Add(("path", path));
    }
}
