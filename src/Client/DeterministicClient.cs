using System;
using System.Buffers;
using System.Diagnostics;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Client;

/// <summary>The client of a cluster. Safe to call from many threads: calls that wait at the same time travel
/// together in one message. A call takes effect at most once, whatever happens to connections and replicas.
/// Every call can throw <see cref="DeterministicException"/> (refused, with its code), <see
/// cref="ConnectionException"/>,
/// <see cref="SessionEvictedException"/>, <see cref="RequestTimeoutException"/> or <see
/// cref="OperationCanceledException"/>. A cancelled or timed-out call that was already sent may still take
/// effect.</summary>
public sealed class DeterministicClient : IAsyncDisposable
{
    private const int BufferSizeFirst = 4096;
    private const int BufferSizeLast = 1 << 28;

    private readonly ClientOptions _options;
    private readonly Session _session;
    private readonly Channel<Call> _queue;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _pump;

    public DeterministicClient(ClientOptions options)
    {
        Check.That(options.Addresses.Count > 0);
        _options = options;
        _session = new Session(options);
        // A pump that waits goes on within the call, up to where the request has left: waking another thread for it
        // would cost more than the work.
        _queue = Channel.CreateBounded<Call>(new BoundedChannelOptions(options.QueueMax)
        {
            SingleReader = true, AllowSynchronousContinuations = true,
        });
        _pump = Task.Run(() => new CallPump(options, _session, _queue.Reader).RunAsync(_stop.Token));
    }

    /// <summary>Calls that wait to be sent.</summary>
    public int CallsWaiting => _queue.Reader.Count;

