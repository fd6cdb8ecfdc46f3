using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;
using Deterministic.Gateway.Tests.Support;
using Xunit;

namespace Deterministic.Gateway.Tests.Security;

/// <summary>What one request may cost before anybody knows whose it is.</summary>
[Collection(RunningGateway.Collection)]
public sealed class ConnectionTests(RunningGateway gateway)
{
    [Fact]
    public async Task ARequestLineHasALimit() =>
        Assert.Equal(414, await StatusAsync($"GET /{new string('a', 9000)} HTTP/1.1\r\nhost: a\r\n\r\n"));

    [Fact]
    public async Task HeadersHaveALimitOfSize() =>
        Assert.Equal(431, await StatusAsync($"GET / HTTP/1.1\r\nhost: a\r\nlong: {new string('a', 17_000)}\r\n\r\n"));

    [Fact]
    public async Task HeadersHaveALimitOfNumber()
    {
        IEnumerable<string> headers = Enumerable.Range(0, 64).Select(i => $"h{i}: 1\r\n");
        Assert.Equal(431, await StatusAsync($"GET / HTTP/1.1\r\nhost: a\r\n{string.Concat(headers)}\r\n"));
    }

    [Fact]
    public async Task WhatTheClientsSendFits()
    {
        IEnumerable<string> headers = Enumerable.Range(0, 60).Select(i => $"h{i}: {new string('x', 100)}\r\n");
        Assert.Equal(401, await StatusAsync($"GET /v1/namespaces HTTP/1.1\r\nhost: a\r\n{string.Concat(headers)}\r\n"));
    }

    private async Task<int> StatusAsync(string request)
    {
        Uri url = new(gateway.Url);
        using TcpClient client = new(url.Host, url.Port);
        await using NetworkStream stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(request));
        using StreamReader reader = new(stream);
        string line = await reader.ReadLineAsync() ?? "";
        return int.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }
}
