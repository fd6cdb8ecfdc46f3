using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Client.Tests.Sessions;

/// <summary>A request as the server saw it.</summary>
internal sealed class SeenRequest(Header header, byte[] body)
{
    public readonly Header Header = header;
    public byte[] Body { get; } = body;
    public byte[]? Reply { get; set; }
}

/// <summary>A server of sessions on a loopback port that keeps the rules and does what the script of a test says.
/// A request that comes again is answered from the stored reply and is not carried out a second time.</summary>
internal sealed class ScriptedServer : IAsyncDisposable
{
    /// <summary>Of all replies.</summary>
    public const uint View = 4;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly Lock _gate = new();
    private readonly Dictionary<UInt128, SeenRequest> _last = [];
    private readonly Dictionary<UInt128, UInt128> _context = [];
    private readonly Task _accept;
    private ulong _op = 1;

    public ScriptedServer()
    {
        _listener.Start();
        _accept = AcceptAsync();
    }

    /// <summary>Requests carried out, in order; duplicates are not among them.</summary>
    public List<SeenRequest> Executed { get; } = [];

    /// <summary>Requests that came again.</summary>
    public int Duplicates { get; private set; }
    public int Connections { get; private set; }

    /// <summary>Makes the reply's body.</summary>
    public Func<SeenRequest, byte[]> Execute { get; set; } = _ => [];

    /// <summary>What to send instead of a reply; null: the connection closes; the reply itself: nothing special.
    /// The number counts the replies that were about to be sent.</summary>
    public Func<int, SeenRequest, byte[], byte[]?> Send { get; set; } = (_, _, reply) => reply;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;
    private int _sends;

    public ClientOptions Options(TimeSpan? resendAfter = null, TimeSpan? connectTimeout = null) => new()
    {
        Addresses = [new IPEndPoint(IPAddress.Loopback, Port)],
        MessageSizeMax = Configuration.Tiny.MessageSizeMax,
        RequestTimeout = TimeSpan.FromSeconds(30),
        ResendAfter = resendAfter ?? TimeSpan.FromSeconds(20),
        ConnectTimeout = connectTimeout ?? TimeSpan.FromSeconds(10),
        BackoffMin = TimeSpan.FromMilliseconds(1),
    };

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accept;
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    /// <summary>A status and, after it, the rest of a reply's body.</summary>
    public static byte[] Ok(params byte[] rest) => [0, 0, .. rest];

    public static byte[] Error(ErrorCode code, string text)
    {
        WireWriter writer = new(new byte[1024]);
        new ReplyStatus(code, text).Write(ref writer);
        return writer.Written.ToArray();
    }

    public static byte[] Eviction(in Header request, EvictionReason reason, uint view = View)
    {
        Header header = NewHeader(Command.Eviction, 0);
        header.View = view;
        header.Eviction.Client = request.Request.Client;
        header.Eviction.Reason = reason;
        return Seal(header, []);
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                Socket socket = await _listener.AcceptSocketAsync(_stop.Token);
                lock (_gate) Connections++;
                _connections.Add(ServeAsync(socket));
            }
        }
        catch (Exception exception) when (
            exception is OperationCanceledException or SocketException or InvalidOperationException)
        {
            // The test is over; a listener that has been stopped says that it is not listening.
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using NetworkStream stream = new(socket, ownsSocket: true);
        byte[] head = new byte[Limits.HeaderSize];
        try
        {
            while (true)
            {
                await stream.ReadExactlyAsync(head, _stop.Token);
                Header header = Header.Read(head);
                byte[] body = new byte[header.Size - Limits.HeaderSize];
                await stream.ReadExactlyAsync(body, _stop.Token);
                byte[]? answer = Answer(header, body);
                if (answer is null) return;
                await stream.WriteAsync(answer, _stop.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or System.IO.IOException)
        {
            // The client went away or the test is over.
        }
    }

    private byte[]? Answer(Header header, byte[] body)
    {
        lock (_gate)
        {
            Check.That(header.ValidChecksum() && header.ValidChecksumBody(body));
            Check.That(header.Invalid(Configuration.Tiny.MessageSizeMax) is null);
            if (header.Command == Command.PingClient)
            {
                Header pong = NewHeader(Command.PongClient, 0);
                pong.PingClient = header.PingClient;
                return Seal(pong, []);
            }
            Check.That(header.Command == Command.Request);
            SeenRequest seen = Run(header, body);
            return Send(++_sends, seen, seen.Reply!);
        }
    }

    private SeenRequest Run(Header header, byte[] body)
    {
        UInt128 client = header.Request.Client;
        if (_last.TryGetValue(client, out SeenRequest? last) && last.Header.Checksum == header.Checksum)
        {
            Duplicates++;
            return last;
        }
        bool register = header.Request.Operation == Operation.Register;
        uint expected = register ? 0 : last!.Header.Request.RequestNumber + 1;
        Check.That(client != 0);
        Check.That(header.Request.RequestNumber == expected);
        Check.That(header.Request.Parent == (register ? 0 : _context[client]));
        Check.That(register == (header.Request.Session == 0));
        SeenRequest seen = new(header, body);
        byte[] replyBody = register ? [] : Execute(seen);
        Header reply = NewHeader(Command.Reply, replyBody.Length);
        reply.Reply.RequestChecksum = header.Checksum;
        reply.Reply.Context = Checksum.Of(BitConverter.GetBytes(++_op));
        reply.Reply.Client = client;
        reply.Reply.Op = _op;
        reply.Reply.Commit = _op;
        reply.Reply.Timestamp = _op;
        reply.Reply.RequestNumber = header.Request.RequestNumber;
        reply.Reply.Operation = header.Request.Operation;
        seen.Reply = Seal(reply, replyBody);
        _context[client] = reply.Reply.Context;
        _last[client] = seen;
        Executed.Add(seen);
        return seen;
    }

    private static Header NewHeader(Command command, int bodySize) =>
        Header.Create(command, cluster: 0, View, replica: 0, bodySize);

    private static byte[] Seal(Header header, byte[] body)
    {
        header.SetChecksumBody(body);
        header.SetChecksum();
        byte[] message = new byte[header.Size];
        header.WriteTo(message);
        body.CopyTo(message.AsSpan(Limits.HeaderSize));
        return message;
    }
}
