using System;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Security;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Deterministic.Gateway.Routes;

/// <summary>One request and its answer.</summary>
internal sealed class Exchange(HttpContext context, string name, ExchangeLimits limits) : IDisposable
{
    public const string RespondAsync = "respond-async";

    private const string TooLargeTogether = "the server is busy with large requests; try again";

    private readonly long _started = Stopwatch.GetTimestamp();
    private RequestBody? _body;
    private long _reserved;
    private LargeBodyGate.Place? _place;

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

    /// <summary>A part of the path.</summary>
    public string RouteValue(string key) => (string)context.Request.RouteValues[key]!;

    /// <summary>How long the client waits for the end of something long, before it would rather be told where to ask
    /// for it (RFC 7240): as long as it takes, unless it prefers `respond-async`, perhaps with a `wait` of some
    /// seconds.</summary>
    /// <param name="most">If it prefers that and says nothing of a shorter time.</param>
    public TimeSpan Patience(TimeSpan most)
    {
        const string wait = "wait=";
        bool respondAsync = false;
        foreach (string? line in context.Request.Headers["prefer"])
        {
            foreach (string one in (line ?? "").Split([',', ';'], StringSplitOptions.TrimEntries))
            {
                respondAsync |= one.Equals(RespondAsync, StringComparison.OrdinalIgnoreCase);
                if (!one.StartsWith(wait, StringComparison.OrdinalIgnoreCase)) continue;
                ReadOnlySpan<char> text = one.AsSpan(wait.Length);
                bool said = ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ushort seconds);
                if (said && seconds < most.TotalSeconds) most = TimeSpan.FromSeconds(seconds);
            }
        }
        return respondAsync ? most : Timeout.InfiniteTimeSpan;
    }

    /// <summary>Its bytes are the caller's to give back; its place among the bodies of all requests is kept until the
    /// answer.</summary>
    public async Task<RequestBody> ReadBodyAsync()
    {
        Check.That(_body is null);
        return _body = await RequestBody
            .ReadAsync(context, limits.Bodies, limits.SmallBodySizeMax, limits.Connections, keepsPlace: true)
            .ConfigureAwait(false);
    }

    /// <summary>The body of a write; where it is large, behind others, which this one then holds up until it is
    /// answered. Its place among the bodies goes with its bytes.</summary>
    public async Task<RequestBody> ReadLargeBodyAsync()
    {
        _place = await limits.LargeWrites.EnterAsync(context.Request.ContentLength, Aborted).ConfigureAwait(false);
        RequestBody body = await RequestBody
            .ReadAsync(context, limits.Bodies, limits.BodySizeMax, limits.Connections).ConfigureAwait(false);
        _place.BodyIsThere();
        return body;
    }

    /// <summary>Others that wait with large bodies need not wait for this one any longer.</summary>
    public void LeavePlace() => _place?.Dispose();

    /// <summary>Takes room for a write that waits for the cluster, until the request is answered.</summary>
    /// <exception cref="RequestException">All requests together take too much.</exception>
    public void ReserveWrite(long size)
    {
        if (!limits.Bodies.TryTake(size)) throw RequestException.TooMany(TooLargeTogether);
        _reserved += size;
    }

    /// <summary>Takes room for a part of an answer that is larger than one message of the cluster.</summary>
    /// <exception cref="RequestException">The answer is too large, or all requests together take too much.</exception>
    public void ReserveAnswer(long size)
    {
        if (_reserved + size > limits.BodySizeMax)
        {
            throw RequestException.Invalid($"the answer has more than {limits.BodySizeMax} bytes of attributes; " +
                "lower top_k or limit, or name fewer attributes in include_attributes");
        }
        if (!limits.Bodies.TryTake(size)) throw RequestException.TooMany(TooLargeTogether);
        _reserved += size;
    }

    /// <summary>Gives back what <see cref="ReserveAnswer"/> took.</summary>
    public void ReleaseAnswer()
    {
        limits.Bodies.Return(_reserved);
        _reserved = 0;
    }

    public void Dispose()
    {
        ReleaseAnswer();
        LeavePlace();
        _body?.Leave();
    }

    public void SetHeader(string key, string value) => context.Response.Headers[key] = value;

    public Task AnswerAsync(Action<Utf8JsonWriter> write, int status = 200)
    {
        _body?.Leave();
        return Answer.WriteAsync(context, status, write);
    }

    /// <summary>The answer to a query, which may be large.</summary>
    /// <exception cref="RequestException">Too many such are being sent.</exception>
    public Task AnswerQueryAsync(Action<Utf8JsonWriter> write)
    {
        _body?.Leave();
        return Answer.WriteAsync(context, write, limits.Answers);
    }

    public Task AnswerAsync(string contentType, ReadOnlyMemory<byte> body) =>
        Answer.WriteAsync(context, 200, contentType, body);
}
