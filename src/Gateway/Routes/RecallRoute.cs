using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Http;

namespace Deterministic.Gateway.Routes;

/// <summary>Measures recall: stored vectors are searched for the usual way (ANN) and by looking at all (kNN), on one
/// snapshot for each.</summary>
internal sealed class RecallRoute(ClusterAccess cluster)
{
    private const string Id = "id";

    public async Task RecallAsync(Exchange exchange)
    {
        ParsedRecall recall;
        using (RequestBody body = await exchange.ReadBodyAsync().ConfigureAwait(false))
            recall = RecallJson.Parse(body.Span);
        string column = await VectorColumnAsync(exchange).ConfigureAwait(false);
        List<RecallSample> samples = [];
        foreach (Value id in await SampleAsync(exchange, recall).ConfigureAwait(false))
        {
            Value? vector = await VectorAsync(exchange, id, column).ConfigureAwait(false);
            if (vector is null) continue;
            samples.Add(await MeasureAsync(exchange, recall, column, vector).ConfigureAwait(false));
        }
        if (samples.Count == 0) throw RequestException.Invalid("no document that was looked at has a vector");
        await exchange.AnswerAsync(writer => RecallJson.Write(writer, samples, recall.IncludeGroundTruth))
            .ConfigureAwait(false);
    }

    /// <summary>The first attribute that holds vectors.</summary>
    private async Task<string> VectorColumnAsync(Exchange exchange)
    {
        SchemaReply reply = await cluster.SchemaAsync(exchange.Namespace, exchange.Aborted).ConfigureAwait(false);
        foreach (AttributeSchema attribute in reply.Schema)
            if (attribute.Type is AttributeType.VectorF32 or AttributeType.VectorF16) return attribute.Name;
        throw RequestException.Invalid("the namespace has no vectors whose recall could be measured");
    }

    /// <summary>Ids at equal distances among the first of them.</summary>
    private async Task<List<Value>> SampleAsync(Exchange exchange, ParsedRecall recall)
    {
        Query query = new()
        {
            RankBy = RankBy.OrderBy((Id, false)), Filter = recall.Filter, Limit = Limits.ResultsMax,
        };
        List<ResultRow> rows = (await AskAsync(exchange, query).ConfigureAwait(false)).Results[0].Rows;
        List<Value> ids = [];
        long count = Math.Min(recall.Samples, rows.Count);
        for (long i = 0; i < count; i++) ids.Add(rows[(int)(i * rows.Count / count)].Id);
        return ids;
    }

    /// <summary>Null if the document is gone or has none.</summary>
    private async Task<Value?> VectorAsync(Exchange exchange, Value id, string column)
    {
        Query query = new()
        {
            RankBy = RankBy.OrderBy((Id, false)), Filter = Filter.Compare(Id, FilterOperator.Eq, id), Limit = 1,
            Include = IncludeMode.Listed, IncludeNames = [column],
        };
        QueryReply reply = await AskAsync(exchange, query).ConfigureAwait(false);
        foreach (ResultRow row in reply.Results[0].Rows)
            foreach (KeyValuePair<string, Value> attribute in row.Attributes) return attribute.Value;
        return null;
    }

    private async Task<RecallSample> MeasureAsync(Exchange exchange, ParsedRecall recall, string column, Value vector)
    {
        QueryReply reply = await AskAsync(exchange, Nearest(RankKind.Ann), Nearest(RankKind.Knn)).ConfigureAwait(false);
        return new RecallSample { Vector = vector, Found = reply.Results[0].Rows, Exact = reply.Results[1].Rows };

        Query Nearest(RankKind kind) => new()
        {
            RankBy = new RankBy { Kind = kind, Attribute = column, Operand = vector }, Filter = recall.Filter,
            Limit = recall.TopK,
        };
    }

    private Task<QueryReply> AskAsync(Exchange exchange, params Query[] queries)
    {
        CancellationToken stop = exchange.Aborted;
        return cluster.QueryAsync(new QueryRequest { Namespace = exchange.Namespace, Queries = queries }, stop);
    }
}
