using System;
using System.Buffers;
using System.IO;
using System.IO.Pipelines;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;

namespace Deterministic.Gateway.Http;

/// <summary>Lets so many connections in at a time; what comes beyond that is answered with 503 and closed, so that who
/// asked knows why and when to come again. Behind TLS, if there is TLS. Safe to use from many threads.</summary>
/// <param name="limits">How many connections, and how long one that is refused may take to ask.</param>
internal sealed class ConnectionGate(ConnectionLimits limits)
{
    private const string Body =
        "{\"status\":\"error\",\"error\":\"this server has as many connections as it takes; try again later\"}";

    /// <summary>Bytes of a request that are looked at.</summary>
    private const int HeadSizeMax = ConnectionLimits.RequestLineSizeMax + ConnectionLimits.HeadersSizeMax;

    private static readonly byte[] Answer = Encoding.ASCII.GetBytes("HTTP/1.1 503 Service Unavailable\r\n" +
        $"content-type: application/json\r\ncontent-length: {Body.Length}\r\nretry-after: 1\r\n" +
        $"cache-control: no-store\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n{Body}");

    private int _served;

    public async Task EnterAsync(ConnectionContext connection, ConnectionDelegate serve)
    {
        bool isRefused;
        try
        {
            isRefused = Interlocked.Increment(ref _served) > limits.ConnectionsMax;
            if (!isRefused) await serve(connection).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _served);
        }
        if (isRefused) await RefuseAsync(connection).ConfigureAwait(false);
    }

    private async Task RefuseAsync(ConnectionContext connection)
    {
        using CancellationTokenSource patience = new(limits.Grace);
        try
        {
            // A connection that is closed with bytes that nobody has read is reset, and the answer lost with it.
            PipeReader input = connection.Transport.Input;
            ReadResult request = await input.ReadAsync(patience.Token).ConfigureAwait(false);
            bool more = HasBody(request.Buffer);
            input.AdvanceTo(request.Buffer.End);
            await connection.Transport.Output.WriteAsync(Answer, patience.Token).ConfigureAwait(false);
            while (more)
            {
                request = await input.ReadAsync(patience.Token).ConfigureAwait(false);
                more = !request.IsCompleted;
                input.AdvanceTo(request.Buffer.End);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException)
        {
            // It has not asked in time, or is gone.
        }
    }

    /// <summary>Whether a request says that more comes than its headers: then whoever asks may read the answer only
    /// after all of it is sent.</summary>
    private static bool HasBody(in ReadOnlySequence<byte> request)
    {
        string head = Encoding.Latin1.GetString(request.Slice(0, Math.Min(request.Length, HeadSizeMax)));
        return head.Contains("\r\ncontent-length:", StringComparison.OrdinalIgnoreCase)
            || head.Contains("\r\ntransfer-encoding:", StringComparison.OrdinalIgnoreCase);
    }
}
