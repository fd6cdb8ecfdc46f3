using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core.Model;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Http;

namespace Deterministic.Gateway.Routes;

/// <summary>Queries, single and several at once.</summary>
internal sealed class QueryRoute(ClusterAccess cluster)
{
    public async Task QueryAsync(Exchange exchange)
    {
        ParsedQuery query;
        using (RequestBody body = await exchange.ReadBodyAsync().ConfigureAwait(false))
            query = QueryRequestJson.Parse(exchange.Namespace, body.Span);
        QueryReply reply = await ReplyAsync(exchange, query).ConfigureAwait(false);
        await exchange.AnswerQueryAsync(writer => ReplyJson.Write(writer, reply, query, exchange.Elapsed))
            .ConfigureAwait(false);
    }

    private async Task<QueryReply> ReplyAsync(Exchange exchange, ParsedQuery query)
    {
        try
        {
            Task<QueryReply> answer = query.Eventual
                ? cluster.QueryStaleAsync(query.Request, exchange.Aborted)
                : cluster.QueryAsync(query.Request, exchange.Aborted);
            return await answer.ConfigureAwait(false);
        }
        catch (DeterministicException exception) when (exception.Code == ErrorCode.ReplyTooLarge)
        {
            LargeQuery large = new(cluster, exchange, query.Request);
            QueryReply reply = await large.RunAsync().ConfigureAwait(false);
            exchange.SetHeader("x-deterministic-one-snapshot", large.IsOneSnapshot ? "true" : "false");
            return reply;
        }
    }
}
