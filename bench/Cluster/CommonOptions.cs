using System.CommandLine;

namespace Deterministic.ClusterBenchmark;

/// <summary>Options that several commands have.</summary>
internal static class CommonOptions
{
    public static Option<string?> Folder() => new("--folder")
        { Description = "Where the data files go, from 3.2 GiB each (default: the folder for temporary files)" };

    public static Option<int> Replicas() => new("--replicas")
        { Description = "Replicas of the cluster", DefaultValueFactory = _ => 3 };
}