    public Task<WriteReply> WriteAsync(
        WriteRequest request, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        WriteAsync(Encode(request), timeout, cancellation);

    /// <param name="write">Of <see cref="Encode(WriteRequest)"/>.</param>
    /// <param name="timeout">Null: that of the options.</param>
    /// <param name="cancellation">Ends the waiting; the write may still take effect.</param>
    public Task<WriteReply> WriteAsync(
        EncodedWrite write, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        CallAsync(new Call(Operation.Write, write.Body, write.IsAlone), WriteReply.Read, timeout, cancellation);

    /// <exception cref="DeterministicException">It does not fit into a message.</exception>
    public EncodedWrite Encode(WriteRequest request) => new(
        Encode(Operation.Write, request.Write),
        alone: request.DeleteByFilter is not null || request.PatchByFilter is not null,
        request.Upserts.Count + request.Patches.Count + request.Deletes.Count);

    public Task<QueryReply> QueryAsync(
        QueryRequest request, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        CallAsync(Operation.Query, request.Write, QueryReply.Read, timeout, cancellation);

    /// <summary>Carries out a query and tells how, instead of its rows.</summary>
    public Task<ExplainReply> ExplainAsync(
        QueryRequest request, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        CallAsync(Operation.Explain, request.Write, ExplainReply.Read, timeout, cancellation);

    public Task<ListNamespacesReply> ListNamespacesAsync(
        ListNamespacesRequest request, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        CallAsync(Operation.ListNamespaces, request.Write, ListNamespacesReply.Read, timeout, cancellation);

    public Task<MetadataReply> MetadataAsync(
        string name, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        CallAsync(Operation.Metadata, Named(name), MetadataReply.Read, timeout, cancellation);

    public Task<SchemaReply> SchemaAsync(
        string name, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        CallAsync(Operation.Schema, Named(name), SchemaReply.Read, timeout, cancellation);

    public Task<SchemaReply> UpdateSchemaAsync(
        UpdateSchemaRequest request, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        CallAsync(Operation.UpdateSchema, request.Write, SchemaReply.Read, timeout, cancellation);

    public Task DeleteNamespaceAsync(
        string name, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        CallAsync(Operation.DeleteNamespace, Named(name), static (ref WireReader _) => true, timeout, cancellation);

    /// <summary>Makes a namespace that is what another one is at that moment.</summary>
    public Task<BranchReply> BranchAsync(
        BranchRequest request, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        CallAsync(Operation.Branch, request.Write, BranchReply.Read, timeout, cancellation, alone: true);

    public Task<CreateKeyReply> CreateKeyAsync(
        ApiKey key, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        CallAsync(
            Operation.CreateKey, new CreateKeyRequest { Key = key }.Write, CreateKeyReply.Read, timeout, cancellation);

    public Task<ListKeysReply> ListKeysAsync(
        ListKeysRequest request, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        CallAsync(Operation.ListKeys, request.Write, ListKeysReply.Read, timeout, cancellation);

    public Task RevokeKeyAsync(string id, TimeSpan? timeout = null, CancellationToken cancellation = default) =>
        CallAsync(
            Operation.RevokeKey, new RevokeKeyRequest { Id = id }.Write, static (ref WireReader _) => true, timeout,
            cancellation);

    /// <summary>Time of one round trip to a replica, outside of the log and behind the calls that already
    /// wait.</summary>
    public async Task<TimeSpan> PingAsync(TimeSpan? timeout = null, CancellationToken cancellation = default)
    {
        long started = Stopwatch.GetTimestamp();
        Call call = new(Operation.Reserved, PooledBytes.Copy([]), alone: true);
        PooledBytes pong = await SubmitAsync(call, timeout, cancellation).ConfigureAwait(false);
        pong.Return();
        return Stopwatch.GetElapsedTime(started);
    }

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _stop.CancelAsync().ConfigureAwait(false);
        await _pump.ConfigureAwait(false);
        _session.Dispose();
        _stop.Dispose();
    }

    internal delegate T BodyReader<out T>(ref WireReader reader);

    private static BodyWriter Named(string name) => new NamespaceRequest { Namespace = name }.Write;

    private Task<T> CallAsync<T>(
        Operation operation, BodyWriter write, BodyReader<T> read, TimeSpan? timeout, CancellationToken cancellation,
        bool alone = false) =>
        CallAsync(new Call(operation, Encode(operation, write), alone), read, timeout, cancellation);

    private async Task<T> CallAsync<T>(
        Call call, BodyReader<T> read, TimeSpan? timeout, CancellationToken cancellation)
    {
        PooledBytes reply = await SubmitAsync(call, timeout, cancellation).ConfigureAwait(false);
        try
        {
            return Decode(call.Operation, reply.Span, read);
        }
        finally
        {
            reply.Return();
        }
    }

    private async Task<PooledBytes> SubmitAsync(Call call, TimeSpan? timeout, CancellationToken cancellation)
    {
        TimeSpan patience = timeout ?? _options.RequestTimeout;
        long started = Stopwatch.GetTimestamp();
        try
        {
            if (!_queue.Writer.TryWrite(call))
            {
                await _queue.Writer.WriteAsync(call, cancellation).AsTask().WaitAsync(patience, cancellation)
                    .ConfigureAwait(false);
            }
            TimeSpan left = patience - Stopwatch.GetElapsedTime(started);
            return await call.Answer.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, cancellation)
                .ConfigureAwait(false);
        }
        catch (ChannelClosedException)
        {
            throw new ObjectDisposedException(nameof(DeterministicClient));
        }
        catch (TimeoutException)
        {
            call.Abandon();
            string last = _session.LastProblem;
            throw new RequestTimeoutException(
                $"no answer within {patience.TotalSeconds:0.###} s{(last.Length == 0 ? "" : $" ({last})")}; " +
                "the request may still take effect; check that the replica runs and is of cluster " +
                $"{_options.Cluster}, or wait longer with a larger timeout");
        }
        catch (OperationCanceledException)
        {
            call.Abandon();
            throw;
        }
    }

    /// <summary>Encodes into a pooled buffer that grows until the body fits.</summary>
    private PooledBytes Encode(Operation operation, BodyWriter write)
    {
        for (int size = BufferSizeFirst; ; size *= 4)
        {
            byte[] array = ArrayPool<byte>.Shared.Rent(size);
            WireWriter writer = new(array);
            write(ref writer);
            if (!writer.Overflowed && writer.Position <= _options.BodySizeMax)
                return new PooledBytes(array, writer.Position);
            ArrayPool<byte>.Shared.Return(array);
            if (!writer.Overflowed) throw TooLarge(operation, $"{writer.Position}");
            if (size > BufferSizeLast / 4) throw TooLarge(operation, $"more than {size}");
        }
    }

    private DeterministicException TooLarge(Operation operation, string size) => new(
        ErrorCode.LimitExceeded,
        $"the {operation} request takes {size} bytes, the limit is {_options.BodySizeMax} bytes (message size max " +
        $"{_options.MessageSizeMax} less the header); split it into smaller requests");

    internal static T Decode<T>(Operation operation, ReadOnlySpan<byte> reply, BodyReader<T> read)
    {
        WireReader reader = new(reply);
        ReplyStatus status = ReplyStatus.Read(ref reader);
        if (!reader.Failed && status.Code != ErrorCode.Ok)
            throw new DeterministicException(status.Code, status.Message);
        T result = read(ref reader);
        if (!reader.AtEnd)
        {
            throw new DeterministicException(
                ErrorCode.Malformed, $"the reply to {operation} does not decode; client and replica differ in release");
        }
        return result;
    }
}
