using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;

namespace Deterministic.Replica.Commands.Evaluation;

/// <summary>BM25 of a judged collection through the real server.</summary>
public sealed class TextEvaluation(DeterministicClient client, string name)
{
    private const int NdcgDepth = 10;
    private const int RecallDepth = 100;

    /// <param name="fields">Attributes whose scores are summed; none: all that are indexed for text.</param>
    public async Task RunAsync(string queriesPath, string qrelsPath, string[] fields, uint depth)
    {
        Dictionary<string, Dictionary<string, int>> qrels = Judgements.ReadQrels(qrelsPath);
        if (fields.Length == 0) fields = await TextFieldsAsync().ConfigureAwait(false);
        double ndcg = 0, precision = 0, recall = 0;
        int judged = 0;
        foreach ((string id, string text) in Judgements.ReadQueries(queriesPath))
        {
            if (!qrels.TryGetValue(id, out Dictionary<string, int>? judgements)) continue;
            if (RetrievalMetrics.Relevant(judgements) == 0) continue;
            List<string> ranking = await RankAsync(fields, text, depth).ConfigureAwait(false);
            ndcg += RetrievalMetrics.Ndcg(ranking, judgements, NdcgDepth);
            precision += RetrievalMetrics.AveragePrecision(ranking, judgements, (int)depth);
            recall += RetrievalMetrics.Recall(ranking, judgements, RecallDepth);
            judged++;
        }
        if (judged == 0)
            throw new CommandException("no query has a positive judgement; do the two files belong together?");
        Say($"nDCG@{NdcgDepth} {ndcg / judged:0.0000}");
        Say($"MAP {precision / judged:0.0000}");
        Say($"recall@{RecallDepth} {recall / judged:0.0000}");
        Say($"queries {judged}");
    }

    internal static string IdText(Value id) => id.Kind switch
    {
        ValueKind.String => id.AsString,
        ValueKind.Uint => id.AsUint.ToString(CultureInfo.InvariantCulture),
        _ => id.ToString(),
    };

    private static void Say(FormattableString line) =>
        Console.Out.WriteLine(line.ToString(CultureInfo.InvariantCulture));

    private async Task<List<string>> RankAsync(string[] fields, string text, uint depth)
    {
        RankBy[] ranks = fields.Select(field => RankBy.Bm25(field, text)).ToArray();
        Query query = new()
        {
            RankBy = ranks.Length == 1 ? ranks[0] : new RankBy { Kind = RankKind.Sum, Children = ranks }, Limit = depth,
        };
        QueryReply reply = await client.QueryAsync(new QueryRequest { Namespace = name, Queries = [query] })
            .ConfigureAwait(false);
        return reply.Results[0].Rows.ConvertAll(row => IdText(row.Id));
    }

    private async Task<string[]> TextFieldsAsync()
    {
        SchemaReply schema = await client.SchemaAsync(name).ConfigureAwait(false);
        string[] fields = schema.Schema.Where(attribute => attribute.FullText is not null)
            .Select(attribute => attribute.Name).ToArray();
        if (fields.Length > 0) return fields;
        throw new CommandException(
            $"namespace \"{name}\" has no attribute with full_text_search; load it with --schema, or say --fields");
    }
}
