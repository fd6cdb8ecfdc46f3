using System;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Gateway.Tests.Support;
using Deterministic.Replica.Hosting;
using Xunit;

namespace Deterministic.Gateway.Tests.Http;

[Collection(RunningGateway.Collection)]
public sealed class EdgeTests(RunningGateway gateway)
{
    private const string OneRow = """{"upsert_rows":[{"id":1,"a":"x"}]}""";
    private const string All = """{"limit":10,"include_attributes":true}""";

    [Fact]
    public async Task WithoutATokenNothingIsAnswered()
    {
        using HttpClient stranger = new();
        foreach (string? authorization in (string?[])[null, "Bearer ", "Basic abc"])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, $"{gateway.Url}/v1/namespaces");
            if (authorization is not null) request.Headers.TryAddWithoutValidation("authorization", authorization);
            using HttpResponseMessage response = await stranger.SendAsync(request);
            (await Reply.ReadAsync(response)).MustBe(401, "the header `Authorization: Bearer <API key>` is missing");
        }
    }

    [Theory]
    [InlineData("/gcp-us-central1/v2/namespaces/e-region/query")]
    [InlineData("/v2/namespaces/e-region/query?stainless_overload=multiQuery&x=%20")]
    public async Task ARegionAndUnknownQueryStringsDoNotMatter(string path)
    {
        await gateway.WriteAsync("e-region", OneRow);
        Assert.Equal("1", (await gateway.PostAsync(path, All)).Ids);
    }

    [Theory]
    [InlineData("a%20b", "Namespace contains invalid characters, must be [A-Za-z0-9-_.]")]
    [InlineData("a%2F..%2Fc", "Namespace contains invalid characters, must be [A-Za-z0-9-_.]")]
    [InlineData("a%0A", "Namespace contains invalid characters, must be [A-Za-z0-9-_.]")]
    [InlineData("%C3%A4", "Namespace contains invalid characters, must be [A-Za-z0-9-_.]")]
    [InlineData(null, "Namespace is too long, limit is currently 128 characters")]
    public async Task ANameThatCannotBeIsToldInPlainText(string? name, string error)
    {
        Reply reply = await gateway.WriteAsync(name ?? new string('n', 129), OneRow);
        Assert.Equal(400, reply.Status);
        Assert.Equal($"Invalid URL: {error}", reply.Text);
        Assert.StartsWith("text/plain", reply.Headers["content-type"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheLongestNameWorks() =>
        Assert.Equal(200, (await gateway.WriteAsync(new string('n', 128), OneRow)).Status);

    [Theory]
    [InlineData("GET", "/console/x.js")]
    [InlineData("PUT", "/v2/namespaces/x")]
    [InlineData("POST", "/v3/namespaces/x")]
    [InlineData("GET", "/v1/namespaces/x/file.txt")]
    public async Task OtherRoutesAreNotFound(string method, string path) =>
        (await gateway.SendAsync(new HttpMethod(method), path)).MustBe(404, "no such route; docs/http.md lists them");

    [Theory]
    [InlineData("GET", "/v1/namespaces/x", "version 1 of this route (there is version 2)")]
    [InlineData("POST", "/v1/namespaces/x/query", "version 1 of queries (there is version 2)")]
    [InlineData("POST", "/v2/namespaces/x/read_only_optimize", "read_only_optimize")]
    public async Task WhatIsNotThereSaysSo(string method, string path, string what) =>
        (await gateway.SendAsync(new HttpMethod(method), path))
            .MustBe(400, $"💔 {what} is not supported by this release");

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task RequestsMayBeCompressed(string encoding)
    {
        ByteArrayContent content = Compressed(encoding, Encoding.UTF8.GetBytes(OneRow));
        Reply reply = await gateway.SendAsync(HttpMethod.Post, $"/v2/namespaces/e-request-{encoding}", content);
        Assert.Equal(1, (int?)reply.Good["rows_upserted"]);
    }

    [Theory]
    [InlineData("gzip", 400, "the body does not decompress as its content-encoding says")]
    [InlineData("br", 400, "the body does not decompress as its content-encoding says")]
    [InlineData("zstd", 415, "content-encoding \"zstd\" is not supported; known are gzip, br and identity")]
    public async Task WhatDoesNotDecompressIsRefused(string encoding, int status, string error)
    {
        ByteArrayContent content = new([0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        content.Headers.ContentEncoding.Add(encoding);
        (await gateway.SendAsync(HttpMethod.Post, "/v2/namespaces/e-bad", content)).MustBe(status, error);
    }

    [Fact]
    public async Task ABodyThatIsTooLargeIsRefusedWhetherItIsCompressedOrNot()
    {
        const string error = "the body is larger than this server takes; send it in several requests";
        byte[] large = new byte[RunningGateway.BodySizeMax + 1];
        Array.Fill(large, (byte)' ');
        (await gateway.SendAsync(HttpMethod.Post, "/v2/namespaces/e-large", new ByteArrayContent(large)))
            .MustBe(413, error);
        (await gateway.SendAsync(HttpMethod.Post, "/v2/namespaces/e-large", Compressed("gzip", large)))
            .MustBe(413, error);
    }

    /// <summary>Whether its length is told before or not.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ABodyMayHaveJustTheSizeThatThereMayBe(bool isTold)
    {
        byte[] body = new byte[RunningGateway.BodySizeMax];
        Array.Fill(body, (byte)' ');
        Encoding.UTF8.GetBytes(OneRow, body);
        HttpContent content = isTold ? new ByteArrayContent(body) : new StreamContent(new EndlessLength(body));
        Assert.Equal(200, (await gateway.SendAsync(HttpMethod.Post, "/v2/namespaces/e-just", content)).Status);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    public async Task ACompressedBodyThatEndsEarlyIsRefused(string encoding)
    {
        ByteArrayContent whole = Compressed(encoding, Encoding.UTF8.GetBytes(OneRow));
        byte[] bytes = await whole.ReadAsByteArrayAsync();
        ByteArrayContent content = new(bytes[..^3]);
        content.Headers.ContentEncoding.Add(encoding);
        (await gateway.SendAsync(HttpMethod.Post, "/v2/namespaces/e-early", content))
            .MustBe(400, "the body does not decompress as its content-encoding says");
    }

    [Theory]
    [InlineData("gzip", 3000, true)]
    [InlineData("deflate, GZIP;q=0.5", 3000, true)]
    [InlineData("gzip", 100, false)]
    [InlineData("gzip;q=0", 3000, false)]
    [InlineData("identity", 3000, false)]
    [InlineData(null, 3000, false)]
    public async Task AnswersAreCompressedIfAskedForAndWorthIt(string? accepted, int textSize, bool isCompressed)
    {
        string name = $"e-answer-{textSize}";
        await gateway.WriteAsync(name, $$"""{"upsert_rows":[{"id":1,"a":"{{new string('x', textSize)}}"}]}""");
        using HttpRequestMessage request = new(HttpMethod.Post, $"/v2/namespaces/{name}/query")
            { Content = new StringContent(All) };
        if (accepted is not null) request.Headers.TryAddWithoutValidation("accept-encoding", accepted);
        Reply reply = await gateway.SendAsync(request);
        Assert.Equal(isCompressed, reply.Headers.ContainsKey("content-encoding"));
        // Whoever keeps an answer has to know what it depends on, also of the one that is not compressed.
        Assert.Equal(textSize > 1024, reply.Headers.ContainsKey("vary"));
        if (isCompressed) reply = reply with { Bytes = Decompress(reply.Bytes) };
        Assert.Equal("1", reply.Ids);
    }

    [Fact]
    public async Task AClusterThatDoesNotAnswerIsToldAsSuchWithAHintToRetry()
    {
        ClientOptions nobody = new()
        {
            Addresses = LoopbackAddresses.Free(1), RequestTimeout = TimeSpan.FromMilliseconds(300),
            ConnectTimeout = TimeSpan.FromMilliseconds(200),
        };
        await using GatewayServer server = await RunningGateway.StartAsync(nobody);
        using HttpClient client = RunningGateway.Connect(server);
        foreach ((string path, string json) in ((string, string)[])
            [("/v2/namespaces/x", OneRow), ("/v2/namespaces/x/query", All)])
        {
            using HttpResponseMessage response = await client.PostAsync(path, new StringContent(json));
            Reply reply = await Reply.ReadAsync(response);
            Assert.Equal(503, reply.Status);
            Assert.Equal("1", reply.Headers["retry-after"]);
            Assert.Equal("error", (string?)reply.Json["status"]);
        }
    }

    private static ByteArrayContent Compressed(string encoding, byte[] bytes)
    {
        MemoryStream to = new();
        using (Stream stream = encoding == "br"
            ? new BrotliStream(to, CompressionLevel.Fastest) : new GZipStream(to, CompressionLevel.Fastest))
            stream.Write(bytes);
        ByteArrayContent content = new(to.ToArray());
        content.Headers.ContentEncoding.Add(encoding);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    /// <summary>A stream that does not tell its length, so that the body goes in pieces.</summary>
    private sealed class EndlessLength(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }

    private static byte[] Decompress(byte[] bytes)
    {
        using GZipStream stream = new(new MemoryStream(bytes), CompressionMode.Decompress);
        using MemoryStream to = new();
        stream.CopyTo(to);
        return to.ToArray();
    }
}
