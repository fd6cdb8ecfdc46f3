using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Xunit;

namespace Deterministic.Replica.Tests.Objects;

/// <summary>What every store has to do; run against each of them.</summary>
public abstract class ObjectStoreContract
{
    /// <summary>A client of an empty store; null, said aloud, where the store cannot be had.</summary>
    private protected abstract ObjectClient? TryOpen();

    private void Run(Action<ObjectClient> test)
    {
        using ObjectClient? client = TryOpen();
        if (client is not null) test(client);
    }

    [Fact]
    public void WhatWasPutIsGot() => Run(client =>
    {
        byte[] content = ObjectClient.Bytes(100_000, 1);
        ObjectResult put = client.Put("packs/0001", content);
        Assert.Equal(ObjectStatus.Ok, put.Status);
        Assert.False(put.Tag.IsEmpty);

        ObjectResult got = client.Get("packs/0001", out byte[] read);
        Assert.Equal(ObjectStatus.Ok, got.Status);
        Assert.Equal(content, read);
        Assert.Equal(content.Length, got.ObjectSize);
        Assert.Equal(put.Tag.Bytes, got.Tag.Bytes);

        Assert.Equal(ObjectStatus.Ok, client.Put("packs/0001", "second").Status);
        Assert.Equal("second", client.Text("packs/0001"));
    });

    [Fact]
    public void AnObjectMayBeEmpty() => Run(client =>
    {
        Assert.Equal(ObjectStatus.Ok, client.Put("empty", []).Status);
        ObjectResult got = client.Get("empty", out byte[] read);
        Assert.Equal(ObjectStatus.Ok, got.Status);
        Assert.Empty(read);
        Assert.Equal(0, got.ObjectSize);
    });

    [Fact]
    public void WhatIsMissingIsNotFoundAndDeletingItIsNoError() => Run(client =>
    {
        Assert.Equal(ObjectStatus.NotFound, client.Get("nothing/here", out _).Status);
        Assert.Equal(ObjectStatus.NotFound, client.Get("nothing/here", out _, offset: 5).Status);
        Assert.Equal(ObjectStatus.Ok, client.Delete("nothing/here"));
    });

    [Fact]
    public void ADeletedObjectIsGoneAndItsKeyFree() => Run(client =>
    {
        client.Put("a/b", "one");
        Assert.Equal(ObjectStatus.Ok, client.Delete("a/b"));
        Assert.Equal(ObjectStatus.NotFound, client.Get("a/b", out _).Status);
        Assert.Equal(ObjectStatus.Ok, client.Put("a/b", "two", PutCondition.IfAbsent).Status);
    });

    [Fact]
    public void AKeyMayGoOnWhereAnotherOneEnds() => Run(client =>
    {
        client.Put("a", "folder");
        client.Put("a/b", "file");
        Assert.Equal("folder", client.Text("a"));
        Assert.Equal("file", client.Text("a/b"));
    });

    [Theory]
    [InlineData(0, 10, 10)]
    [InlineData(990, 10, 10)]
    [InlineData(990, 100, 10)]
    [InlineData(500, 1, 1)]
    [InlineData(1000, 10, 0)]
    [InlineData(2000, 10, 0)]
    public void ARangeIsReadToItsEndOrTheObjects(int offset, int room, int expected) => Run(client =>
    {
        byte[] content = ObjectClient.Bytes(1000, 2);
        client.Put("ranged", content);
        ObjectResult got = client.Get("ranged", out byte[] read, offset, room);
        Assert.Equal(ObjectStatus.Ok, got.Status);
        Assert.Equal(1000, got.ObjectSize);
        Assert.Equal(expected, got.Size);
        Assert.Equal(content.AsSpan(int.Min(offset, 1000), expected).ToArray(), read);
    });

