using System;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Xunit;

namespace Deterministic.Client.Tests.Sessions;

public sealed class SessionTests
{
    private static Operation OperationOf(SeenRequest request) => request.Header.Request.Operation;

    [Fact]
    public async Task RegistersThenChainsItsRequests()
    {
        await using ScriptedServer server = new() { Execute = _ => ScriptedServer.Ok() };
        await using DeterministicClient client = new(server.Options());
        await client.DeleteNamespaceAsync("a");
        await client.DeleteNamespaceAsync("b");
        Assert.Equal([Operation.Register, Operation.DeleteNamespace, Operation.DeleteNamespace],
            server.Executed.Select(OperationOf));
        Assert.Equal([0u, 1u, 2u], server.Executed.Select(request => request.Header.Request.RequestNumber));
        Assert.Equal([1, (byte)'b'], server.Executed[2].Body);
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task PingIsOutsideOfTheLog()
    {
        await using ScriptedServer server = new();
        await using DeterministicClient client = new(server.Options());
        Assert.True(await client.PingAsync() > TimeSpan.Zero);
        Assert.Empty(server.Executed);
    }

    [Fact]
    public async Task ALostReplyIsAskedForAgainAndTakesEffectOnce()
    {
        await using ScriptedServer server = new()
        {
            Execute = _ => ScriptedServer.Ok(),
            Send = (number, _, reply) => number == 2 ? null : reply,
        };
        await using DeterministicClient client = new(server.Options());
        await client.DeleteNamespaceAsync("a");
        Assert.Equal(2, server.Executed.Count);
        Assert.Equal(1, server.Duplicates);
        Assert.Equal(2, server.Connections);
    }

    [Fact]
    public async Task ALostRegisterIsAskedForAgain()
    {
        await using ScriptedServer server = new()
        {
            Execute = _ => ScriptedServer.Ok(),
            Send = (number, _, reply) => number == 1 ? null : reply,
        };
        await using DeterministicClient client = new(server.Options());
        await client.DeleteNamespaceAsync("a");
        Assert.Equal([Operation.Register, Operation.DeleteNamespace], server.Executed.Select(OperationOf));
        Assert.Equal(1, server.Duplicates);
    }

    [Fact]
    public async Task ASilentServerIsAskedAgain()
    {
        await using ScriptedServer server = new()
        {
            Execute = _ => ScriptedServer.Ok(),
            Send = (number, _, reply) => number == 2 ? [] : reply,
        };
        await using DeterministicClient client = new(server.Options(resendAfter: TimeSpan.FromMilliseconds(30)));
        await client.DeleteNamespaceAsync("a");
        Assert.Equal(2, server.Executed.Count);
        Assert.True(server.Duplicates >= 1);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(260)]
    public async Task ADamagedReplyIsNotBelieved(int damagedByte)
    {
        await using ScriptedServer server = new()
        {
            Execute = _ => ScriptedServer.Error(ErrorCode.NamespaceNotFound, "not there"),
            Send = (number, _, reply) =>
            {
                if (number != 2) return reply;
                byte[] damaged = [.. reply];
                damaged[damagedByte] ^= 1;
                return damaged;
            },
        };
        await using DeterministicClient client = new(server.Options());
        DeterministicException exception = await Assert.ThrowsAsync<DeterministicException>(
            () => client.MetadataAsync("a"));
        Assert.Equal((ErrorCode.NamespaceNotFound, "not there"), (exception.Code, exception.Message));
        Assert.Equal(1, server.Duplicates);
    }

    [Fact]
    public async Task HalfAReplyIsAskedForAgain()
    {
        await using ScriptedServer server = new()
        {
            Execute = _ => ScriptedServer.Ok(),
            Send = (number, _, reply) => number == 2 ? reply[..100] : reply,
        };
        await using DeterministicClient client = new(server.Options(resendAfter: TimeSpan.FromMilliseconds(30)));
        await client.DeleteNamespaceAsync("a");
        Assert.Equal(2, server.Executed.Count);
    }

    [Fact]
    public async Task AReplyToAnotherRequestIsPassedOver()
    {
        byte[] first = [];
        await using ScriptedServer server = new()
        {
            Execute = _ => ScriptedServer.Ok(),
            Send = (number, _, reply) =>
            {
                if (number == 2) first = reply;
                return number == 3 ? [.. first, .. first, .. reply] : reply;
            },
        };
        await using DeterministicClient client = new(server.Options());
        await client.DeleteNamespaceAsync("a");
        await client.DeleteNamespaceAsync("b");
        Assert.Equal(0, server.Duplicates);
        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task EvictionIsToldAndTheNextCallGetsANewSession()
    {
        await using ScriptedServer server = new()
        {
            Execute = _ => ScriptedServer.Ok(),
            Send = (number, request, reply) => number == 3
                ? ScriptedServer.Eviction(request.Header, EvictionReason.NoSession) : reply,
        };
        await using DeterministicClient client = new(server.Options());
        await client.DeleteNamespaceAsync("a");
        SessionEvictedException exception = await Assert.ThrowsAsync<SessionEvictedException>(
            () => client.DeleteNamespaceAsync("b"));
        Assert.Equal(EvictionReason.NoSession, exception.Reason);
        await client.DeleteNamespaceAsync("c");
        SeenRequest[] registers = server.Executed
            .Where(request => OperationOf(request) == Operation.Register).ToArray();
        Assert.Equal(2, registers.Length);
        Assert.NotEqual(registers[0].Header.Request.Client, registers[1].Header.Request.Client);
    }

    /// <summary>A primary of an older view that has not noticed that there is a newer one cannot know a session that
    /// began there.</summary>
    [Fact]
    public async Task AnEvictionByADeposedPrimaryDoesNotEndTheSession()
    {
        await using ScriptedServer server = new()
        {
            Execute = _ => ScriptedServer.Ok(),
            Send = (number, request, reply) => number != 3 ? reply
                :
                [
                    .. ScriptedServer.Eviction(request.Header, EvictionReason.NoSession, ScriptedServer.View - 1),
                    .. reply,
                ],
        };
        await using DeterministicClient client = new(server.Options());
        await client.DeleteNamespaceAsync("a");
        await client.DeleteNamespaceAsync("b");
        await client.DeleteNamespaceAsync("c");
        Assert.Single(server.Executed, request => OperationOf(request) == Operation.Register);
    }

    [Fact]
    public async Task ATimeoutSaysThatTheRequestMayStillCount()
    {
        await using ScriptedServer server = new() { Send = (_, _, _) => [] };
        await using DeterministicClient client = new(server.Options());
        RequestTimeoutException exception = await Assert.ThrowsAsync<RequestTimeoutException>(
            () => client.DeleteNamespaceAsync("a", TimeSpan.FromMilliseconds(20)));
        Assert.Contains("no answer within 0.02 s", exception.Message);
        Assert.Contains("may still take effect", exception.Message);
    }

    [Fact]
    public async Task ACallCanBeCancelled()
    {
        await using ScriptedServer server = new() { Send = (_, _, _) => [] };
        await using DeterministicClient client = new(server.Options());
        using CancellationTokenSource cancel = new();
        Task call = client.DeleteNamespaceAsync("a", cancellation: cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
    }

    [Fact]
    public async Task NoServerNamesTheAddressAndTheRemedy()
    {
        int port;
        await using (ScriptedServer gone = new()) port = gone.Port;
        await using DeterministicClient client = new(new ClientOptions
        {
            Addresses = [new IPEndPoint(IPAddress.Loopback, port)], RequestTimeout = LeapingTime.Leap,
            ConnectTimeout = LeapingTime.Leap, ResendAfter = LeapingTime.Leap, Time = new LeapingTime(),
        });
        ConnectionException exception = await Assert.ThrowsAsync<ConnectionException>(
            () => client.DeleteNamespaceAsync("a"));
        Assert.Contains($"127.0.0.1:{port}: Connection refused", exception.Message);
        Assert.Contains("deterministic start", exception.Message);
    }

    [Fact]
    public async Task ADeadAddressIsPassedOver()
    {
        int port;
        await using (ScriptedServer gone = new()) port = gone.Port;
        await using ScriptedServer server = new() { Execute = _ => ScriptedServer.Ok() };
        ClientOptions options = server.Options();
        await using DeterministicClient client = new(new ClientOptions
        {
            Addresses = [new IPEndPoint(IPAddress.Loopback, port), options.Addresses[0]],
            BackoffMin = TimeSpan.FromMilliseconds(1),
        });
        await client.DeleteNamespaceAsync("a");
        Assert.Equal(2, server.Executed.Count);
    }

    [Fact]
    public async Task ATooLargeRequestIsRefusedHere()
    {
        await using ScriptedServer server = new();
        await using DeterministicClient client = new(server.Options());
        WriteRequest write = new() { Namespace = "a" };
        write.Upserts.Add(new Row { Id = Value.Of(1UL) }.With("text", Value.Of(new string('x', 20_000))));
        DeterministicException exception = await Assert.ThrowsAsync<DeterministicException>(
            () => client.WriteAsync(write));
        Assert.Equal(ErrorCode.LimitExceeded, exception.Code);
        Assert.StartsWith("the Write request takes 20048 bytes, the limit is 16128 bytes", exception.Message);
        Assert.Equal(0, server.Connections);
    }

    [Fact]
    public async Task AReplyThatDoesNotDecodeIsAnError()
    {
        await using ScriptedServer server = new() { Execute = _ => ScriptedServer.Ok(1, 2, 3) };
        await using DeterministicClient client = new(server.Options());
        DeterministicException exception = await Assert.ThrowsAsync<DeterministicException>(
            () => client.SchemaAsync("a"));
        Assert.Equal(ErrorCode.Malformed, exception.Code);
    }

    [Fact]
    public async Task AfterDisposalCallsFail()
    {
        await using ScriptedServer server = new() { Send = (_, _, _) => [] };
        DeterministicClient client = new(server.Options());
        Task waiting = client.DeleteNamespaceAsync("a");
        await client.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => client.DeleteNamespaceAsync("b"));
    }

    /// <summary>An hour has passed whenever somebody looks: whatever an attempt takes, there is time for one and for no
    /// second.</summary>
    private sealed class LeapingTime : TimeProvider
    {
        public static readonly TimeSpan Leap = TimeSpan.FromHours(1);

        private long _ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Interlocked.Add(ref _ticks, Leap.Ticks);
    }
}
