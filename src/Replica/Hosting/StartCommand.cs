using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Replica.Checkpoints;
using Deterministic.Replica.Commands;
using Deterministic.Replica.Hosting.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Header = Deterministic.Core.Wire.Header;

namespace Deterministic.Replica.Hosting;

/// <summary>`deterministic start`: serves a data file until SIGTERM or Ctrl+C.</summary>
internal static class StartCommand
{
    private const long CacheSizeDefault = 1L << 30;

    /// <summary>More than any machine has, and little enough to be computed with.</summary>
    private const long SizeMax = 1L << 45;
    private static readonly Option<string?> Addresses = new("--addresses")
    {
        Description = "host:port of each replica in order, then of each standby, separated by commas; with one " +
            "replica the one to listen on, such as 127.0.0.1:3001, where port 0 takes a free one",
    };
    private static readonly Option<string?> Backend = new("--backend")
        { Description = "Vector kernels: simd512, simd256, simd128 or scalar (default: the widest that this CPU has)" };
    private static readonly Option<string?> Cluster = new("--cluster")
        { Description = "Refuse a data file of any other cluster" };
    private static readonly Option<string?> ClusterSecretFile = new("--cluster-secret-file")
        { Description = "File with what only the replicas know: with it they prove to each other who they are" };
    private static readonly Option<string?> ConfigurationFile = new("--config")
        { Description = "JSON file with the same settings: { \"addresses\": …, \"backend\": …, \"Logging\": … }" };
    private static readonly Option<string?> Cache = new("--cache")
        { Description = "Memory for blocks of the state, such as 512MiB or 8GiB (default 1GiB)" };
    private static readonly Option<string?> Memory = new("--memory")
        { Description = "Memory for the whole process; the blocks have what the rest leaves. Instead of --cache" };
    private static readonly Option<string?> Metrics = new("--metrics")
        { Description = "host:port for a page of figures, /metrics, as Prometheus reads it (default: none)" };
    private static readonly HttpOptions Http = new(addressDefault: null);
    private static readonly Option<uint> ReleaseMax = new("--release-max")
    {
        Description = "As if this program knew releases only up to this one", Hidden = true,
        DefaultValueFactory = _ => Header.ReleaseCurrent,
    };
    private static readonly Argument<string> File = new("FILE")
        { Description = "Data file made by `deterministic format`" };