    [Fact]
    public void IfAbsentMakesAndNeverReplaces() => Run(client =>
    {
        Assert.Equal(ObjectStatus.Ok, client.Put("once", "first", PutCondition.IfAbsent).Status);
        Assert.Equal(ObjectStatus.ConditionFailed, client.Put("once", "second", PutCondition.IfAbsent).Status);
        Assert.Equal("first", client.Text("once"));
    });

    [Fact]
    public void IfMatchReplacesWhatTheCallerHasSeenAndNothingElse() => Run(client =>
    {
        ObjectTag first = client.Put("head", "first").Tag;
        ObjectResult second = client.Put("head", "second", PutCondition.IfMatch, first);
        Assert.Equal(ObjectStatus.Ok, second.Status);
        Assert.Equal(ObjectStatus.ConditionFailed, client.Put("head", "x", PutCondition.IfMatch, first).Status);
        Assert.Equal("second", client.Text("head"));

        Assert.Equal(ObjectStatus.Ok, client.Put("head", "third", PutCondition.IfMatch, second.Tag).Status);
        Assert.Equal(ObjectStatus.ConditionFailed, client.Put("other", "x", PutCondition.IfMatch, first).Status);
        Assert.Equal(ObjectStatus.NotFound, client.Get("other", out _).Status);
    });

    [Fact]
    public void OfSixteenThatMakeOneObjectOneWins() => Run(client =>
    {
        for (uint i = 0; i < 16; i++)
        {
            NativeBuffer content = client.Native(Encoding.ASCII.GetBytes($"writer {i}"));
            client.Store.Put(i, ObjectClient.Key("race"), content, PutCondition.IfAbsent, default);
        }
        uint? winner = null;
        for (int i = 0; i < 16; i++)
        {
            uint token = client.World.Next(out ObjectResult result);
            if (result.Status == ObjectStatus.ConditionFailed) continue;
            Assert.Equal(ObjectStatus.Ok, result.Status);
            Assert.Null(winner);
            winner = token;
        }
        Assert.Equal($"writer {winner}", client.Text("race"));
    });

    [Fact]
    public void ACounterLosesNoUpdate() => Run(client =>
    {
        const int Actors = 8;
        const int Rounds = 80;
        client.Put("counter", "0");
        int updates = ObjectCounter.Run(client, "counter", Actors, Rounds);
        Assert.InRange(updates, Rounds / Actors, Rounds);
        Assert.Equal($"{updates}", client.Text("counter"));
    });

    [Fact]
    public void KeysComeInByteOrderPageByPage() => Run(client =>
    {
        string[] keys = ["a", "a-b", "a.b", "a/b", "a0", "a_b", "ab", "b", "l/001", "l/002", "l/010"];
        foreach (string key in keys) Assert.Equal(ObjectStatus.Ok, client.Put(key, key).Status);

        List<string> all = [];
        client.ListAll("", 1000, all);
        Assert.Equal(keys, all);

        List<string> some = [];
        int pages = client.ListAll("l/", 2 * 6, some);
        Assert.Equal(["l/001", "l/002", "l/010"], some);
        Assert.Equal(3, pages);

        List<string> none = [];
        Assert.Equal(ObjectStatus.Ok, client.List("zz", "", 100, none));
        Assert.Equal(ObjectStatus.Ok, client.List("l/", "l/010", 100, none));
        Assert.Empty(none);
    });

    [Fact]
    public void AListingWithoutRoomForOneKeySaysSo() => Run(client =>
    {
        client.Put("a-long-key", "");
        List<string> keys = [];
        Assert.Equal(ObjectStatus.TooLarge, client.List("", "", 10, keys));
        Assert.Equal(ObjectStatus.Ok, client.List("", "", 11, keys));
        Assert.Equal(["a-long-key"], keys);
    });

