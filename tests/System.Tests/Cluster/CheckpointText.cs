using System;
using System.Threading.Tasks;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Tests.Process;
using Xunit;

namespace Deterministic.SystemTests.Cluster;

/// <summary>What `inspect` says of the checkpoint of a stopped replica, all of whose blocks it has verified.</summary>
internal sealed record CheckpointText(string Op, string Root, string Checksum)
{
    public static async Task<CheckpointText> ReadAsync(string dataFile)
    {
        CommandResult inspect = await CommandResult.RunAsync("inspect", "--checkpoint", dataFile);
        Assert.True(inspect.ExitCode == 0, inspect.All);
        return new CheckpointText(
            Line(inspect.Output, "checkpoint "), Line(inspect.Output, "checkpoint root "),
            Line(inspect.Output, "state checksum "));
    }

    /// <summary>Ends all replicas and compares their files, which are the same once all have the same
    /// checkpoint.</summary>
    public static async Task<CheckpointText> CompareAsync(SystemCluster cluster)
    {
        await cluster.WaitAsync("all replicas have the same checkpoint", Standings.HaveConverged);
        for (int i = 0; i < cluster.Count; i++) await cluster.KillAsync(i);
        CheckpointText first = await ReadAsync(cluster.DataFile(0));
        for (int i = 1; i < cluster.Count; i++) Assert.Equal(first, await ReadAsync(cluster.DataFile(i)));
        return first;
    }

    private static string Line(string output, string label)
    {
        string? found = Array.Find(output.Split('\n'), line =>
            line.StartsWith(label, StringComparison.Ordinal) &&
            (label != "checkpoint " || !line.StartsWith("checkpoint root", StringComparison.Ordinal)));
        Assert.True(found is not null, $"no \"{label}\" in:\n{output}");
        return found[label.Length..].Trim();
    }
}
