using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Vsr;

namespace Deterministic.Replica.Hosting;

/// <summary>What a replica is told about its cluster at start: where the replicas are, and what only they
/// know.</summary>
internal static class ClusterOptions
{
    /// <summary>A secret that could be guessed would be none.</summary>
    private const int SecretSizeMin = 16;
    private const int SecretSizeMax = 4096;

    /// <summary>Reads addresses separated by commas, in the order of the replicas. Port 0, any free one, only stands
    /// alone: the others could not know it.</summary>
    public static IReadOnlyList<EndPoint>? TryParseAddresses(string text, out string error)
    {
        List<EndPoint> addresses = [];
        error = "";
        string[] parts = text.Split(',', StringSplitOptions.TrimEntries);
        foreach (string part in parts)
        {
            EndPoint? address = TryParseAddress(part);
            if (address is null || (parts.Length > 1 && address is IPEndPoint { Port: 0 }))
            {
                error = $"--addresses: \"{part}\" is not an address with a port; write it like 127.0.0.1:3001, " +
                    "in a cluster the addresses of all replicas in order, separated by commas";
                return null;
            }
            addresses.Add(address);
        }
        return addresses;
    }

    private static EndPoint? TryParseAddress(string text)
    {
        if (IPEndPoint.TryParse(text, out IPEndPoint? endpoint)) return endpoint;
        int colon = text.LastIndexOf(':');
        if (colon <= 0 || Uri.CheckHostName(text[..colon]) != UriHostNameType.Dns) return null;
        bool port = ushort.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture,
            out ushort number);
        return port && number > 0 ? new DnsEndPoint(text[..colon], number) : null;
    }

    /// <summary>The secret in a file, without spaces and line ends around it.</summary>
    public static byte[]? TryReadSecret(string path, out string error)
    {
        error = "";
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read);
            byte[] bytes = new byte[SecretSizeMax + 1];
            int size = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            ReadOnlySpan<byte> secret = bytes.AsSpan(0, size).Trim(" \t\r\n"u8);
            if (size <= SecretSizeMax && secret.Length >= SecretSizeMin) return secret.ToArray();
            error = $"--cluster-secret-file: {path} has to hold {SecretSizeMin} to {SecretSizeMax} bytes, such as " +
                "`head -c 32 /dev/urandom | base64` gives, and the same for every replica";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            error = $"--cluster-secret-file: {exception.Message}";
        }
        return null;
    }

    /// <summary>Whether what was told fits the data file.</summary>
    public static bool Fit(StartOptions options, ReplicaOptions replica, out string error)
    {
        int given = options.Addresses.Count;
        string whose = replica.IsStandby ? $"standby {replica.ReplicaIndex - replica.ReplicaCount}"
            : $"replica {replica.ReplicaIndex}";
        error = $"--addresses: {given} given, but the data file is {whose} of a cluster of {replica.ReplicaCount}; " +
            "give the addresses of all replicas, in order, and then those of the standbys";
        if (given < replica.ReplicaCount || given <= replica.ReplicaIndex) return false;
        error = $"--addresses: {given} given, but a cluster of {replica.ReplicaCount} has at most " +
            $"{Limits.StandbysMax} standbys, so {replica.ReplicaCount + Limits.StandbysMax} addresses";
        if (given > replica.ReplicaCount + Limits.StandbysMax) return false;
        error = "--addresses: the sizes of the data file do not allow standbys";
        if (!DataFileFormat.Suits(replica.Configuration, replica.MemberCount)) return false;
        error = "--object-store: a standby keeps no checkpoints in an object store";
        if (options.Archive is not null && replica.IsStandby) return false;
        error = "--lag-checkpoints: only a cluster of one waits for its object store; leave it out";
        if (options.Archive is { LagMax: < int.MaxValue } && replica.ReplicaCount > 1) return false;
        error = "";
        if (given == 1) return true;
        error = "--cluster-secret-file: without it replicas talk only on loopback addresses, because anybody who " +
            "reaches them could speak as one of them; make a secret with `head -c 32 /dev/urandom | base64` and give " +
            "it to every replica";
        return options.Secret.Length > 0 || AreLoopback(options.Addresses);
    }

    /// <summary>Where to listen for an address; null and an error text if its name means nothing here.</summary>
    public static IPEndPoint? TryResolve(EndPoint address, out string error)
    {
        error = "";
        if (address is IPEndPoint endpoint) return endpoint;
        DnsEndPoint name = (DnsEndPoint)address;
        try
        {
            IPAddress[] found = Dns.GetHostAddresses(name.Host);
            if (found.Length > 0) return new IPEndPoint(found[0], name.Port);
            error = "has no address";
        }
        catch (SocketException exception)
        {
            error = exception.Message;
        }
        error = $"--addresses: {ClientOptions.Describe(address)}: {error}";
        return null;
    }

    private static bool AreLoopback(IReadOnlyList<EndPoint> addresses)
    {
        foreach (EndPoint address in addresses)
            if (address is not IPEndPoint ip || !IPAddress.IsLoopback(ip.Address)) return false;
        return true;
    }
}
