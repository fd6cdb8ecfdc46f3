using System.Globalization;
using System.Text.Json;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Client.Json;

/// <summary>How a cluster stands, as JSON.</summary>
public static class StatusJson
{
    public static void Write(Utf8JsonWriter writer, ClusterStanding cluster)
    {
        writer.WriteStartObject();
        if (cluster.Primary is ReplicaStanding primary) writer.WriteNumber("primary", primary.Replica);
        else writer.WriteNull("primary");
        writer.WriteStartArray("replicas");
        foreach (MemberStanding member in cluster.Members)
        {
            writer.WriteStartObject();
            writer.WriteString("address", member.Address);
            writer.WriteBoolean("reachable", member.Standing is not null);
            if (member.Standing is null) writer.WriteString("problem", member.Problem);
            else Write(writer, member.Standing, cluster.LagOf(member.Standing));
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, ReplicaStanding standing, ulong? lag)
    {
        StatusFields fields = standing.Fields;
        writer.WriteString("cluster", standing.Cluster.ToString(CultureInfo.InvariantCulture));
        writer.WriteNumber("replica", standing.Replica);
        writer.WriteNumber("replica_count", fields.ReplicaCount);
        writer.WriteNumber("release", fields.Release);
        writer.WriteNumber("release_newest", standing.Release);
        writer.WriteString("role", ClusterStanding.NameOf(fields.Role));
        writer.WriteNumber("view", standing.View);
        writer.WriteNumber("op", fields.Op);
        writer.WriteNumber("commit", fields.CommitMin);
        writer.WriteNumber("commit_known", fields.CommitMax);
        if (lag is ulong entries) writer.WriteNumber("lag", entries);
        else writer.WriteNull("lag");
        writer.WriteNumber("checkpoint", fields.CheckpointOp);
        writer.WriteNumber("sync_to", fields.SyncOp);
        writer.WriteNumber("sessions", fields.SessionsCount);
        writer.WriteStartArray("connected");
        for (int i = 0; i < Limits.MembersMax; i++)
            if ((fields.Connected >> i & 1) != 0) writer.WriteNumberValue(i);
        writer.WriteEndArray();
    }
}
