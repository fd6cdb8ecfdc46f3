using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;

namespace Deterministic.Simulator.Oracle;

/// <summary>API keys as a sorted list of plain objects: what each operation on them must be answered with.</summary>
internal sealed class NaiveKeys(Coverage coverage)
{
    private const int Most = 1024;

    private readonly SortedDictionary<string, ApiKey> _keys = new(StringComparer.Ordinal);

    /// <summary>Null if the key may be created.</summary>
    public Refusal? CheckCreate(ref WireReader reader, out ApiKey key)
    {
        key = CreateKeyRequest.Read(ref reader).Key;
        if (!reader.AtEnd) return Refusal.Malformed("key");
        if (!IsId(key.Id)) return WrongId(key.Id);
        int size = Encoding.UTF8.GetByteCount(key.Name);
        if (size > 128) return Refusal.Invalid($"name of a key has {size} bytes, limit is 128");
        bool prefix = key.Prefix.Length <= 128;
        foreach (char c in key.Prefix) prefix &= char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.';
        if (!prefix) return Refusal.Invalid($"prefix of a key is `{key.Prefix}`, must be [A-Za-z0-9-_.]{{0,128}}");
        if ((byte)key.Scopes is < 1 or > 7)
        {
            return Refusal.Invalid(
                $"scopes of a key are {(byte)key.Scopes}, must be a sum of 1 (read), 2 (write) and 4 (admin)");
        }
        if (_keys.ContainsKey(key.Id)) return new(ErrorCode.KeyExists, $"key `{key.Id}` exists already");
        return _keys.Count < Most ? null : new(ErrorCode.LimitExceeded,
            $"there are {_keys.Count} keys, which is the limit; revoke one first");
    }

    public void Create(ApiKey key, ulong timestamp, ref WireWriter reply)
    {
        _keys.Add(key.Id, new ApiKey
        {
            Id = key.Id, Name = key.Name, Prefix = key.Prefix, Scopes = key.Scopes,
            RequestsPerSecond = key.RequestsPerSecond, Hash = key.Hash, CreatedAt = timestamp,
        });
        reply.U64(timestamp);
    }

    public Refusal? List(ref WireReader reader, int capacity, ref WireWriter reply)
    {
        ListKeysRequest request = ListKeysRequest.Read(ref reader);
        if (!reader.AtEnd) return Refusal.Malformed("list of keys");
        if (request.PageSize is 0 or > Most)
            return Refusal.Invalid($"page_size is {request.PageSize}, limit is 1 to {Most}");
        int countAt = reply.ReserveU32();
        uint count = 0;
        bool more = false;
        foreach (KeyValuePair<string, ApiKey> pair in _keys)
        {
            if (string.CompareOrdinal(pair.Key, request.Cursor) <= 0) continue;
            more = count == request.PageSize || capacity - reply.Position < Size(pair.Value) + 1;
            if (more) break;
            Write(pair.Value, ref reply);
            count++;
        }
        if (more && count == 0)
            return new(ErrorCode.ReplyTooLarge, $"a key does not fit into a reply of {capacity} bytes");
        reply.PatchU32(countAt, count);
        reply.U8(more ? (byte)1 : (byte)0);
        if (more) coverage.Hit("path", "page of keys");
        return null;
    }

    public Refusal? Revoke(ref WireReader reader)
    {
        string id = RevokeKeyRequest.Read(ref reader).Id;
        if (!reader.AtEnd) return Refusal.Malformed("key");
        if (!IsId(id)) return WrongId(id);
        return _keys.Remove(id) ? null : new(ErrorCode.KeyNotFound, $"key `{id}` was not found");
    }

    private static bool IsId(string id)
    {
        foreach (char c in id) if (!char.IsAsciiLetterOrDigit(c)) return false;
        return id.Length is >= 1 and <= 32;
    }

    private static Refusal WrongId(string id) =>
        Refusal.Invalid($"id of a key is `{id}`, must be [A-Za-z0-9]{{1,32}}");

    private static int Size(ApiKey key) =>
        1 + key.Id.Length + 1 + Encoding.UTF8.GetByteCount(key.Name) + 1 + key.Prefix.Length + 1 + 4 + 32 + 8;

    private static void Write(ApiKey key, ref WireWriter writer)
    {
        writer.Name(Encoding.UTF8.GetBytes(key.Id));
        writer.Name(Encoding.UTF8.GetBytes(key.Name));
        writer.Name(Encoding.UTF8.GetBytes(key.Prefix));
        writer.U8((byte)key.Scopes);
        writer.U32(key.RequestsPerSecond);
        writer.Bytes(key.Hash);
        writer.U64(key.CreatedAt);
    }
}
