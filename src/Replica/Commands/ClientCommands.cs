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
    }

    /// <summary>Runs the command line; a line that does not parse is explained on stderr and ends with
    /// <see cref="ExitCode.Usage"/>.</summary>
    public static async Task<int> InvokeAsync(RootCommand root, string[] arguments)
    {
        ParseResult parse = root.Parse(arguments);
        int code = await parse.InvokeAsync().ConfigureAwait(false);
        return parse.Errors.Count > 0 ? ExitCode.Usage : code;
    }
}
