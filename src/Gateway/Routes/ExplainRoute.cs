using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Http;

namespace Deterministic.Gateway.Routes;

/// <summary>Tells how a query is carried out: it is, the way a query would be, and instead of rows the cluster says
/// what it did.</summary>
internal sealed class ExplainRoute(ClusterAccess cluster)
{
    public async Task ExplainAsync(Exchange exchange)
    {
        ParsedQuery query;
        using (RequestBody body = await exchange.ReadBodyAsync().ConfigureAwait(false))
            query = QueryRequestJson.Parse(exchange.Namespace, body.Span);
        ExplainedQuery explained =
            await cluster.ExplainAsync(query.Request, query.Eventual, exchange.Aborted).ConfigureAwait(false);
        string text = $"{Read(explained, query.Eventual)}\n{PlanText.Of(explained.Reply)}{Answer(explained)}\n";
        await exchange.AnswerAsync(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("plan_text", text);
            writer.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static string Read(in ExplainedQuery explained, bool eventual)
    {
        string state = $"replica {explained.State.Replica}, which had run the log up to entry {explained.State.Commit}";
        if (explained.IsStale)
        {
            return $"read: eventual, from {state}; " +
                $"its state was the newest at most {ClusterAccess.AgeMaxMilliseconds / 1000} s ago";
        }
        string why = eventual ? "eventual was asked for, but no replica's state was new enough; " : "";
        return $"read: {why}strong, outside of the log, from {state} and made sure that it was still the primary";
    }

    private static string Answer(in ExplainedQuery explained)
    {
        if (explained.Reply.AnswerSize > 0)
            return $"answer: {explained.Reply.AnswerSize} bytes, one message of the cluster: one read, one snapshot";
        return "answer: more than one message of the cluster holds: strong reads one after the other, first rows and " +
            $"scores on one snapshot, then the attributes of up to {LargeQuery.PartRowsMax} rows at a time; " +
            $"tried up to {LargeQuery.AttemptsMax} times while others write to the namespace";
    }
}
