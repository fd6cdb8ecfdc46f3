using System;
using System.Collections.Generic;
using System.Net.Http;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Gateway.Tests.Support;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Deterministic.Gateway.Tests.Security;

/// <summary>Who sends or reads too slowly is cut off, and so nobody holds memory or a connection for long. The limits
/// are small here; that somebody is cut off is waited for, however long that takes.</summary>
[Collection(RunningGateway.Collection)]
public sealed class SlowClientTests(RunningGateway gateway)
{
    private const string Head = "authorization: Bearer any\r\nhost: a\r\n";
    private const string OfQuery = "method=\"POST\",route=\"/v2/namespaces/{name}/query\"";
    private const string Slow = "the body came too slowly; send it again";
    private const string Large = "the body is larger than this server takes; send it in several requests";

    /// <summary>As short as the server takes it.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1.001);

    [Fact]
    public async Task HeadersThatDoNotEndAreAnsweredAndTheConnectionIsClosed()
    {
        await using GatewayServer server = await StartAsync(limits => limits with { HeadersTimeout = Moment });
        using RawConnection client = await RawConnection.OpenAsync(server.Url);
        await client.SendAsync($"GET /healthz HTTP/1.1\r\n{Head}x: ");
        Assert.StartsWith("HTTP/1.1 408 ", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ABodyThatDoesNotComeIsAnsweredAndTheConnectionIsClosed()
    {
        await using GatewayServer server = await StartAsync(limits => limits with { Grace = Moment });
        using RawConnection client = await RawConnection.OpenAsync(server.Url);
        await client.SendAsync($"POST /v2/namespaces/slow HTTP/1.1\r\n{Head}content-length: 1000\r\n\r\n{{");
        (await client.ReadAsync()).MustBe(408, Slow);
        Assert.Equal("", await client.ReadToEndAsync());
    }

    /// <summary>On average since its start such a body is fast enough for a minute and more.</summary>
    [Fact]
    public async Task ABodyThatStandsStillAfterAFastStartIsToo()
    {
        await using GatewayServer server = await StartAsync(limits => limits with { Grace = Moment, RateMin = 1024 });
        using RawConnection client = await RawConnection.OpenAsync(server.Url);
        await client.SendAsync($"POST /v2/namespaces/slow HTTP/1.1\r\n{Head}content-length: 1000000\r\n\r\n");
        await client.SendAsync(new string(' ', 200_000));
        (await client.ReadAsync()).MustBe(408, Slow);
        Assert.Equal("", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task AnAnswerThatIsNotReadIsCutOff()
    {
        // The kernel takes some megabytes for a client that does not read, so the answer is far larger.
        const int rows = 7;
        const int signs = 900_000;
        for (int i = 0; i < rows; i++)
        {
            string text = new StringBuilder().Insert(0, "\\u0001", signs).ToString();
            const string schema = """{"a":{"type":"string","filterable":false}}""";
            Reply written = await gateway.WriteAsync("slow-reader",
                $$"""{"upsert_rows":[{"id":{{i}},"a":"{{text}}"}],"schema":{{schema}}}""");
            Assert.Equal(200, written.Status);
        }
        LogLines log = new();
        await using GatewayServer server =
            await StartAsync(limits => limits with { Grace = Moment, RateMin = 64 << 10 }, log);
        using RawConnection client = await RawConnection.OpenAsync(server.Url, receiveBufferSize: 4096);
        const string query = """{"limit":10,"include_attributes":true}""";
        await client.SendAsync($"POST /v2/namespaces/slow-reader/query HTTP/1.1\r\n{Head}" +
            $"content-length: {query.Length}\r\n\r\n{query}");
        await log.SeenAsync(" status=499 ").WaitAsync(TimeSpan.FromMinutes(1));
        string answer = await client.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.InRange(answer.Length, 1, rows * signs * 6);
    }

    [Fact]
    public async Task TheEndOfTheGatewayWaitsForNobodyWhoStandsStill()
    {
        GatewayServer server = await RunningGateway.StartAsync(
            gateway.Cluster, change: static options => options with { DrainTimeout = TimeSpan.FromMilliseconds(100) });
        using RawConnection client = await RawConnection.OpenAsync(server.Url);
        await client.SendAsync($"POST /v2/namespaces/slow HTTP/1.1\r\n{Head}content-length: 1000\r\n\r\n{{");
        using RawConnection other = await RawConnection.OpenAsync(server.Url);
        await other.SendAsync("GET /heal");
        await server.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1));
        Assert.DoesNotContain("200", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    /// <summary>Clients that go away in the middle of a query leave no place taken.</summary>
    [Fact]
    public async Task WhoGoesAwayLeavesNothingBehind()
    {
        await gateway.WriteAsync("slow-gone", """{"upsert_rows":[{"id":1}]}""");
        const string query = """{"limit":1}""";
        await using GatewayServer server = await RunningGateway.StartAsync(gateway.Cluster);
        const int clients = 200;
        for (int i = 0; i < clients; i++)
        {
            using RawConnection client = await RawConnection.OpenAsync(server.Url);
            await client.SendAsync($"POST /v2/namespaces/slow-gone/query HTTP/1.1\r\n{Head}" +
                $"content-length: {query.Length}\r\n\r\n{query}");
        }
        using HttpClient http = RunningGateway.Connect(server);
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(1));
        PrometheusPage page;
        do page = new PrometheusPage(await http.GetStringAsync("/metrics", patience.Token));
        while (page[$"deterministic_http_duration_seconds_count{{{OfQuery}}}"] < clients);
        // The last one may have ended while that page was written.
        page = new PrometheusPage(await http.GetStringAsync("/metrics", patience.Token));
        Assert.Equal(0, page["deterministic_reads_under_way{consistency=\"strong\"}"]);
        Assert.Equal(0, page["deterministic_http_bodies_bytes"]);
        Assert.Equal(0, page["deterministic_http_answers_bytes"]);
    }

    /// <summary>What is decompressed says nothing about how much comes.</summary>
    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task ACompressedBodyHasALimitOfItsOwn(string encoding)
    {
        await using GatewayServer server = await RunningGateway.StartAsync(
            gateway.Cluster, change: static options => options with { BodySizeMax = 100_000 });
        using RawConnection client = await RawConnection.OpenAsync(server.Url);
        await client.SendAsync($"POST /v2/namespaces/slow HTTP/1.1\r\n{Head}content-encoding: {encoding}\r\n" +
            "transfer-encoding: chunked\r\n\r\n");
        byte[] nothing = Nothing(encoding, 120_000);
        await client.SendAsync($"{nothing.Length:x}\r\n");
        await client.SendAsync(nothing);
        (await client.ReadAsync()).MustBe(413, Large);
    }

    [Fact]
    public async Task OnlyWritesMayBeLarge()
    {
        await using GatewayServer server = await RunningGateway.StartAsync(
            gateway.Cluster, change: static options => options with { BodySizeMax = 16 << 20 });
        using HttpClient client = RunningGateway.Connect(server);
        string spaces = new(' ', 9 << 20);
        foreach ((string path, string json, int status) in ((string, string, int)[])
            [("", """{"upsert_rows":[{"id":1}]}""", 200), ("/query", """{"limit":1}""", 413)])
        {
            using HttpResponseMessage response = await client.PostAsync(
                $"/v2/namespaces/slow-large{path}", new StringContent(json + spaces));
            Assert.Equal(status, (int)response.StatusCode);
        }
    }

    [Fact]
    public async Task ConnectionsThatAreTooManyAreToldAndThereIsRoomAgainWhenOneIsClosed()
    {
        await using GatewayServer server = await StartAsync(static limits => limits with { ConnectionsMax = 2 });
        const string ask = $"GET /healthz HTTP/1.1\r\n{Head}\r\n";
        using RawConnection first = await RawConnection.OpenAsync(server.Url);
        RawConnection second = await RawConnection.OpenAsync(server.Url);
        foreach (RawConnection served in (RawConnection[])[first, second])
        {
            await served.SendAsync(ask);
            Assert.Equal(200, (await served.ReadAsync()).Status);
        }
        using (RawConnection third = await RawConnection.OpenAsync(server.Url))
        {
            await third.SendAsync(ask);
            Reply refused = await third.ReadAsync();
            refused.MustBe(503, "this server has as many connections as it takes; try again later");
            Assert.Equal(("1", "close"), (refused.Headers["retry-after"], refused.Headers["connection"]));
            Assert.Equal("", await third.ReadToEndAsync());
        }
        second.Dispose();
        int status;
        do
        {
            using RawConnection next = await RawConnection.OpenAsync(server.Url);
            await next.SendAsync(ask);
            status = (await next.ReadAsync()).Status;
        }
        while (status == 503);
        Assert.Equal(200, status);
    }

    /// <summary>More of a body comes than lies in buffers on the way: who sends it reads the answer only
    /// then.</summary>
    [Fact]
    public async Task WhoSendsALargeBodyOverAConnectionTooManyIsToldToo()
    {
        await using GatewayServer server = await StartAsync(static limits => limits with { ConnectionsMax = 0 });
        using RawConnection client = await RawConnection.OpenAsync(server.Url);
        const int size = 32 << 20;
        await client.SendAsync($"POST /v2/namespaces/slow HTTP/1.1\r\n{Head}Content-Length: {size}\r\n\r\n");
        await client.SendAsync(new byte[size]);
        Reply refused = await client.ReadAsync();
        refused.MustBe(503, "this server has as many connections as it takes; try again later");
        Assert.Equal("nosniff", refused.Headers["x-content-type-options"]);
    }

    private Task<GatewayServer> StartAsync(Func<ConnectionLimits, ConnectionLimits> change, ILogger? logger = null) =>
        RunningGateway.StartAsync(gateway.Cluster, logger, options => options with
        {
            Connections = change(options.Connections),
        });

    /// <summary>So many bytes that are nothing when they are decompressed, and no end: of gzip (RFC 1952) a header and
    /// stored blocks of length 0, of Brotli (RFC 7932) a window's size and empty metadata.</summary>
    private static byte[] Nothing(string encoding, int size)
    {
        List<byte> bytes = encoding == "gzip" ? [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3] : [0x0c];
        while (bytes.Count < size) bytes.AddRange(encoding == "gzip" ? [0, 0, 0, 0xff, 0xff] : [0x06]);
        return [.. bytes];
    }
}
