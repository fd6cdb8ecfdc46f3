using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Vsr;
using Microsoft.Extensions.Logging;

namespace Deterministic.Replica.Hosting;

/// <summary>What the replica is to its cluster, in one word, and a line in the log whenever that changes. For a replica
/// on its own there is nothing to tell.</summary>
internal sealed partial class Standing(ILogger logger, ReplicaOptions identity)
{
    private ReplicaRole _role = ReplicaRole.Recovering;
    private uint _view;
    private uint _release;

    public static ReplicaRole RoleOf(ReplicaStatus status, bool isPrimary, bool isStandby) => status switch
    {
        ReplicaStatus.Normal => isStandby ? ReplicaRole.Standby : isPrimary ? ReplicaRole.Primary : ReplicaRole.Backup,
        ReplicaStatus.ViewChange => ReplicaRole.ViewChange,
        ReplicaStatus.RecoveringHead => ReplicaRole.RecoveringHead,
        _ => ReplicaRole.Recovering,
    };

    /// <param name="status">Of the replica.</param>
    /// <param name="isPrimary">Whether it orders requests.</param>
    /// <param name="view">The durable one.</param>
    public void Note(ReplicaStatus status, bool isPrimary, uint view)
    {
        ReplicaRole role = RoleOf(status, isPrimary, identity.IsStandby);
        if (identity.MemberCount == 1 || (role == _role && view == _view)) return;
        Check.That(status != ReplicaStatus.Closed);
        _role = role;
        _view = view;
        switch (role)
        {
            case ReplicaRole.Primary: IsPrimary(logger, view); break;
            case ReplicaRole.Backup: Follows(logger, view, (int)(view % identity.ReplicaCount)); break;
            case ReplicaRole.Standby: StandsBy(logger, view, (int)(view % identity.ReplicaCount)); break;
            case ReplicaRole.ViewChange: ChangesView(logger, view); break;
            case ReplicaRole.RecoveringHead: LostHead(logger, view); break;
            default: break;
        }
    }

    /// <param name="release">That the log is run with; 0 before it is known.</param>
    public void NoteRelease(uint release)
    {
        if (release == _release) return;
        _release = release;
        Runs(logger, release, identity.ReleaseMax);
    }

    [LoggerMessage(24, LogLevel.Information, "Runs the log as release {Release}; this program knows up to {Newest}")]
    private static partial void Runs(ILogger logger, uint release, uint newest);

    [LoggerMessage(20, LogLevel.Information, "View {View}: this replica is the primary")]
    private static partial void IsPrimary(ILogger logger, uint view);

    [LoggerMessage(21, LogLevel.Information, "View {View}: replica {Primary} is the primary, this one follows")]
    private static partial void Follows(ILogger logger, uint view, int primary);

    [LoggerMessage(25, LogLevel.Information, "View {View}: replica {Primary} is the primary, this standby follows")]
    private static partial void StandsBy(ILogger logger, uint view, int primary);

    [LoggerMessage(22, LogLevel.Warning, "View {View}: changing to a new view")]
    private static partial void ChangesView(ILogger logger, uint view);

    [LoggerMessage(23, LogLevel.Warning,
        "View {View}: the journal may have lost its end; waiting for a primary to tell what the log is")]
    private static partial void LostHead(ILogger logger, uint view);
}
