using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.Gateway.Telemetry;

namespace Deterministic.Gateway.Cluster;

/// <summary>The cluster behind a gateway: a few sessions for what changes something, readers for what does not. Safe
/// to use from many threads.</summary>
internal sealed class ClusterAccess : IAsyncDisposable
{
    /// <summary>How old a state may be for "eventual" consistency.</summary>
    public const uint AgeMaxMilliseconds = 60_000;

    /// <summary>Rows of a write that others may share a message with.</summary>
    private const int SmallRowsMax = 16;

    /// <summary>The first is for small writes: those that wait travel in one message, and one message at a time is
    /// then the most that the log can do for them. The others are for large ones, which fill a message each.</summary>
    private readonly DeterministicClient[] _sessions;
    private readonly ReaderPool _strong;
    private readonly ReaderPool _stale;
    private uint _turn;

    private readonly GatewayMetrics _metrics;

    public ClusterAccess(GatewayOptions options, GatewayMetrics metrics)
    {
        _metrics = metrics;
        _sessions = new DeterministicClient[1 + options.LargeSessions];
        for (int i = 0; i < _sessions.Length; i++) _sessions[i] = new DeterministicClient(options.Cluster);
        _strong = new ReaderPool(options.Cluster, options.Readers, options.WaitingMax, spread: false);
        _stale = new ReaderPool(options.Cluster, options.Readers, options.WaitingMax, spread: true);
        UnitSizeMax = options.Cluster.BodySizeMax;
        (string, Func<long>)[] underWay = [("strong", () => _strong.UnderWay), ("eventual", () => _stale.UnderWay)];
        (string, Func<long>)[] waiting = [("strong", () => _strong.Waiting), ("eventual", () => _stale.Waiting)];
        metrics.Gauge("deterministic.reads.under_way", "Reads that the cluster works on", "consistency", underWay);
        metrics.Gauge("deterministic.reads.waiting", "Reads that wait for one of the readers", "consistency", waiting);
        metrics.Gauge("deterministic.writes.waiting", "Writes that wait in the sessions to be sent",
            () => _sessions.Sum(static session => (long)session.CallsWaiting));
    }

    /// <summary>Bytes of the largest write that is one entry of the log.</summary>
    public int UnitSizeMax { get; }

    /// <summary>A write of <see cref="WriteAsync"/>; the request is not needed any more.</summary>
    public EncodedWrite Encode(WriteRequest request) => _sessions[0].Encode(request);

    public async Task<WriteReply> WriteAsync(EncodedWrite write, CancellationToken cancellation)
    {
        using GatewayMetrics.ClusterCall call = _metrics.Call("write");
        DeterministicClient session = write.Rows <= SmallRowsMax ? _sessions[0] : LargeSession();
        return await session.WriteAsync(write, cancellation: cancellation).ConfigureAwait(false);
    }

    public async Task<SchemaReply> UpdateSchemaAsync(UpdateSchemaRequest request, CancellationToken cancellation)
    {
        using GatewayMetrics.ClusterCall call = _metrics.Call("update_schema");
        return await _sessions[0].UpdateSchemaAsync(request, cancellation: cancellation).ConfigureAwait(false);
    }

    /// <summary>Makes a namespace that is what another one is at that moment.</summary>
    public async Task<BranchReply> BranchAsync(BranchRequest request, CancellationToken cancellation)
    {
        using GatewayMetrics.ClusterCall call = _metrics.Call("branch");
        return await _sessions[0].BranchAsync(request, cancellation: cancellation).ConfigureAwait(false);
    }

    public async Task DeleteNamespaceAsync(string name, CancellationToken cancellation)
    {
        using GatewayMetrics.ClusterCall call = _metrics.Call("delete_namespace");
        await _sessions[0].DeleteNamespaceAsync(name, cancellation: cancellation).ConfigureAwait(false);
    }

