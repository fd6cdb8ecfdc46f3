using System;
using System.Net.Http;
using System.Threading.Tasks;
using Deterministic.Core.Model;
using Deterministic.Gateway.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Gateway.Tests.Security;

/// <summary>Whatever the bearer of a key asks, it neither learns nor changes anything about namespaces of another
/// prefix.</summary>
[Collection(RunningGateway.Collection)]
public sealed class IsolationProperties(RunningGateway running)
{
    /// <summary>As the paths of requests have them: one that is the key's, and ways to miss it.</summary>
    private static readonly string[] Names =
    [
        "iso-own-fuzz", "iso-own-fuzz", "fuzz", "iso-own", "ISO-OWN-fuzz", "%66uzz", "iso-own-%2F..%2Ffuzz",
        "iso-own-..%2Ffuzz", "..%2Ffuzz", "iso-own-/../fuzz", "fuzz%00", "gcp-us/fuzz",
    ];

    private static readonly Arbitrary<(int Seed, int Name)> Requests = (
        from seed in Gen.Choose(0, int.MaxValue - 1)
        from name in Gen.Choose(0, Names.Length - 1)
        select (seed, name)).ToArbitrary();

    [Fact]
    public async Task NothingOfOthersIsToldOrChanged()
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        Reply hidden = await running.WriteAsync("fuzz", """{"upsert_rows":[{"id":77,"hidden":"of others"}]}""");
        Assert.Equal(200, hidden.Status);
        string before = await StateAsync();
        (string token, _) = await gateway.CreateKeyAsync(KeyScopes.Read | KeyScopes.Write, prefix: "iso-own-");
        int good = 0;
        Prop.ForAll(Requests, request =>
        {
            (string method, string path, byte[] body) = new RandomRequests(request.Seed).Next();
            path = path.Replace("/fuzz", $"/{Names[request.Name]}", StringComparison.Ordinal);
            Reply reply = gateway.SendAsync(token, new HttpMethod(method), path, method == "POST" ? body : null)
                .GetAwaiter().GetResult();
            bool isOwn = request.Name < 2 || path.StartsWith("/v1/namespaces?", StringComparison.Ordinal)
                || path == "/v1/namespaces";
            if (reply.Status < 300) good++;
            Assert.True(reply.Status < 500, $"{method} {path}: {reply.Text}");
            Assert.True(isOwn || reply.Status is 400 or 403 or 404, $"{method} {path}: {reply.Status} {reply.Text}");
            Assert.True(reply.Status >= 300 || !reply.Text.Contains("\"fuzz\"", StringComparison.Ordinal), reply.Text);
            Assert.DoesNotContain("of others", reply.Text, StringComparison.Ordinal);
            Assert.True(reply.Status != 404 || !reply.Text.Contains("'fuzz'", StringComparison.Ordinal), reply.Text);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(600));
        Assert.True(good >= 20, $"only {good} were served");
        Assert.Equal(before, await StateAsync());
    }

    private async Task<string> StateAsync()
    {
        Reply rows = await running.QueryAsync(
            "fuzz", """{"rank_by":["id","asc"],"limit":10000,"include_attributes":true}""");
        return rows.Rows.ToJsonString() + (await running.GetAsync("/v1/namespaces/fuzz/schema")).Text;
    }
}
