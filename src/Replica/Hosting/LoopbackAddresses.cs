using System.Linq;
using System.Net;
using System.Net.Sockets;

namespace Deterministic.Replica.Hosting;

/// <summary>Places for replicas on this machine.</summary>
internal static class LoopbackAddresses
{
    /// <summary>Ports that were free a moment ago: replicas must know each other's before they start.</summary>
    public static IPEndPoint[] Free(int count)
    {
        TcpListener[] listeners = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        foreach (TcpListener listener in listeners) listener.Start();
        IPEndPoint[] addresses = [.. listeners.Select(listener => (IPEndPoint)listener.LocalEndpoint)];
        foreach (TcpListener listener in listeners) listener.Dispose();
        return addresses;
    }
}
