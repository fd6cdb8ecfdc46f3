using System;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Replica.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>A replica in a process of its own and a gateway in front of it, shared by all tests: each uses namespaces
/// of its own.</summary>
public sealed class RunningGateway : IAsyncLifetime
{
    public const string Collection = "gateway";

    /// <summary>Small, so that a test can exceed it.</summary>
    public const int BodySizeMax = 8 << 20;

    private ChildReplica? _replica;
    private GatewayServer? _server;

    public HttpClient Http { get; private set; } = new();

    public string Url => _server!.Url;

    /// <summary>Where the replica listens, host:port.</summary>
    public string ReplicaAddress => _replica!.Address.ToString();

    /// <summary>How to reach the replica.</summary>
    internal ClientOptions Cluster => new() { Addresses = [_replica!.Address] };

    public async Task InitializeAsync()
    {
        _replica = await ChildReplica.FormatAsync(null, "64MiB");
        await _replica.StartAsync("--cache", "64MiB");
        _server = await StartAsync(Cluster);
        Http = Connect(_server);
    }

    /// <summary>Another gateway in front of the same replica.</summary>
    internal Task<GatewayServer> StartAnotherAsync(ILogger? logger = null, Uri? collector = null) =>
        StartAsync(new ClientOptions { Addresses = [_replica!.Address] }, logger,
            options => options with { TraceEndpoint = collector });

    /// <summary>A gateway on a free port.</summary>
    /// <param name="cluster">Behind it.</param>
    /// <param name="logger">Nobody's if none.</param>
    /// <param name="change">What is different about it.</param>
    internal static async Task<GatewayServer> StartAsync(
        ClientOptions cluster, ILogger? logger = null, Func<GatewayOptions, GatewayOptions>? change = null)
    {
        GatewayOptions options = new()
        {
            Listen = new IPEndPoint(IPAddress.Loopback, 0), Cluster = cluster, Development = true,
            BodySizeMax = BodySizeMax,
        };
        options = change?.Invoke(options) ?? options;
        (GatewayServer? server, string error) =
            await GatewayServer.TryStartAsync(options, logger ?? NullLogger.Instance);
        Assert.Equal("", error);
        return server!;
    }

    /// <summary>A client that brings a token, and takes answers as they are.</summary>
    internal static HttpClient Connect(GatewayServer server)
    {
        SocketsHttpHandler handler = new() { AutomaticDecompression = DecompressionMethods.None };
        HttpClient client = new(handler) { BaseAddress = new Uri(server.Url), Timeout = TimeSpan.FromMinutes(2) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "any");
        return client;
    }

    public Task<Reply> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<Reply> DeleteAsync(string name) => SendAsync(HttpMethod.Delete, $"/v2/namespaces/{name}");

    public Task<Reply> WriteAsync(string name, string json) => PostAsync($"/v2/namespaces/{name}", json);

    public Task<Reply> QueryAsync(string name, string json) => PostAsync($"/v2/namespaces/{name}/query", json);

    public Task<Reply> PostAsync(string path, string json) =>
        SendAsync(HttpMethod.Post, path, new StringContent(json, Encoding.UTF8, "application/json"));

    public async Task<Reply> SendAsync(HttpMethod method, string path, HttpContent? content = null)
    {
        using HttpRequestMessage request = new(method, path) { Content = content };
        return await SendAsync(request);
    }

    public async Task<Reply> SendAsync(HttpRequestMessage request)
    {
        using HttpResponseMessage response = await Http.SendAsync(request);
        return await Reply.ReadAsync(response);
    }

    public async Task DisposeAsync()
    {
        Http.Dispose();
        if (_server is not null) await _server.DisposeAsync();
        if (_replica is not null) await _replica.DisposeAsync();
    }
}

/// <summary>Makes all tests that name it share one <see cref="RunningGateway"/>.</summary>
[CollectionDefinition(RunningGateway.Collection)]
public sealed class GatewayCollection : ICollectionFixture<RunningGateway>
{
}
