using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Gateway.Tests.Support;
using Deterministic.Replica.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Deterministic.Gateway.Tests.Security;

/// <summary>HTTPS by files, which may be exchanged while it serves.</summary>
public sealed class TlsTests : IDisposable
{
    private readonly CertificateFolder _files = new();

    public void Dispose() => _files.Dispose();

    private GatewayOptions Options() => new()
    {
        Listen = new IPEndPoint(IPAddress.Loopback, 0), Development = true,
        Cluster = new ClientOptions { Addresses = LoopbackAddresses.Free(1) },
        CertificateFile = _files.CertificateFile, CertificateKeyFile = _files.KeyFile,
    };

    private async Task<GatewayServer> StartAsync()
    {
        (GatewayServer? server, string error) = await GatewayServer.TryStartAsync(Options(), NullLogger.Instance);
        Assert.Equal("", error);
        return server!;
    }

    /// <summary>Opens a new connection, asks for a route that is not there, and tells the certificates that came with
    /// the answer: the server's, then the others.</summary>
    private static async Task<string[]> AskAsync(GatewayServer server)
    {
        List<string> thumbprints = [];
        using SocketsHttpHandler handler = new();
        handler.SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                thumbprints.Add(((X509Certificate2)certificate!).Thumbprint);
                thumbprints.AddRange(chain!.ChainPolicy.ExtraStore.Select(other => other.Thumbprint));
                return true;
            },
        };
        using HttpClient client = new(handler);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "any");
        using HttpResponseMessage response = await client.GetAsync($"{server.Url}/nothing");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        return [.. thumbprints.Distinct()];
    }

    [Fact]
    public async Task TheCertificateIsTheOneInTheFileAlsoAfterItWasExchanged()
    {
        string first = _files.Write();
        await using GatewayServer server = await StartAsync();
        Assert.StartsWith("https://", server.Url, StringComparison.Ordinal);
        Assert.Equal(first, (await AskAsync(server))[0]);
        string second = _files.Write();
        Assert.NotEqual(first, second);
        Assert.Equal(second, (await AskAsync(server))[0]);
    }

    [Fact]
    public async Task WhatDoesNotLoadChangesNothing()
    {
        string first = _files.Write();
        await using GatewayServer server = await StartAsync();
        string oldKey = await File.ReadAllTextAsync(_files.KeyFile);
        string second = _files.Write();
        string newKey = await File.ReadAllTextAsync(_files.KeyFile);
        await File.WriteAllTextAsync(_files.KeyFile, oldKey);
        Assert.Equal(first, (await AskAsync(server))[0]);
        Assert.Equal(first, (await AskAsync(server))[0]);
        File.Delete(_files.KeyFile);
        Assert.Equal(first, (await AskAsync(server))[0]);
        await File.WriteAllTextAsync(_files.KeyFile, newKey);
        Assert.Equal(second, (await AskAsync(server))[0]);
    }

    [Fact]
    public async Task TheCertificatesBehindTheServersComeWithIt()
    {
        string issuer = _files.WriteChain();
        await using GatewayServer server = await StartAsync();
        Assert.Contains(issuer, (await AskAsync(server))[1..]);
    }

    [Fact]
    public async Task WithoutTlsNobodyIsAnsweredOnAPortOfIt()
    {
        _files.Write();
        await using GatewayServer server = await StartAsync();
        using HttpClient client = new();
        string plain = server.Url.Replace("https", "http", StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() => client.GetAsync($"{plain}/nothing"));
    }

    [Fact]
    public async Task FilesThatDoNotLoadKeepItFromStarting()
    {
        (GatewayServer? server, string error) = await GatewayServer.TryStartAsync(Options(), NullLogger.Instance);
        Assert.Null(server);
        Assert.StartsWith($"the TLS certificate {_files.CertificateFile} with the key {_files.KeyFile} does not load: ",
            error, StringComparison.Ordinal);
        _files.Write();
        await File.WriteAllTextAsync(_files.KeyFile, "no key");
        (server, error) = await GatewayServer.TryStartAsync(Options(), NullLogger.Instance);
        Assert.Null(server);
        Assert.NotEqual("", error);
    }
}
