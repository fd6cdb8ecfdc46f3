using System;
using System.Diagnostics;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using System.Threading.Tasks;
using Deterministic.Replica.Hosting;
using Xunit;

namespace Deterministic.Gateway.Tests.Process;

/// <summary>Keys as a user makes and uses them.</summary>
public sealed class KeysProcessTests
{
    [Fact]
    public async Task AKeyIsCreatedUsedAndRevoked()
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "16MiB");
        await replica.StartAsync("--cache", "64MiB");
        string[] cluster = ["--addresses", replica.Address.ToString()];
        using System.Diagnostics.Process gateway =
            ChildReplica.Run(["gateway", .. cluster, "--http", "127.0.0.1:0"]);
        string url = await GatewayProcessTests.LineAsync(gateway, GatewayServer.ReadyPrefix);
        using HttpClient client = new() { BaseAddress = new Uri(url) };
        JsonNode key = await KeysAsync(
            ["create", "--name", "für a", "--scopes", "read,write", "--prefix", "a", "--json", .. cluster]);
        string id = (string)key["id"]!;
        client.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", (string)key["token"]!);
        await UntilAsync(client, HttpStatusCode.OK);
        using HttpResponseMessage written = await client.PostAsync("/v2/namespaces/a1",
            new StringContent("""{"upsert_rows":[{"id":1}]}"""));
        Assert.Equal(HttpStatusCode.OK, written.StatusCode);
        using HttpResponseMessage other = await client.GetAsync("/v1/namespaces/b/schema");
        Assert.Equal(HttpStatusCode.Forbidden, other.StatusCode);
        JsonNode listed = (await KeysAsync(["list", "--json", .. cluster]))["keys"]!.AsArray().Single()!;
        Assert.Equal(id, (string?)listed["id"]);
        Assert.Equal("für a", (string?)listed["name"]);
        Assert.Null(listed["token"]);
        Assert.Equal(id, (string?)(await KeysAsync(["revoke", id, "--json", .. cluster]))["revoked"]);
        await UntilAsync(client, HttpStatusCode.Unauthorized);
        await StopAsync(gateway);
    }

    [Fact]
    public async Task BeyondThisMachineNothingIsListenedOnBeforeThereIsAKey()
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "16MiB");
        await replica.StartAsync("--cache", "64MiB");
        using System.Diagnostics.Process gateway = ChildReplica.Run("gateway", "--addresses",
            replica.Address.ToString(), "--http", "0.0.0.0:0", "--insecure-http");
        const string waits = "not listening on 0.0.0.0:0 yet: the cluster has no API keys, or does not answer; make " +
            "one with `deterministic keys create`";
        Assert.NotNull(await GatewayProcessTests.LineAsync(gateway.StandardOutput, waits));
        await StopAsync(gateway);
    }

    [Fact]
    public async Task AReplicaWithHttpAsksForKeysToo()
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "16MiB");
        string address = LoopbackAddresses.Free(1)[0].ToString();
        string[] options = ["--cache", "64MiB", "--http", "127.0.0.1:0"];
        using System.Diagnostics.Process process =
            ChildReplica.Run(["start", "--addresses", address, .. options, replica.DataFile]);
        string url = await GatewayProcessTests.LineAsync(process, GatewayServer.ReadyPrefix);
        using HttpClient client = new() { BaseAddress = new Uri(url) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "any");
        await UntilAsync(client, HttpStatusCode.Unauthorized);
        JsonNode key = await KeysAsync(["create", "--scopes", "admin", "--json", "--addresses", address]);
        client.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", (string)key["token"]!);
        await UntilAsync(client, HttpStatusCode.OK);
        Assert.Contains("\ndeterministic_api_keys 1\n", await client.GetStringAsync("/metrics"),
            StringComparison.Ordinal);
        await StopAsync(process);
    }

    [Theory]
    [InlineData("create --scopes none", 2,
        "--scopes: \"none\" is not of read, write and admin, with commas between")]
    [InlineData("create --prefix a/b", 1, "prefix of a key is `a/b`, must be [A-Za-z0-9-_.]{0,128}")]
    [InlineData("revoke nobody", 1, "key `nobody` was not found")]
    public async Task ACommandThatCannotBeDoneSaysWhy(string arguments, int code, string error)
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "16MiB");
        await replica.StartAsync("--cache", "64MiB");
        using System.Diagnostics.Process process = ChildReplica.Run(
            ["keys", .. arguments.Split(' '), "--addresses", replica.Address.ToString()]);
        Assert.Equal($"deterministic: {error}\n", await process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.Equal(code, process.ExitCode);
    }

    private static async Task<JsonNode> KeysAsync(string[] arguments)
    {
        using System.Diagnostics.Process process = ChildReplica.Run(["keys", .. arguments]);
        string output = await process.StandardOutput.ReadToEndAsync();
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, errors);
        return JsonNode.Parse(output)!;
    }

    /// <summary>The gateway hears of a change by itself.</summary>
    private static async Task UntilAsync(HttpClient client, HttpStatusCode status)
    {
        long started = Stopwatch.GetTimestamp();
        while (true)
        {
            using HttpResponseMessage response = await client.GetAsync("/v1/namespaces");
            if (response.StatusCode == status) return;
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromMinutes(1), $"{response.StatusCode} goes on");
        }
    }

    private static async Task StopAsync(System.Diagnostics.Process process)
    {
        await GatewayProcessTests.TerminateAsync(process);
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }
}
