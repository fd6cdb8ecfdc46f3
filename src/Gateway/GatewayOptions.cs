using System;
using System.Collections.Generic;
using System.Diagnostics.Metrics;
using System.Net;
using Deterministic.Client;
using Deterministic.Gateway.Telemetry;

namespace Deterministic.Gateway;

/// <summary>Where a gateway listens, what stands behind it, and how much it takes.</summary>
public sealed record GatewayOptions
{
    /// <summary>Bytes of a request's body that no option says otherwise.</summary>
    public const int BodySizeMaxDefault = 64 << 20;

    /// <summary>The largest that may be said: a body lies in one array.</summary>
    public const int BodySizeMaxLimit = 1 << 30;

    public static readonly TimeSpan DrainTimeoutDefault = TimeSpan.FromSeconds(30);

    /// <summary>The longest that may be said for either part of the end.</summary>
    public static readonly TimeSpan DrainMax = TimeSpan.FromHours(1);

    /// <summary>Port 0 takes a free one.</summary>
    public required IPEndPoint Listen { get; init; }

    /// <summary>The cluster.</summary>
    public required ClientOptions Cluster { get; init; }

    /// <summary>Any bearer token is accepted, on loopback only. Otherwise it has to be one of an API key of the
    /// cluster.</summary>
    public bool Development { get; init; }

    /// <summary>Files in PEM, of the certificate with its chain and of its private key: TLS; both or none.</summary>
    public string? CertificateFile { get; init; }
    public string? CertificateKeyFile { get; init; }

    /// <summary>Beyond loopback without TLS, because something in front ends it.</summary>
    public bool InsecureHttp { get; init; }

    /// <summary>Nothing is listened on before the cluster has a key. Always so beyond loopback.</summary>
    public bool WaitsForKeys
    {
        get => field || IsOpenToOthers;
        init;
    }

    /// <summary>For rates and for how old what is known of the keys may be.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Whether other machines may reach it.</summary>
    public bool IsOpenToOthers => !IPAddress.IsLoopback(Listen.Address);

    /// <summary>Bytes of the largest body of a request, before and after it is decompressed.</summary>
    public int BodySizeMax { get; init; } = BodySizeMaxDefault;

    /// <summary>Bytes of the largest body that is not a write. What it says has to fit into one message of the cluster,
    /// whatever the text makes of it.</summary>
    public int SmallBodySizeMax => Math.Min(BodySizeMax, 8 << 20);

    /// <summary>Bytes of bodies of all requests, and of writes that wait for the cluster, at a time; beyond it requests
    /// are told to come later.</summary>
    public long BodiesSizeMax
    {
        get => field > 0 ? field : Math.Max(4L * BodySizeMax, 256 << 20);
        init;
    }

    /// <summary>Writes that are not small which are served at a time; the others wait, as long as a request to the
    /// cluster would.</summary>
    public int LargeWrites { get; init; } = 8;

    /// <summary>After it one whose body is still coming no longer counts among <see cref="LargeWrites"/>.</summary>
    public TimeSpan LargeBodyPatience { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>What one connection may cost.</summary>
    public ConnectionLimits Connections { get; init; } = new();

    /// <summary>Bytes of answers of all queries that are being sent at a time; beyond it queries are told to come
    /// later. The text of one answer may have several times the bytes of its attributes.</summary>
    public long AnswersSizeMax
    {
        get => field > 0 ? field : Math.Max(8L * BodySizeMax, 512 << 20);
        init;
    }

    /// <summary>Sessions for large writes, beside the one for small ones. Each has one message under way.</summary>
    public int LargeSessions { get; init; } = 3;

    /// <summary>Reads under way at a time, of each consistency.</summary>
    public int Readers { get; init; } = 8;

    /// <summary>Requests that may wait for a reader; further ones are told to come later.</summary>
    public int WaitingMax { get; init; } = 1024;

    /// <summary>Between the word that the gateway is about to stop and the end of taking requests: time for those
    /// who send requests to hear it.</summary>
    public TimeSpan DrainDelay { get; init; } = TimeSpan.Zero;

    /// <summary>How long requests under way are waited for in the end.</summary>
    public TimeSpan DrainTimeout { get; init; } = DrainTimeoutDefault;

    /// <summary>Which requests have a line in the log.</summary>
    public RequestLog RequestLog { get; init; } = RequestLog.All;

    /// <summary>Collector of traces, for OTLP over HTTP; null: OpenTelemetry's environment variables tell whether there
    /// is one.</summary>
    public Uri? TraceEndpoint { get; init; }

    /// <summary>What is on the page of figures beside the gateway's own.</summary>
    public IReadOnlyList<Meter> OtherMeters { get; init; } = [];
}
