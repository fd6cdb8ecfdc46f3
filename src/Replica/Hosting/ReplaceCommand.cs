using System.CommandLine;

namespace Deterministic.Replica.Hosting;

/// <summary>`deterministic replace`: makes the data file of a replica whose own is lost.</summary>
internal static class ReplaceCommand
{
    private static readonly Argument<string> Path = new("FILE") { Description = "Data file to make; must not exist" };

    public static Command Create()
    {
        Command command = new("replace",
            "Make the data file of a replica whose own is lost, for a cluster that runs. Never format such a " +
            "replica again: it would deny what it has acknowledged. This one asks the others for the log and for " +
            "all data when it is started; a cluster of three or more is needed.\n\n" +
            "Example: deterministic replace --cluster 7 --replica 1 --replica-count 3 ./data.deterministic")
        {
            FormatCommand.Cluster, FormatCommand.Replica, FormatCommand.ReplicaCount, FormatCommand.StateSize,
            FormatCommand.Quick, Path,
        };
        command.SetAction(arguments => FormatCommand.Make(
            arguments, arguments.GetRequiredValue(FormatCommand.Replica), arguments.GetRequiredValue(Path),
            lost: true));
        return command;
    }
}
