using System;
using System.Collections.Generic;
using System.Text;
using Deterministic.Core.Wire;

namespace Deterministic.Core.Model;

/// <summary>What the bearer of an API key may do.</summary>
[Flags]
public enum KeyScopes : byte
{
    None = 0,

    /// <summary>Queries, metadata, schemas, lists.</summary>
    Read = 1,

    /// <summary>Writes, changes of schemas, deletions.</summary>
    Write = 2,

    /// <summary>Everything.</summary>
    Admin = 4,
    All = Read | Write | Admin,
}

/// <summary>An API key as the cluster knows it: who may do what, and a hash by which a secret is recognised that is
/// stored nowhere. On the wire: id name, then name, prefix (names), scopes u8, requests per second u32, hash (32
/// bytes).</summary>
public sealed class ApiKey
{
    /// <summary>Letters and digits, 1 to 32.</summary>
    public required string Id { get; init; }

    /// <summary>Says to people what it is for; up to 128 bytes.</summary>
    public string Name { get; init; } = "";

    /// <summary>What the names of all namespaces that it is for begin with; empty: all.</summary>
    public string Prefix { get; init; } = "";
    public KeyScopes Scopes { get; init; }

    /// <summary>0: no limit.</summary>
    public uint RequestsPerSecond { get; init; }

    /// <summary>SHA-256 of the secret.</summary>
    public required byte[] Hash { get; init; }

    /// <summary>Nanoseconds since 1970, the log's; nothing in a request.</summary>
    public ulong CreatedAt { get; init; }

    internal void Write(ref WireWriter writer)
    {
        Check.That(Hash.Length == Limits.KeyHashSize);
        writer.Name(Encoding.UTF8.GetBytes(Id));
        writer.Name(Encoding.UTF8.GetBytes(Name));
        writer.Name(Encoding.UTF8.GetBytes(Prefix));
        writer.U8((byte)Scopes);
        writer.U32(RequestsPerSecond);
        writer.Bytes(Hash);
    }

    internal static ApiKey Read(ref WireReader reader, bool timed) => new()
    {
        Id = Encoding.UTF8.GetString(reader.Name()), Name = Encoding.UTF8.GetString(reader.Name()),
        Prefix = Encoding.UTF8.GetString(reader.Name()), Scopes = (KeyScopes)reader.U8(),
        RequestsPerSecond = reader.U32(), Hash = reader.Bytes(Limits.KeyHashSize).ToArray(),
        CreatedAt = timed ? reader.U64() : 0,
    };
}

/// <summary>Body of CreateKey: the key.</summary>
public sealed class CreateKeyRequest
{
    public required ApiKey Key { get; init; }

    public void Write(ref WireWriter writer) => Key.Write(ref writer);

    public static CreateKeyRequest Read(ref WireReader reader) =>
        new() { Key = ApiKey.Read(ref reader, timed: false) };
}

/// <summary>Reply to CreateKey: when it was created, nanoseconds since 1970 (u64).</summary>
public sealed class CreateKeyReply
{
    public ulong CreatedAt { get; init; }

    public static CreateKeyReply Read(ref WireReader reader) => new() { CreatedAt = reader.U64() };
}

/// <summary>Body of ListKeys: cursor (ids greater than it; empty for the first page), page size u32.</summary>
public sealed class ListKeysRequest
{
    public string Cursor { get; init; } = "";
    public uint PageSize { get; init; } = Limits.KeysMax;

    public void Write(ref WireWriter writer)
    {
        writer.Name(Encoding.UTF8.GetBytes(Cursor));
        writer.U32(PageSize);
    }

    public static ListKeysRequest Read(ref WireReader reader) =>
        new() { Cursor = Encoding.UTF8.GetString(reader.Name()), PageSize = reader.U32() };
}

/// <summary>Reply to ListKeys: u32 count of keys, each with when it was created (u64), in ascending order of their
/// ids, u8 1 if there are more.</summary>
public sealed class ListKeysReply
{
    public List<ApiKey> Keys { get; init; } = [];
    public bool More { get; set; }

    public static ListKeysReply Read(ref WireReader reader)
    {
        ListKeysReply reply = new();
        uint count = reader.U32();
        for (uint i = 0; i < count && !reader.Failed; i++) reply.Keys.Add(ApiKey.Read(ref reader, timed: true));
        reply.More = reader.U8() != 0;
        return reply;
    }
}

/// <summary>Body of RevokeKey: the id.</summary>
public sealed class RevokeKeyRequest
{
    public required string Id { get; init; }

    public void Write(ref WireWriter writer) => writer.Name(Encoding.UTF8.GetBytes(Id));

    public static RevokeKeyRequest Read(ref WireReader reader) =>
        new() { Id = Encoding.UTF8.GetString(reader.Name()) };
}
