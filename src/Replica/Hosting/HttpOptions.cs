using System;
using System.CommandLine;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Gateway;
using Deterministic.Gateway.Telemetry;
using Deterministic.Replica.Commands;
using Microsoft.Extensions.Logging;

namespace Deterministic.Replica.Hosting;

/// <summary>The options of a gateway on the command line, the same for a process of its own and beside a
/// replica.</summary>
/// <param name="addressDefault">Where to listen if nothing is said; null: no gateway.</param>
internal sealed class HttpOptions(string? addressDefault)
{
    private readonly Option<string?> _http = new("--http")
    {
        Description = "host:port for turbopuffer's HTTP API; port 0 takes a free one",
        HelpName = "ADDR",
        DefaultValueFactory = _ => addressDefault,
    };

    private readonly Option<bool> _development = new("--development")
        { Description = "Accept any bearer token over HTTP, not only those of API keys; on this machine only" };

    private readonly Option<string?> _certificate = new("--tls-certificate")
    {
        Description = "HTTPS with the certificate (and those between it and the root) in this file, PEM; when the " +
            "file changes, new connections get the new one",
        HelpName = "FILE",
    };

    private readonly Option<string?> _certificateKey = new("--tls-key")
        { Description = "The certificate's private key, PEM", HelpName = "FILE" };

    private readonly Option<bool> _insecure = new("--insecure-http")
    {
        Description = "HTTP without TLS for other machines: a proxy in front ends TLS, and only it reaches this port",
    };

    private readonly Option<string?> _bodySizeMax = new("--http-body-max")
    {
        Description = "Largest body of an HTTP request, such as 64MiB (the default), up to 1GiB", HelpName = "SIZE",
    };

    private readonly Option<double> _drainDelay = new("--drain-delay")
    {
        Description = "Seconds from SIGTERM, when /readyz begins to answer 503, to when no more HTTP is taken (0)",
        HelpName = "SECONDS",
    };

    private readonly Option<double> _drainTimeout = new("--drain-timeout")
    {
        Description = "Seconds that HTTP requests under way are waited for after that (30)", HelpName = "SECONDS",
        DefaultValueFactory = _ => GatewayOptions.DrainTimeoutDefault.TotalSeconds,
    };

    private readonly Option<string> _log = new("--http-log")
    {
        Description = "HTTP requests that have a line in the log: all (the default), failed (5xx) or none",
        HelpName = "WHICH", DefaultValueFactory = _ => "all",
    };

    private readonly Option<string?> _otlp = new("--otlp")
    {
        Description = "Collector that traces of HTTP requests are sent to, by OTLP over HTTP, such as " +
            "http://127.0.0.1:4318 (default: what OTEL_EXPORTER_OTLP_ENDPOINT says)",
        HelpName = "URL",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_http);
        command.Options.Add(_development);
        command.Options.Add(_certificate);
        command.Options.Add(_certificateKey);
        command.Options.Add(_insecure);
        command.Options.Add(_bodySizeMax);
        command.Options.Add(_drainDelay);
        command.Options.Add(_drainTimeout);
        command.Options.Add(_log);
        command.Options.Add(_otlp);
    }

    /// <summary>Whether a gateway is asked for.</summary>
    public bool IsOn(ParseResult parse) => parse.GetValue(_http) is not null;

    /// <exception cref="UsageException">What is said makes no sense.</exception>
    public GatewayOptions Read(ParseResult parse, ClientOptions cluster)
    {
        string text = parse.GetValue(_http) ?? "";
        if (!IPEndPoint.TryParse(text, out IPEndPoint? listen))
        {
            throw new UsageException(
                $"--http: \"{text}\" is not one IP address with a port; write it like 127.0.0.1:8080");
        }
        long bodySizeMax = GatewayOptions.BodySizeMaxDefault;
        string? size = parse.GetValue(_bodySizeMax);
        if (size is not null
            && (!SizeText.TryParse(size, out bodySizeMax) || bodySizeMax is < 1 or > GatewayOptions.BodySizeMaxLimit))
        {
            throw new UsageException($"--http-body-max: \"{size}\" is not a size from 1 byte to 1GiB");
        }
        GatewayOptions options = new()
        {
            Listen = listen, Cluster = cluster, Development = parse.GetValue(_development),
            CertificateFile = parse.GetValue(_certificate), CertificateKeyFile = parse.GetValue(_certificateKey),
            InsecureHttp = parse.GetValue(_insecure), BodySizeMax = (int)bodySizeMax,
            DrainDelay = Seconds(parse, _drainDelay), DrainTimeout = Seconds(parse, _drainTimeout),
            RequestLog = ReadLog(parse), TraceEndpoint = ReadCollector(parse),
        };
        return GatewayServer.WhyNot(options) is string refused ? throw new UsageException(refused) : options;
    }

    private static TimeSpan Seconds(ParseResult parse, Option<double> option)
    {
        double seconds = parse.GetValue(option);
        double most = GatewayOptions.DrainMax.TotalSeconds;
        return seconds >= 0 && seconds <= most ? TimeSpan.FromSeconds(seconds)
            : throw new UsageException($"{option.Name} takes seconds from 0 to {most}");
    }

    private Uri? ReadCollector(ParseResult parse)
    {
        string? text = parse.GetValue(_otlp);
        if (text is null) return null;
        return Uri.TryCreate(text, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https" ? address
            : throw new UsageException($"--otlp: \"{text}\" is not a URL; write it like http://127.0.0.1:4318");
    }

    private RequestLog ReadLog(ParseResult parse) => parse.GetValue(_log) switch
    {
        "all" => RequestLog.All,
        "failed" => RequestLog.Failed,
        "none" => RequestLog.None,
        string other => throw new UsageException($"--http-log: \"{other}\" is none of all, failed and none"),
        null => RequestLog.All,
    };

    /// <summary>Starts it and says so. Null and an error text if the address cannot be listened on.</summary>
    /// <exception cref="OperationCanceledException">Told to stop before it serves.</exception>
    public static async Task<(GatewayServer? Server, string Error)> StartAsync(
        GatewayOptions options, ILoggerFactory loggers, CancellationToken stop)
    {
        (GatewayServer? server, string error) = await GatewayServer
            .TryStartAsync(options, loggers.CreateLogger("http"), stop).ConfigureAwait(false);
        if (server is null) return (null, error);
        if (options.Development)
            await Console.Error.WriteLineAsync(GatewayServer.DevelopmentWarning).ConfigureAwait(false);
        await Console.Out.WriteLineAsync($"{GatewayServer.ReadyPrefix}{server.Url}").ConfigureAwait(false);
        return (server, "");
    }
}
