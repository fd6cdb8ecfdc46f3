using System;
using System.CommandLine;

namespace Deterministic.Replica.Hosting;

/// <summary>`deterministic inspect`: shows and verifies the data file of a stopped replica.</summary>
internal static class InspectCommand
{
    private static readonly Argument<string> Path = new("FILE") { Description = "Data file of a stopped replica" };

    public static Command Create()
    {
        Command command = new("inspect",
            "Show and verify a data file: superblock, journal, checkpoint, trees, and the checksum of the state.\n\n" +
            "Example: deterministic inspect ./data.deterministic")
        {
            Path,
        };
        command.SetAction(arguments => new Inspection(Console.Out).Run(arguments.GetRequiredValue(Path)));
        return command;
    }
}
