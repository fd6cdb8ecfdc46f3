using System;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Deterministic.Gateway.Routes;

/// <summary>Which handler answers which request, and what is alike for all: the token, the region in the path, and
/// what becomes of errors.</summary>
internal sealed partial class Router(
    GatewayOptions options, ClusterAccess cluster, Readiness readiness, GatewayMetrics metrics, ILogger logger)
{
    /// <summary>Of the namespace among the values of a route.</summary>
    public const string NameKey = "name";

    private const string Name = "{" + NameKey + "}";
    private const string Bearer = "Bearer ";

    private readonly BodyBudget _budget = new(options.BodiesSizeMax);

    public void Map(WebApplication application)
    {
        metrics.Gauge("deterministic.http.bodies_bytes", "Memory that bodies of requests take now",
            () => _budget.Taken);
        application.Use(new RequestObserver(metrics, options.RequestLog, logger).ObserveAsync);
        application.Use(TakeRegionOutAsync);
        application.UseRouting();
        application.Use(AdmitAsync);
        WriteRoute write = new(cluster);
        NamespaceRoutes names = new(cluster);
        application.MapGet("/v1/namespaces", Handle(names.ListAsync));
        application.MapPost($"/v2/namespaces/{Name}", Handle(write.WriteAsync));
        application.MapDelete($"/v2/namespaces/{Name}", Handle(names.DeleteAsync));
        application.MapPost($"/v2/namespaces/{Name}/query", Handle(new QueryRoute(cluster).QueryAsync));
        application.MapGet($"/v2/namespaces/{Name}/metadata", Handle(names.MetadataAsync));
        application.MapGet($"/v1/namespaces/{Name}/metadata", Handle(names.MetadataOfVersion1Async));
        application.MapGet($"/v1/namespaces/{Name}/schema", Handle(names.SchemaAsync));
        application.MapPost($"/v1/namespaces/{Name}/schema", Handle(names.UpdateSchemaAsync));
        application.MapGet($"/v1/namespaces/{Name}/hint_cache_warm", Handle(names.HintCacheWarmAsync));
        application.MapPost($"/v1/namespaces/{Name}/_debug/recall", Handle(new RecallRoute(cluster).RecallAsync));
        MapOperations(application);
        MapRefusals(application);
        application.MapFallback("{*path}", Handle(static _ =>
            throw new RequestException(404, "no such route; docs/http.md lists them")));
    }

    private void MapOperations(WebApplication application)
    {
        OperationsRoutes operations = new(options, readiness, metrics);
        application.MapGet("/healthz", Handle(operations.HealthAsync)).WithMetadata(RouteAccess.Open);
        application.MapGet("/readyz", Handle(operations.ReadyAsync)).WithMetadata(RouteAccess.Open);
        application.MapGet("/status", Handle(operations.StatusAsync));
        IEndpointConventionBuilder page = application.MapGet("/metrics", Handle(operations.MetricsAsync));
        if (options.Development) page.WithMetadata(RouteAccess.Open);
    }

    /// <summary>What turbopuffer has and this release has not says so.</summary>
    private void MapRefusals(WebApplication application)
    {
        Refuse("POST", $"/v2/namespaces/{Name}/explain_query", "explain_query");
        Refuse("POST", $"/v2/namespaces/{Name}/async", "starting operations that go on by themselves (async)");
        Refuse("POST", $"/v2/namespaces/{Name}/read_only_optimize", "read_only_optimize");
        Refuse("PATCH", $"/v1/namespaces/{Name}/metadata", "changing metadata (pinning, read_only)");
        foreach (string method in (string[])["GET", "HEAD", "POST", "DELETE"])
            Refuse(method, $"/v1/namespaces/{Name}", "version 1 of this route (there is version 2)");
        Refuse("POST", $"/v1/namespaces/{Name}/query", "version 1 of queries (there is version 2)");
        application.MapGet($"/v1/namespaces/{Name}/operations/{{token}}", Handle(static _ =>
            throw new RequestException(404, "operation was not found: this server answers everything at once")));

        void Refuse(string method, string pattern, string what) =>
            application.MapMethods(pattern, [method], Handle(_ => throw RequestException.NotSupported(what)));
    }

    private static Task TakeRegionOutAsync(HttpContext context, RequestDelegate next)
    {
        Match region = Region().Match(context.Request.Path.Value ?? "");
        if (region.Success) context.Request.Path = context.Request.Path.Value![(region.Length - 1)..];
        return next(context);
    }

    /// <summary>Refuses who brings no token.</summary>
    private async Task AdmitAsync(HttpContext context, RequestDelegate next)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        // A client whose connection is closed looks for another gateway with its next request.
        if (readiness.IsDraining) context.Response.Headers.Connection = "close";
        string authorization = context.Request.Headers.Authorization.ToString();
        bool isOpen = context.GetEndpoint()?.Metadata.GetMetadata<RouteAccess>() == RouteAccess.Open;
        if (!isOpen && (!authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            || string.IsNullOrWhiteSpace(authorization[Bearer.Length..])))
        {
            Refusal refusal = new(401, "the header `Authorization: Bearer <API key>` is missing");
            await Answer.RefuseAsync(context, refusal).ConfigureAwait(false);
            return;
        }
        await next(context).ConfigureAwait(false);
    }

    private RequestDelegate Handle(Func<Exchange, Task> serve) => async context =>
    {
        string name = context.GetRouteValue(NameKey) as string ?? "";
        try
        {
            if (context.Request.RouteValues.ContainsKey(NameKey)) NamespaceName.CheckPath(name);
            await serve(new Exchange(context, name, _budget, options.BodySizeMax)).ConfigureAwait(false);
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
