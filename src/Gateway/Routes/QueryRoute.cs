using System.Threading.Tasks;
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
        Task<QueryReply> answer = query.Eventual
            ? cluster.QueryStaleAsync(query.Request, exchange.Aborted)
            : cluster.QueryAsync(query.Request, exchange.Aborted);
        QueryReply reply = await answer.ConfigureAwait(false);
        await exchange.AnswerAsync(writer => ReplyJson.Write(writer, reply, query, exchange.Elapsed))
            .ConfigureAwait(false);
    }
}