    /// <summary>Sees every write that was answered before.</summary>
    public Task<QueryReply> QueryAsync(QueryRequest request, CancellationToken cancellation) =>
        StrongAsync((reader, bounds, stop) => reader.QueryAsync(request, bounds, stop), cancellation);

    /// <summary>From whichever replica answers first, if its state is fresh enough; else as
    /// <see cref="QueryAsync"/>.</summary>
    public async Task<QueryReply> QueryStaleAsync(QueryRequest request, CancellationToken cancellation)
    {
        ReadBounds bounds = new(ReadConsistency.Stale, AgeMaxMilliseconds);
        try
        {
            using GatewayMetrics.ClusterCall call = _metrics.Call("read_eventual");
            (QueryReply reply, _) = await _stale
                .ReadAsync((reader, stop) => reader.QueryAsync(request, bounds, stop), cancellation)
                .ConfigureAwait(false);
            return reply;
        }
        catch (StateTooOldException)
        {
            return await QueryAsync(request, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Carries out a query on the way that it would take, and tells how.</summary>
    public async Task<ExplainedQuery> ExplainAsync(
        QueryRequest request, bool eventual, CancellationToken cancellation)
    {
        ReadBounds strong = new(ReadConsistency.Strong);
        using GatewayMetrics.ClusterCall call = _metrics.Call("explain");
        try
        {
            ReadBounds bounds = eventual ? new(ReadConsistency.Stale, AgeMaxMilliseconds) : strong;
            (ExplainReply reply, ReadState state) = await (eventual ? _stale : _strong)
                .ReadAsync((reader, stop) => reader.ExplainAsync(request, bounds, stop), cancellation)
                .ConfigureAwait(false);
            return new ExplainedQuery(reply, state, IsStale: eventual);
        }
        catch (StateTooOldException)
        {
            (ExplainReply reply, ReadState state) = await _strong
                .ReadAsync((reader, stop) => reader.ExplainAsync(request, strong, stop), cancellation)
                .ConfigureAwait(false);
            return new ExplainedQuery(reply, state, IsStale: false);
        }
    }

    public Task<ListNamespacesReply> ListNamespacesAsync(
        ListNamespacesRequest request, CancellationToken cancellation) =>
        StrongAsync((reader, bounds, stop) => reader.ListNamespacesAsync(request, bounds, stop), cancellation);

    public Task<MetadataReply> MetadataAsync(string name, CancellationToken cancellation) =>
        StrongAsync((reader, bounds, stop) => reader.MetadataAsync(name, bounds, stop), cancellation);

    public Task<SchemaReply> SchemaAsync(string name, CancellationToken cancellation) =>
        StrongAsync((reader, bounds, stop) => reader.SchemaAsync(name, bounds, stop), cancellation);

    public async ValueTask DisposeAsync()
    {
        foreach (DeterministicClient session in _sessions) await session.DisposeAsync().ConfigureAwait(false);
        _strong.Dispose();
        _stale.Dispose();
    }

    private DeterministicClient LargeSession()
    {
        uint turn = Interlocked.Increment(ref _turn);
        return _sessions[1 + turn % (uint)(_sessions.Length - 1)];
    }

    private async Task<T> StrongAsync<T>(
        Func<DeterministicReader, ReadBounds, CancellationToken, Task<(T Reply, ReadState State)>> read,
        CancellationToken cancellation)
    {
        using GatewayMetrics.ClusterCall call = _metrics.Call("read_strong");
        ReadBounds bounds = new(ReadConsistency.Strong);
        (T reply, _) = await _strong.ReadAsync((reader, stop) => read(reader, bounds, stop), cancellation)
            .ConfigureAwait(false);
        return reply;
    }
}

/// <summary>How a query was carried out.</summary>
/// <param name="Reply">What the state machine did.</param>
/// <param name="State">Which state answered.</param>
/// <param name="IsStale">Whether any replica could answer; else it was the primary.</param>
internal readonly record struct ExplainedQuery(ExplainReply Reply, ReadState State, bool IsStale);
