using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Telemetry;
using Deterministic.Gateway.Tests.Support;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Deterministic.Gateway.Tests.Telemetry;

/// <summary>What is written down of a request: its line in the log, its id, its spans.</summary>
[Collection(RunningGateway.Collection)]
public sealed partial class RequestObserverTests(RunningGateway gateway)
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string TraceParent = $"00-{TraceId}-b7ad6b7169203331-01";
    private const string Secret = "a-token-that-nobody-may-see";

    [Fact]
    public async Task ARequestHasOneLineInTheLogAndItsTokenIsNotInIt()
    {
        LogLines lines = new();
        await SendAsync(lines, [Write("o-line", Secret)]);
        string line = Assert.Single(lines.All);
        Assert.Matches(Line(), line);
        Assert.DoesNotContain(Secret, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatIsNoNameIsNotInTheLog()
    {
        LogLines lines = new();
        await SendAsync(lines, [Write("evil%0AGET%20x", "any")]);
        Assert.Contains(" namespace=- status=400 ", Assert.Single(lines.All), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("my-request/1", true)]
    [InlineData("two words", false)]
    [InlineData("a\"b", false)]
    [InlineData("", false)]
    public async Task AnIdOfTheClientIsKeptIfItIsOne(string id, bool isKept)
    {
        HttpRequestMessage request = Write("o-id", "any");
        request.Headers.TryAddWithoutValidation(RequestObserver.IdHeader, id);
        LogLines lines = new();
        Reply reply = Assert.Single(await SendAsync(lines, [request]));
        string told = reply.Headers[RequestObserver.IdHeader];
        if (isKept) Assert.Equal(id, told);
        else Assert.Matches("^[0-9a-f]{32}$", told);
        Assert.Contains($" id={told} ", Assert.Single(lines.All), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnIdThatIsTooLongIsNotKept()
    {
        HttpRequestMessage request = Write("o-id", "any");
        request.Headers.Add(RequestObserver.IdHeader, new string('x', RequestObserver.IdSizeMax + 1));
        Reply reply = Assert.Single(await SendAsync(new LogLines(), [request]));
        Assert.Equal(32, reply.Headers[RequestObserver.IdHeader].Length);
    }

    [Fact]
    public async Task TheTraceOfTheClientGoesOn()
    {
        HttpRequestMessage request = Write("o-trace", "any");
        request.Headers.Add("traceparent", TraceParent);
        LogLines lines = new();
        await SendAsync(lines, [request, Write("o-trace", "any")]);
        Assert.EndsWith($" trace={TraceId}", lines.All[0], StringComparison.Ordinal);
        Assert.DoesNotContain(TraceId, lines.All[1], StringComparison.Ordinal);
    }

    /// <summary>W3C Trace Context, section 3.2: what is not valid is as if it were not there.</summary>
    [Theory]
    [InlineData($"00-{TraceId}-b7ad6b7169203331-00", true)]
    [InlineData($"cc-{TraceId}-b7ad6b7169203331-01", true)]
    [InlineData($"cc-{TraceId}-b7ad6b7169203331-01-what-the-future-will-be-like", true)]
    [InlineData($"cc-{TraceId}-b7ad6b7169203331-01.what-the-future-will-not-be-like", false)]
    [InlineData($"00-{TraceId}-b7ad6b7169203331-01-more", false)]
    [InlineData($"ff-{TraceId}-b7ad6b7169203331-01", false)]
    [InlineData($"00-{TraceId}-0000000000000000-01", false)]
    [InlineData($"00-{TraceId}-b7ad6b7169203331", false)]
    [InlineData($"00-{TraceId}-B7AD6B7169203331-01", false)]
    [InlineData($"00-{TraceId}-b7ad6b7169203331-01,00-{TraceId}-b7ad6b7169203331-01", false)]
    public async Task OnlyATraceThatIsOneGoesOn(string parent, bool goesOn)
    {
        HttpRequestMessage request = Write("o-trace", "any");
        request.Headers.TryAddWithoutValidation("traceparent", parent);
        LogLines lines = new();
        await SendAsync(lines, [request]);
        Assert.Equal(goesOn, Assert.Single(lines.All).EndsWith($" trace={TraceId}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ARequestIsASpanAndSoIsEachCallToTheClusterInIt()
    {
        ConcurrentQueue<Activity> ended = new();
        using ActivityListener listener = new()
        {
            ShouldListenTo = static source => source.Name == Tracing.SourceName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> options) =>
                options.Parent.TraceId.ToHexString() == TraceId
                    ? ActivitySamplingResult.AllDataAndRecorded : ActivitySamplingResult.None,
            ActivityStopped = ended.Enqueue,
        };
        ActivitySource.AddActivityListener(listener);
        HttpRequestMessage request = Write("o-span", "any");
        request.Headers.Add("traceparent", TraceParent);
        await SendAsync(new LogLines(), [request]);
        Activity[] spans = [.. ended];
        Assert.Equal(["write", "POST /v2/namespaces/{name}"], spans.Select(static span => span.DisplayName));
        Assert.Equal(spans[1].SpanId, spans[0].ParentSpanId);
        Assert.Equal("b7ad6b7169203331", spans[1].ParentSpanId.ToHexString());
        Assert.Equal(200, spans[1].GetTagItem("http.response.status_code"));
        Assert.Equal("o-span", spans[1].GetTagItem("deterministic.namespace"));
    }

    [Theory]
    [InlineData(true, 200)]
    [InlineData(false, 499)]
    public async Task WhoHasTheAnswerMayGo(bool hasAnswer, int status)
    {
        LogLines lines = new();
        using GatewayMetrics metrics = new([]);
        using CancellationTokenSource gone = new();
        DefaultHttpContext context = new() { RequestAborted = gone.Token };
        await new RequestObserver(metrics, RequestLog.All, lines).ObserveAsync(context, async answered =>
        {
            if (hasAnswer) await Answer.WriteAsync(answered, 200, "text/plain", "good"u8.ToArray());
            await gone.CancelAsync();
        });
        Assert.Contains($" status={status} ", Assert.Single(lines.All), StringComparison.Ordinal);
    }

    private static HttpRequestMessage Write(string name, string token) =>
        new(HttpMethod.Post, $"/v2/namespaces/{name}")
        {
            Content = new StringContent("""{"upsert_rows":[{"id":1}]}""", Encoding.UTF8, "application/json"),
            Headers = { { "authorization", $"Bearer {token}" } },
        };

    /// <summary>Of a gateway of its own. When it has ended, so has all that it writes down.</summary>
    private async Task<List<Reply>> SendAsync(LogLines lines, HttpRequestMessage[] requests)
    {
        List<Reply> replies = [];
        await using GatewayServer server = await gateway.StartAnotherAsync(lines);
        using HttpClient client = new() { BaseAddress = new Uri(server.Url) };
        foreach (HttpRequestMessage request in requests)
        {
            using HttpResponseMessage response = await client.SendAsync(request);
            replies.Add(await Reply.ReadAsync(response));
        }
        return replies;
    }

    [GeneratedRegex(@"\APOST /v2/namespaces/\{name\} namespace=o-line status=200 in=26 out=[0-9]+ ms=[0-9.]+ " +
        @"id=([0-9a-f]{32}) trace=\1\z")]
    private static partial Regex Line();
}
