using System.Globalization;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Client.Json;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Http;

namespace Deterministic.Gateway.Routes;

/// <summary>Namespaces as a whole: which there are, what is known of one, its schema, its end.</summary>
internal sealed class NamespaceRoutes(ClusterAccess cluster)
{
    private const uint PageSizeDefault = 100;

    public async Task ListAsync(Exchange exchange)
    {
        uint pageSize = PageSizeDefault;
        if (exchange.QueryValue("page_size") is string text
            && (!uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out pageSize)
                || pageSize is 0 or > Limits.NamespacePageMax))
        {
            throw RequestException.Invalid(
                $"page_size must be between 1 and {Limits.NamespacePageMax}, but got \"{text}\"");
        }
        string prefix = exchange.QueryValue("prefix") ?? "";
        string cursor = ReplyJson.DecodeCursor(exchange.QueryValue("cursor") ?? "");
        if (Encoding.UTF8.GetByteCount(prefix) > Limits.NamespaceNameSizeMax)
            throw RequestException.Invalid($"prefix is longer than {Limits.NamespaceNameSizeMax} bytes");
        if (Encoding.UTF8.GetByteCount(cursor) > Limits.NamespaceNameSizeMax)
            throw RequestException.Invalid("cursor is not the next_cursor of a list of namespaces");
        ListNamespacesReply reply = new();
        if (exchange.Caller.Narrow(prefix) is string visible)
        {
            ListNamespacesRequest request = new() { Prefix = visible, Cursor = cursor, PageSize = pageSize };
            reply = await cluster.ListNamespacesAsync(request, exchange.Aborted).ConfigureAwait(false);
        }
        await exchange.AnswerAsync(writer => ReplyJson.Write(writer, reply)).ConfigureAwait(false);
    }

    public Task MetadataAsync(Exchange exchange) => MetadataAsync(exchange, version: 2);

    public Task MetadataOfVersion1Async(Exchange exchange) => MetadataAsync(exchange, version: 1);

    /// <summary>No namespace is pinned or read-only; that it shall not be is granted.</summary>
    public async Task UpdateMetadataAsync(Exchange exchange)
    {
        using (RequestBody body = await exchange.ReadBodyAsync().ConfigureAwait(false))
            MetadataUpdateJson.Check(body.Span);
        await MetadataAsync(exchange, version: 1).ConfigureAwait(false);
    }

    public async Task SchemaAsync(Exchange exchange)
    {
        SchemaReply reply = await cluster.SchemaAsync(exchange.Namespace, exchange.Aborted).ConfigureAwait(false);
        await exchange.AnswerAsync(writer => ReplyJson.Write(writer, reply)).ConfigureAwait(false);
    }

    public async Task UpdateSchemaAsync(Exchange exchange)
    {
        UpdateSchemaRequest request;
        using (RequestBody body = await exchange.ReadBodyAsync().ConfigureAwait(false))
            request = new() { Namespace = exchange.Namespace, Schema = SchemaJson.Parse(body.Span) };
        SchemaReply reply = await cluster.UpdateSchemaAsync(request, exchange.Aborted).ConfigureAwait(false);
        await exchange.AnswerAsync(writer => ReplyJson.Write(writer, reply)).ConfigureAwait(false);
    }

    public async Task DeleteAsync(Exchange exchange)
    {
        await cluster.DeleteNamespaceAsync(exchange.Namespace, exchange.Aborted).ConfigureAwait(false);
        await exchange.AnswerAsync(static writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("status", "OK");
            writer.WriteEndObject();
        }).ConfigureAwait(false);
    }

    /// <summary>A hint, which a server may do nothing about: blocks come into the caches of replicas as they are
    /// read.</summary>
    public async Task HintCacheWarmAsync(Exchange exchange)
    {
        await cluster.SchemaAsync(exchange.Namespace, exchange.Aborted).ConfigureAwait(false);
        await exchange.AnswerAsync(static writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("status", "ACCEPTED");
            writer.WriteString("message", "cache warm hint accepted; nothing is read ahead of queries");
            writer.WriteEndObject();
        }, status: 202).ConfigureAwait(false);
    }

    private async Task MetadataAsync(Exchange exchange, int version)
    {
        MetadataReply reply = await cluster.MetadataAsync(exchange.Namespace, exchange.Aborted).ConfigureAwait(false);
        await exchange.AnswerAsync(writer => ReplyJson.Write(writer, reply, version)).ConfigureAwait(false);
    }
}
