using System;
using System.Diagnostics;
using System.IO;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Client;

/// <summary>Which answers to a read outside of the log are good enough.</summary>
/// <param name="Consistency">Strong, or stale with bounds.</param>
/// <param name="AgeMaxMilliseconds">Of a stale read: how long ago the state may have been the newest; 0: any.</param>
/// <param name="CommitLeast">Of a stale read: a log entry that the state must contain; 0: any.</param>
public readonly record struct ReadBounds(
    ReadConsistency Consistency, uint AgeMaxMilliseconds = 0, ulong CommitLeast = 0);

/// <summary>The state that answered a read.</summary>
/// <param name="Replica">Index of the replica.</param>
/// <param name="Commit">The last log entry that the state contains.</param>
/// <param name="Timestamp">Of that entry, nanoseconds since 1970; 0 if there is none.</param>
public readonly record struct ReadState(byte Replica, ulong Commit, ulong Timestamp);

/// <summary>Every replica that was asked has a state older than a stale read allows, or does not know how
/// old.</summary>
public sealed class StateTooOldException(string message) : ClientException(message);

/// <summary>Reads outside of the log, without a session: one at a time, over its own connection. A strong read looks
/// for the primary; a stale one takes the first replica that is good enough. Not safe to call from several threads at
/// once.</summary>
public sealed class DeterministicReader(ClientOptions options) : IDisposable
{
    private readonly byte[] _message = new byte[options.MessageSizeMax];
    private readonly byte[] _received = new byte[options.MessageSizeMax];
    private readonly UInt128 _client = BitConverter.ToUInt128(RandomNumberGenerator.GetBytes(16)) | 1;
    private MessageConnection? _connection;
    private UInt128 _cluster = options.Cluster;
    private ulong _number;
    private int _address;
    private string _problem = "";

    /// <summary>Since the addresses were last gone through, a replica let its time pass without an answer.</summary>
    private bool _wasSilent;

    /// <summary>How often all addresses were gone through with such a silence.</summary>
    private int _silentRounds;

    /// <summary>How long to wait for one replica's answer. It doubles with each silent round: a read may take long, and
    /// the primary would begin it anew, without end, for one who never waits until it has run.</summary>
    internal static TimeSpan Patience(ClientOptions options, int silentRounds) =>
        (options.Addresses.Count > 1 ? options.LookAroundAfter : options.ResendAfter)
            * (1 << Math.Min(silentRounds, 10));

    /// <exception cref="DeterministicException">Refused, with its code.</exception>
    /// <exception cref="StateTooOldException">No replica has a state that is new enough.</exception>
    /// <exception cref="RequestTimeoutException">No replica answered in time.</exception>
    public Task<(QueryReply Reply, ReadState State)> QueryAsync(
        QueryRequest request, ReadBounds bounds, CancellationToken cancellation = default) =>
        CallAsync(Operation.Query, request.Write, QueryReply.Read, bounds, cancellation);

    /// <inheritdoc cref="QueryAsync"/>
    public Task<(ExplainReply Reply, ReadState State)> ExplainAsync(
        QueryRequest request, ReadBounds bounds, CancellationToken cancellation = default) =>
        CallAsync(Operation.Explain, request.Write, ExplainReply.Read, bounds, cancellation);

    /// <inheritdoc cref="QueryAsync"/>
    public Task<(ListNamespacesReply Reply, ReadState State)> ListNamespacesAsync(
        ListNamespacesRequest request, ReadBounds bounds, CancellationToken cancellation = default) =>
        CallAsync(Operation.ListNamespaces, request.Write, ListNamespacesReply.Read, bounds, cancellation);

    /// <inheritdoc cref="QueryAsync"/>
    public Task<(MetadataReply Reply, ReadState State)> MetadataAsync(
        string name, ReadBounds bounds, CancellationToken cancellation = default) =>
        CallAsync(Operation.Metadata, Named(name), MetadataReply.Read, bounds, cancellation);

    /// <inheritdoc cref="QueryAsync"/>
    public Task<(SchemaReply Reply, ReadState State)> SchemaAsync(
        string name, ReadBounds bounds, CancellationToken cancellation = default) =>
        CallAsync(Operation.Schema, Named(name), SchemaReply.Read, bounds, cancellation);

    /// <inheritdoc cref="QueryAsync"/>
    public Task<(ListKeysReply Reply, ReadState State)> ListKeysAsync(
        ListKeysRequest request, ReadBounds bounds, CancellationToken cancellation = default) =>
        CallAsync(Operation.ListKeys, request.Write, ListKeysReply.Read, bounds, cancellation);

    public void Dispose() => _connection?.Dispose();

    private static BodyWriter Named(string name) => new NamespaceRequest { Namespace = name }.Write;

    private async Task<(T Reply, ReadState State)> CallAsync<T>(
        Operation operation, BodyWriter write, DeterministicClient.BodyReader<T> read, ReadBounds bounds,
        CancellationToken cancellation)
    {
        int size = Encode(operation, write);
        (ReadOnlyMemory<byte> body, ReadState state) =
            await ReadAsync(operation, size, bounds, cancellation).ConfigureAwait(false);
        return (DeterministicClient.Decode(operation, body.Span, read), state);
    }

