using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Http;

namespace Deterministic.Gateway.Routes;

/// <summary>An answer that does not fit into one message of the cluster, put together from several: first which rows
/// there are, in which order and with which scores, on one snapshot; then their attributes, some rows at a time. If
/// nobody wrote to the namespace meanwhile, all of it is one snapshot; if somebody did, it is tried again.</summary>
internal sealed class LargeQuery(ClusterAccess cluster, Exchange exchange, QueryRequest request)
{
    public const int AttemptsMax = 3;

    /// <summary>Rows whose attributes are asked for at once.</summary>
    public const int PartRowsMax = 2048;

    private const string Id = "id";
    private const int PartRowsFirst = 256;

    private readonly Dictionary<Value, List<KeyValuePair<string, Value>>> _attributes = [];
    private int _partRows = PartRowsFirst;

    /// <summary>Whether the rows are those of one moment. Otherwise each is as it was at some moment during the
    /// request, and those that were deleted meanwhile are left out.</summary>
    public bool IsOneSnapshot { get; private set; }

    public async Task<QueryReply> RunAsync()
    {
        for (int attempt = 1; ; attempt++)
        {
            MetadataReply before = await MetadataAsync().ConfigureAwait(false);
            QueryReply reply = await AskAsync(Bare()).ConfigureAwait(false);
            for (int i = 0; i < reply.Results.Count; i++)
                await FillAsync(reply, i).ConfigureAwait(false);
            MetadataReply after = await MetadataAsync().ConfigureAwait(false);
            IsOneSnapshot = before.CreatedAt == after.CreatedAt && before.UpdatedAt == after.UpdatedAt;
            if (IsOneSnapshot || attempt == AttemptsMax) return reply;
            exchange.ReleaseAnswer();
        }
    }

    /// <summary>The request without attributes but those that limit rows, which have to be in an answer.</summary>
    private QueryRequest Bare() => new()
    {
        Namespace = request.Namespace, Metric = request.Metric, Rerank = request.Rerank,
        RankConstant = request.RankConstant, Weights = request.Weights, FusedLimit = request.FusedLimit,
        Queries = Array.ConvertAll(request.Queries, static query => query.LimitPer.Length == 0
            ? query.WithInclude(IncludeMode.IdOnly, []) : query.WithInclude(IncludeMode.Listed, query.LimitPer)),
    };

    /// <summary>A fused list has the attributes that its first query asks for.</summary>
    private async Task FillAsync(QueryReply reply, int index)
    {
        Query query = request.Queries[index];
        QueryResult result = reply.Results[index];
        bool rows = result.Kind is ResultKind.Rows or ResultKind.RowsWithComputed;
        if (query.Include == IncludeMode.IdOnly || !rows) return;
        _attributes.Clear();
        for (int first = 0; first < result.Rows.Count;)
        {
            int count = Math.Min(_partRows, result.Rows.Count - first);
            QueryReply? part = await TryPartAsync(query, result.Rows, first, count).ConfigureAwait(false);
            if (part is null)
            {
                _partRows = Math.Max(1, count / 4);
                continue;
            }
            foreach (ResultRow row in part.Results[0].Rows) _attributes[row.Id] = Reserved(row.Attributes);
            reply.BytesQueried += part.BytesQueried;
            first += count;
            _partRows = Math.Min(2 * _partRows, PartRowsMax);
        }
        result.Rows.RemoveAll(row => !_attributes.ContainsKey(row.Id));
        foreach (ResultRow row in result.Rows)
        {
            row.Attributes.Clear();
            row.Attributes.AddRange(_attributes[row.Id]);
        }
    }

    /// <summary>Null if the rows do not fit into one message.</summary>
    private async Task<QueryReply?> TryPartAsync(Query query, List<ResultRow> rows, int first, int count)
    {
        Value[] ids = new Value[count];
        for (int i = 0; i < count; i++) ids[i] = rows[first + i].Id;
        Query part = new()
        {
            RankBy = RankBy.OrderBy((Id, false)), Filter = Filter.Compare(Id, FilterOperator.In, Value.Of(ids)),
            Limit = (uint)count, Include = query.Include, IncludeNames = query.IncludeNames,
        };
        try
        {
            return await AskAsync(new QueryRequest { Namespace = request.Namespace, Queries = [part] })
                .ConfigureAwait(false);
        }
        catch (DeterministicException exception) when (exception.Code == ErrorCode.ReplyTooLarge && count > 1)
        {
            return null;
        }
    }

    /// <summary>Names count too: the text of the answer has them with every row.</summary>
    private List<KeyValuePair<string, Value>> Reserved(List<KeyValuePair<string, Value>> attributes)
    {
        long size = (long)ReplyJson.LogicalSize(attributes);
        foreach (KeyValuePair<string, Value> attribute in attributes) size += attribute.Key.Length;
        exchange.ReserveAnswer(size);
        return attributes;
    }

    private Task<QueryReply> AskAsync(QueryRequest part) => cluster.QueryAsync(part, exchange.Aborted);

    private Task<MetadataReply> MetadataAsync() => cluster.MetadataAsync(request.Namespace, exchange.Aborted);
}
