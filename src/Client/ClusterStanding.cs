using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core.Wire;

namespace Deterministic.Client;

/// <summary>A replica of a cluster, whether it answers or not.</summary>
/// <param name="Address">Where it was asked, host:port.</param>
/// <param name="Standing">What it says; null if it does not answer.</param>
/// <param name="Problem">Why not.</param>
public sealed record MemberStanding(string Address, ReplicaStanding? Standing, string Problem);

/// <summary>How all replicas of a cluster stood when they were asked.</summary>
/// <param name="Members">In the order of their addresses.</param>
public sealed record ClusterStanding(IReadOnlyList<MemberStanding> Members)
{
    /// <summary>The one of the newest view, for an old one may not know yet that it has been replaced; null if none
    /// answers that says to be one.</summary>
    public ReplicaStanding? Primary => Members
        .Select(static member => member.Standing).OfType<ReplicaStanding>()
        .Where(static standing => standing.Fields.Role == ReplicaRole.Primary)
        .MaxBy(static standing => standing.View);

    /// <summary>Asks all at once, each at most for <paramref name="timeout"/>.</summary>
    public static async Task<ClusterStanding> AskAsync(
        IReadOnlyList<EndPoint> addresses, TimeSpan timeout, CancellationToken stop = default) =>
        new(await Task.WhenAll(addresses.Select(async address =>
        {
            (ReplicaStanding? standing, string problem) =
                await StatusProbe.AskAsync(address, timeout, stop).ConfigureAwait(false);
            return new MemberStanding(ClientOptions.Describe(address), standing, problem);
        })).ConfigureAwait(false));

    /// <summary>Committed entries that the primary has run and this replica has not; null without a
    /// primary.</summary>
    public ulong? LagOf(ReplicaStanding standing)
    {
        if (Primary is not ReplicaStanding primary) return null;
        ulong theirs = primary.Fields.CommitMin;
        return theirs > standing.Fields.CommitMin ? theirs - standing.Fields.CommitMin : 0;
    }

    public static string NameOf(ReplicaRole role) => role switch
    {
        ReplicaRole.Recovering => "recovering",
        ReplicaRole.Primary => "primary",
        ReplicaRole.Backup => "backup",
        ReplicaRole.ViewChange => "view_change",
        ReplicaRole.RecoveringHead => "recovering_head",
        ReplicaRole.Standby => "standby",
        _ => "unknown",
    };
}
