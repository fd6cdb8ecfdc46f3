using System;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading.Tasks;
using Deterministic.Replica.Hosting;
using Xunit;

namespace Deterministic.Gateway.Tests.Process;

/// <summary>The commands as a user runs them.</summary>
public sealed class GatewayProcessTests
{
    [Theory]
    [InlineData("127.0.0.1:0", "--http: this release has no API keys yet, so the gateway can only be started with " +
        "--development, which accepts any bearer token")]
    [InlineData("0.0.0.0:8080 --development", "--http: 0.0.0.0:8080 is not on this machine only; without API keys " +
        "and TLS, which this release does not have, the gateway listens on loopback addresses only, such as " +
        "127.0.0.1:8080")]
    [InlineData("localhost --development", "--http: \"localhost\" is not one IP address with a port; write it like " +
        "127.0.0.1:8080")]
    [InlineData("127.0.0.1:0 --development --http-body-max 2GiB",
        "--http-body-max: \"2GiB\" is not a size from 1 byte to 1GiB")]
    public async Task AGatewayThatMayNotBeStartedSaysWhy(string options, string error)
    {
        using System.Diagnostics.Process process = ChildReplica.Run(["gateway", "--http", .. options.Split(' ')]);
        string errors = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(2, process.ExitCode);
        Assert.Equal($"deterministic: {error}\n", errors);
    }

    [Fact]
    public async Task AReplicaServesHttpInItsOwnProcess()
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "16MiB");
        string address = LoopbackAddresses.Free(1)[0].ToString();
        string[] options = ["--cache", "64MiB", "--http", "127.0.0.1:0", "--development"];
        using System.Diagnostics.Process process =
            ChildReplica.Run(["start", "--addresses", address, .. options, replica.DataFile]);
        string url = await LineAsync(process, GatewayServer.ReadyPrefix);
        Assert.Equal(GatewayServer.DevelopmentWarning,
            await LineOfErrorsAsync(process, GatewayServer.DevelopmentWarning));
        using HttpClient client = new() { BaseAddress = new Uri(url) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "any");
        using HttpResponseMessage written = await client.PostAsync("/v2/namespaces/a",
            new StringContent("""{"upsert_rows":[{"id":1}]}"""));
        Assert.Equal(HttpStatusCode.OK, written.StatusCode);
        string names = await client.GetStringAsync("/v1/namespaces");
        Assert.Equal("""{"namespaces":[{"id":"a"}],"next_cursor":null}""", names);
        using (System.Diagnostics.Process kill = System.Diagnostics.Process.Start("kill",
            ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    private static async Task<string> LineAsync(System.Diagnostics.Process process, string prefix)
    {
        string said = "";
        while (await process.StandardOutput.ReadLineAsync() is string line)
        {
            if (line.StartsWith(prefix, StringComparison.Ordinal)) return line[prefix.Length..];
            said += line + "\n";
        }
        throw new InvalidOperationException($"{said}{await process.StandardError.ReadToEndAsync()}");
    }

    private static async Task<string?> LineOfErrorsAsync(System.Diagnostics.Process process, string text)
    {
        while (await process.StandardError.ReadLineAsync() is string line)
            if (line.Contains(text, StringComparison.Ordinal)) return line;
        return null;
    }
}
