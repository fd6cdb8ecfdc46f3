using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Gateway.Tests.Support;
using Deterministic.Replica.Hosting;
using Xunit;

namespace Deterministic.Gateway.Tests.Process;

/// <summary>The commands as a user runs them.</summary>
public sealed class GatewayProcessTests
{
    [Theory]
    [InlineData("0.0.0.0:8080 --development", "--http: 0.0.0.0:8080 is not on this machine only; --development, " +
        "which accepts any bearer token, listens on loopback addresses only, such as 127.0.0.1:8080")]
    [InlineData("0.0.0.0:8080", "--http: 0.0.0.0:8080 is not on this machine only, and keys would cross the network " +
        "readable by all; give --tls-certificate and --tls-key, or --insecure-http if a proxy in front of it ends TLS")]
    [InlineData("127.0.0.1:0 --tls-key a.pem", "--tls-certificate and --tls-key belong together")]
    [InlineData("127.0.0.1:0 --tls-key a.pem --tls-certificate b.pem --insecure-http",
        "--insecure-http says that there is no TLS, --tls-certificate that there is")]
    [InlineData("localhost --development", "--http: \"localhost\" is not one IP address with a port; write it like " +
        "127.0.0.1:8080")]
    [InlineData("127.0.0.1:0 --development --otlp collector", "--otlp: \"collector\" is not a URL; write it like " +
        "http://127.0.0.1:4318")]
    [InlineData("127.0.0.1:0 --development --drain-delay 4000", "--drain-delay takes seconds from 0 to 3600")]
    [InlineData("127.0.0.1:0 --development --http-log some", "--http-log: \"some\" is none of all, failed and none")]
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
            await LineAsync(process.StandardError, GatewayServer.DevelopmentWarning));
        using HttpClient client = new() { BaseAddress = new Uri(url) };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "any");
        using HttpResponseMessage written = await client.PostAsync("/v2/namespaces/a",
            new StringContent("""{"upsert_rows":[{"id":1}]}"""));
        Assert.Equal(HttpStatusCode.OK, written.StatusCode);
        string names = await client.GetStringAsync("/v1/namespaces");
        Assert.Equal("""{"namespaces":[{"id":"a"}],"next_cursor":null}""", names);
        // The page of the gateway has the figures of the replica in its process too.
        string page = await client.GetStringAsync("/metrics");
        Assert.Contains("\ndeterministic_commit_op ", page, StringComparison.Ordinal);
        Assert.Contains("\ndeterministic_http_requests_total{", page, StringComparison.Ordinal);
        await TerminateAsync(process);
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task ALogThatNobodyReadsHoldsUpNoRequest()
    {
        // More lines than fit into a pipe and into the queue before it.
        const int requests = 5000;
        string nowhere = LoopbackAddresses.Free(1)[0].ToString()!;
        using System.Diagnostics.Process process =
            ChildReplica.Run(["gateway", "--addresses", nowhere, "--http", "127.0.0.1:0", "--development"]);
        try
        {
            string url = await LineAsync(process, GatewayServer.ReadyPrefix);
            using HttpClient client = new() { BaseAddress = new Uri(url) };
            for (int i = 0; i < requests; i++)
                Assert.Equal("""{"status":"OK"}""", await client.GetStringAsync("/healthz"));
        }
        finally
        {
            process.Kill();
        }
    }

    [Fact]
    public async Task ATerminatedGatewayIsNotReadyFirstAndThenFinishesWhatIsUnderWay()
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "16MiB");
        await replica.StartAsync("--cache", "64MiB");
        string[] options = ["--http", "127.0.0.1:0", "--development", "--drain-delay", "3"];
        using System.Diagnostics.Process process =
            ChildReplica.Run(["gateway", "--addresses", replica.Address.ToString(), .. options]);
        try
        {
            await TerminateWithARequestUnderWayAsync(process);
        }
        finally
        {
            if (!process.HasExited) process.Kill();
        }
    }

    private static async Task TerminateWithARequestUnderWayAsync(System.Diagnostics.Process process)
    {
        Uri url = new(await LineAsync(process, GatewayServer.ReadyPrefix));
        Task<string> log = process.StandardOutput.ReadToEndAsync();
        using HttpClient client = new() { BaseAddress = url };
        Reply ready;
        do ready = await ReadyAsync(client);
        while (ready.Status != 200);

        const string body = """{"upsert_rows":[{"id":1}]}""";
        using TcpClient slow = new();
        await slow.ConnectAsync(IPAddress.Loopback, url.Port);
        NetworkStream stream = slow.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes("POST /v2/namespaces/slow HTTP/1.1\r\nhost: x\r\n" +
            $"authorization: Bearer x\r\nx-request-id: slow-1\r\ncontent-length: {body.Length}\r\n\r\n{body[..5]}"));
        await TerminateAsync(process);
        do ready = await ReadyAsync(client);
        while (ready.Status == 200);
        ready.MustBe(503, "the gateway is about to stop");
        Assert.Equal("close", ready.Headers["connection"]);
        while (await AcceptsAsync(url.Port))
        {
        }
        await stream.WriteAsync(Encoding.ASCII.GetBytes(body[5..]));
        using StreamReader reader = new(stream);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", await reader.ReadToEndAsync(), StringComparison.Ordinal);
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
        Assert.Contains("POST /v2/namespaces/{name} namespace=slow status=200 in=26 out=", await log,
            StringComparison.Ordinal);
        Assert.Contains(" id=slow-1 ", await log, StringComparison.Ordinal);
    }

    private static async Task<Reply> ReadyAsync(HttpClient client)
    {
        using HttpResponseMessage response = await client.GetAsync("/readyz");
        return await Reply.ReadAsync(response);
    }

    private static async Task<bool> AcceptsAsync(int port)
    {
        using TcpClient client = new();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    internal static async Task TerminateAsync(System.Diagnostics.Process process)
    {
        using System.Diagnostics.Process kill = System.Diagnostics.Process.Start(
            "kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    internal static async Task<string> LineAsync(System.Diagnostics.Process process, string prefix)
    {
        string said = "";
        while (await process.StandardOutput.ReadLineAsync() is string line)
        {
            if (line.StartsWith(prefix, StringComparison.Ordinal)) return line[prefix.Length..];
            said += line + "\n";
        }
        throw new InvalidOperationException($"{said}{await process.StandardError.ReadToEndAsync()}");
    }

    internal static async Task<string?> LineAsync(StreamReader output, string text)
    {
        while (await output.ReadLineAsync() is string line)
            if (line.Contains(text, StringComparison.Ordinal)) return line;
        return null;
    }
}
