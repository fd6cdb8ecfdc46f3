using System.Collections.Generic;
using System.Linq;
using Deterministic.Client;
using Deterministic.Core.Wire;

namespace Deterministic.Replica.Hosting;

/// <summary>What the replicas of a cluster say of themselves, taken together; null for one that does not
/// answer.</summary>
internal static class Standings
{
    /// <summary>Of those that answer, one is the primary and the others follow it.</summary>
    public static bool AgreeOnPrimary(IReadOnlyCollection<ReplicaStanding?> standings)
    {
        ReplicaStanding[] there = [.. standings.OfType<ReplicaStanding>()];
        return there.Count(static standing => standing.Fields.Role == ReplicaRole.Primary) == 1 &&
            there.All(static standing => standing.Fields.Role is
                ReplicaRole.Primary or ReplicaRole.Backup or ReplicaRole.Standby) &&
            there.All(standing => standing.View == there[0].View);
    }

    /// <summary>All answer, one is the primary and the others follow it.</summary>
    public static bool AllAgreeOnPrimary(IReadOnlyCollection<ReplicaStanding?> standings) =>
        standings.All(static standing => standing is not null) && AgreeOnPrimary(standings);

    /// <summary>All have run the whole log, and have the same checkpoint.</summary>
    public static bool HaveConverged(IReadOnlyCollection<ReplicaStanding?> standings)
    {
        StatusFields first = standings.First()?.Fields ?? default;
        return AllAgreeOnPrimary(standings) && standings.All(standing =>
            standing!.Fields.CommitMin == first.CommitMin && standing.Fields.Op == standing.Fields.CommitMin &&
            standing.Fields.CheckpointOp == first.CheckpointOp);
    }

    /// <summary>The one that says to be the primary; there has to be exactly one.</summary>
    public static byte PrimaryOf(IReadOnlyCollection<ReplicaStanding?> standings) => standings
        .OfType<ReplicaStanding>().Single(static standing => standing.Fields.Role == ReplicaRole.Primary).Replica;
}
