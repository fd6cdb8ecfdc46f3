using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Client;

/// <summary>How one replica stands, as it says itself.</summary>
/// <param name="Replica">Its index.</param>
/// <param name="Cluster">The cluster that it is of.</param>
/// <param name="View">Its durable view.</param>
/// <param name="Release">The newest one that its software knows.</param>
/// <param name="Fields">All the rest.</param>
public sealed record ReplicaStanding(byte Replica, UInt128 Cluster, uint View, uint Release, StatusFields Fields)
{
    /// <summary>The primary of its view, whether that one is there or not.</summary>
    public byte Primary => (byte)(View % Fields.ReplicaCount);
}

/// <summary>Asks a replica how it stands, outside of the log and of every session: also one answers that is opening its
/// data file or has no primary.</summary>
public static class StatusProbe
{
    private const int BufferSize = 4096;

    /// <summary>Null and a reason if it does not answer in time.</summary>
    public static async Task<(ReplicaStanding? Standing, string Problem)> AskAsync(
        EndPoint address, TimeSpan timeout, CancellationToken stop = default)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(timeout);
        try
        {
            byte[] buffer = new byte[BufferSize];
            using MessageConnection connection =
                await MessageConnection.ConnectAsync(address, buffer, patience.Token).ConfigureAwait(false);
            byte[] question = NewQuestion(out UInt128 client);
            await connection.SendAsync(question, patience.Token).ConfigureAwait(false);
            while (true)
            {
                ReceivedMessage message = await connection.ReceiveAsync(patience.Token).ConfigureAwait(false);
                Header header = message.Header;
                if (header.Command != Command.Status || header.Status.Client != client) continue;
                return (new ReplicaStanding(header.Replica, header.Cluster, header.View, header.Release,
                    header.Status), "");
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return (null, $"no answer within {timeout.TotalSeconds:0.###} s");
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return (null, exception.Message);
        }
    }

    private static byte[] NewQuestion(out UInt128 client)
    {
        Span<byte> id = stackalloc byte[16];
        RandomNumberGenerator.Fill(id);
        client = BitConverter.ToUInt128(id) | 1;
        Header header = Header.Create(Command.GetStatus, cluster: 0, view: 0, replica: 0);
        header.Status.Client = client;
        header.SetChecksumBody([]);
        header.SetChecksum();
        byte[] question = new byte[Limits.HeaderSize];
        header.WriteTo(question);
        return question;
    }
}
