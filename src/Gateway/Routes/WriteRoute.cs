using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core.Model;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Security;

namespace Deterministic.Gateway.Routes;

/// <summary>Writes. One that does not fit into an entry of the log becomes several, one after the other.</summary>
internal sealed class WriteRoute(ClusterAccess cluster)
{
    /// <summary>Tells how many entries of the log the write was, each of them atomic.</summary>
    private const string UnitsHeader = "x-deterministic-atomic-units";

    public async Task WriteAsync(Exchange exchange)
    {
        ParsedWrite write;
        using (RequestBody body = await exchange.ReadLargeBodyAsync().ConfigureAwait(false))
            write = WriteRequestJson.ParseWithCopy(exchange.Namespace, body.Span);
        if (write.CopyFrom is not null) CheckSource(exchange.Caller, write.CopyFrom);
        WriteTotal total = write.CopyFrom is null
            ? await ApplyAsync(write.Request, exchange.Aborted).ConfigureAwait(false)
            : await new NamespaceCopy(cluster, write.CopyFrom, exchange.Namespace)
                .RunAsync(exchange.Aborted).ConfigureAwait(false);
        exchange.SetHeader(UnitsHeader, total.Units.ToString(CultureInfo.InvariantCulture));
        WriteReply reply = total.ToReply();
        await exchange.AnswerAsync(writer => ReplyJson.Write(writer, reply, exchange.Elapsed, total.Units))
            .ConfigureAwait(false);
    }

    /// <summary>A copy reads what it copies.</summary>
    private static void CheckSource(Caller caller, string source)
    {
        if (!caller.May(KeyScopes.Read)) throw Admission.WithoutScope(KeyScopes.Read);
        if (!caller.Sees(source)) throw Admission.NotFor(source);
    }

    private async Task<WriteTotal> ApplyAsync(WriteRequest request, CancellationToken aborted)
    {
        List<WriteRequest> units = WriteSplitter.Split(request, cluster.UnitSizeMax);
        WriteTotal total = new();
        foreach (WriteRequest unit in units)
        {
            // Whoever goes away in the middle of a write of several units has not asked for half of it.
            CancellationToken stop = total.Units == 0 ? aborted : CancellationToken.None;
            try
            {
                total.Add(await cluster.WriteAsync(unit, stop).ConfigureAwait(false));
            }
            catch (ClientException exception)
                when (total.Units > 0 && Refusal.Of(exception, request.Namespace) is not null)
            {
                Refusal refusal = Refusal.Of(exception, request.Namespace)!.Value;
                throw new RequestException(
                    refusal.Status, $"{refusal.Message} (this was unit {total.Units + 1} of {units.Count} of a large " +
                    "write; the units before it were applied, those after it were not)");
            }
        }
        return total;
    }
}

/// <summary>The replies to the units of one write, added up.</summary>
internal sealed class WriteTotal
{
    private readonly List<Value> _upserted = [], _patched = [], _deleted = [];
    private WriteKinds _kinds;
    private ulong _upsertedCount, _patchedCount, _deletedCount, _bytes;

    public int Units { get; private set; }

    public void Add(WriteReply reply)
    {
        Units++;
        _kinds |= reply.Kinds;
        _upsertedCount += reply.Upserted;
        _patchedCount += reply.Patched;
        _deletedCount += reply.Deleted;
        _bytes += reply.BytesWritten;
        _upserted.AddRange(reply.UpsertedIds);
        _patched.AddRange(reply.PatchedIds);
        _deleted.AddRange(reply.DeletedIds);
    }

    public WriteReply ToReply() => new()
    {
        Kinds = _kinds, Upserted = _upsertedCount, Patched = _patchedCount, Deleted = _deletedCount,
        BytesWritten = _bytes, UpsertedIds = _upserted, PatchedIds = _patched, DeletedIds = _deleted,
    };
}
