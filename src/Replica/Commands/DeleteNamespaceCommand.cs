using System;
using System.CommandLine;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;

namespace Deterministic.Replica.Commands;

/// <summary><c>delete-namespace</c>: removes a namespace with all its documents.</summary>
public static class DeleteNamespaceCommand
{
    private const string Help = """
        Deletes a namespace with all its documents. Asks first, unless --yes is given.

        Example:
          deterministic delete-namespace -n books --yes
        """;

    public static Command Create()
    {
        Command command = new("delete-namespace", Help);
        Option<string> name = NamespaceOption.Create();
        Option<bool> yes = new("--yes", "-y") { Description = "Do not ask." };
        command.Options.Add(name);
        command.Options.Add(yes);
        new ConnectionOptions().Attach(command, (parse, client) =>
            RunAsync(client, parse.GetValue(name)!, parse.GetValue(yes)));
        return command;
    }

    private static async Task<int> RunAsync(DeterministicClient client, string name, bool yes)
    {
        if (!yes)
        {
            MetadataReply metadata = await client.MetadataAsync(name).ConfigureAwait(false);
            Console.Error.Write($"Delete \"{name}\" with its {metadata.Rows} documents for good? ");
            Console.Error.Write("Type the name to go on: ");
            if (Console.In.ReadLine() != name)
                throw new CommandException("not deleted; type the name of the namespace, or give --yes");
        }
        await client.DeleteNamespaceAsync(name).ConfigureAwait(false);
        ConnectionOptions.Print(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("status", "OK");
            writer.WriteEndObject();
        });
        return ExitCode.Ok;
    }
}
