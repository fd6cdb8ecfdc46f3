using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Gateway.Routes;
using Deterministic.Gateway.Tests.Support;
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

    [Fact]
    public async Task RequestsMadeFromItAreAnsweredAsItSays()
    {
        ApiDescription api = await ReadAsync();
        SortedDictionary<string, int> good = new(StringComparer.Ordinal);
        await gateway.WriteAsync("fuzz", """
            {"upsert_rows":[{"id":1,"vector":[1,2],"title":"x","n":1}],"distance_metric":"cosine_distance"}
            """);
        Prop.ForAll(Seeds, seed =>
        {
            (ApiOperation operation, string path, byte[]? body) = new DescribedRequests(api, seed).Next();
            Reply reply = SendAsync(operation.Method, path, body).GetAwaiter().GetResult();
            Assert.True(reply.Status < 500, $"{operation.Method} {path}: {reply.Text}");
            Assert.Null(api.Violation(operation, reply));
            if (reply.Status < 300) good[operation.Path] = good.GetValueOrDefault(operation.Path) + 1;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1500));
        // A description that serves no one would be a bad one.
        foreach (string path in (string[])["/v1/namespaces", "/v2/namespaces/{name}", "/v2/namespaces/{name}/query"])
            Assert.True(good.GetValueOrDefault(path) > 0, $"{path} was served {good.GetValueOrDefault(path)} times");
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
