using System;
using System.Diagnostics;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Deterministic.Gateway.Routes;

/// <summary>One request and its answer.</summary>
internal sealed class Exchange(HttpContext context, string name, BodyBudget budget, int bodySizeMax)
{
    private readonly long _started = Stopwatch.GetTimestamp();

    /// <summary>The namespace in the path; empty if the route has none.</summary>
    public string Namespace { get; } = name;

    /// <summary>Who asks. On a route that is open to all this is nobody's business.</summary>
    public Caller Caller => context.Features.GetRequiredFeature<Caller>();

    /// <summary>Of the client's connection.</summary>
    public CancellationToken Aborted => context.RequestAborted;

    /// <summary>Since the request's headers were there.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_started);

    /// <summary>The first value in the query string; null if there is none.</summary>
    public string? QueryValue(string key) => context.Request.Query[key] is [string first, ..] ? first : null;

    public Task<RequestBody> ReadBodyAsync() => RequestBody.ReadAsync(context, budget, bodySizeMax);

    public void SetHeader(string key, string value) => context.Response.Headers[key] = value;

    public Task AnswerAsync(Action<Utf8JsonWriter> write, int status = 200) =>
        Answer.WriteAsync(context, status, write);

    public Task AnswerAsync(string contentType, ReadOnlyMemory<byte> body) =>
        Answer.WriteAsync(context, 200, contentType, body);
}
