using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Client.Json;
using Deterministic.Core.Model;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Http;

namespace Deterministic.Gateway.Routes;

/// <summary>Writes. One that does not fit into an entry of the log becomes several, one after the other.</summary>
internal sealed class WriteRoute(ClusterAccess cluster, CopyRoute copies)
{
    /// <summary>Tells how many entries of the log the write was, each of them atomic.</summary>
    public const string UnitsHeader = "x-deterministic-atomic-units";

    public async Task WriteAsync(Exchange exchange)
    {
        PreparedWrite write;
        using (RequestBody body = await exchange.ReadLargeBodyAsync().ConfigureAwait(false))
            write = Prepare(exchange.Namespace, body.Span);
        if (write.Units.Count == 0) exchange.LeavePlace();
        if (write.CopyFrom is not null)
        {
            await copies.CopyAsync(exchange, write.CopyFrom).ConfigureAwait(false);
            return;
        }
        if (write.BranchFrom is not null)
        {
            await BranchAsync(exchange, write.BranchFrom).ConfigureAwait(false);
            return;
        }
        exchange.ReserveWrite(write.Units.Sum(static unit => (long)unit.Size));
        WriteTotal total = await ApplyAsync(exchange, write.Units).ConfigureAwait(false);
        exchange.SetHeader(UnitsHeader, total.Units.ToString(CultureInfo.InvariantCulture));
        WriteReply reply = total.ToReply();
        await exchange.AnswerAsync(writer => ReplyJson.Write(writer, reply, exchange.Elapsed, total.Units))
            .ConfigureAwait(false);
    }

    /// <summary>Nothing of it keeps the rows.</summary>
    private PreparedWrite Prepare(string name, ReadOnlySpan<byte> json)
    {
        ParsedWrite write = WriteRequestJson.ParseWithCopy(name, json);
        bool hasRows = write.CopyFrom is null && write.BranchFrom is null;
        return new PreparedWrite(
            hasRows ? WriteSplitter.Split(write.Request, cluster.UnitSizeMax).ConvertAll(cluster.Encode) : [],
            write.CopyFrom, write.BranchFrom);
    }

    /// <summary>One entry of the log, whatever it has to copy.</summary>
    private async Task BranchAsync(Exchange exchange, string source)
    {
        CopyRoute.CheckSource(exchange.Caller, source);
        if (!NamespaceName.IsValid(source)) throw RequestException.NamespaceNotFound(source);
        BranchReply branch;
        try
        {
            BranchRequest request = new() { Namespace = exchange.Namespace, Source = source };
            branch = await cluster.BranchAsync(request, exchange.Aborted).ConfigureAwait(false);
        }
        catch (DeterministicException exception) when (exception.Code == ErrorCode.NamespaceNotFound)
        {
            throw RequestException.NamespaceNotFound(source);
        }
        exchange.SetHeader(UnitsHeader, "1");
        WriteReply reply = new()
        {
            Kinds = WriteKinds.Upsert, Upserted = branch.Rows, BytesWritten = branch.LogicalBytes,
        };
        await exchange.AnswerAsync(writer =>
            ReplyJson.Write(writer, reply, exchange.Elapsed, units: 1, isOneSnapshot: true)).ConfigureAwait(false);
    }

    private async Task<WriteTotal> ApplyAsync(Exchange exchange, List<EncodedWrite> units)
    {
        WriteTotal total = new();
        foreach (EncodedWrite unit in units)
        {
            // Whoever goes away in the middle of a write of several units has not asked for half of it.
            CancellationToken stop = total.Units == 0 ? exchange.Aborted : CancellationToken.None;
            try
            {
                total.Add(await cluster.WriteAsync(unit, stop).ConfigureAwait(false));
            }
            catch (ClientException exception)
                when (total.Units > 0 && Refusal.Of(exception, exchange.Namespace) is not null)
            {
                Refusal refusal = Refusal.Of(exception, exchange.Namespace)!.Value;
                throw new RequestException(
                    refusal.Status, $"{refusal.Message} (this was unit {total.Units + 1} of {units.Count} of a large " +
                    "write; the units before it were applied, those after it were not)");
            }
        }
        return total;
    }

    /// <summary>A write that is ready to be sent, or what is to be copied or branched.</summary>
    private sealed record PreparedWrite(List<EncodedWrite> Units, string? CopyFrom, string? BranchFrom);
}

/// <summary>The replies to the units of one write, added up.</summary>
internal sealed class WriteTotal
{
    private readonly List<Value> _upserted = [], _patched = [], _deleted = [];
    private WriteKinds _kinds;
    private ulong _upsertedCount, _patchedCount, _deletedCount, _bytes;

    public int Units { get; private set; }
    public ulong Upserted => _upsertedCount;

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
