using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Gateway.Security;
using Deterministic.Gateway.Tests.Support;
using Deterministic.Replica.Hosting;
using Xunit;

namespace Deterministic.Gateway.Tests.Security;

/// <summary>What others can reach is not there before somebody has a key to it.</summary>
public sealed class WaitingTests : IAsyncLifetime
{
    private const string Waits = "not listening on ";

    private ChildReplica? _replica;

    public async Task InitializeAsync()
    {
        _replica = await ChildReplica.FormatAsync(null, "16MiB");
        await _replica.StartAsync("--cache", "64MiB");
    }

    public async Task DisposeAsync() => await _replica!.DisposeAsync();

    private ClientOptions Cluster => new() { Addresses = [_replica!.Address] };

    private GatewayOptions Options => new()
        { Listen = new IPEndPoint(IPAddress.Loopback, 0), Cluster = Cluster, WaitsForKeys = true };

    [Fact]
    public async Task ItListensOnceThereIsAKey()
    {
        LogLines logger = new();
        Task<(GatewayServer? Server, string Error)> starting = GatewayServer.TryStartAsync(Options, logger);
        await Task.WhenAny(logger.SeenAsync(Waits), starting);
        Assert.False(starting.IsCompleted);
        ApiToken.Create(out string id, out byte[] hash);
        await using DeterministicClient client = new(Cluster);
        await client.CreateKeyAsync(new ApiKey { Id = id, Hash = hash, Scopes = KeyScopes.Read });
        (GatewayServer? server, string error) = await starting;
        Assert.Equal("", error);
        Assert.StartsWith("http://127.0.0.1:", server!.Url, StringComparison.Ordinal);
        await server.DisposeAsync();
    }

    [Fact]
    public async Task ItStopsWhileItWaits()
    {
        LogLines logger = new();
        using CancellationTokenSource stop = new();
        Task<(GatewayServer? Server, string Error)> starting =
            GatewayServer.TryStartAsync(Options, logger, stop.Token);
        await Task.WhenAny(logger.SeenAsync(Waits), starting);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);
    }

    /// <summary>Nobody sends requests to it that would have to hear of its end first.</summary>
    [Fact]
    public async Task WhatCannotListenEndsAtOnceHoweverLongItWouldDrain()
    {
        using TcpListener other = new(IPAddress.Loopback, 0);
        other.Start();
        GatewayOptions options = Options with
        {
            Listen = (IPEndPoint)other.LocalEndpoint, Development = true, WaitsForKeys = false,
            DrainDelay = GatewayOptions.DrainMax,
        };
        (GatewayServer? server, string error) =
            await GatewayServer.TryStartAsync(options, new LogLines()).WaitAsync(TimeSpan.FromMinutes(1));
        Assert.Null(server);
        Assert.StartsWith($"--http: cannot listen on {options.Listen}: ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("::1", false)]
    [InlineData("0.0.0.0", true)]
    [InlineData("::", true)]
    [InlineData("10.0.0.9", true)]
    public void BeyondLoopbackItAlwaysWaits(string address, bool waits)
    {
        GatewayOptions options = new() { Listen = new IPEndPoint(IPAddress.Parse(address), 0), Cluster = Cluster };
        Assert.Equal(waits, options.WaitsForKeys);
        Assert.True((options with { WaitsForKeys = true }).WaitsForKeys);
    }
}
