using System;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core.Model;
using Deterministic.Gateway.Copies;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Tests.Support;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Deterministic.Gateway.Tests.Copies;

/// <summary>Which copies are begun, who is told of them, and for how long.</summary>
public sealed class CopyRegistryTests
{
    private static readonly CopyOutcome Outcome = new(new WriteReply(), Units: 1, IsOneSnapshot: true);

    private readonly ManualTime _time = new();
    private readonly CopyRegistry _registry;
    private readonly TaskCompletionSource<CopyOutcome> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public CopyRegistryTests() => _registry = new CopyRegistry(_time, NullLogger.Instance);

    private static Task<CopyOutcome> AtOnce(Action<ulong> copied, CancellationToken stop) => Task.FromResult(Outcome);

    /// <summary>Ends when the test says so, or when it is broken off.</summary>
    private Task<CopyOutcome> Held(Action<ulong> copied, CancellationToken stop)
    {
        copied(7);
        return _end.Task.WaitAsync(stop);
    }

    private Task<bool> WaitAsync(CopyOperation operation, CancellationToken gone = default) =>
        _registry.WaitAsync(operation, Timeout.InfiniteTimeSpan, gone);

    private static void Refused(int status, string text, Func<object> act)
    {
        RequestException refusal = Assert.Throws<RequestException>(act);
        Assert.Equal(status, refusal.Status);
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheTokenTellsHowACopyWentForAnHour()
    {
        CopyOperation operation = _registry.Begin("a", "b", AtOnce);
        Assert.True(await WaitAsync(operation));
        Assert.Same(operation, _registry.Find("b", operation.Token));
        Assert.Same(Outcome, operation.Outcome);
        _time.Advance(CopyRegistry.KeptFor);
        Assert.Same(operation, _registry.Find("b", operation.Token));
        _time.Advance(TimeSpan.FromSeconds(1));
        Refused(404, "its outcome is not kept any more", () => _registry.Find("b", operation.Token));
    }

    [Fact]
    public async Task WhatGoesWrongIsTheOutcome()
    {
        CopyOperation operation = _registry.Begin("a", "b", static (_, _) => throw RequestException.TooMany("later"));
        Assert.True(await WaitAsync(operation));
        Assert.Null(operation.Outcome);
        Assert.Equal((429, "later"), (operation.Error.Status, operation.Error.Message));
        operation = _registry.Begin("a", "b", static (_, _) => throw new InvalidOperationException("secret"));
        Assert.True(await WaitAsync(operation));
        Assert.Equal((500, "an error of this server that its log describes"),
            (operation.Error.Status, operation.Error.Message));
    }

    [Fact]
    public async Task WhoAsksAgainForTheSameCopyWaitsForTheOneUnderWay()
    {
        CopyOperation first = _registry.Begin("a", "b", Held);
        CopyOperation second = _registry.Begin("a", "b", static (_, _) => throw new InvalidOperationException());
        Assert.Same(first, second);
        Refused(400, "a copy to 'b' is under way", () => _registry.Begin("c", "b", AtOnce));
        Assert.Equal(1, _registry.UnderWay);
        _end.SetResult(Outcome);
        Assert.True(await WaitAsync(second));
        Assert.Equal(0, _registry.UnderWay);
        Assert.NotSame(first, _registry.Begin("a", "b", AtOnce));
    }

    [Fact]
    public async Task ACopyOfWhichNobodyCouldLearnIsBrokenOff()
    {
        CopyOperation operation = _registry.Begin("a", "b", Held);
        _registry.Begin("a", "b", AtOnce);
        using CancellationTokenSource gone = new();
        Task<bool> first = WaitAsync(operation, gone.Token);
        Task<bool> second = WaitAsync(operation);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.False(operation.Stop.IsCancellationRequested);
        using CancellationTokenSource goneToo = new();
        Task<bool> last = WaitAsync(operation, goneToo.Token);
        await goneToo.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => last);
        Assert.True(operation.Stop.IsCancellationRequested);
        Assert.True(await second);
        Assert.Equal(503, operation.Error.Status);
        Assert.Contains("broken off after 7 rows, which are in 'b'", operation.Error.Message);
    }

