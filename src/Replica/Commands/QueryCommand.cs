using System;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Command = System.CommandLine.Command;

namespace Deterministic.Replica.Commands;

/// <summary><c>query</c>: turbopuffer's query JSON in, rows as JSON out.</summary>
public static class QueryCommand
{
    private const string Help = """
        Asks a namespace. The answer is JSON on stdout: rows, aggregations or aggregation_groups.

        Examples:
          deterministic query -n books '{"rank_by":["title","BM25","walrus"],"top_k":5,"include_attributes":true}'
          deterministic query -n books '{"rank_by":["vector","ANN",[0.1,0.2]],"top_k":5,"filters":["year","Gt",1990]}'
          deterministic query -n books --consistency stale --max-lag-ms 500 '{"rank_by":["year","desc"],"top_k":5}'
          deterministic query -n books '{"aggregate_by":{"n":["Count"]},"group_by":["language"]}'
        """;

    public static Command Create()
    {
        Command command = new("query", Help);
        Option<string> name = NamespaceOption.Create();
        Option<string> consistency = new("--consistency")
        {
            Description = "logged (through the log), strong (not logged, as new) or stale (any replica).",
            HelpName = "HOW",
            DefaultValueFactory = _ => "logged",
        };
        Option<uint> lag = new("--max-lag-ms")
        {
            Description = "Milliseconds that a stale answer may lag behind; 0 for any.",
            HelpName = "N",
        };
        Argument<string> json = new("JSON") { Description = "The query: JSON, a file that holds it, or - for stdin." };
        command.Options.Add(name);
        command.Options.Add(consistency);
        command.Options.Add(lag);
        command.Arguments.Add(json);
        ConnectionOptions connection = new();
        connection.Attach(command, (parse, client) =>
        {
            ReadConsistency? outside = parse.GetValue(consistency) switch
            {
                "logged" => null,
                "strong" => ReadConsistency.Strong,
                "stale" => ReadConsistency.Stale,
                _ => throw new UsageException("--consistency takes logged, strong or stale"),
            };
            uint lagMax = parse.GetValue(lag);
            if (lagMax != 0 && outside != ReadConsistency.Stale)
                throw new UsageException("--max-lag-ms is for --consistency stale");
            byte[] request = ConnectionOptions.JsonOrFile(parse.GetValue(json)!);
            return outside is { } how
                ? ReadAsync(connection.Read(parse), new ReadBounds(how, lagMax), parse.GetValue(name)!, request)
                : RunAsync(client, parse.GetValue(name)!, request);
        });
        return command;
    }

    /// <summary>Outside of the log; which state answered is told on stderr.</summary>
    private static async Task<int> ReadAsync(ClientOptions options, ReadBounds bounds, string name, byte[] json)
    {
        ParsedQuery query = QueryRequestJson.Parse(name, json);
        using DeterministicReader reader = new(options);
        long started = Stopwatch.GetTimestamp();
        (QueryReply reply, ReadState state) = await reader.QueryAsync(query.Request, bounds).ConfigureAwait(false);
        TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
        ConnectionOptions.Print(writer => ReplyJson.Write(writer, reply, query, elapsed));
        DateTime last = DateTime.UnixEpoch.AddTicks((long)(state.Timestamp / 100));
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"answered by replica {state.Replica} from the state after entry {state.Commit} of {last:O}"));
        return ExitCode.Ok;
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
