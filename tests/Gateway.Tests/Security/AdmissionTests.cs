using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core.Model;
using Deterministic.Gateway.Cluster;
using Deterministic.Gateway.Security;
using Deterministic.Gateway.Tests.Support;
using Xunit;

namespace Deterministic.Gateway.Tests.Security;

/// <summary>Who may do what.</summary>
[Collection(RunningGateway.Collection)]
public sealed class AdmissionTests(RunningGateway running)
{
    private const string OneRow = """{"upsert_rows":[{"id":1,"a":"x"}]}""";
    private const string Vector =
        """{"upsert_rows":[{"id":1,"a":"x","vector":[1]}],"distance_metric":"cosine_distance"}""";
    private const string All = """{"rank_by":["id","asc"],"limit":10,"include_attributes":true}""";
    private const string NotValid = "the API key is not valid";

    /// <summary>Method, path behind the namespace, body, and the scope that it wants.</summary>
    public static TheoryData<string, string, string?, string> Routes => new()
    {
        { "POST", "/v2/namespaces/{0}", OneRow, "write" },
        { "POST", "/v1/namespaces/{0}/schema", """{"b":"string"}""", "write" },
        { "DELETE", "/v2/namespaces/{0}", null, "write" },
        { "POST", "/v2/namespaces/{0}/query", All, "read" },
        { "GET", "/v1/namespaces/{0}/schema", null, "read" },
        { "GET", "/v1/namespaces/{0}/metadata", null, "read" },
        { "GET", "/v2/namespaces/{0}/metadata", null, "read" },
        { "GET", "/v1/namespaces/{0}/hint_cache_warm", null, "read" },
        { "POST", "/v1/namespaces/{0}/_debug/recall", "{}", "read" },
        { "POST", "/v2/namespaces/{0}/explain_query", All, "read" },
        { "PATCH", "/v1/namespaces/{0}/metadata", """{"read_only":false}""", "write" },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task ARouteWantsItsScope(string method, string path, string? json, string scope)
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        string name = $"k-scope-{scope}";
        await running.WriteAsync(name, Vector);
        string at = path.Replace("{0}", name, StringComparison.Ordinal);
        HttpMethod verb = new(method);
        (string other, _) = await gateway.CreateKeyAsync(scope == "read" ? KeyScopes.Write : KeyScopes.Read);
        (await gateway.SendAsync(other, verb, at, json)).MustBe(403, $"this API key has not the scope `{scope}`");
        (string right, _) = await gateway.CreateKeyAsync(scope == "read" ? KeyScopes.Read : KeyScopes.Write);
        Assert.InRange((await gateway.SendAsync(right, verb, at, json)).Status, 200, 202);
        await running.WriteAsync(name, Vector);
        (string admin, _) = await gateway.CreateKeyAsync(KeyScopes.Admin);
        Assert.InRange((await gateway.SendAsync(admin, verb, at, json)).Status, 200, 202);
    }

