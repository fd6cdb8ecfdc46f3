using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Gateway.Routes;
using Deterministic.Gateway.Tests.Support;
using Deterministic.Replica.Hosting;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.AspNetCore.Routing;
using Xunit;

namespace Deterministic.Gateway.Tests.Routes;

/// <summary>The description of the routes says what they are and how they answer.</summary>
[Collection(RunningGateway.Collection)]
public sealed class OpenApiTests(RunningGateway gateway)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly Arbitrary<int> Seeds = Gen.Choose(0, int.MaxValue - 1).ToArbitrary();

    [Fact]
    public async Task ItDescribesExactlyTheRoutesThatThereAre()
    {
        await using GatewayServer server = await gateway.StartAnotherAsync();
        SortedSet<string> routes = new(StringComparer.Ordinal);
        foreach (RouteEndpoint route in server.Routes)
        {
            if (route.Metadata.GetMetadata<NotDescribed>() is not null) continue;
            foreach (string method in route.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods)
                routes.Add($"{method} {route.RoutePattern.RawText}");
        }
        ApiDescription api = await ReadAsync();
        Assert.Equal(routes, new SortedSet<string>(
            api.Operations.Select(static operation => $"{operation.Method} {operation.Path}"), StringComparer.Ordinal));
    }

    [Fact]
    public async Task NothingInItRefersToNothing()
    {
        ApiDescription api = await ReadAsync();
        Assert.All(api.References(), target => Assert.NotNull(api.Resolve(new JsonObject { ["$ref"] = target })));
    }

    /// <summary>One request for each good answer. What is between braces is a name, or the token of the answer
    /// before.</summary>
    private static readonly (string Method, string Path, string Name, string? Json, int Status)[] Examples =
    [
        ("POST", "/v2/namespaces/{name}", "api", """
            {"upsert_rows":[{"id":1,"vector":[1,2],"title":"x"}],"distance_metric":"cosine_distance"}
            """, 200),
        ("POST", "/v2/namespaces/{name}", "api-waited", """{"copy_from_namespace":"api"}""", 202),
        ("POST", "/v2/namespaces/{name}/async", "api-copy", """{"copy_from_namespace":"api"}""", 200),
        ("GET", "/v1/namespaces/{name}/operations/{token}", "api-copy", null, 200),
        ("GET", "/v1/namespaces", "", null, 200),
        ("POST", "/v2/namespaces/{name}/query", "api", """
            {"rank_by":["vector","ANN",[1,2]],"limit":1,"include_attributes":true}
            """, 200),
        ("POST", "/v2/namespaces/{name}/explain_query", "api", """{"rank_by":["id","asc"],"limit":1}""", 200),
        ("GET", "/v2/namespaces/{name}/metadata", "api", null, 200),
        ("GET", "/v1/namespaces/{name}/metadata", "api", null, 200),
        ("PATCH", "/v1/namespaces/{name}/metadata", "api", """{"read_only":false}""", 200),
        ("GET", "/v1/namespaces/{name}/schema", "api", null, 200),
        ("POST", "/v1/namespaces/{name}/schema", "api", """{"more":"string"}""", 200),
        ("GET", "/v1/namespaces/{name}/hint_cache_warm", "api", null, 202),
        ("POST", "/v1/namespaces/{name}/_debug/recall", "api", """{"num":1}""", 200),
        ("DELETE", "/v2/namespaces/{name}", "api", null, 200),
        ("GET", "/healthz", "", null, 200),
        ("GET", "/readyz", "", null, 200),
        ("GET", "/status", "", null, 200),
        ("GET", "/metrics", "", null, 200),
        ("GET", "/openapi.json", "", null, 200),
    ];

    /// <summary>These are answered by the gateway itself, so a cluster that does not answer is not noticed.</summary>
    private static readonly string[] WithoutCluster =
    [
        "/v2/namespaces/{name}/async", "/v1/namespaces/{name}/operations/{token}", "/healthz", "/status", "/metrics",
        "/openapi.json",
    ];

    [Fact]
    public async Task EveryAnswerThatItDescribesIsGiven()
    {
        ApiDescription api = await ReadAsync();
        SortedSet<string> given = new(StringComparer.Ordinal);
        await GiveGoodAnswersAsync(api, given);
        await GiveRefusalsAsync(api, given);
        await GiveSilenceAsync(api, given);
        Assert.Equal(new SortedSet<string>(api.Operations.SelectMany(static operation =>
            operation.Node["responses"]!.AsObject().Select(answer =>
                $"{operation.Method} {operation.Path} {answer.Key}")), StringComparer.Ordinal), given);
    }

    private async Task GiveGoodAnswersAsync(ApiDescription api, SortedSet<string> given)
    {
        string token = "";
        foreach ((string method, string path, string name, string? json, int status) in Examples)
        {
            ApiOperation operation = api.Operations.Single(one => one.Method == method && one.Path == path);
            JsonNode? body = operation.Node["requestBody"]?["content"]?["application/json"]?["schema"];
            Assert.Equal(json is null, body is null);
            if (json is not null) Assert.Null(api.Violation(body!, JsonNode.Parse(json), "request"));
            using HttpRequestMessage request = Request(gateway.Url, operation, name, token, json);
            if (status == 202 && json is not null) request.Headers.Add("prefer", "respond-async, wait=0");
            Reply reply = await gateway.SendAsync(request);
            Assert.True(reply.Status == status, $"{method} {path}: {reply.Status} {reply.Text}");
            Assert.Null(api.Violation(operation, reply));
            if (path.EndsWith("/async", StringComparison.Ordinal)) token = (string)reply.Json["token"]!;
            given.Add($"{method} {path} {status}");
        }
    }

    /// <summary>Whoever has no key is refused wherever one is wanted, and nowhere else.</summary>
    private async Task GiveRefusalsAsync(ApiDescription api, SortedSet<string> given)
    {
        await using GuardedGateway guarded = await GuardedGateway.StartAsync(gateway);
        using HttpClient nobody = new();
        foreach (ApiOperation operation in api.Operations)
        {
            using HttpRequestMessage request = Request(guarded.Url, operation, "api", "none", "{}");
            using HttpResponseMessage response = await nobody.SendAsync(request);
            Reply reply = await Reply.ReadAsync(response);
            bool isOpen = operation.Node["security"] is JsonArray { Count: 0 };
            Assert.Equal(isOpen ? 200 : 401, reply.Status);
            Assert.Null(api.Violation(operation, reply));
            if (!isOpen) given.Add($"{operation.Method} {operation.Path} 4XX");
        }
    }

    /// <summary>A cluster that is not there, or a gateway that has no room for a connection.</summary>
    private async Task GiveSilenceAsync(ApiDescription api, SortedSet<string> given)
    {
        ClientOptions nobody = new()
        {
            Addresses = LoopbackAddresses.Free(1), RequestTimeout = TimeSpan.FromMilliseconds(50),
        };
        await using GatewayServer alone = await RunningGateway.StartAsync(nobody);
        await using GatewayServer full = await RunningGateway.StartAsync(nobody, change: static options =>
            options with { Connections = options.Connections with { ConnectionsMax = 0 } });
        foreach ((string method, string path, string name, string? json, _) in Examples)
        {
            ApiOperation operation = api.Operations.Single(one => one.Method == method && one.Path == path);
            GatewayServer server = WithoutCluster.Contains(path) ? full : alone;
            using HttpRequestMessage request = Request(server.Url, operation, name, "none", json);
            Reply reply = await gateway.SendAsync(request);
            Assert.True(reply.Status == 503, $"{method} {path}: {reply.Status} {reply.Text}");
            Assert.Null(api.Violation(operation, reply));
            given.Add($"{method} {path} 503");
        }
    }

    private static HttpRequestMessage Request(
        string url, ApiOperation operation, string name, string token, string? json) =>
        new(new HttpMethod(operation.Method), url + operation.Path
            .Replace("{name}", name, StringComparison.Ordinal).Replace("{token}", token, StringComparison.Ordinal))
        {
            Content = operation.Node["requestBody"] is null || json is null ? null : new StringContent(json),
        };

    /// <summary>Also of those that are a little wrong.</summary>
    [Fact]
    public async Task RequestsMadeFromItAreAnsweredAsItSays()
    {
        ApiDescription api = await ReadAsync();
        await gateway.WriteAsync("fuzz", """
            {"upsert_rows":[{"id":1,"vector":[1,2],"title":"x","n":1}],"distance_metric":"cosine_distance"}
            """);
        Prop.ForAll(Seeds, seed =>
        {
            (ApiOperation operation, string path, byte[]? body) = new DescribedRequests(api, seed).Next();
            Reply reply = SendAsync(operation.Method, path, body).GetAwaiter().GetResult();
            Assert.True(reply.Status < 500, $"{operation.Method} {path}: {reply.Text}");
            Assert.Null(api.Violation(operation, reply));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1500));
    }

    private async Task<ApiDescription> ReadAsync()
    {
        using HttpClient anybody = new();
        return new ApiDescription(JsonNode.Parse(await anybody.GetStringAsync($"{gateway.Url}/openapi.json"))!);
    }

    private async Task<Reply> SendAsync(string method, string path, byte[]? body)
    {
        using CancellationTokenSource patience = new(Patience);
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        if (body is not null) request.Content = new ByteArrayContent(body);
        using HttpResponseMessage response = await gateway.Http.SendAsync(request, patience.Token);
        return await Reply.ReadAsync(response);
    }
}
