using System;
using System.Diagnostics;
using System.Threading.Tasks;
using Deterministic.Gateway.Routes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Deterministic.Gateway.Telemetry;

/// <summary>Which requests have a line in the log.</summary>
public enum RequestLog
{
    All,

    /// <summary>Those that the gateway or the cluster is at fault for: 5xx.</summary>
    Failed,
    None,
}

/// <summary>Measures every request, gives it an id and its place in a trace, and writes its line in the
/// log.</summary>
internal sealed partial class RequestObserver(GatewayMetrics metrics, RequestLog log, ILogger logger)
{
    public const string IdHeader = "x-request-id";

    /// <summary>What clients may call a request.</summary>
    public const int IdSizeMax = 128;

    /// <summary>Characters of version 00 of `traceparent`.</summary>
    private const int TraceParentSize = 55;

    /// <summary>As nginx has it: who asked went away before the answer.</summary>
    private const int StatusGone = 499;

    private const string IdSigns = "-_.:/=+";
    private const string OtherRoute = "other";
    private const string OtherMethod = "other";

    public async Task ObserveAsync(HttpContext context, RequestDelegate next)
    {
        long started = Stopwatch.GetTimestamp();
        RequestFigures figures = new();
        context.Features.Set(figures);
        using Activity? span = Begin(context, out string trace);
        string id = context.Request.Headers[IdHeader] is [string given] && IsId(given) ? given : trace;
        context.Response.Headers[IdHeader] = id;
        metrics.Began();
        try
        {
            await next(context).ConfigureAwait(false);
        }
        finally
        {
            TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
            // Who has the answer may close the connection at once; an answer that was begun and not ended was broken
            // off.
            bool isGone = !figures.IsAnswered
                && (context.RequestAborted.IsCancellationRequested || context.Response.HasStarted);
            int status = isGone ? StatusGone : context.Response.StatusCode;
            string route = RouteOf(context);
            string method = MethodOf(context.Request.Method);
            metrics.Ended(method, route, status, elapsed, figures.BytesIn, figures.BytesOut);
            string? name = context.GetRouteValue(Router.NameKey) as string;
            if (name is null || !NamespaceName.IsValid(name)) name = "-";
            if (span is not null) End(span, method, route, name, status);
            if (log == RequestLog.All || (log == RequestLog.Failed && status >= 500))
            {
                Served(logger, method, route, name, status, figures.BytesIn, figures.BytesOut,
                    elapsed.TotalMilliseconds, id, trace);
            }
        }
    }

    /// <summary>Goes on with the trace of the client, or begins one.</summary>
    private static Activity? Begin(HttpContext context, out string trace)
    {
        string? state = context.Request.Headers.TraceState.ToString() is { Length: > 0 } text ? text : null;
        bool isContinued = ActivityContext.TryParse(
            Known(context.Request.Headers.TraceParent.ToString()), state, isRemote: true, out ActivityContext parent);
        Activity? span = Tracing.Source.StartActivity("request", ActivityKind.Server, parent);
        ActivityTraceId traceId = span?.TraceId ?? (isContinued ? parent.TraceId : ActivityTraceId.CreateRandom());
        trace = traceId.ToHexString();
        return span;
    }

    /// <summary>Later versions of the header may say more behind what this one does.</summary>
    private static string Known(string traceParent)
    {
        bool isLater = traceParent.Length > TraceParentSize && traceParent[TraceParentSize] == '-'
            && !traceParent.StartsWith("00", StringComparison.Ordinal);
        return isLater ? traceParent[..TraceParentSize] : traceParent;
    }

    private static void End(Activity span, string method, string route, string name, int status)
    {
        span.DisplayName = $"{method} {route}";
        span.SetTag("http.request.method", method);
        span.SetTag("http.route", route);
        span.SetTag("http.response.status_code", status);
        if (name != "-") span.SetTag("deterministic.namespace", name);
        if (status >= 500) span.SetStatus(ActivityStatusCode.Error);
    }

    /// <summary>The template, of which there are few, whatever is asked for.</summary>
    private static string RouteOf(HttpContext context)
    {
        if (context.GetEndpoint() is not RouteEndpoint endpoint) return OtherRoute;
        string text = endpoint.RoutePattern.RawText ?? OtherRoute;
        return text.Contains('*', StringComparison.Ordinal) ? OtherRoute : text;
    }

    /// <summary>One of few words, whatever the client says.</summary>
    private static string MethodOf(string method) => method switch
    {
        "GET" or "HEAD" or "POST" or "PUT" or "PATCH" or "DELETE" or "OPTIONS" => method,
        _ => OtherMethod,
    };

    /// <summary>Short, and nothing in it that a log or a header could stumble over.</summary>
    private static bool IsId(string text)
    {
        if (text.Length is 0 or > IdSizeMax) return false;
        foreach (char one in text)
        {
            if (!char.IsAsciiLetterOrDigit(one) && !IdSigns.Contains(one, StringComparison.Ordinal)) return false;
        }
        return true;
    }

    [LoggerMessage(110, LogLevel.Information, "{Method} {Route} namespace={Namespace} status={Status} in={BytesIn} " +
        "out={BytesOut} ms={Milliseconds:0.###} id={RequestId} trace={TraceId}")]
    private static partial void Served(
        ILogger logger, string method, string route, string @namespace, int status, long bytesIn, long bytesOut,
        double milliseconds, string requestId, string traceId);
}
