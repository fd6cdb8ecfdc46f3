using System;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Gateway.Http;
using Xunit;

namespace Deterministic.Gateway.Tests.Http;

public sealed class LargeBodyGateTests
{
    private const long Large = LargeBodyGate.SmallSizeMax + 1;
    private static readonly TimeSpan ForEver = Timeout.InfiniteTimeSpan;

    [Fact]
    public async Task TheThirdOfTwoPlacesWaitsUntilOneIsLeft()
    {
        LargeBodyGate gate = new(places: 2, ForEver, ForEver);
        LargeBodyGate.Place first = await gate.EnterAsync(Large, default);
        using LargeBodyGate.Place second = await gate.EnterAsync(Large, default);
        Task<LargeBodyGate.Place> third = gate.EnterAsync(Large, default);
        Assert.False(third.IsCompleted);
        first.Dispose();
        using LargeBodyGate.Place place = await third;
    }

    [Fact]
    public async Task ABodyOfUnknownLengthMayBeLargeAndASmallOneNeverWaits()
    {
        LargeBodyGate gate = new(places: 1, ForEver, ForEver);
        using LargeBodyGate.Place unknown = await gate.EnterAsync(size: null, default);
        Assert.False(gate.EnterAsync(Large, default).IsCompleted);
        Assert.True(gate.EnterAsync(LargeBodyGate.SmallSizeMax, default).IsCompleted);
        Assert.True(gate.EnterAsync(0, default).IsCompleted);
    }

    [Fact]
    public async Task WhoSendsSlowlyDoesNotHoldUpTheOthers()
    {
        LargeBodyGate gate = new(places: 1, bodyPatience: TimeSpan.FromMilliseconds(1), ForEver);
        using LargeBodyGate.Place slow = await gate.EnterAsync(Large, default);
        using LargeBodyGate.Place next = await gate.EnterAsync(Large, default);
    }

    [Fact]
    public async Task WhoHasSentAllKeepsItsPlaceAndWhoWaitsTooLongIsToldToComeLater()
    {
        LargeBodyGate gate = new(
            places: 1, bodyPatience: TimeSpan.FromHours(1), patience: TimeSpan.FromMilliseconds(1));
        using LargeBodyGate.Place first = await gate.EnterAsync(Large, default);
        first.BodyIsThere();
        RequestException refused = await Assert.ThrowsAsync<RequestException>(() => gate.EnterAsync(Large, default));
        Assert.Equal((429, "too many large requests wait; try again later"), (refused.Status, refused.Message));
    }

    [Fact]
    public async Task APlaceIsLeftOnce()
    {
        LargeBodyGate gate = new(places: 1, ForEver, ForEver);
        LargeBodyGate.Place first = await gate.EnterAsync(Large, default);
        first.Dispose();
        first.Dispose();
        using LargeBodyGate.Place second = await gate.EnterAsync(Large, default);
        Assert.False(gate.EnterAsync(Large, default).IsCompleted);
    }

    [Fact]
    public async Task WhoGoesAwayNoLongerWaits()
    {
        LargeBodyGate gate = new(places: 1, ForEver, ForEver);
        LargeBodyGate.Place first = await gate.EnterAsync(Large, default);
        using CancellationTokenSource gone = new();
        Task<LargeBodyGate.Place> second = gate.EnterAsync(Large, gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        first.Dispose();
        using LargeBodyGate.Place third = await gate.EnterAsync(Large, default);
    }
}
