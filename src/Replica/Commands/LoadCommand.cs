using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Replica.Commands.Data;
using Spectre.Console;

namespace Deterministic.Replica.Commands;

/// <summary><c>load</c>: documents or vectors from files.</summary>
public sealed class LoadCommand
{
    private const string Help = """
        Loads files into a namespace: .jsonl (one document a line), .fvecs, .bvecs, .f16bin (the id is the number of
        the row, the attribute is "vector"), each also with .gz. Loading again changes nothing. When it stops it says
        how many documents are safe and the --skip that continues there.

        Examples:
          deterministic load -n books --schema '{"title":{"type":"string","full_text_search":true}}' books.jsonl.gz
          deterministic load -n words --distance-metric cosine_distance glove.f16bin.gz
          deterministic load -n debian --id-type row --vectors lsa.f16bin --distance-metric cosine_distance p.jsonl
        """;

    private readonly Option<string> _name = NamespaceOption.Create();

    private readonly Option<string?> _schema = new("--schema")
    {
        Description = "Types and indexes of attributes: JSON or a file that holds it.", HelpName = "JSON|FILE",
    };

    private readonly Option<string?> _metric = new("--distance-metric")
    {
        Description = "cosine_distance or euclidean_squared; needed when the first vectors come.", HelpName = "M",
    };

    private readonly Option<string?> _idField = new("--id-field")
    {
        Description = "Key of the id in JSON; by default _id if the first line has it, else id.", HelpName = "F",
    };

    private readonly Option<string> _idType = new("--id-type")
    {
        Description = "string: text ids stay text; uint: they are digits that mean numbers; row: the id is the " +
            "number of the row, as in files of vectors, and the id of the file becomes the attribute _id.",
        HelpName = "string|uint|row", DefaultValueFactory = _ => "string",
    };

    private readonly Option<string?> _vectors = new("--vectors")
    {
        Description = "A vector file with one vector for each JSON document, in their order.", HelpName = "FILE",
    };

    private readonly Option<int> _batch = new("--batch")
    {
        Description = "Most documents in one write.", HelpName = "N", DefaultValueFactory = _ => 1000,
    };

    private readonly Option<int> _sessions = new("--sessions")
    {
        Description = "Writes under way at once, 1 to 16.", HelpName = "N", DefaultValueFactory = _ => 4,
    };

    private readonly Option<long> _skip = new("--skip")
    {
        Description = "Documents to pass over, counted through all files.", HelpName = "N",
    };

    private readonly Argument<string[]> _files = new("FILE")
    {
        Description = "Files to load, in this order.", Arity = ArgumentArity.OneOrMore,
    };

    private readonly ConnectionOptions _connection = new();

    public static Command Create() => new LoadCommand().Build();

