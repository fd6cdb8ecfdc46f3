using System;
using System.Collections.Generic;
using System.Globalization;
using System.Net;
using Deterministic.Core;

namespace Deterministic.Client;

/// <summary>How a client reaches its cluster and how long it waits.</summary>
public sealed record ClientOptions
{
    /// <summary>Tried in turn until one answers.</summary>
    public required IReadOnlyList<EndPoint> Addresses { get; init; }

    /// <summary>The number that the cluster's data files were formatted with; 0 accepts whichever cluster
    /// answers.</summary>
    public UInt128 Cluster { get; init; }

    /// <summary>Largest message of the cluster in bytes, header included.</summary>
    public int MessageSizeMax { get; init; } = Configuration.Production.MessageSizeMax;

    /// <summary>How long a call waits for its answer, unless it says otherwise.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long to look for a replica before a request that was not sent yet fails.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Silence after which a request is sent again, byte for byte.</summary>
    public TimeSpan ResendAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>With several replicas: silence after which the client first asks another one whether the primary has
    /// changed, and then sends its request again; it doubles up to <see cref="ResendAfter"/>.</summary>
    public TimeSpan LookAroundAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>First and longest pause between attempts to connect; it doubles in between, with jitter.</summary>
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromMilliseconds(20);
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Tells how long <see cref="ConnectTimeout"/> has lasted.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Calls that may wait in the client; further callers wait for room.</summary>
    public int QueueMax { get; init; } = 1024;

    /// <summary>Bytes of the largest request, encoded.</summary>
    public int BodySizeMax => MessageSizeMax - Limits.HeaderSize;

    /// <summary>Reads "host:port", "[v6]:port" or a bare port of this machine, separated by commas.</summary>
    /// <exception cref="FormatException">With a message for the user.</exception>
    public static IReadOnlyList<EndPoint> ParseAddresses(string text)
    {
        List<EndPoint> addresses = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            addresses.Add(ParseAddress(part));
        if (addresses.Count == 0)
            throw new FormatException("no address given; write host:port, such as 127.0.0.1:3001");
        return addresses;
    }

    /// <summary>The address as it is written on a command line.</summary>
    public static string Describe(EndPoint address) => address switch
    {
        DnsEndPoint name => $"{name.Host}:{name.Port.ToString(CultureInfo.InvariantCulture)}",
        _ => address.ToString() ?? "?",
    };

    private static EndPoint ParseAddress(string part)
    {
        int colon = part.LastIndexOf(':');
        string host = colon < 0 ? "127.0.0.1" : part[..colon];
        if (!ushort.TryParse(part[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)
            || port == 0 || host.Length == 0)
        {
            throw new FormatException($"address \"{part}\" is not host:port; the port is a number from 1 to 65535");
        }
        string bare = host.StartsWith('[') && host.EndsWith(']') ? host[1..^1] : host;
        return IPAddress.TryParse(bare, out IPAddress? ip) ? new IPEndPoint(ip, port) : new DnsEndPoint(host, port);
    }
}
