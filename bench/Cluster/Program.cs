using System;
using System.CommandLine;
using Deterministic.ClusterBenchmark;

RootCommand root = new("Measurements of a cluster of real replica processes on this machine, each as a table.\n\n" +
    "A run formats its own data files and deletes them. Compare figures of one run, not of different ones.")
{
    WritesCommand.Create(),
    FailOverCommand.Create(),
    ReadsCommand.Create(),
    CatchUpCommand.Create(),
    HttpCommand.Create(),
    MixedCommand.Create(),
    DiskCommand.Create(),
};
// An interrupted run still says what it has found, and leaves no file behind.
InvocationConfiguration configuration = new() { ProcessTerminationTimeout = TimeSpan.FromMinutes(1) };
return await root.Parse(args).InvokeAsync(configuration);
