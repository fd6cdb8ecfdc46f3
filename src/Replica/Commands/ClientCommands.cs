using System;
using System.CommandLine;
using System.Threading.Tasks;

namespace Deterministic.Replica.Commands;

/// <summary>The commands that talk to a running replica.</summary>
public static class ClientCommands
{
    public static void AddTo(RootCommand root)
    {
        root.Subcommands.Add(LoadCommand.Create());
        root.Subcommands.Add(QueryCommand.Create());
        root.Subcommands.Add(WriteCommand.Create());
        root.Subcommands.Add(NamespacesCommand.Create());
        root.Subcommands.Add(MetadataCommand.Create());
        root.Subcommands.Add(SchemaCommand.Create());
        root.Subcommands.Add(DeleteNamespaceCommand.Create());
        root.Subcommands.Add(ReplCommand.Create());
        root.Subcommands.Add(EvalCommand.Create());
        root.Subcommands.Add(StatusCommand.Create());
        root.Subcommands.Add(KeysCommand.Create());
    }

    /// <summary>Longer than any service needs to stop by itself: whoever wants it sooner sends SIGKILL.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromHours(3);

    /// <summary>Runs the command line; a line that does not parse is explained on stderr and ends with
    /// <see cref="ExitCode.Usage"/>.</summary>
    public static async Task<int> InvokeAsync(RootCommand root, string[] arguments)
    {
        ParseResult parse = root.Parse(arguments);
        InvocationConfiguration invocation = new();
        bool isService = parse.CommandResult.Command.Name is "start" or "gateway";
        if (isService) invocation.ProcessTerminationTimeout = StopTimeout;
        int code = await parse.InvokeAsync(invocation).ConfigureAwait(false);
        return parse.Errors.Count > 0 ? ExitCode.Usage : code;
    }
}
