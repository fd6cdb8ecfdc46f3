using System;
using System.CommandLine;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Replica.Commands.Evaluation;

namespace Deterministic.Replica.Commands;

/// <summary><c>eval</c>: the quality of text or vector search over judged queries.</summary>
public sealed class EvalCommand
{
    private const string Help = """
        Measures search quality of a loaded namespace.

        Text, by the definitions of trec_eval (linear gain, log2 discount, mean over queries with a positive judgement):
          deterministic eval -n scifact --queries queries.jsonl --qrels qrels.tsv --fields title,text
        prints nDCG@10, MAP and recall@100.

        Vectors, against exact neighbours (.ivecs of row numbers; a row as near as the farthest true one counts too):
          deterministic eval -n words --vectors query.f16bin.gz --groundtruth truth.ivecs --top-k 10
        prints recall@10, p50 and p99 of the latency in milliseconds.
        """;

    private const int TextDepth = 1000;
    private const int VectorDepth = 10;

    private readonly Option<string> _name = NamespaceOption.Create();
    private readonly Option<string?> _queries = new("--queries")
    {
        Description = "Queries, {\"_id\",\"text\"} a line.", HelpName = "FILE.jsonl",
    };

    private readonly Option<string?> _qrels = new("--qrels")
    {
        Description = "Judgements: query-id, corpus-id, score between tabs.", HelpName = "FILE.tsv",
    };

    private readonly Option<string?> _fields = new("--fields")
    {
        Description = "Attributes whose BM25 scores are summed; by default all that are indexed for text.",
        HelpName = "F[,F…]",
    };

    private readonly Option<string?> _vectors = new("--vectors")
    {
        Description = "Query vectors: .fvecs, .bvecs or .f16bin, also .gz.", HelpName = "FILE",
    };

    private readonly Option<string?> _truth = new("--groundtruth")
    {
        Description = "Exact neighbours of each query, nearest first.", HelpName = "FILE.ivecs",
    };

    private readonly Option<string> _attribute = new("--attribute")
    {
        Description = "The vector column.", HelpName = "A", DefaultValueFactory = _ => "vector",
    };

    private readonly Option<string?> _metric = new("--distance-metric", "--metric")
    {
        Description = "Fails if the namespace has another.", HelpName = "M",
    };

    private readonly Option<string?> _filters = new("--filters")
    {
        Description = "Only rows that match, as in a query; the truth must be of these rows.", HelpName = "JSON",
    };

    private readonly Option<int> _depth = new("--top-k")
    {
        Description = $"Rows to ask for: {TextDepth} for text, {VectorDepth} for vectors unless said.", HelpName = "K",
    };

    public static Command Create() => new EvalCommand().Build();

    private Command Build()
    {
        Command command = new("eval", Help);
        Option[] all = [_name, _queries, _qrels, _fields, _vectors, _truth, _attribute, _metric, _filters, _depth];
        foreach (Option option in all) command.Options.Add(option);
        new ConnectionOptions().Attach(command, RunAsync);
        return command;
    }

    private async Task<int> RunAsync(ParseResult parse, DeterministicClient client)
    {
        string name = parse.GetValue(_name)!;
        string? queries = parse.GetValue(_queries), qrels = parse.GetValue(_qrels);
        string? vectors = parse.GetValue(_vectors), truth = parse.GetValue(_truth);
        bool text = queries is not null && qrels is not null && vectors is null && truth is null;
        if (!text && (vectors is null || truth is null || queries is not null || qrels is not null))
            throw new UsageException("eval takes either --queries and --qrels, or --vectors and --groundtruth");
        int depth = parse.GetValue(_depth);
        if (depth == 0) depth = text ? TextDepth : VectorDepth;
        if (depth < 1 || depth > Limits.ResultsMax) throw new UsageException($"--top-k takes 1 to {Limits.ResultsMax}");
        if (text)
        {
            string[] fields = (parse.GetValue(_fields) ?? "").Split(
                ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            await new TextEvaluation(client, name).RunAsync(queries!, qrels!, fields, (uint)depth)
                .ConfigureAwait(false);
            return ExitCode.Ok;
        }
        VectorEvaluation evaluation = new(client, name)
        {
            Attribute = parse.GetValue(_attribute)!, Metric = LoadCommand.MetricOf(parse.GetValue(_metric)),
            Filter = ParseFilter(parse.GetValue(_filters)),
        };
        await evaluation.RunAsync(vectors!, truth!, (uint)depth).ConfigureAwait(false);
        return ExitCode.Ok;
    }

    private static Filter? ParseFilter(string? json)
    {
        if (json is null) return null;
        byte[] query = Encoding.UTF8.GetBytes($"{{\"limit\":1,\"filters\":{json}}}");
        return QueryRequestJson.Parse("", query).Request.Queries[0].Filter;
    }
}