    private Command Build()
    {
        Command command = new("load", Help);
        Option[] all = [_name, _schema, _metric, _idField, _idType, _vectors, _batch, _sessions, _skip];
        foreach (Option option in all) command.Options.Add(option);
        command.Arguments.Add(_files);
        _connection.Attach(command, RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parse, DeterministicClient client, CancellationToken stop)
    {
        int batch = Between(parse, _batch, 1, 100_000);
        int sessions = Between(parse, _sessions, 1, 16);
        long skip = Math.Max(0, parse.GetValue(_skip));
        string name = parse.GetValue(_name)!;
        string? schemaText = parse.GetValue(_schema);
        AttributeSchema[] schema = schemaText is null ? [] : SchemaJson.Parse(ConnectionOptions.JsonOrFile(schemaText));
        AttributeSchema[] existing = await ExistingSchemaAsync(client, name).ConfigureAwait(false);
        string? vectorsPath = parse.GetValue(_vectors);
        using InputFile? vectorsFile = vectorsPath is null ? null : new InputFile(vectorsPath);
        string idType = IdType(parse);
        DocumentOptions documents = new()
        {
            IdField = parse.GetValue(_idField), NumberIds = idType == "uint", RowIds = idType == "row",
            Vectors = vectorsFile is null ? null : new VectorReader(vectorsFile), Schema = [.. existing, .. schema],
        };
        ClientOptions connection = _connection.Read(parse);
        List<DeterministicClient> clients = [client];
        List<DocumentSource> sources = [];
        try
        {
            while (clients.Count < sessions) clients.Add(new DeterministicClient(connection));
            foreach (string path in parse.GetValue(_files)!) sources.Add(new DocumentSource(path, documents));
            AttributeSchema? vector = documents.Vectors?.Schema()
                ?? sources.Select(source => source.DefaultSchema).FirstOrDefault(column => column is not null);
            if (vector is not null && documents.Schema.All(column => column.Name != vector.Name))
                schema = [.. schema, vector];
            Loader loader = new(clients, new LoaderOptions
            {
                Namespace = name, Schema = schema, Metric = Metric(parse), BatchRows = batch,
                BodySizeMax = connection.MessageSizeMax - Limits.HeaderSize,
            });
            return await LoadAsync(loader, sources, skip, stop).ConfigureAwait(false);
        }
        finally
        {
            foreach (DocumentSource source in sources) source.Dispose();
            foreach (DeterministicClient other in clients.Skip(1)) await other.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static async Task<int> LoadAsync(
        Loader loader, List<DocumentSource> sources, long skip, CancellationToken stop)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            await WithProgressAsync(loader, sources, started, () => FeedAsync(loader, sources, skip, stop))
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is ClientException or CommandException
            or OperationCanceledException or System.IO.IOException or System.IO.InvalidDataException)
        {
            string why = exception is OperationCanceledException ? "interrupted" : exception.Message;
            if (exception is DeterministicException { Code: ErrorCode.DistanceMetricMissing })
                why += " (add --distance-metric cosine_distance or euclidean_squared)";
            long safe = skip + loader.Acknowledged;
            throw new CommandException(string.Create(CultureInfo.InvariantCulture,
                $"{why}\nstopped: the first {safe} documents are safe; continue with --skip {safe}"));
        }
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"loaded {loader.Acknowledged} documents in {seconds:0.00} s, " +
            $"{loader.Acknowledged / seconds:0} documents/s"));
        return ExitCode.Ok;
    }

    private static async Task FeedAsync(
        Loader loader, List<DocumentSource> sources, long skip, CancellationToken stop)
    {
        ulong numbered = 0;
        foreach (DocumentSource source in sources)
        {
            ulong first = numbered;
            IEnumerable<Row> rows = source.Read(first).Where(_ =>
            {
                if (source.IsNumbered) numbered++;
                return skip <= 0 || skip-- <= 0;
            });
            await loader.LoadAsync(rows, source.IsNumbered, stop).ConfigureAwait(false);
        }
        await loader.FinishAsync(stop).ConfigureAwait(false);
    }

    /// <summary>A bar on stderr if it is a terminal; the bar shows the part of the files that was read.</summary>
    private static async Task WithProgressAsync(
        Loader loader, List<DocumentSource> sources, long started, Func<Task> work)
    {
        AnsiConsoleSettings settings = new() { Out = new AnsiConsoleOutput(Console.Error) };
        IAnsiConsole console = AnsiConsole.Create(settings);
        if (Console.IsErrorRedirected || !console.Profile.Capabilities.Interactive)
        {
            await Task.Run(work).ConfigureAwait(false);
            return;
        }
        await console.Progress().AutoClear(true).StartAsync(async context =>
        {
            ProgressTask bar = context.AddTask("loading", maxValue: sources.Count);
            Task running = Task.Run(work);
            while (await Task.WhenAny(running, Task.Delay(100)).ConfigureAwait(false) != running)
            {
                double rate = loader.Acknowledged / Stopwatch.GetElapsedTime(started).TotalSeconds;
                bar.Value = sources.Sum(source => source.Progress);
                bar.Description = string.Create(CultureInfo.InvariantCulture,
                    $"{loader.Acknowledged} documents, {rate:0}/s");
            }
            await running.ConfigureAwait(false);
        }).ConfigureAwait(false);
    }

    private static async Task<AttributeSchema[]> ExistingSchemaAsync(DeterministicClient client, string name)
    {
        try
        {
            return (await client.SchemaAsync(name).ConfigureAwait(false)).Schema;
        }
        catch (DeterministicException exception) when (exception.Code == ErrorCode.NamespaceNotFound)
        {
            return [];
        }
    }

    private static int Between(ParseResult parse, Option<int> option, int least, int most)
    {
        int value = parse.GetValue(option);
        if (value >= least && value <= most) return value;
        throw new UsageException($"{option.Name} takes {least} to {most}");
    }

    private string IdType(ParseResult parse)
    {
        string type = parse.GetValue(_idType)!;
        if (type is "string" or "uint" or "row") return type;
        throw new UsageException("--id-type takes string, uint or row");
    }

    private DistanceMetric Metric(ParseResult parse) => MetricOf(parse.GetValue(_metric));

    internal static DistanceMetric MetricOf(string? name) => name switch
    {
        null => DistanceMetric.Unspecified,
        "cosine_distance" => DistanceMetric.CosineDistance,
        "euclidean_squared" => DistanceMetric.EuclideanSquared,
        _ => throw new UsageException("--distance-metric takes cosine_distance or euclidean_squared"),
    };
}
