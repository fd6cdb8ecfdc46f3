using Deterministic.Core;

namespace Deterministic.Vsr;

/// <summary>How many replicas must agree. Flexible quorums: a log entry needs fewer replicas than a change of view, and
/// any two of the two kinds share a replica.</summary>
public readonly struct Quorums
{
    public Quorums(int replicaCount)
    {
        Check.That(replicaCount is >= 1 and <= Limits.ReplicasMax);
        Majority = replicaCount / 2 + 1;
        int half = (replicaCount + 1) / 2;
        if (replicaCount == 2) half = 2;
        Replication = half < Limits.ReplicationQuorumMax ? half : Limits.ReplicationQuorumMax;
        ViewChange = replicaCount == 2 ? 2 : replicaCount - Replication + 1;
        Nack = replicaCount - Replication + 1;
        Upgrade = replicaCount;
        Confirmation = replicaCount - ViewChange + 1;
        Check.That(Replication + ViewChange > replicaCount);
        Check.That(Nack + Replication > replicaCount);
        Check.That(Confirmation + ViewChange > replicaCount && Confirmation <= Replication);
    }

    public int Replication { get; }
    public int ViewChange { get; }

    /// <summary>As many "I never prepared it" prove that an entry was never committed.</summary>
    public int Nack { get; }
    public int Majority { get; }
    public int Upgrade { get; }

    /// <summary>As many, the primary among them, that work in a view prove that no later one has begun. Two replicas
    /// change views only together, so there the primary knows by itself.</summary>
    public int Confirmation { get; }
}
