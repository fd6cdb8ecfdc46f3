using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core.Model;
using Deterministic.Gateway.Security;
using Deterministic.Gateway.Tests.Support;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Deterministic.Gateway.Tests.Security;

public sealed class KeyRingTests
{
    private readonly ManualTime _time = new();
    private readonly List<ApiKey> _keys = [];
    private bool _reachable = true;

    private KeyRing Ring() => new(_ => _reachable
        ? Task.FromResult<List<ApiKey>>([.. _keys])
        : throw new RequestTimeoutException("no answer"), _time, NullLogger.Instance);

    private string Add(uint rate = 0)
    {
        string token = ApiToken.Create(out string id, out byte[] hash);
        _keys.Add(new ApiKey { Id = id, Hash = hash, Scopes = KeyScopes.Read, RequestsPerSecond = rate });
        return token;
    }

    [Fact]
    public async Task BeforeTheFirstReadingNothingIsKnown()
    {
        await using KeyRing ring = Ring();
        Assert.Null(ring.Current);
        _reachable = false;
        await ring.RefreshAsync();
        Assert.Null(ring.Current);
        _reachable = true;
        await ring.RefreshAsync();
        Assert.Equal(0, ring.Current!.Count);
        Assert.False(ring.HasKeys.IsCompleted);
        string token = Add();
        await ring.RefreshAsync();
        Assert.NotNull(ring.Current!.Find(token));
        Assert.True(ring.HasKeys.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task WithoutTheClusterTheLastKeysServeForAWhile()
    {
        string token = Add();
        await using KeyRing ring = Ring();
        await ring.RefreshAsync();
        _reachable = false;
        _time.Advance(KeyRing.AgeMax);
        await ring.RefreshAsync();
        Assert.NotNull(ring.Current!.Find(token));
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Null(ring.Current);
        Assert.Equal(1, ring.Count);
        Assert.Equal(KeyRing.AgeMax + TimeSpan.FromTicks(1), ring.Age);
        _reachable = true;
        await ring.RefreshAsync();
        Assert.NotNull(ring.Current!.Find(token));
        Assert.Equal(TimeSpan.Zero, ring.Age);
    }

    /// <summary>What was revoked while a reading was under way may be in it.</summary>
    [Fact]
    public async Task TheAgeOfKeysCountsFromWhenTheirReadingBegan()
    {
        Add();
        await using KeyRing ring = new(_ =>
        {
            _time.Advance(KeyRing.AgeMax + TimeSpan.FromTicks(1));
            return Task.FromResult(_keys);
        }, _time, NullLogger.Instance);
        await ring.RefreshAsync();
        Assert.Null(ring.Current);
    }

    [Fact]
    public async Task ARateIsUsedUpWhateverIsReadMeanwhile()
    {
        string token = Add(rate: 1);
        await using KeyRing ring = Ring();
        await ring.RefreshAsync();
        Assert.True(ring.Current!.Find(token)!.Bucket!.TryTake());
        await ring.RefreshAsync();
        Assert.False(ring.Current!.Find(token)!.Bucket!.TryTake());
    }

    /// <summary>A key that is revoked and made again under its id may have another rate.</summary>
    [Fact]
    public void ANewRateTakesEffectAtOnce()
    {
        string token = Add(rate: 1);
        KeySet before = KeySet.Of(_keys, KeySet.Empty, _time);
        Assert.True(before.Find(token)!.Bucket!.TryTake());
        Assert.False(before.Find(token)!.Bucket!.TryTake());
        ApiKey old = _keys[0];
        ApiKey changed = new() { Id = old.Id, Hash = old.Hash, Scopes = old.Scopes, RequestsPerSecond = 2 };
        KeySet after = KeySet.Of([changed], before, _time);
        for (int i = 0; i < 2; i++) Assert.True(after.Find(token)!.Bucket!.TryTake());
        Assert.False(after.Find(token)!.Bucket!.TryTake());
    }

    [Fact]
    public void ABucketHoldsTheRequestsOfASecond()
    {
        TokenBucket bucket = new(3, _time);
        _time.Advance(TimeSpan.FromHours(1));
        for (int i = 0; i < 3; i++) Assert.True(bucket.TryTake());
        Assert.False(bucket.TryTake());
        _time.Advance(TimeSpan.FromSeconds(0.4));
        Assert.True(bucket.TryTake());
        Assert.False(bucket.TryTake());
    }

    [Fact]
    public void ALookAtATokenMakesNoGarbage()
    {
        string unknown = Add();
        string known = Add();
        KeySet keys = KeySet.Of(_keys[1..], KeySet.Empty, _time);
        for (int i = 0; i < 100; i++) Look();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) Look();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Look()
        {
            if (keys.Find(known) is null || keys.Find(unknown) is not null) throw new InvalidOperationException();
        }
    }

    [Fact]
    public void ATokenIsAnIdAndASecret()
    {
        string token = ApiToken.Create(out string id, out byte[] hash);
        Assert.Matches("^det_[a-z0-9]{12}_[A-Za-z0-9_-]{43}$", token);
        byte[] found = new byte[32];
        Assert.True(ApiToken.TryParse(token, out ReadOnlySpan<char> foundId, found));
        Assert.Equal(id, foundId.ToString());
        Assert.Equal(hash, found);
        Assert.NotEqual(token, ApiToken.Create(out _, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("det_")]
    [InlineData("det__AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("det_a_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("det_a_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("det_a_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
    [InlineData("det_a_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA ")]
    [InlineData("tpuf_a_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void WhatNoKeyCanBeDoesNotParse(string token) =>
        Assert.False(ApiToken.TryParse(token, out _, new byte[32]));
}
