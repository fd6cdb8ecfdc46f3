using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core;
using Deterministic.Core.Objects;

namespace Deterministic.Simulator.World;

/// <summary>What is in the store and what requests do to it.</summary>
internal sealed partial class SimulatedObjectStore
{
    private readonly SortedDictionary<string, Stored> _objects = new(StringComparer.Ordinal);
    private readonly SortedDictionary<uint, Upload> _uploads = [];
    private ulong _puts;
    private uint _uploadLast;

    /// <summary>Uploads begun and neither completed nor aborted, whoever began them.</summary>
    public int UploadsOpen => _uploads.Count;

    /// <summary>Keys of all objects as of now, in byte order; for checkers.</summary>
    public List<string> Keys()
    {
        Settle();
        List<string> keys = [];
        foreach (KeyValuePair<string, Stored> entry in _objects)
        {
            if (entry.Value.IsPresent) keys.Add(entry.Key);
        }
        return keys;
    }

    /// <summary>Content of an object as of now, null if there is none; for checkers, which may damage it.</summary>
    public byte[]? Find(string key)
    {
        Settle();
        return _objects.TryGetValue(key, out Stored? stored) && stored.IsPresent ? stored.Content : null;
    }

    /// <summary>Answers a request that is not void. Gets and lists write into the client's buffer, which is the store's
    /// until they end.</summary>
    private void Apply(Operation operation)
    {
        // After its end a request has no buffer any more.
        if (operation.Reads && operation.Ended) return;
        operation.Succeed(operation.Kind switch
        {
            Kind.Put => Put(operation.Key, operation.Content, operation.Condition, operation.Tag),
            Kind.Get => Get(operation),
            Kind.List => List(operation),
            Kind.Delete => Delete(operation.Key),
            Kind.Start => StartUpload(operation.Key),
            Kind.Part => WritePart(operation),
            Kind.Complete => Complete(operation),
            _ => Abort(operation.Upload),
        });
    }

    private ObjectResult Put(string key, byte[] content, PutCondition condition, in ObjectTag tag)
    {
        _objects.TryGetValue(key, out Stored? stored);
        bool present = stored is { IsPresent: true };
        if (condition == PutCondition.IfAbsent && present) return End(ObjectStatus.ConditionFailed);
        if (condition == PutCondition.IfMatch && !(present && TagOf(stored!.Content).Bytes.SequenceEqual(tag.Bytes)))
            return End(ObjectStatus.ConditionFailed);
        if (!plant.ForgetsPut(++_puts))
        {
            if (stored is null) _objects.Add(key, stored = new Stored());
            stored.Change(content, Now);
        }
        return new ObjectResult { Tag = TagOf(content) };
    }

    private ObjectResult Get(Operation operation)
    {
        if (!_objects.TryGetValue(operation.Key, out Stored? stored) || !stored.IsPresent)
            return End(ObjectStatus.NotFound);
        byte[] content = stored.Content!;
        long from = long.Min(operation.Offset, content.Length);
        int size = (int)long.Min(content.Length - from, operation.Into.Length);
        // An answer that breaks off has left some of its bytes behind.
        int arrived = operation.HasFailed ? _choices.Below(size + 1) : size;
        content.AsSpan((int)from, arrived).CopyTo(operation.Into.Span);
        if (plant.LosesObject(operation.Key)) stored.Change(null, Now);
        return new ObjectResult
        {
            Size = size, ObjectSize = content.Length, Tag = size == content.Length ? TagOf(content) : default,
        };
    }

    private ObjectResult List(Operation operation)
    {
        ObjectListing listing = new(operation.Into.Span);
        foreach (KeyValuePair<string, Stored> entry in _objects)
        {
            bool asked = entry.Key.StartsWith(operation.Key, StringComparison.Ordinal)
                && string.CompareOrdinal(entry.Key, operation.After) > 0;
            if (!asked || !IsListed(entry.Value)) continue;
            if (!listing.TryAdd(Encoding.ASCII.GetBytes(entry.Key))) break;
        }
        return listing.Result;
    }

    private bool IsListed(Stored stored)
    {
        bool lags = !Healed && Now - stored.ChangedAt < faults.ListingLagMax && _choices.Boolean();
        return lags ? stored.WasPresent : stored.IsPresent;
    }

    private ObjectResult Delete(string key)
    {
        if (_objects.TryGetValue(key, out Stored? stored)) stored.Change(null, Now);
        return default;
    }

    private ObjectResult StartUpload(string key)
    {
        _uploads.Add(++_uploadLast, new Upload(key));
        return new ObjectResult { Upload = _uploadLast };
    }

    private ObjectResult WritePart(Operation operation)
    {
        if (!_uploads.TryGetValue(operation.Upload, out Upload? upload)) return End(ObjectStatus.NotFound);
        upload.Parts[operation.Part] = operation.Content;
        return new ObjectResult { Tag = TagOf(operation.Content) };
    }

    private ObjectResult Complete(Operation operation)
    {
        if (!_uploads.TryGetValue(operation.Upload, out Upload? upload)) return End(ObjectStatus.NotFound);
        List<byte> content = [];
        for (int part = 1; part <= operation.Part; part++)
        {
            if (!upload.Parts.TryGetValue(part, out byte[]? bytes)) return End(ObjectStatus.NotFound);
            content.AddRange(bytes);
        }
        ObjectResult result = Put(upload.Key, content.ToArray(), operation.Condition, default);
        if (result.Status == ObjectStatus.Ok) _uploads.Remove(operation.Upload);
        return result;
    }

    private ObjectResult Abort(uint upload) => End(_uploads.Remove(upload) ? ObjectStatus.Ok : ObjectStatus.NotFound);

    private static ObjectResult End(ObjectStatus status) => new() { Status = status };

    private static ObjectTag TagOf(ReadOnlySpan<byte> content)
    {
        Span<byte> checksum = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(checksum, Checksum.Of(content));
        return new ObjectTag(checksum);
    }

    /// <summary>One key's object, or the memory that there was one.</summary>
    private sealed class Stored
    {
        public byte[]? Content { get; private set; }
        public bool IsPresent => Content is not null;

        /// <summary>When there came to be an object, or none any more.</summary>
        public ulong ChangedAt { get; private set; }

        /// <summary>Whether there was one before that.</summary>
        public bool WasPresent { get; private set; }

        public void Change(byte[]? content, ulong now)
        {
            bool wasPresent = IsPresent;
            Content = content;
            if (wasPresent == IsPresent) return;
            WasPresent = wasPresent;
            ChangedAt = now;
        }
    }

    private sealed class Upload(string key)
    {
        public string Key { get; } = key;

        /// <summary>By number.</summary>
        public SortedDictionary<int, byte[]> Parts { get; } = [];
    }
}
