using System.CommandLine;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core.Model;

namespace Deterministic.Replica.Commands;

/// <summary><c>metadata</c>: size, times and schema of a namespace.</summary>
public static class MetadataCommand
{
    private const string Help = """
        Shows rows, logical bytes, times and schema of a namespace.

        Example:
          deterministic metadata -n books
        """;

    public static Command Create()
    {
        Command command = new("metadata", Help);
        Option<string> name = NamespaceOption.Create();
        command.Options.Add(name);
        new ConnectionOptions().Attach(command, (parse, client) => RunAsync(client, parse.GetValue(name)!));
        return command;
    }

    internal static async Task<int> RunAsync(DeterministicClient client, string name)
    {
        MetadataReply reply = await client.MetadataAsync(name).ConfigureAwait(false);
        ConnectionOptions.Print(writer => ReplyJson.Write(writer, reply));
        return ExitCode.Ok;
    }
}
