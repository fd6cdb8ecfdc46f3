using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;

namespace Deterministic.Storage.Tests.Support;

/// <summary>Objects that do not change, read one at a time and without allocating.</summary>
internal sealed class FrozenObjectStore : IObjectStore
{
    private readonly byte[][] _keys;
    private readonly byte[][] _contents;
    private uint _token;
    private ObjectKey _key;
    private long _offset;
    private NativeBuffer _into;

    public FrozenObjectStore(SortedDictionary<string, byte[]> objects)
    {
        _keys = new byte[objects.Count][];
        _contents = new byte[objects.Count][];
        int i = 0;
        foreach ((string key, byte[] content) in objects)
        {
            _keys[i] = Encoding.ASCII.GetBytes(key);
            _contents[i++] = content;
        }
    }

    public bool Idle { get; private set; } = true;

    public void Get(uint token, in ObjectKey key, long offset, NativeBuffer into)
    {
        if (!Idle) throw new InvalidOperationException("one read at a time");
        Idle = false;
        (_token, _key, _offset, _into) = (token, key, offset, into);
    }

    public bool TryComplete(out uint token, out ObjectResult result)
    {
        token = _token;
        result = new ObjectResult { Status = ObjectStatus.NotFound };
        if (Idle) return false;
        Idle = true;
        for (int i = 0; i < _keys.Length; i++)
        {
            if (!_key.Bytes.SequenceEqual(_keys[i])) continue;
            int from = (int)long.Min(_offset, _contents[i].Length);
            int size = (int)long.Min(_contents[i].Length - from, _into.Length);
            _contents[i].AsSpan(from, size).CopyTo(_into.Span);
            result = new ObjectResult { Size = size, ObjectSize = _contents[i].Length };
        }
        return true;
    }

    public void Put(uint token, in ObjectKey key, NativeBuffer content, PutCondition condition, in ObjectTag tag) =>
        throw new NotSupportedException();

    public void List(uint token, in ObjectKey prefix, in ObjectKey after, NativeBuffer into) =>
        throw new NotSupportedException();

    public void Delete(uint token, in ObjectKey key) => throw new NotSupportedException();

    public void MultipartStart(uint token, in ObjectKey key) => throw new NotSupportedException();

    public void MultipartPart(uint token, uint upload, int part, NativeBuffer content) =>
        throw new NotSupportedException();

    public void MultipartComplete(uint token, uint upload, int parts, PutCondition condition) =>
        throw new NotSupportedException();

    public void MultipartAbort(uint token, uint upload) => throw new NotSupportedException();
}
