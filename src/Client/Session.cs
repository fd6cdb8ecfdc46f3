using System;
using System.Diagnostics;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Client;

/// <summary>A client's session with the cluster: registered through the log, one request in flight, each request
/// chained to the reply before it. A request without an answer is sent again byte for byte, over new connections if
/// need be; the cluster answers a repeated request from its stored reply, so it takes effect at most once. One
/// caller at a time.</summary>
internal sealed partial class Session(ClientOptions options) : IDisposable
{
    private readonly byte[] _request = new byte[options.MessageSizeMax];
    private readonly byte[] _control = new byte[Limits.HeaderSize];
    private readonly byte[] _ping = new byte[Limits.HeaderSize];
    private readonly byte[] _received = new byte[options.MessageSizeMax];
    private MessageConnection? _connection;
    private int _address;
    private UInt128 _cluster = options.Cluster;
    private UInt128 _client;
    private ulong _session;
    private uint _requestNumber;
    private UInt128 _parent;

    /// <summary>Of the last reply's entry. A primary of an older view, which has not noticed that it is deposed, cannot
    /// know this session.</summary>
    private uint _view;
    private uint _latencyMicroseconds;

    /// <summary>Why the last attempt failed, or nothing.</summary>
    public string LastProblem { get; private set; } = "";

    /// <summary>Room for the body of the next request.</summary>
    public Memory<byte> Body => _request.AsMemory(Limits.HeaderSize);

    /// <summary>Sends the first <paramref name="bodySize"/> bytes of <see cref="Body"/>; returns the reply's body,
    /// valid until the next call. Does not give up once the request may have reached a replica.</summary>
    /// <exception cref="ConnectionException">No replica in reach; the request was not sent.</exception>
    /// <exception cref="SessionEvictedException">The session is over; the next request registers anew.</exception>
    public async Task<ReadOnlyMemory<byte>> RequestAsync(Operation operation, int bodySize, CancellationToken stop)
    {
        Check.That(bodySize >= 0 && bodySize <= options.BodySizeMax);
        if (_session == 0) await RegisterAsync(stop).ConfigureAwait(false);
        _requestNumber++;
        Header header = NewHeader(Command.Request, bodySize);
        header.Request.Parent = _parent;
        header.Request.Client = _client;
        header.Request.Session = _session;
        header.Request.RequestNumber = _requestNumber;
        header.Request.Operation = operation;
        header.Request.PreviousLatencyMicroseconds = _latencyMicroseconds;
        Seal(ref header, _request);
        try
        {
            ReceivedMessage reply = await ExchangeAsync(_request, header, stop).ConfigureAwait(false);
            _parent = reply.Header.Reply.Context;
            _view = reply.Header.View;
            return reply.Body;
        }
        catch (ConnectionException)
        {
            _requestNumber--;
            throw;
        }
    }

    /// <summary>Asks the replica whether it is there, outside of the log.</summary>
    public async Task PingAsync(CancellationToken stop)
    {
        EnsureClient();
        Header header = NewHeader(Command.PingClient, 0);
        header.PingClient.Client = _client;
        header.PingClient.Timestamp = (ulong)Stopwatch.GetTimestamp();
        await ExchangeControlAsync(header, stop).ConfigureAwait(false);
    }

    public void Dispose() => Disconnect();

    private async Task RegisterAsync(CancellationToken stop)
    {
        EnsureClient();
        Header header = NewHeader(Command.Request, 0);
        header.Request.Client = _client;
        header.Request.Operation = Operation.Register;
        ReceivedMessage reply = await ExchangeControlAsync(header, stop).ConfigureAwait(false);
        _session = reply.Header.Reply.Op;
        _parent = reply.Header.Reply.Context;
        _view = reply.Header.View;
        Check.That(_requestNumber == 0);
    }

    /// <summary>A message without a body, the first on a connection: here a client that accepts any cluster learns
    /// which it is.</summary>
    private async Task<ReceivedMessage> ExchangeControlAsync(Header header, CancellationToken stop)
    {
        while (true)
        {
            header.Cluster = _cluster;
            Seal(ref header, _control);
            try
            {
                return await ExchangeAsync(_control, header, stop).ConfigureAwait(false);
            }
            catch (WrongClusterException wrong) when (options.Cluster == 0 && _cluster == 0)
            {
                _cluster = wrong.Actual;
            }
            catch (WrongClusterException wrong)
            {
                throw new ConnectionException(
                    $"the replica belongs to cluster {wrong.Actual}, this client was told {options.Cluster}; " +
                    "correct --cluster or the address");
            }
        }
    }

    private void EnsureClient()
    {
        Span<byte> id = stackalloc byte[16];
        while (_client == 0)
        {
            RandomNumberGenerator.Fill(id);
            _client = BitConverter.ToUInt128(id);
        }
    }

    private void Forget()
    {
        _client = 0;
        _session = 0;
        _requestNumber = 0;
        _parent = 0;
        _view = 0;
    }

