using System.CommandLine;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core.Model;

namespace Deterministic.Replica.Commands;

/// <summary><c>schema</c>: shows the schema of a namespace, or changes it.</summary>
public static class SchemaCommand
{
    private const string Help = """
        Shows the schema of a namespace; with JSON, changes what it names and shows the result.

        Examples:
          deterministic schema -n books
          deterministic schema -n books '{"title":{"type":"string","full_text_search":{"stemming":true}}}'
        """;

    public static Command Create()
    {
        Command command = new("schema", Help);
        Option<string> name = NamespaceOption.Create();
        Argument<string?> json = new("JSON")
        {
            Description = "Attributes to add or change: JSON, a file that holds it, or - for stdin.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        command.Options.Add(name);
        command.Arguments.Add(json);
        new ConnectionOptions().Attach(command, (parse, client) =>
        {
            string? change = parse.GetValue(json);
            byte[]? text = change is null ? null : ConnectionOptions.JsonOrFile(change);
            return RunAsync(client, parse.GetValue(name)!, text);
        });
        return command;
    }

    internal static async Task<int> RunAsync(DeterministicClient client, string name, byte[]? change)
    {
        SchemaReply reply;
        if (change is null)
        {
            reply = await client.SchemaAsync(name).ConfigureAwait(false);
        }
        else
        {
            UpdateSchemaRequest request = new() { Namespace = name, Schema = SchemaJson.Parse(change) };
            reply = await client.UpdateSchemaAsync(request).ConfigureAwait(false);
        }
        ConnectionOptions.Print(writer => ReplyJson.Write(writer, reply));
        return ExitCode.Ok;
    }
}