    private int Encode(Operation operation, BodyWriter write)
    {
        WireWriter writer = new(_message.AsSpan(Limits.HeaderSize));
        write(ref writer);
        if (!writer.Overflowed) return writer.Position;
        throw new DeterministicException(
            ErrorCode.LimitExceeded,
            $"the {operation} request does not fit into the {options.BodySizeMax} bytes of a message");
    }

    private async Task<(ReadOnlyMemory<byte> Body, ReadState State)> ReadAsync(
        Operation operation, int bodySize, ReadBounds bounds, CancellationToken stop)
    {
        long started = Stopwatch.GetTimestamp();
        _number++;
        int tooOld = 0;
        _silentRounds = 0;
        for (int attempt = 1; Stopwatch.GetElapsedTime(started) < options.RequestTimeout; attempt++)
        {
            ReceivedMessage? answer = await TryAskAsync(operation, bodySize, bounds, started, stop)
                .ConfigureAwait(false);
            if (answer is { } message)
            {
                Header header = message.Header;
                ReadReplyFields reply = header.ReadReply;
                switch (reply.Result)
                {
                    case ReadResult.Answered:
                        return (message.Body, new ReadState(header.Replica, reply.Commit, reply.Timestamp));
                    case ReadResult.NotARead:
                        throw new DeterministicException(
                            ErrorCode.InvalidArgument, $"{operation} changes something: it has to go through the log");
                    case ReadResult.TooOld when ++tooOld >= options.Addresses.Count:
                        throw new StateTooOldException(
                            "the replicas asked have an older state than the read allows, or cannot tell its age; " +
                            "allow more, or read with consistency strong");
                    case ReadResult.Busy:
                        _problem = "too many reads wait there";
                        break;
                    default:
                        _problem = "it is not the primary";
                        break;
                }
                Leave();
            }
            if (attempt % options.Addresses.Count != 0) continue;
            if (_wasSilent) _silentRounds++;
            _wasSilent = false;
            await Task.Delay(options.BackoffMin, stop).ConfigureAwait(false);
        }
        throw new RequestTimeoutException(
            $"no answer within {options.RequestTimeout.TotalSeconds:0.###} s (" +
            $"{ClientOptions.Describe(options.Addresses[_address])}: {_problem}); nothing was changed");
    }

    /// <summary>Null if the replica in turn does not answer; the next one is in turn then.</summary>
    private async Task<ReceivedMessage?> TryAskAsync(
        Operation operation, int bodySize, ReadBounds bounds, long started, CancellationToken stop)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        TimeSpan left = options.RequestTimeout - Stopwatch.GetElapsedTime(started);
        TimeSpan wait = Patience(options, _silentRounds);
        patience.CancelAfter(left < wait ? (left > TimeSpan.Zero ? left : TimeSpan.Zero) : wait);
        try
        {
            _connection ??= await MessageConnection
                .ConnectAsync(options.Addresses[_address], _received, patience.Token).ConfigureAwait(false);
            Header read = Seal(operation, bodySize, bounds);
            await _connection.SendAsync(_message.AsMemory(0, (int)read.Size), patience.Token).ConfigureAwait(false);
            while (true)
            {
                ReceivedMessage message = await _connection.ReceiveAsync(patience.Token).ConfigureAwait(false);
                if (message.Header.Command == Command.ReadReply &&
                    message.Header.ReadReply.ReadChecksum == read.Checksum) return message;
                if (message.Header.Cluster == _cluster) continue;
                if (options.Cluster != 0)
                {
                    throw new ConnectionException(
                        $"the replica belongs to cluster {message.Header.Cluster}, this client was told " +
                        $"{options.Cluster}; correct --cluster or the address");
                }
                _cluster = message.Header.Cluster;
                read = Seal(operation, bodySize, bounds);
                await _connection.SendAsync(_message.AsMemory(0, (int)read.Size), patience.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            _problem = "no answer";
            _wasSilent = true;
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            _problem = exception.Message;
        }
        Leave();
        return null;
    }

    private Header Seal(Operation operation, int bodySize, ReadBounds bounds)
    {
        Header header = Header.Create(Command.Read, _cluster, view: 0, replica: 0, bodySize);
        header.ReadRequest = new ReadFields
        {
            Client = _client, Number = _number, Operation = operation, Consistency = bounds.Consistency,
            AgeMaxMilliseconds = bounds.AgeMaxMilliseconds, CommitLeast = bounds.CommitLeast,
        };
        header.SetChecksumBody(_message.AsSpan(Limits.HeaderSize, bodySize));
        header.SetChecksum();
        header.WriteTo(_message);
        return header;
    }

    /// <summary>The next replica is in turn.</summary>
    private void Leave()
    {
        _connection?.Dispose();
        _connection = null;
        _address = (_address + 1) % options.Addresses.Count;
    }
}