    private Header NewHeader(Command command, int bodySize) =>
        Header.Create(command, _cluster, view: 0, replica: 0, bodySize);

    private static void Seal(ref Header header, byte[] message)
    {
        header.SetChecksumBody(message.AsSpan(Limits.HeaderSize, (int)header.Size - Limits.HeaderSize));
        header.SetChecksum();
        header.WriteTo(message);
    }

    private async Task<ReceivedMessage> ExchangeAsync(byte[] message, Header header, CancellationToken stop)
    {
        long started = options.Time.GetTimestamp();
        bool sent = false;
        int failures = 0;
        for (int copies = 0; ;)
        {
            stop.ThrowIfCancellationRequested();
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
            TimeSpan wait = Patience(copies);
            patience.CancelAfter(sent ? wait : Shorter(wait, options.ConnectTimeout));
            try
            {
                if (_connection is null) await ReachAsync(patience.Token).ConfigureAwait(false);
                sent = true;
                copies++;
                await _connection!.SendAsync(message.AsMemory(0, (int)header.Size), patience.Token)
                    .ConfigureAwait(false);
                ReceivedMessage answer = await AnswerAsync(header, patience.Token).ConfigureAwait(false);
                double latency = options.Time.GetElapsedTime(started).TotalMicroseconds;
                _latencyMicroseconds = (uint)Math.Min(latency, uint.MaxValue);
                LastProblem = "";
                return answer;
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                Problem(sent ? "no answer" : "no connection");
                // A part of the message may be on the way, so a second copy needs a connection of its own.
                Disconnect();
            }
            catch (NotPrimaryException elsewhere)
            {
                Problem(elsewhere.Message);
                Redirect(elsewhere);
            }
            catch (Exception exception) when (exception is SocketException or IOException)
            {
                Problem(exception.Message);
                Disconnect();
            }
            if (!sent && options.Time.GetElapsedTime(started) >= options.ConnectTimeout) throw Unreachable();
            // Another one may know better at once; there is reason to wait after all of them have been asked.
            int count = options.Addresses.Count;
            if (++failures % count != 0 || (count > 1 && failures == count)) continue;
            await Task.Delay(Backoff(failures / count - 1), stop).ConfigureAwait(false);
        }
    }

    /// <summary>The answer to the request in <paramref name="header"/>; late answers to others are passed
    /// over.</summary>
    private async Task<ReceivedMessage> AnswerAsync(Header header, CancellationToken stop)
    {
        while (true)
        {
            ReceivedMessage message = await _connection!.ReceiveAsync(stop).ConfigureAwait(false);
            if (message.Header.Cluster != _cluster) throw new WrongClusterException(message.Header.Cluster);
            switch (message.Header.Command)
            {
                case Command.Reply when header.Command == Command.Request && Answers(message.Header, header):
                    return message;
                case Command.PongClient when header.Command == Command.PingClient
                    && message.Header.PingClient.Timestamp == header.PingClient.Timestamp:
                    Learn(in message.Header);
                    return message;
                case Command.PongClient:
                    Learn(in message.Header);
                    break;
                case Command.Eviction when message.Header.Eviction.Reason == EvictionReason.WrongCluster:
                    // Left from before this client had learned which cluster it is.
                    break;
                case Command.Eviction when message.Header.Eviction.Client == _client && message.Header.View >= _view:
                    EvictionReason reason = message.Header.Eviction.Reason;
                    Forget();
                    throw new SessionEvictedException(reason);
            }
        }
    }

    private bool Answers(in Header reply, in Header request)
    {
        if (reply.Reply.Client != _client || reply.Reply.RequestChecksum != request.Checksum) return false;
        if (reply.Reply.RequestNumber == request.Request.RequestNumber
            && reply.Reply.Operation == request.Request.Operation) return true;
        throw new InvalidMessageException("a reply names this request but carries another number or operation");
    }

    private void Problem(string what) =>
        LastProblem = $"{ClientOptions.Describe(options.Addresses[_address % options.Addresses.Count])}: {what}";

    private ConnectionException Unreachable() => new(
        $"cannot reach a replica ({LastProblem}); start one with `deterministic start --addresses HOST:PORT FILE`, " +
        "or give the address of a running one with --addresses");

    private TimeSpan Backoff(int attempt)
    {
        double longest = options.BackoffMin.TotalMilliseconds * Math.Pow(2, Math.Min(attempt, 20));
        TimeSpan most = _replicaCount > 1 ? Shorter(options.BackoffMax, ElectionPause) : options.BackoffMax;
        double pause = Math.Min(longest, most.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(pause * (0.5 + Random.Shared.NextDouble() / 2));
    }

    private static TimeSpan Shorter(TimeSpan left, TimeSpan right) => left < right ? left : right;
}

/// <summary>The replica at the other end is of another cluster.</summary>
internal sealed class WrongClusterException(UInt128 actual) : Exception
{
    public UInt128 Actual { get; } = actual;
}
