using System.CommandLine;
using Deterministic.ClusterBenchmark;

RootCommand root = new("Measurements of a cluster of real replica processes on this machine, each as a table.\n\n" +
    "A run formats its own data files and deletes them. Compare figures of one run, not of different ones.")
{
    WritesCommand.Create(),
    FailOverCommand.Create(),
    ReadsCommand.Create(),
    CatchUpCommand.Create(),
    DiskCommand.Create(),
};
return await root.Parse(args).InvokeAsync();