    [Fact]
    public void PartsBecomeOneObjectAtTheirCompletion() => Run(client =>
    {
        byte[] content = ObjectClient.Bytes(2 * IObjectStore.PartSizeMin + 1000, 3);
        uint upload = client.StartUpload("packs/large");
        // In any order, and one of them twice.
        foreach (int part in (int[])[3, 1, 2, 1])
        {
            int at = (part - 1) * IObjectStore.PartSizeMin;
            byte[] bytes = content[at..int.Min(at + IObjectStore.PartSizeMin, content.Length)];
            Assert.Equal(ObjectStatus.Ok, client.Part(upload, part, bytes));
        }
        Assert.Equal(ObjectStatus.NotFound, client.Get("packs/large", out _).Status);
        List<string> keys = [];
        client.List("", "", 1000, keys);
        Assert.Empty(keys);

        ObjectResult made = client.Complete(upload, 3);
        Assert.Equal(ObjectStatus.Ok, made.Status);
        ObjectResult got = client.Get("packs/large", out byte[] read, room: content.Length);
        Assert.Equal(content, read);
        Assert.Equal(made.Tag.Bytes, got.Tag.Bytes);
        Assert.Equal(ObjectStatus.NotFound, client.Complete(upload, 3).Status);
    });

    [Fact]
    public void ACompletionIfAbsentReplacesNothing() => Run(client =>
    {
        uint upload = client.StartUpload("once");
        Assert.Equal(ObjectStatus.Ok, client.Part(upload, 1, ObjectClient.Bytes(1000, 4)));
        client.Put("once", "first");
        Assert.Equal(ObjectStatus.ConditionFailed, client.Complete(upload, 1, PutCondition.IfAbsent).Status);
        Assert.Equal("first", client.Text("once"));
        Assert.Equal(ObjectStatus.Ok, client.Abort(upload));

        uint second = client.StartUpload("twice");
        Assert.Equal(ObjectStatus.Ok, client.Part(second, 1, Encoding.ASCII.GetBytes("made")));
        Assert.Equal(ObjectStatus.Ok, client.Complete(second, 1, PutCondition.IfAbsent).Status);
        Assert.Equal("made", client.Text("twice"));
    });

    [Fact]
    public void AnAbortedUploadLeavesNothing() => Run(client =>
    {
        uint upload = client.StartUpload("gone");
        Assert.Equal(ObjectStatus.Ok, client.Part(upload, 1, ObjectClient.Bytes(1000, 5)));
        Assert.Equal(ObjectStatus.Ok, client.Abort(upload));
        Assert.Equal(ObjectStatus.NotFound, client.Abort(upload));
        Assert.Equal(ObjectStatus.NotFound, client.Part(upload, 2, [1]));
        Assert.Equal(ObjectStatus.NotFound, client.Complete(upload, 1).Status);
        Assert.Equal(ObjectStatus.NotFound, client.Get("gone", out _).Status);
    });

    [Fact]
    public void UploadsOfOneKeyDoNotMix() => Run(client =>
    {
        uint first = client.StartUpload("key");
        uint second = client.StartUpload("key");
        Assert.NotEqual(first, second);
        Assert.Equal(ObjectStatus.Ok, client.Part(first, 1, Encoding.ASCII.GetBytes("first")));
        Assert.Equal(ObjectStatus.Ok, client.Part(second, 1, Encoding.ASCII.GetBytes("second")));
        Assert.Equal(ObjectStatus.Ok, client.Complete(second, 1).Status);
        Assert.Equal("second", client.Text("key"));
        Assert.Equal(ObjectStatus.Ok, client.Complete(first, 1).Status);
        Assert.Equal("first", client.Text("key"));
    });

    [Fact]
    public void ACompletionWithAPartThatNeverCameIsRefused() => Run(client =>
    {
        uint upload = client.StartUpload("holed");
        Assert.Equal(ObjectStatus.Ok, client.Part(upload, 1, ObjectClient.Bytes(IObjectStore.PartSizeMin, 6)));
        Assert.Equal(ObjectStatus.NotFound, client.Complete(upload, 2).Status);
        Assert.Equal(ObjectStatus.NotFound, client.Get("holed", out _).Status);
        Assert.Equal(ObjectStatus.Ok, client.Complete(upload, 1).Status);
    });
}
