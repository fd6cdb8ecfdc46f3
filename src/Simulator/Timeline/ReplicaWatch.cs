using Deterministic.Simulator.World;
using Deterministic.Vsr;

namespace Deterministic.Simulator.Timeline;

/// <summary>Notes what changes in one replica from step to step.</summary>
internal sealed class ReplicaWatch(Chronicle chronicle, int lane)
{
    private string _role = "";
    private ulong _commit;
    private ulong _checkpoint;

    public void Look(SimulatedReplica replica)
    {
        string role = RoleOf(replica);
        if (role != _role) chronicle.Note(HappeningKind.Role, lane, role);
        _role = role;
        if (replica.CommitMin > _commit) chronicle.Note(HappeningKind.Commit, lane, $"{replica.CommitMin}");
        _commit = replica.CommitMin;
        if (replica.CheckpointOp != _checkpoint)
            chronicle.Note(HappeningKind.Checkpoint, lane, $"{replica.CheckpointOp}");
        _checkpoint = replica.CheckpointOp;
    }

    /// <summary>It has lost its memory.</summary>
    public void Forget()
    {
        _role = "";
        _commit = 0;
        _checkpoint = 0;
    }

    private static string RoleOf(SimulatedReplica replica) => replica.Status switch
    {
        ReplicaStatus.Normal when replica.IsPrimary => $"primary of view {replica.View}",
        ReplicaStatus.Normal => $"backup in view {replica.View}",
        ReplicaStatus.ViewChange => $"between views, at {replica.View}",
        ReplicaStatus.RecoveringHead => "does not know the end of its log",
        ReplicaStatus.Stopped => $"stopped: {replica.StopReason}",
        ReplicaStatus.Outdated => "takes a checkpoint of the others",
        _ => "opens its file",
    };
}
