using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Randomness;
using Xunit;

namespace Deterministic.Replica.Tests.Objects;

/// <summary>Calls a store one request at a time, with bytes and texts in the place of buffers.</summary>
internal sealed class ObjectClient(ObjectWorld world) : IDisposable
{
    private readonly StaticMemory _memory = new();
    private uint _token = 1_000_000;

    public ObjectWorld World => world;

    public IObjectStore Store => world.Store;

    public static ObjectKey Key(string key) => new(Encoding.ASCII.GetBytes(key));

    public static byte[] Bytes(int size, ulong seed)
    {
        byte[] bytes = new byte[size];
        new Prng(seed).Fill(bytes);
        return bytes;
    }

    public NativeBuffer Native(int size) => size == 0 ? default : _memory.Take(size);

    public NativeBuffer Native(ReadOnlySpan<byte> bytes)
    {
        NativeBuffer buffer = Native(bytes.Length);
        bytes.CopyTo(buffer.Span);
        return buffer;
    }

    public ObjectResult Put(
        string key, byte[] content, PutCondition condition = PutCondition.None, ObjectTag tag = default)
    {
        world.Store.Put(++_token, Key(key), Native(content), condition, tag);
        return Wait();
    }

    public ObjectResult Put(
        string key, string content, PutCondition condition = PutCondition.None, ObjectTag tag = default) =>
        Put(key, Encoding.UTF8.GetBytes(content), condition, tag);

    public ObjectResult Get(string key, out byte[] content, long offset = 0, int room = 1 << 20)
    {
        NativeBuffer into = Native(room);
        world.Store.Get(++_token, Key(key), offset, into);
        ObjectResult result = Wait();
        content = into.Slice(0, result.Size).ToArray();
        return result;
    }

    public string Text(string key)
    {
        Assert.Equal(ObjectStatus.Ok, Get(key, out byte[] content).Status);
        return Encoding.UTF8.GetString(content);
    }

    public ObjectStatus Delete(string key)
    {
        world.Store.Delete(++_token, Key(key));
        return Wait().Status;
    }

    /// <summary>One page of keys.</summary>
    public ObjectStatus List(string prefix, string after, int room, List<string> into)
    {
        NativeBuffer buffer = Native(room);
        world.Store.List(++_token, Key(prefix), Key(after), buffer);
        ObjectResult result = Wait();
        ReadOnlySpan<byte> listing = buffer.Slice(0, result.Size);
        while (ObjectListing.TryTake(ref listing, out ReadOnlySpan<byte> key)) into.Add(Encoding.ASCII.GetString(key));
        return result.Status;
    }

    /// <summary>All keys, page after page; gives the number of pages, the empty last one included.</summary>
    public int ListAll(string prefix, int room, List<string> into)
    {
        for (int pages = 1; ; pages++)
        {
            int before = into.Count;
            Assert.Equal(ObjectStatus.Ok, List(prefix, before == 0 ? "" : into[^1], room, into));
            if (into.Count == before) return pages;
        }
    }

    public uint StartUpload(string key)
    {
        world.Store.MultipartStart(++_token, Key(key));
        ObjectResult result = Wait();
        Assert.Equal(ObjectStatus.Ok, result.Status);
        return result.Upload;
    }

    public ObjectStatus Part(uint upload, int part, byte[] content)
    {
        world.Store.MultipartPart(++_token, upload, part, Native(content));
        return Wait().Status;
    }

    public ObjectResult Complete(uint upload, int parts, PutCondition condition = PutCondition.None)
    {
        world.Store.MultipartComplete(++_token, upload, parts, condition);
        return Wait();
    }

    public ObjectStatus Abort(uint upload)
    {
        world.Store.MultipartAbort(++_token, upload);
        return Wait().Status;
    }

    private ObjectResult Wait()
    {
        uint token = world.Next(out ObjectResult result);
        Assert.Equal(_token, token);
        return result;
    }

    public void Dispose()
    {
        world.Dispose();
        _memory.Dispose();
    }
}
