using System;
using System.CommandLine;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Client;

namespace Deterministic.Replica.Commands;

/// <summary><c>repl</c>: one command a line over one session.</summary>
public static class ReplCommand
{
    private const string Help = """
        Reads commands, one a line, over one session: use NS, query {…}, write {…}, schema [{…}], metadata,
        namespaces [PREFIX], help, exit. An error does not end it.

        Example:
          deterministic repl -n books
          books> query {"rank_by":["title","BM25","walrus"],"top_k":3}
        """;

    private const string Commands = """
        use NS               work on another namespace
        query {…}            ask it, such as query {"rank_by":["id","asc"],"top_k":3,"include_attributes":true}
        write {…}            change it, such as write {"upsert_rows":[{"id":1,"title":"Walrus"}]}
        schema [{…}]         show the schema, or change it
        metadata             rows, bytes, times
        namespaces [PREFIX]  the first hundred names
        exit                 or end of input
        """;

    public static Command Create()
    {
        Command command = new("repl", Help);
        Option<string?> name = new("--namespace", "-n")
        {
            Description = "The namespace to begin with.", HelpName = "NS",
        };
        command.Options.Add(name);
        new ConnectionOptions().Attach(command, (parse, client) => RunAsync(client, parse.GetValue(name) ?? ""));
        return command;
    }

    private static async Task<int> RunAsync(DeterministicClient client, string name)
    {
        int code = ExitCode.Ok;
        while (true)
        {
            if (!Console.IsInputRedirected) Console.Out.Write($"{name}> ");
            string? line = Console.In.ReadLine();
            if (line is null) return code;
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            string verb = (space < 0 ? line : line[..space]).Trim();
            string rest = space < 0 ? "" : line[(space + 1)..].Trim();
            if (verb.Length == 0) continue;
            if (verb is "exit" or "quit") return code;
            if (verb == "use" && rest.Length > 0)
            {
                name = rest;
                continue;
            }
            string current = name;
            int result = await ConnectionOptions.GuardAsync(() => RunLineAsync(client, current, verb, rest))
                .ConfigureAwait(false);
            // At a terminal a mistake is part of the work; in a script it is a failure.
            if (Console.IsInputRedirected && result != ExitCode.Ok) code = ExitCode.Failed;
        }
    }

    private static Task<int> RunLineAsync(DeterministicClient client, string name, string verb, string rest)
    {
        if (name.Length == 0 && verb is ("query" or "write" or "schema" or "metadata"))
            throw new UsageException("no namespace yet; say use NS");
        byte[] json = Encoding.UTF8.GetBytes(rest);
        switch (verb)
        {
            case "query": return QueryCommand.RunAsync(client, name, json);
            case "write": return WriteCommand.RunAsync(client, name, json);
            case "schema": return SchemaCommand.RunAsync(client, name, rest.Length == 0 ? null : json);
            case "metadata": return MetadataCommand.RunAsync(client, name);
            case "namespaces": return NamespacesCommand.RunAsync(client, rest, "", 100);
            case "help":
                Console.Out.WriteLine(Commands);
                return Task.FromResult(ExitCode.Ok);
            default: throw new UsageException($"\"{verb}\" is not a command; say help for a list");
        }
    }
}