    [Fact]
    public async Task OnlyTheWholeTokenOfAKeyIsLetIn()
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        (string token, string id) = await gateway.CreateKeyAsync(KeyScopes.Read);
        Assert.Equal(200, (await gateway.GetAsync(token, "/v1/namespaces")).Status);
        string unknown = ApiToken.Create(out _, out _);
        string otherSecret = token[..^43] + unknown[^43..];
        string[] wrongs = [unknown, otherSecret, token[..^1], token + "A", token[4..], $"det_{id}", "any"];
        foreach (string wrong in wrongs)
        {
            Reply reply = await gateway.GetAsync(wrong, "/v1/namespaces");
            reply.MustBe(401, NotValid);
            Assert.Equal("Bearer", reply.Headers["www-authenticate"]);
        }
    }

    [Fact]
    public async Task WithoutAKeyNotEvenTheRoutesAreTold()
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        foreach (string path in (string[])["/nothing", "/v1/namespaces/x/operations/y", "/v1/namespaces/x"])
            (await gateway.GetAsync("any", path)).MustBe(401, NotValid);
        (string token, _) = await gateway.CreateKeyAsync(KeyScopes.Write);
        (await gateway.GetAsync(token, "/nothing")).MustBe(404, "no such route; docs/http.md lists them");
    }

    [Theory]
    [InlineData("/metrics")]
    [InlineData("/status")]
    public async Task OnlyAnAdministratorOfTheWholeClusterSeesHowItDoes(string path)
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        (string user, _) = await gateway.CreateKeyAsync(KeyScopes.Read | KeyScopes.Write);
        (await gateway.GetAsync(user, path)).MustBe(403, "this API key has not the scope `admin`");
        (string some, _) = await gateway.CreateKeyAsync(KeyScopes.Admin, prefix: "k-");
        (await gateway.GetAsync(some, path))
            .MustBe(403, "this API key is for some namespaces only, not for the cluster");
        (string admin, _) = await gateway.CreateKeyAsync(KeyScopes.Admin);
        Assert.Equal(200, (await gateway.GetAsync(admin, path)).Status);
    }

    [Fact]
    public async Task ARevokedKeyIsRefusedFromTheNextReadingOfTheKeysOn()
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        (string token, string id) = await gateway.CreateKeyAsync(KeyScopes.Read);
        (string stays, _) = await gateway.CreateKeyAsync(KeyScopes.Read);
        await gateway.RevokeKeyAsync(id);
        Assert.Equal(200, (await gateway.GetAsync(token, "/v1/namespaces")).Status);
        await gateway.RefreshAsync();
        (await gateway.GetAsync(token, "/v1/namespaces")).MustBe(401, NotValid);
        Assert.Equal(200, (await gateway.GetAsync(stays, "/v1/namespaces")).Status);
    }

    [Fact]
    public async Task KeysThatAreTooOldRefuseAllUntilTheyAreReadAgain()
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        (string token, _) = await gateway.CreateKeyAsync(KeyScopes.Read);
        gateway.Time.Advance(KeyRing.AgeMax);
        Assert.Equal(200, (await gateway.GetAsync(token, "/v1/namespaces")).Status);
        gateway.Time.Advance(TimeSpan.FromMilliseconds(1));
        Reply reply = await gateway.GetAsync(token, "/v1/namespaces");
        reply.MustBe(503, "the API keys of the cluster cannot be read now; try again later");
        Assert.Equal("1", reply.Headers["retry-after"]);
        await gateway.RefreshAsync();
        Assert.Equal(200, (await gateway.GetAsync(token, "/v1/namespaces")).Status);
    }

    [Fact]
    public async Task AKeySendsSoManyRequestsASecondAndNoMore()
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        (string token, _) = await gateway.CreateKeyAsync(KeyScopes.Read, requestsPerSecond: 2);
        (string other, _) = await gateway.CreateKeyAsync(KeyScopes.Read, requestsPerSecond: 2);
        for (int i = 0; i < 2; i++) Assert.Equal(200, (await gateway.GetAsync(token, "/v1/namespaces")).Status);
        await gateway.RefreshAsync();
        Reply reply = await gateway.GetAsync(token, "/v1/namespaces");
        reply.MustBe(429, "this API key may send 2 requests a second, which it has; try again later");
        Assert.Equal("1", reply.Headers["retry-after"]);
        Assert.Equal(200, (await gateway.GetAsync(other, "/v1/namespaces")).Status);
        gateway.Time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Equal(200, (await gateway.GetAsync(token, "/v1/namespaces")).Status);
        Assert.Equal(429, (await gateway.GetAsync(token, "/v1/namespaces")).Status);
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task ANamespaceOfAnotherPrefixIsRefusedAlikeWhetherItExistsOrNot(
        string method, string path, string? json, string scope)
    {
        Assert.NotEmpty(scope);
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        await running.WriteAsync("k-hidden", OneRow);
        foreach (KeyScopes scopes in (KeyScopes[])[KeyScopes.Read | KeyScopes.Write, KeyScopes.Admin])
        {
            (string token, _) = await gateway.CreateKeyAsync(scopes, prefix: "k-mine-");
            foreach (string name in (string[])["k-hidden", "k-absent", "k-mine", "K-MINE-x"])
            {
                string at = path.Replace("{0}", name, StringComparison.Ordinal);
                (await gateway.SendAsync(token, new HttpMethod(method), at, json))
                    .MustBe(403, $"this API key is not for namespace '{name}'");
            }
        }
        Assert.Equal("1", (await running.QueryAsync("k-hidden", All)).Ids);
    }

    [Fact]
    public async Task AKeyOfAPrefixWorksWithTheNamespacesOfIt()
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        (string token, _) = await gateway.CreateKeyAsync(KeyScopes.Read | KeyScopes.Write, prefix: "k-own-");
        Assert.Equal(200, (await gateway.SendAsync(token, HttpMethod.Post, "/v2/namespaces/k-own-a", OneRow)).Status);
        Assert.Equal("1", (await gateway.SendAsync(token, HttpMethod.Post, "/v2/namespaces/k-own-a/query", All)).Ids);
        (await gateway.GetAsync(token, "/v1/namespaces/k-own-b/schema"))
            .MustBe(404, "🤷 namespace 'k-own-b' was not found");
    }

    [Theory]
    [InlineData("", "k-list-1,k-list-2")]
    [InlineData("?prefix=k", "k-list-1,k-list-2")]
    [InlineData("?prefix=k-list-1", "k-list-1")]
    [InlineData("?prefix=k-lisz", "")]
    [InlineData("?prefix=z", "")]
    [InlineData("?page_size=2", "k-list-1,k-list-2")]
    [InlineData("?cursor=ay1saXN0LTE%3D", "k-list-2")]
    [InlineData("?cursor=YQ%3D%3D", "k-list-1,k-list-2")]
    [InlineData("?cursor=eg%3D%3D", "")]
    public async Task AListHasTheNamesOfThePrefixAndNothingOfOthers(string query, string names)
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        foreach (string name in (string[])["k-list-1", "k-list-2", "k-list", "k-lisa", "k-lisz", "z-list"])
            await running.WriteAsync(name, OneRow);
        (string token, _) = await gateway.CreateKeyAsync(KeyScopes.Read, prefix: "k-list-");
        Reply reply = await gateway.GetAsync(token, $"/v1/namespaces{query}");
        Assert.Equal(names, string.Join(",", reply.Good["namespaces"]!.AsArray().Select(one => (string)one!["id"]!)));
        Assert.Null((string?)reply.Good["next_cursor"]);
    }

    [Fact]
    public async Task ACopyIsOfWhatTheKeyMayRead()
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        await running.WriteAsync("k-from-a", OneRow);
        await running.WriteAsync("k-to-a", OneRow);
        (string token, _) = await gateway.CreateKeyAsync(KeyScopes.Read | KeyScopes.Write, prefix: "k-to-");
        foreach (string source in (string[])["k-from-a", "k-absent"])
            (await Copy(token, source)).MustBe(403, $"this API key is not for namespace '{source}'");
        (string writes, _) = await gateway.CreateKeyAsync(KeyScopes.Write, prefix: "k-to-");
        (await Copy(writes, "k-to-a")).MustBe(403, "this API key has not the scope `read`");
        Assert.Equal(200, (await Copy(token, "k-to-a")).Status);

        const string branch = "/v2/namespaces/k-to-c";
        (await gateway.SendAsync(token, HttpMethod.Post, branch, """{"branch_from_namespace":"other"}"""))
            .MustBe(403, "this API key is not for namespace 'other'");
        (await gateway.SendAsync(writes, HttpMethod.Post, branch, """{"branch_from_namespace":"k-to-a"}"""))
            .MustBe(403, "this API key has not the scope `read`");

        Task<Reply> Copy(string bearer, string source) => gateway.SendAsync(
            bearer, HttpMethod.Post, "/v2/namespaces/k-to-b", $$"""{"copy_from_namespace":"{{source}}"}""");
    }

    /// <summary>Who has begun it may read; whoever else may, may ask too.</summary>
    [Fact]
    public async Task HowACopyGoesIsToldToWhoMayReadWhatItMakes()
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        await running.WriteAsync("k-goes-a", OneRow);
        (string both, _) = await gateway.CreateKeyAsync(KeyScopes.Read | KeyScopes.Write);
        Reply begun = await gateway.SendAsync(
            both, HttpMethod.Post, "/v2/namespaces/k-goes-b/async", """{"copy_from_namespace":"k-goes-a"}""");
        string path = $"/v1/namespaces/k-goes-b/operations/{begun.Good["token"]}";
        (string reads, _) = await gateway.CreateKeyAsync(KeyScopes.Read, prefix: "k-goes-");
        Assert.Equal(200, (await gateway.GetAsync(reads, path)).Status);
        (string writes, _) = await gateway.CreateKeyAsync(KeyScopes.Write);
        (await gateway.GetAsync(writes, path)).MustBe(403, "this API key has not the scope `read`");
        (string other, _) = await gateway.CreateKeyAsync(KeyScopes.Read, prefix: "k-other-");
        (await gateway.GetAsync(other, path)).MustBe(403, "this API key is not for namespace 'k-goes-b'");
    }

    /// <summary>Page by page, if they are not in one.</summary>
    [Fact]
    public async Task AllKeysOfTheClusterAreRead()
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        string[] ids = new string[3];
        for (int i = 0; i < ids.Length; i++) (_, ids[i]) = await gateway.CreateKeyAsync(KeyScopes.Read);
        using KeyReader whole = new(running.Cluster);
        using KeyReader pages = new(running.Cluster, pageSize: 1);
        string[] read = [.. (await pages.ReadAsync(CancellationToken.None)).Select(static key => key.Id)];
        Assert.Subset(new HashSet<string>(read), new HashSet<string>(ids));
        Assert.Equal(read, (await whole.ReadAsync(CancellationToken.None)).Select(static key => key.Id));
    }

    [Fact]
    public async Task AnswersAreNotKeptOrGuessedAt()
    {
        await using GuardedGateway gateway = await GuardedGateway.StartAsync(running);
        (string token, _) = await gateway.CreateKeyAsync(KeyScopes.Read);
        foreach (Reply reply in (Reply[])
            [await gateway.GetAsync(token, "/v1/namespaces"), await gateway.GetAsync("any", "/v1/namespaces")])
        {
            Assert.Equal("nosniff", reply.Headers["x-content-type-options"]);
            Assert.Equal("no-store", reply.Headers["cache-control"]);
            Assert.False(reply.Headers.ContainsKey("server"));
        }
    }
}
