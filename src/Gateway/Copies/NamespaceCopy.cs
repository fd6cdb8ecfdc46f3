using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Routes;

namespace Deterministic.Gateway.Copies;

/// <summary>What a copy has come to.</summary>
/// <param name="Reply">As of one write.</param>
/// <param name="Units">Entries of the log that it was.</param>
/// <param name="IsOneSnapshot">Whether nobody changed the source meanwhile.</param>
internal sealed record CopyOutcome(WriteReply Reply, int Units, bool IsOneSnapshot);

/// <summary>Copies a namespace page by page in the order of ids. Each page is read from one snapshot and written in
/// whole units; the copy as a whole is no snapshot if the source changes meanwhile, which is noticed.</summary>
internal sealed class NamespaceCopy(ClusterAccess cluster, string source, string destination)
{
    private const string Id = "id";
    private const uint PageRowsFirst = 1000;

    private readonly WriteTotal _total = new();
    private uint _pageRows = PageRowsFirst;

    /// <param name="copied">Is told how many rows have been copied.</param>
    /// <param name="stop">Breaks it off between two pages.</param>
    public async Task<CopyOutcome> RunAsync(Action<ulong> copied, CancellationToken stop)
    {
        if (!NamespaceName.IsValid(source)) throw NotFound();
        await CheckDestinationAsync(stop).ConfigureAwait(false);
        MetadataReply before = await FromSourceAsync(cluster.MetadataAsync(source, stop)).ConfigureAwait(false);
        Value? last = null;
        while (true)
        {
            List<ResultRow> page = await ReadPageAsync(last, stop).ConfigureAwait(false);
            if (page.Count == 0) break;
            await WriteAsync(page, before, stop).ConfigureAwait(false);
            last = page[^1].Id;
            copied(_total.Upserted);
        }
        if (last is null) throw RequestException.Invalid($"namespace '{source}' has no documents to copy");
        MetadataReply after = await FromSourceAsync(cluster.MetadataAsync(source, stop)).ConfigureAwait(false);
        bool isOneSnapshot = before.CreatedAt == after.CreatedAt && before.UpdatedAt == after.UpdatedAt;
        return new CopyOutcome(_total.ToReply(), _total.Units, isOneSnapshot);
    }

    private async Task CheckDestinationAsync(CancellationToken stop)
    {
        try
        {
            MetadataReply reply = await cluster.MetadataAsync(destination, stop).ConfigureAwait(false);
            if (reply.Rows == 0) return;
        }
        catch (DeterministicException exception) when (exception.Code == ErrorCode.NamespaceNotFound)
        {
            return;
        }
        throw RequestException.Invalid(
            $"copy_from_namespace needs an empty destination, but '{destination}' has documents");
    }

    /// <summary>The next rows; fewer at a time if they do not fit into an answer.</summary>
    private async Task<List<ResultRow>> ReadPageAsync(Value? last, CancellationToken stop)
    {
        while (true)
        {
            Query query = new()
            {
                RankBy = RankBy.OrderBy((Id, false)), Limit = _pageRows, Include = IncludeMode.All,
                Filter = last is null ? null : Filter.Compare(Id, FilterOperator.Gt, last),
            };
            QueryRequest request = new() { Namespace = source, Queries = [query] };
            try
            {
                QueryReply reply = await FromSourceAsync(cluster.QueryAsync(request, stop)).ConfigureAwait(false);
                _pageRows = Math.Min(2 * _pageRows, Limits.ResultsMax);
                return reply.Results[0].Rows;
            }
            catch (DeterministicException exception)
                when (exception.Code == ErrorCode.ReplyTooLarge && _pageRows > 1)
            {
                _pageRows = Math.Max(1, _pageRows / 4);
            }
        }
    }

    private async Task WriteAsync(List<ResultRow> page, MetadataReply schema, CancellationToken stop)
    {
        WriteRequest request = new()
        {
            Namespace = destination, Metric = schema.Metric,
            Schema = _total.Units == 0 ? Array.FindAll(schema.Schema, attribute => attribute.Name != Id) : [],
            Upserts = page.ConvertAll(row => new Row { Id = row.Id, Attributes = row.Attributes }),
        };
        foreach (WriteRequest unit in WriteSplitter.Split(request, cluster.UnitSizeMax))
            _total.Add(await cluster.WriteAsync(cluster.Encode(unit), stop).ConfigureAwait(false));
    }

    private RequestException NotFound() => RequestException.NamespaceNotFound(source);

    private async Task<T> FromSourceAsync<T>(Task<T> call)
    {
        try
        {
            return await call.ConfigureAwait(false);
        }
        catch (DeterministicException exception) when (exception.Code == ErrorCode.NamespaceNotFound)
        {
            throw NotFound();
        }
    }
}
