using System;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Gateway.Security;
using Deterministic.Replica.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Deterministic.Gateway.Tests.Security;

/// <summary>What others can reach is not there before somebody has a key to it.</summary>
public sealed class WaitingTests : IAsyncLifetime
{
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
        Waits logger = new();
        Task<(GatewayServer? Server, string Error)> starting = GatewayServer.TryStartAsync(Options, logger);
        await Task.WhenAny(logger.Seen, starting);
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
        Waits logger = new();
        using CancellationTokenSource stop = new();
        Task<(GatewayServer? Server, string Error)> starting =
            GatewayServer.TryStartAsync(Options, logger, stop.Token);
        await Task.WhenAny(logger.Seen, starting);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);
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

    /// <summary>Hears that it waits.</summary>
    private sealed class Waits : ILogger
    {
        private readonly TaskCompletionSource _seen = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Seen => _seen.Task;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (formatter(state, exception).StartsWith("not listening on ", StringComparison.Ordinal))
                _seen.TrySetResult();
        }
    }
}
