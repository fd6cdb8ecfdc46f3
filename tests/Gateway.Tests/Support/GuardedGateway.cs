using System;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Gateway.Security;
using Xunit;

namespace Deterministic.Gateway.Tests.Support;

/// <summary>A gateway that asks for keys, in front of the shared replica. It reads the keys when it is told to, and
/// time passes when it is told to.</summary>
internal sealed class GuardedGateway : IAsyncDisposable
{
    private readonly GatewayServer _server;
    private readonly DeterministicClient _cluster;
    private readonly HttpClient _http;

    private GuardedGateway(GatewayServer server, DeterministicClient cluster)
    {
        _server = server;
        _cluster = cluster;
        _http = new HttpClient { BaseAddress = new Uri(server.Url), Timeout = TimeSpan.FromMinutes(2) };
    }

    public string Url => _server.Url;

    public ManualTime Time { get; private init; } = new();

    public static async Task<GuardedGateway> StartAsync(RunningGateway running)
    {
        ManualTime time = new();
        GatewayServer server = await RunningGateway.StartAsync(
            running.Cluster, change: options => options with { Development = false, Time = time });
        return new GuardedGateway(server, new DeterministicClient(running.Cluster)) { Time = time };
    }

    /// <summary>The gateway knows it at once.</summary>
    public async Task<(string Token, string Id)> CreateKeyAsync(
        KeyScopes scopes, string prefix = "", uint requestsPerSecond = 0)
    {
        string token = ApiToken.Create(out string id, out byte[] hash);
        await _cluster.CreateKeyAsync(new ApiKey
        {
            Id = id, Hash = hash, Scopes = scopes, Prefix = prefix, RequestsPerSecond = requestsPerSecond,
        });
        await RefreshAsync();
        return (token, id);
    }

    public Task RevokeKeyAsync(string id) => _cluster.RevokeKeyAsync(id);

    public Task RefreshAsync() => _server.Keys!.RefreshAsync();

    public Task<Reply> GetAsync(string token, string path) => SendAsync(token, HttpMethod.Get, path);

    public Task<Reply> SendAsync(string token, HttpMethod method, string path, string? json = null) =>
        SendAsync(token, method, path, json is null ? null : Encoding.UTF8.GetBytes(json));

    public async Task<Reply> SendAsync(string token, HttpMethod method, string path, byte[]? body)
    {
        using HttpRequestMessage request = new(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null) request.Content = new ByteArrayContent(body);
        using HttpResponseMessage response = await _http.SendAsync(request);
        return await Reply.ReadAsync(response);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _cluster.DisposeAsync();
        await _server.DisposeAsync();
    }
}
