using System;
using System.Collections.Generic;
using System.IO;
using Deterministic.Core.Objects;
using Deterministic.Replica.Io;
using Deterministic.Replica.Objects;
using Xunit;

namespace Deterministic.Replica.Tests.Objects;

public sealed class DirectoryObjectStoreTests : ObjectStoreContract, IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("objects-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private protected override ObjectClient TryOpen() => Open(_folder);

    private static ObjectClient Open(string folder)
    {
        WakeSignal wake = new();
        DirectoryObjectStore? store = DirectoryObjectStore.TryOpen(folder, wake, out string error);
        Assert.True(store is not null, error);
        return new ObjectClient(new ThreadedWorld(store, wake));
    }

    private string[] Unfinished =>
        Directory.GetFiles(Path.Combine(_folder, "unfinished"), "*", SearchOption.AllDirectories);

    [Fact]
    public void AnotherStoreOfTheSameFolderSeesTheSameObjectsAndConditions()
    {
        using ObjectClient first = Open(_folder);
        using ObjectClient second = Open(_folder);
        ObjectTag tag = first.Put("shared", "one", PutCondition.IfAbsent).Tag;
        Assert.Equal(ObjectStatus.ConditionFailed, second.Put("shared", "x", PutCondition.IfAbsent).Status);
        Assert.Equal(ObjectStatus.Ok, second.Put("shared", "two", PutCondition.IfMatch, tag).Status);
        Assert.Equal("two", first.Text("shared"));
    }

    [Fact]
    public void AnswersThatNobodyLikesAreNoFailures()
    {
        using ObjectClient client = Open(_folder);
        Assert.Equal(ObjectStatus.Ok, client.Put("key", "one").Status);
        Assert.Equal(ObjectStatus.ConditionFailed, client.Put("key", "two", PutCondition.IfAbsent).Status);
        Assert.Equal(ObjectStatus.NotFound, client.Get("none", out _).Status);
        Assert.Equal((3, 0), ((ThreadedWorld)client.World).Counts);
    }

    [Fact]
    public void NothingUnfinishedStaysBehind()
    {
        using ObjectClient client = Open(_folder);
        client.Put("a", "one");
        client.Put("a", "two", PutCondition.IfAbsent);
        uint upload = client.StartUpload("b");
        client.Part(upload, 1, [1, 2, 3]);
        client.Complete(upload, 1);
        // What is there is the mark of the owner alone.
        Assert.Equal("owner", Path.GetFileName(Assert.Single(Unfinished)));
    }

    [Fact]
    public void WhatADeadProcessLeftIsRemovedAndWhatALiveOneHasIsNot()
    {
        string dead = Path.Combine(_folder, "unfinished", "dead");
        Directory.CreateDirectory(dead);
        File.WriteAllText(Path.Combine(dead, "part-1-1"), "half done");
        using ObjectClient live = Open(_folder);
        uint upload = live.StartUpload("key");
        Assert.Equal(ObjectStatus.Ok, live.Part(upload, 1, [7]));
        using ObjectClient other = Open(_folder);
        Assert.False(Directory.Exists(dead));
        Assert.Equal(ObjectStatus.Ok, live.Complete(upload, 1).Status);
    }

    [Fact]
    public void AForeignFileIsNotAnObject()
    {
        using ObjectClient client = Open(_folder);
        client.Put("known", "");
        File.WriteAllText(Path.Combine(_folder, "objects", "README"), "put here by a person");
        File.WriteAllText(Path.Combine(_folder, "objects", ".hidden"), "");
        List<string> keys = [];
        client.ListAll("", 1000, keys);
        Assert.Equal(["known"], keys);
    }

    [Fact]
    public void AFolderThatVanishedIsRefusedWithAReason()
    {
        using ObjectClient client = Open(_folder);
        Directory.Delete(Path.Combine(_folder, "objects"), recursive: true);
        Assert.Equal(ObjectStatus.Refused, client.Get("a", out _).Status);
        Assert.Equal(ObjectStatus.Refused, client.Put("a", "one").Status);
        Assert.Equal(ObjectStatus.Refused, client.List("", "", 100, []));
        Assert.Contains("objects", ((ThreadedWorld)client.World).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void APlaceThatCannotBeAFolderIsAClearError()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        using WakeSignal wake = new();
        Assert.Null(DirectoryObjectStore.TryOpen(file, wake, out string error));
        Assert.StartsWith($"dir:{file}: cannot be used as an object store: ", error, StringComparison.Ordinal);
    }
}
