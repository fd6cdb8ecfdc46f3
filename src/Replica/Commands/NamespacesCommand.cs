using System.CommandLine;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Model;

namespace Deterministic.Replica.Commands;

/// <summary><c>namespaces</c>: a page of names.</summary>
public static class NamespacesCommand
{
    private const string Help = """
        Lists namespaces by name, a page at a time; next_cursor continues.

        Example:
          deterministic namespaces --prefix prod- --page-size 100
        """;

    public static Command Create()
    {
        Command command = new("namespaces", Help);
        Option<string> prefix = new("--prefix")
        {
            Description = "Only names that start with this.", HelpName = "TEXT", DefaultValueFactory = _ => "",
        };
        Option<string> cursor = new("--cursor")
        {
            Description = "The next_cursor of the page before.", HelpName = "TEXT", DefaultValueFactory = _ => "",
        };
        Option<int> pageSize = new("--page-size")
        {
            Description = $"1 to {Limits.NamespacePageMax} names.", HelpName = "N", DefaultValueFactory = _ => 100,
        };
        command.Options.Add(prefix);
        command.Options.Add(cursor);
        command.Options.Add(pageSize);
        new ConnectionOptions().Attach(command, (parse, client) =>
        {
            int size = parse.GetValue(pageSize);
            if (size is < 1 or > Limits.NamespacePageMax)
                throw new UsageException($"--page-size takes 1 to {Limits.NamespacePageMax}");
            return RunAsync(client, parse.GetValue(prefix)!, parse.GetValue(cursor)!, (uint)size);
        });
        return command;
    }

    internal static async Task<int> RunAsync(DeterministicClient client, string prefix, string cursor, uint pageSize)
    {
        ListNamespacesRequest request = new()
        {
            Prefix = prefix, Cursor = ReplyJson.DecodeCursor(cursor), PageSize = pageSize,
        };
        ListNamespacesReply reply = await client.ListNamespacesAsync(request).ConfigureAwait(false);
        ConnectionOptions.Print(writer => ReplyJson.Write(writer, reply));
        return ExitCode.Ok;
    }
}