    public static Command Create()
    {
        Command command = new("start",
            "Serve a data file. Prints \"ready on ADDRESS\" once it serves; SIGTERM stops it cleanly.\n\n" +
            "Settings come from flags, then from the environment (DETERMINISTIC_ADDRESSES, DETERMINISTIC_BACKEND, " +
            "DETERMINISTIC_CACHE, DETERMINISTIC_CLUSTER_SECRET_FILE, DETERMINISTIC_MEMORY, " +
            "DETERMINISTIC_METRICS, DETERMINISTIC_OBJECT_STORE, " +
            "DETERMINISTIC_Logging__LogLevel__Default), then from --config.\n\n" +
            "Example: deterministic start --addresses 127.0.0.1:3001 ./data.deterministic")
        {
            Addresses, Backend, Cache, Cluster, ClusterSecretFile, ConfigurationFile, Memory, Metrics, ReleaseMax, File,
        };
        ArchiveOptions.AddTo(command);
        Http.AddTo(command);
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellation)
    {
        HostApplicationBuilder builder = new(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Configuration.AddInMemoryCollection([new("Logging:LogLevel:Default", "Information")]);
        string? file = arguments.GetValue(ConfigurationFile);
        if (file is not null) builder.Configuration.AddJsonFile(System.IO.Path.GetFullPath(file), optional: false);
        builder.Configuration.AddEnvironmentVariables("DETERMINISTIC_");
        builder.Logging.AddConfiguration(builder.Configuration.GetSection("Logging"));
        ConsoleLog.AddTo(builder.Logging);
        string addresses = arguments.GetValue(Addresses) ?? builder.Configuration["addresses"] ?? "127.0.0.1:3001";
        IReadOnlyList<EndPoint>? endpoints = ClusterOptions.TryParseAddresses(addresses, out string addressError);
        string? secretFile = arguments.GetValue(ClusterSecretFile) ?? builder.Configuration["cluster_secret_file"];
        byte[]? secret = [];
        if (endpoints is not null && secretFile is not null)
            secret = ClusterOptions.TryReadSecret(secretFile, out addressError);
        if (endpoints is null || secret is null)
        {
            await Console.Error.WriteLineAsync(addressError).ConfigureAwait(false);
            return 2;
        }
        string? clusterText = arguments.GetValue(Cluster) ?? builder.Configuration["cluster"];
        UInt128 cluster = 0;
        if (clusterText is not null && !UInt128.TryParse(clusterText, NumberStyles.None, CultureInfo.InvariantCulture,
            out cluster))
        {
            string error = $"--cluster: \"{clusterText}\" is not a whole number";
            await Console.Error.WriteLineAsync(error).ConfigureAwait(false);
            return 2;
        }
        string? metricsText = arguments.GetValue(Metrics) ?? builder.Configuration["metrics"];
        IPEndPoint? page = null;
        if (metricsText is not null && !IPEndPoint.TryParse(metricsText, out page))
        {
            string error = $"--metrics: \"{metricsText}\" is not one IP address with a port; " +
                "write it like 127.0.0.1:9464";
            await Console.Error.WriteLineAsync(error).ConfigureAwait(false);
            return 2;
        }
        string? cacheText = arguments.GetValue(Cache) ?? builder.Configuration["cache"];
        string? memoryText = arguments.GetValue(Memory) ?? builder.Configuration["memory"];
        bool sized = TryMemory(cacheText, memoryText, out long cacheSize, out long? memorySize, out string refusal);
        ArchiveOptions? archive = ArchiveOptions.TryRead(arguments, builder.Configuration, out string wrong);
        if (!sized || wrong.Length > 0)
        {
            await Console.Error.WriteLineAsync(sized ? wrong : refusal).ConfigureAwait(false);
            return 2;
        }
        StartOptions options = new(
            arguments.GetRequiredValue(File), endpoints, secret,
            arguments.GetValue(Backend) ?? builder.Configuration["backend"],
            clusterText is null ? null : cluster, cacheSize, memorySize, archive)
            { ReleaseMax = uint.Max(arguments.GetValue(ReleaseMax), Header.ReleaseOldest) };
        if (TryAddGateway(arguments, builder, endpoints, out string why))
            return await ServeAsync(builder, options, page, cancellation).ConfigureAwait(false);
        await Console.Error.WriteLineAsync(why).ConfigureAwait(false);
        return 2;
    }

    /// <summary>Adds a gateway if one is asked for; false if what is asked for makes no sense.</summary>
    private static bool TryAddGateway(
        ParseResult arguments, HostApplicationBuilder builder, IReadOnlyList<EndPoint> addresses, out string error)
    {
        error = "";
        if (!Http.IsOn(arguments)) return true;
        try
        {
            builder.Services.AddSingleton(Http.Read(arguments, new ClientOptions { Addresses = addresses }));
            builder.Services.AddSingleton<GatewayService>();
        }
        catch (UsageException exception)
        {
            error = exception.Message;
        }
        if (addresses is [IPEndPoint { Port: 0 }])
            error = "--http needs a port in --addresses: the gateway could not know which one is free";
        return error.Length == 0;
    }

    private static async Task<int> ServeAsync(
        HostApplicationBuilder builder, StartOptions options, IPEndPoint? page, CancellationToken cancellation)
    {
        using ReplicaMetrics metrics = new();
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(metrics);
        builder.Services.AddSingleton<ReplicaService>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ReplicaService>());
        bool hasGateway = builder.Services.Any(static service => service.ServiceType == typeof(GatewayService));
        if (hasGateway) builder.Services.AddHostedService(services => services.GetRequiredService<GatewayService>());
        using IHost host = builder.Build();
        ReplicaService replica = host.Services.GetRequiredService<ReplicaService>();
        GatewayService? gateway = host.Services.GetService<GatewayService>();
        if (page is null)
        {
            await host.RunAsync(cancellation).ConfigureAwait(false);
            return int.Max(replica.ExitCode, gateway?.ExitCode ?? 0);
        }
        (MetricsServer? server, string refused) =
            await MetricsServer.TryStartAsync(page, metrics).ConfigureAwait(false);
        if (server is null)
        {
            await Console.Error.WriteLineAsync(refused).ConfigureAwait(false);
            return 1;
        }
        await using (server.ConfigureAwait(false))
        {
            await Console.Out.WriteLineAsync($"{MetricsServer.ReadyPrefix}{server.Page}").ConfigureAwait(false);
            await host.RunAsync(cancellation).ConfigureAwait(false);
        }
        return int.Max(replica.ExitCode, gateway?.ExitCode ?? 0);
    }

    private static bool TryMemory(
        string? cacheText, string? memoryText, out long cacheSize, out long? memorySize, out string error)
    {
        cacheSize = CacheSizeDefault;
        memorySize = null;
        error = "--cache and --memory are two ways to say one thing; give one of them";
        if (cacheText is not null && memoryText is not null) return false;
        string? text = cacheText ?? memoryText;
        error = $"--{(cacheText is null ? "memory" : "cache")}: \"{text}\" is not a size; write it like 512MiB or 4GiB";
        if (text is null) return true;
        if (!SizeText.TryParse(text, out long size) || size > SizeMax) return false;
        if (cacheText is null) memorySize = size;
        else cacheSize = size;
        return true;
    }
}

/// <param name="File">The data file.</param>
/// <param name="Addresses">Of all replicas, in order, then of the standbys.</param>
/// <param name="Secret">What only replicas of the cluster know; empty: nothing.</param>
/// <param name="Backend">Name of the kernels to use; null for the best.</param>
/// <param name="Cluster">The cluster that the file must belong to; null for any.</param>
/// <param name="CacheSize">Bytes of the block cache if there is no limit for the process.</param>
/// <param name="MemorySize">Bytes that the whole process may use; null for no limit.</param>
/// <param name="Archive">Where checkpoints go; null: nowhere.</param>
internal sealed record StartOptions(
    string File, IReadOnlyList<EndPoint> Addresses, byte[] Secret, string? Backend, UInt128? Cluster,
    long CacheSize, long? MemorySize, ArchiveOptions? Archive)
{
    /// <summary>The newest release that this program knows.</summary>
    public uint ReleaseMax { get; init; } = Header.ReleaseCurrent;
}
