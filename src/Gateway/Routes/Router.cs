using System;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Copies;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Security;
using Deterministic.Gateway.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Deterministic.Gateway.Routes;

/// <summary>Which handler answers which request, and what is alike for all: the region in the path, who may come in,
/// and what becomes of errors.</summary>
/// <param name="options">Of the gateway.</param>
/// <param name="cluster">Behind it.</param>
/// <param name="copies">That are under way.</param>
/// <param name="keys">Null: any token will do.</param>
/// <param name="readiness">Whether the gateway is about to stop.</param>
/// <param name="metrics">Counts requests.</param>
/// <param name="logger">Has a line for each, and is told what was not foreseen.</param>
internal sealed partial class Router(
    GatewayOptions options, ClusterAccess cluster, CopyRegistry copies, KeyRing? keys, Readiness readiness,
    GatewayMetrics metrics, ILogger logger)
{
    /// <summary>Of the namespace among the values of a route.</summary>
    public const string NameKey = "name";

    private const string Name = "{" + NameKey + "}";

    private readonly ExchangeLimits _limits = new(options);

    public void Map(WebApplication application)
    {
        metrics.Gauge("deterministic.http.bodies_bytes", "Bodies of the requests under way",
            () => _limits.Bodies.Taken);
        metrics.Gauge("deterministic.http.answers_bytes", "Memory that answers to queries take while they are sent",
            () => _limits.Answers.Taken);
        application.Use(new RequestObserver(metrics, options.RequestLog, logger).ObserveAsync);
        application.Use(PrepareAsync);
        application.UseRouting();
        application.Use(new Admission(keys).AdmitAsync);
        CopyRoute copy = new(cluster, copies);
        WriteRoute write = new(cluster, copy);
        NamespaceRoutes names = new(cluster);
        MapRead("GET", "/v1/namespaces", names.ListAsync);
        MapWrite("POST", $"/v2/namespaces/{Name}", write.WriteAsync);
        MapWrite("POST", $"/v2/namespaces/{Name}/async", copy.StartAsync);
        MapRead("GET", $"/v1/namespaces/{Name}/operations/{{{CopyRoute.TokenKey}}}", copy.TellAsync);
        MapWrite("DELETE", $"/v2/namespaces/{Name}", names.DeleteAsync);
        MapRead("POST", $"/v2/namespaces/{Name}/query", new QueryRoute(cluster).QueryAsync);
        MapRead("POST", $"/v2/namespaces/{Name}/explain_query", new ExplainRoute(cluster).ExplainAsync);
        MapRead("GET", $"/v2/namespaces/{Name}/metadata", names.MetadataAsync);
        MapRead("GET", $"/v1/namespaces/{Name}/metadata", names.MetadataOfVersion1Async);
        MapWrite("PATCH", $"/v1/namespaces/{Name}/metadata", names.UpdateMetadataAsync);
        MapRead("GET", $"/v1/namespaces/{Name}/schema", names.SchemaAsync);
        MapWrite("POST", $"/v1/namespaces/{Name}/schema", names.UpdateSchemaAsync);
        MapRead("GET", $"/v1/namespaces/{Name}/hint_cache_warm", names.HintCacheWarmAsync);
        MapRead("POST", $"/v1/namespaces/{Name}/_debug/recall", new RecallRoute(cluster).RecallAsync);
        MapOperations(application);
        MapConsole(application);
        MapRefusals(application);
        application.MapFallback("{*path}", Handle(static _ =>
            throw new RequestException(404, "no such route; docs/http.md lists them")))
            .WithMetadata(RouteAccess.AnyKey, NotDescribed.Instance);

        void MapRead(string method, string pattern, Func<Exchange, Task> serve) =>
            application.MapMethods(pattern, [method], Handle(serve)).WithMetadata(RouteAccess.Read);

        void MapWrite(string method, string pattern, Func<Exchange, Task> serve) =>
            application.MapMethods(pattern, [method], Handle(serve)).WithMetadata(RouteAccess.Write);
    }

    private void MapOperations(WebApplication application)
    {
        OperationsRoutes operations = new(options, readiness, metrics);
        application.MapGet("/healthz", Handle(operations.HealthAsync)).WithMetadata(RouteAccess.Open);
        application.MapGet("/readyz", Handle(operations.ReadyAsync)).WithMetadata(RouteAccess.Open);
        application.MapGet("/status", Handle(operations.StatusAsync)).WithMetadata(RouteAccess.Cluster);
        application.MapGet("/metrics", Handle(operations.MetricsAsync))
            .WithMetadata(options.Development ? RouteAccess.Open : RouteAccess.Cluster);
        byte[] description = Resource.Read("openapi.json");
        application.MapGet("/openapi.json", Handle(exchange => exchange.AnswerAsync("application/json", description)))
            .WithMetadata(RouteAccess.Open);
    }

    private void MapConsole(WebApplication application)
    {
        ConsoleRoutes console = new(options.Development);
        application.MapGet("/", Handle(console.PageAsync))
            .WithMetadata(RouteAccess.Open, NotDescribed.Instance);
        foreach (string file in ConsoleRoutes.Files)
        {
            application.MapGet($"/console/{file}", Handle(ConsoleRoutes.Serve(file)))
                .WithMetadata(RouteAccess.Open, NotDescribed.Instance);
        }
    }

    /// <summary>What turbopuffer has and this release has not says so.</summary>
    private void MapRefusals(WebApplication application)
    {
        Refuse("POST", $"/v2/namespaces/{Name}/read_only_optimize", "read_only_optimize");
        foreach (string method in (string[])["GET", "HEAD", "POST", "DELETE"])
            Refuse(method, $"/v1/namespaces/{Name}", "version 1 of this route (there is version 2)");
        Refuse("POST", $"/v1/namespaces/{Name}/query", "version 1 of queries (there is version 2)");

        void Refuse(string method, string pattern, string what) =>
            application.MapMethods(pattern, [method], Handle(_ => throw RequestException.NotSupported(what)))
                .WithMetadata(RouteAccess.AnyKey, NotDescribed.Instance);
    }

    /// <summary>What all answers say, and the region taken out of the path.</summary>
    private Task PrepareAsync(HttpContext context, RequestDelegate next)
    {
        context.Features.Set(options.Connections);
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.CacheControl = "no-store";
        // A client whose connection is closed looks for another gateway with its next request.
        if (readiness.IsDraining) context.Response.Headers.Connection = "close";
        Match region = Region().Match(context.Request.Path.Value ?? "");
        if (region.Success) context.Request.Path = context.Request.Path.Value![(region.Length - 1)..];
        return next(context);
    }

    private RequestDelegate Handle(Func<Exchange, Task> serve) => async context =>
    {
        string name = context.GetRouteValue(NameKey) as string ?? "";
        try
        {
            if (context.Request.RouteValues.ContainsKey(NameKey)) NamespaceName.CheckPath(name);
            using Exchange exchange = new(context, name, _limits);
            await serve(exchange).ConfigureAwait(false);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be answered.
        }
        catch (Exception exception)
        {
            Refusal? foreseen = Refusal.Of(exception, name);
            if (foreseen is null)
                GatewayLog.Unforeseen(logger, context.Request.Method, context.Request.Path, exception);
            if (context.Response.HasStarted) context.Abort();
            else
            {
                Refusal refusal = foreseen ?? new Refusal(500, "an error of this server that its log describes");
                await Answer.RefuseAsync(context, refusal).ConfigureAwait(false);
            }
        }
    };

    /// <summary>Such as /gcp-us-central1/, which clients put before the route.</summary>
    [GeneratedRegex(@"\A/(aws|gcp|azure)-[a-z0-9\-]+/", RegexOptions.CultureInvariant)]
    private static partial Regex Region();
}

internal static partial class GatewayLog
{
    [LoggerMessage(100, LogLevel.Error, "{Method} {Path} ended in an error that was not foreseen")]
    public static partial void Unforeseen(ILogger logger, string method, string path, Exception exception);
}
