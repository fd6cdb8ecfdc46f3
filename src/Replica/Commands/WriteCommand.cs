using System;
using System.CommandLine;
using System.Diagnostics;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core.Model;

namespace Deterministic.Replica.Commands;

/// <summary><c>write</c>: turbopuffer's write JSON, applied as one atomic change.</summary>
public static class WriteCommand
{
    private const string Help = """
        Writes into a namespace: upserts, patches, deletes, conditions, changes of the schema, all or nothing.

        Examples:
          deterministic write -n books '{"upsert_rows":[{"id":1,"title":"Walrus"}],"schema":{"title":"string"}}'
          deterministic write -n books '{"deletes":[1]}'
        """;

    public static Command Create()
    {
        Command command = new("write", Help);
        Option<string> name = NamespaceOption.Create();
        Argument<string> json = new("JSON") { Description = "The write: JSON, a file that holds it, or - for stdin." };
        command.Options.Add(name);
        command.Arguments.Add(json);
        new ConnectionOptions().Attach(command, (parse, client) =>
            RunAsync(client, parse.GetValue(name)!, ConnectionOptions.JsonOrFile(parse.GetValue(json)!)));
        return command;
    }

    internal static async Task<int> RunAsync(DeterministicClient client, string name, byte[] json)
    {
        WriteRequest request = WriteRequestJson.Parse(name, json);
        long started = Stopwatch.GetTimestamp();
        WriteReply reply = await client.WriteAsync(request).ConfigureAwait(false);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        ConnectionOptions.Print(writer => ReplyJson.Write(writer, reply, elapsed));
        return ExitCode.Ok;
    }
}
