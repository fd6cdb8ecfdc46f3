using System;
using System.CommandLine;
using Deterministic.Replica.Checkpoints;
using Deterministic.Replica.Commands;

namespace Deterministic.Replica.Hosting;

/// <summary>`deterministic inspect`: shows and verifies the data file of a stopped replica, or lists the checkpoints in
/// an object store.</summary>
internal static class InspectCommand
{
    private static readonly Option<string?> Store = new("--object-store")
        { Description = "List the checkpoints in dir:PATH or s3://BUCKET/PREFIX[?endpoint=URL] instead" };
    private static readonly Option<bool> Checkpoint = new("--checkpoint")
        { Description = "The state of the checkpoint alone, without the operations that came after it" };
    private static readonly Argument<string?> Path = new("FILE")
        { Description = "Data file of a stopped replica", Arity = ArgumentArity.ZeroOrOne };

    public static Command Create()
    {
        Command command = new("inspect",
            "Show and verify a data file: superblock, journal, checkpoint, trees, and the checksum of the state. Or " +
            "list the checkpoints in an object store.\n\n" +
            "Example: deterministic inspect ./data.deterministic")
        {
            Store, Checkpoint, Path,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult arguments)
    {
        string? store = arguments.GetValue(Store);
        string? path = arguments.GetValue(Path);
        if (store is null == path is null)
        {
            Console.Error.WriteLine("inspect takes either FILE or --object-store");
            return ExitCode.Usage;
        }
        if (store is not null) return new CheckpointList(Console.Out).Run(store);
        return new Inspection(Console.Out, arguments.GetValue(Checkpoint)).Run(path!);
    }
}
