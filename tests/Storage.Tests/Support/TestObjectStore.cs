using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;

namespace Deterministic.Storage.Tests.Support;

/// <summary>Objects in memory. Requests end when told to, in drawn order; with faults some are refused for now, some
/// end in doubt and take effect much later, and listings show what was. What a stopped client had under way may still
/// happen.</summary>
internal sealed class TestObjectStore(int seed, bool faulty, SortedDictionary<string, byte[]>? objects = null)
    : IObjectStore
{
    private readonly Random _random = new(seed);
    private readonly List<Operation> _pending = [];
    private readonly List<Operation> _late = [];
    private readonly List<string> _deleted = [];

    public SortedDictionary<string, byte[]> Objects { get; } = objects ?? new(StringComparer.Ordinal);

    public bool Idle => _pending.Count == 0;

    public long Puts { get; private set; }

    public long Gets { get; private set; }

    /// <summary>Puts of these keys are acknowledged and forgotten, while it is not null and says so.</summary>
    public Predicate<string>? Forgets { get; set; }

    /// <summary>Puts of these keys are forgotten too, after they have been read once.</summary>
    public Predicate<string>? ForgetsOnceRead { get; set; }

    public void Put(uint token, in ObjectKey key, NativeBuffer content, PutCondition condition, in ObjectTag tag) =>
        _pending.Add(new Operation('P', token, key.ToString())
        {
            Content = content.Span.ToArray(), Condition = condition, Tag = tag.Bytes.ToArray(),
        });

    public void Get(uint token, in ObjectKey key, long offset, NativeBuffer into) =>
        _pending.Add(new Operation('G', token, key.ToString()) { Offset = offset, Into = into });

    public void List(uint token, in ObjectKey prefix, in ObjectKey after, NativeBuffer into) =>
        _pending.Add(new Operation('L', token, prefix.ToString()) { After = after.ToString(), Into = into });

    public void Delete(uint token, in ObjectKey key) => _pending.Add(new Operation('D', token, key.ToString()));

    public void MultipartStart(uint token, in ObjectKey key) => throw new NotSupportedException();

    public void MultipartPart(uint token, uint upload, int part, NativeBuffer content) =>
        throw new NotSupportedException();

    public void MultipartComplete(uint token, uint upload, int parts, PutCondition condition) =>
        throw new NotSupportedException();

    public void MultipartAbort(uint token, uint upload) => throw new NotSupportedException();

    /// <summary>Ends one request and says which and how.</summary>
    public uint Complete(out ObjectResult result)
    {
        if (_late.Count > 0 && _random.Next(4) == 0) ApplyLate();
        int chosen = _random.Next(_pending.Count);
        Operation operation = _pending[chosen];
        _pending.RemoveAt(chosen);
        int fault = faulty ? _random.Next(20) : 20;
        if (fault == 0) result = new ObjectResult { Status = ObjectStatus.Throttled };
        else if (fault == 1)
        {
            result = new ObjectResult { Status = ObjectStatus.Unknown };
            Doubt(operation);
        }
        else result = Apply(operation);
        return operation.Token;
    }

    /// <summary>The client is gone.</summary>
    public void Crash()
    {
        foreach (Operation operation in _pending) Doubt(operation);
        _pending.Clear();
    }

    private void Doubt(Operation operation)
    {
        if (operation.Kind is 'G' or 'L') return;
        int fate = _random.Next(3);
        if (fate == 0) Apply(operation);
        if (fate == 1) _late.Add(operation);
    }

    private void ApplyLate()
    {
        int chosen = _random.Next(_late.Count);
        Apply(_late[chosen]);
        _late.RemoveAt(chosen);
    }

    private ObjectResult Apply(Operation operation) => operation.Kind switch
    {
        'P' => Put(operation),
        'G' => Get(operation),
        'L' => List(operation),
        _ => Delete(operation.Key),
    };

    private ObjectResult Put(Operation operation)
    {
        bool present = Objects.TryGetValue(operation.Key, out byte[]? there);
        bool holds = operation.Condition switch
        {
            PutCondition.IfAbsent => !present,
            PutCondition.IfMatch => present && TagOf(there).Bytes.SequenceEqual(operation.Tag),
            _ => true,
        };
        if (!holds) return new ObjectResult { Status = ObjectStatus.ConditionFailed };
        Puts++;
        if (Forgets?.Invoke(operation.Key) != true) Objects[operation.Key] = operation.Content;
        return new ObjectResult { Tag = TagOf(operation.Content) };
    }

    private ObjectResult Get(Operation operation)
    {
        Gets++;
        if (!Objects.TryGetValue(operation.Key, out byte[]? content))
            return new ObjectResult { Status = ObjectStatus.NotFound };
        int from = (int)Math.Min(operation.Offset, content.Length);
        int size = (int)Math.Min(content.Length - from, operation.Into.Length);
        content.AsSpan(from, size).CopyTo(operation.Into.Span);
        if (ForgetsOnceRead?.Invoke(operation.Key) == true) Objects.Remove(operation.Key);
        return new ObjectResult
        {
            Size = size, ObjectSize = content.Length, Tag = size == content.Length ? TagOf(content) : default,
        };
    }

    private ObjectResult List(Operation operation)
    {
        SortedSet<string> keys = new(StringComparer.Ordinal);
        foreach (string key in Objects.Keys) if (!faulty || _random.Next(8) > 0) keys.Add(key);
        foreach (string key in _deleted) if (faulty && _random.Next(4) == 0) keys.Add(key);
        ObjectListing listing = new(operation.Into.Span);
        foreach (string key in keys)
        {
            bool asked = key.StartsWith(operation.Key, StringComparison.Ordinal)
                && string.CompareOrdinal(key, operation.After) > 0;
            if (asked && !listing.TryAdd(Encoding.ASCII.GetBytes(key))) break;
        }
        return listing.Result;
    }

    private ObjectResult Delete(string key)
    {
        if (Objects.Remove(key)) _deleted.Add(key);
        return default;
    }

    private static ObjectTag TagOf(ReadOnlySpan<byte> content)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, Checksum.Of(content));
        return new ObjectTag(bytes);
    }

    private sealed record Operation(char Kind, uint Token, string Key)
    {
        public string After { get; init; } = "";
        public byte[] Content { get; init; } = [];
        public byte[] Tag { get; init; } = [];
        public PutCondition Condition { get; init; }
        public NativeBuffer Into { get; init; }
        public long Offset { get; init; }
    }
}
