using System;
using System.CommandLine;
using System.Diagnostics;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core.Model;

namespace Deterministic.Replica.Commands;

/// <summary><c>query</c>: turbopuffer's query JSON in, rows as JSON out.</summary>
public static class QueryCommand
{
    private const string Help = """
        Asks a namespace. The answer is JSON on stdout: rows, aggregations or aggregation_groups.

        Examples:
          deterministic query -n books '{"rank_by":["title","BM25","walrus"],"top_k":5,"include_attributes":true}'
          deterministic query -n books '{"rank_by":["vector","ANN",[0.1,0.2]],"top_k":5,"filters":["year","Gt",1990]}'
          deterministic query -n books '{"aggregate_by":{"n":["Count"]},"group_by":["language"]}'
        """;

    public static Command Create()
    {
        Command command = new("query", Help);
        Option<string> name = NamespaceOption.Create();
        Argument<string> json = new("JSON") { Description = "The query: JSON, a file that holds it, or - for stdin." };
        command.Options.Add(name);
        command.Arguments.Add(json);
        new ConnectionOptions().Attach(command, (parse, client) =>
            RunAsync(client, parse.GetValue(name)!, ConnectionOptions.JsonOrFile(parse.GetValue(json)!)));
        return command;
    }

    internal static async Task<int> RunAsync(DeterministicClient client, string name, byte[] json)
    {
        ParsedQuery query = QueryRequestJson.Parse(name, json);
        long started = Stopwatch.GetTimestamp();
        QueryReply reply = await client.QueryAsync(query.Request).ConfigureAwait(false);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        ConnectionOptions.Print(writer => ReplyJson.Write(writer, reply, query, elapsed));
        return ExitCode.Ok;
    }
}