    /// <summary>What it leaves is not what somebody who asks now wants.</summary>
    [Fact]
    public async Task NobodyJoinsACopyThatIsBrokenOff()
    {
        TaskCompletionSource<CopyOutcome> stubborn = new();
        CopyOperation operation = _registry.Begin("a", "b", (_, _) => stubborn.Task);
        using CancellationTokenSource gone = new();
        Task<bool> waiting = WaitAsync(operation, gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Refused(400, "a copy to 'b' is under way", () => _registry.Begin("a", "b", AtOnce));
        stubborn.SetCanceled();
        await operation.Ended;
        Assert.NotSame(operation, _registry.Begin("a", "b", AtOnce));
    }

    [Fact]
    public async Task ACopyWhoseTokenWasToldGoesOnWithoutAnybodyWhoWaits()
    {
        CopyOperation operation = _registry.Begin("a", "b", Held);
        Assert.False(await _registry.WaitAsync(operation, TimeSpan.Zero, CancellationToken.None));
        _registry.Begin("a", "b", AtOnce);
        using CancellationTokenSource gone = new();
        Task<bool> other = WaitAsync(operation, gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => other);
        Assert.False(operation.Stop.IsCancellationRequested);
        _end.SetResult(Outcome);
        Assert.True(await WaitAsync(operation));
        Assert.NotNull(operation.Outcome);
    }

    [Fact]
    public async Task SoManyAreUnderWayAndSoManyAreKept()
    {
        CopyOperation oldest = _registry.Begin("a", "first", AtOnce);
        await oldest.Ended;
        for (int i = 0; i < CopyRegistry.EndedMax - 1; i++) await _registry.Begin("a", $"b{i}", AtOnce).Ended;
        Assert.Same(oldest, _registry.Find("first", oldest.Token));
        await _registry.Begin("a", "another", AtOnce).Ended;
        Refused(404, "its outcome is not kept any more", () => _registry.Find("first", oldest.Token));
        for (int i = 0; i < CopyRegistry.UnderWayMax; i++) _registry.Begin("a", $"c{i}", Held);
        Refused(429, "16 copies are under way", () => _registry.Begin("a", "d", AtOnce));
        _end.SetResult(Outcome);
    }

    [Fact]
    public async Task TheEndWaitsForCopiesAndBreaksOffWhatTakesTooLong()
    {
        CopyOperation operation = _registry.Begin("a", "b", Held);
        Task end = _registry.EndAsync(TimeSpan.FromMinutes(10));
        Refused(503, "about to stop", () => _registry.Begin("a", "c", AtOnce));
        Assert.False(end.IsCompleted);
        _end.SetResult(Outcome);
        await end;
        Assert.NotNull(operation.Outcome);

        CopyRegistry other = new(_time, NullLogger.Instance);
        TaskCompletionSource<CopyOutcome> never = new();
        operation = other.Begin("a", "b", (_, stop) => never.Task.WaitAsync(stop));
        other.Tell(operation);
        await other.EndAsync(TimeSpan.Zero);
        Assert.Equal(503, operation.Error.Status);
    }

    [Fact]
    public async Task ATokenIsOfOneProcessAndOneNamespace()
    {
        CopyOperation operation = _registry.Begin("a", "b", AtOnce);
        await operation.Ended;
        CopyRegistry restarted = new(_time, NullLogger.Instance);
        const string unknown = "this process of the gateway has not begun it";
        Refused(404, unknown, () => restarted.Find("b", operation.Token));
        Refused(404, unknown, () => _registry.Find("c", operation.Token));
        Refused(404, unknown, () => _registry.Find("b", ""));
        Refused(404, unknown, () => _registry.Find("b", operation.Token + "0"));
    }

    /// <summary>No change of a token makes another one, whatever it is that is changed.</summary>
    [Fact]
    public void NoOtherTokenIsFound()
    {
        string[] tokens = [_registry.Begin("a", "b", AtOnce).Token, _registry.Begin("a", "c", AtOnce).Token];
        Gen<string> changed =
            from token in Gen.Elements(tokens)
            from place in Gen.Choose(0, token.Length - 1)
            from letter in Gen.Elements("0123456789abcdef-".ToCharArray())
            select token.Remove(place, 1).Insert(place, letter.ToString());
        Prop.ForAll(changed.ToArbitrary(), token =>
        {
            if (token == tokens[0]) _registry.Find("b", token);
            else Refused(404, "has not begun it", () => _registry.Find("b", token));
        }).QuickCheckThrowOnFailure();
    }
}
