using System;
using System.Net.Http;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Gateway.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Gateway.Tests.Http;

/// <summary>Whatever is asked, the gateway answers, with JSON, and never that it is at fault itself.</summary>
[Collection(RunningGateway.Collection)]
public sealed class RandomRequestProperties(RunningGateway gateway)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly Arbitrary<int> Seeds = Gen.Choose(0, int.MaxValue - 1).ToArbitrary();

    [Fact]
    public async Task EveryRequestIsAnsweredBelow500()
    {
        int good = 0;
        Reply first = await gateway.WriteAsync("fuzz", """
            {"upsert_rows":[{"id":1,"vector":[1,2],"title":"x","n":1}],"distance_metric":"cosine_distance"}
            """);
        Assert.Equal(200, first.Status);
        Prop.ForAll(Seeds, seed =>
        {
            (string method, string path, byte[] body) = new RandomRequests(seed).Next();
            Reply reply = SendAsync(method, path, body).GetAwaiter().GetResult();
            using JsonDocument json = JsonDocument.Parse(reply.Bytes);
            if (reply.Status == 200) good++;
            bool isError = json.RootElement.TryGetProperty("status", out JsonElement status)
                && status.ValueEquals("error");
            Assert.True(reply.Status < 500 && isError == reply.Status >= 400, $"{method} {path}: {reply.Text}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));
        // Requests of which none is served would show little.
        Assert.True(good >= 100, $"only {good} were served");
    }

    private async Task<Reply> SendAsync(string method, string path, byte[] body)
    {
        using CancellationTokenSource patience = new(Patience);
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        if (method == "POST") request.Content = new ByteArrayContent(body);
        using HttpResponseMessage response = await gateway.Http.SendAsync(request, patience.Token);
        return await Reply.ReadAsync(response);
    }
}
