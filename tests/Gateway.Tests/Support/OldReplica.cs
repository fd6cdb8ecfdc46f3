using System;
using System.Collections.Concurrent;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>A replica whose state is older than any stale read allows: it says so to these, and passes on all else to
/// another one.</summary>
internal sealed class OldReplica : IAsyncDisposable
{
    private readonly IPEndPoint _behind;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly Task _accepting;
    private int _refused;

    public OldReplica(ClientOptions behind)
    {
        _behind = (IPEndPoint)behind.Addresses[0];
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>How to reach it.</summary>
    public ClientOptions Cluster => new() { Addresses = [(IPEndPoint)_listener.LocalEndpoint] };

    /// <summary>Stale reads that were told to ask elsewhere.</summary>
    public int Refused => Volatile.Read(ref _refused);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _connections.Add(PassAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using TcpClient asking = client;
        using TcpClient answering = new();
        try
        {
            await answering.ConnectAsync(_behind, _stop.Token);
            await Task.WhenAny(
                AskAsync(asking.GetStream(), answering.GetStream()),
                answering.GetStream().CopyToAsync(asking.GetStream(), _stop.Token));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // The test is over.
        }
    }

    /// <summary>Whoever reads sends one request at a time, so no two answers meet.</summary>
    private async Task AskAsync(NetworkStream client, NetworkStream replica)
    {
        byte[] head = new byte[Limits.HeaderSize];
        try
        {
            while (true)
            {
                await client.ReadExactlyAsync(head, _stop.Token);
                Header asked = Header.Read(head);
                byte[] body = new byte[asked.Size - Limits.HeaderSize];
                await client.ReadExactlyAsync(body, _stop.Token);
                bool isStale =
                    asked.Command == Command.Read && asked.ReadRequest.Consistency == ReadConsistency.Stale;
                if (isStale)
                {
                    Interlocked.Increment(ref _refused);
                    await client.WriteAsync(TooOld(asked), _stop.Token);
                    continue;
                }
                await replica.WriteAsync(head, _stop.Token);
                await replica.WriteAsync(body, _stop.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // Somebody has gone.
        }
    }

    private static byte[] TooOld(in Header asked)
    {
        Header answer = Header.Create(Command.ReadReply, asked.Cluster, view: 1, replica: 0, bodySize: 0);
        answer.ReadReply = new ReadReplyFields
        {
            ReadChecksum = asked.Checksum, Client = asked.ReadRequest.Client, Number = asked.ReadRequest.Number,
            Operation = asked.ReadRequest.Operation, Consistency = asked.ReadRequest.Consistency,
            Result = ReadResult.TooOld,
        };
        answer.SetChecksumBody([]);
        answer.SetChecksum();
        byte[] message = new byte[Limits.HeaderSize];
        answer.WriteTo(message);
        return message;
    }
}
