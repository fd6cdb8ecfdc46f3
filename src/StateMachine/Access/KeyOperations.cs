using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Text.Unicode;
using Deterministic.Core;
using Deterministic.Core.Model;
using Deterministic.Core.Wire;
using Deterministic.StateMachine.Documents;
using Deterministic.StateMachine.Namespaces;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Access;

/// <summary>API keys: create, list, revoke. They are kept here so that all gateways go by the same ones; the state
/// machine itself asks nobody for a key. A key is stored as it is on the wire behind its id, with the time of its
/// creation at the end.</summary>
public sealed class KeyOperations(Trees trees, NamespaceView view)
{
    /// <summary>In <see cref="TreeId.Counters"/>, before the id.</summary>
    public static ReadOnlySpan<byte> Prefix => "key/"u8;

    /// <summary>Name of the counter of keys.</summary>
    public static ReadOnlySpan<byte> Counter => "keys"u8;

    private const int TimestampSize = 8;
    private const int ValueSizeMax = 1 + Limits.KeyNameSizeMax + 1 + Limits.NamespaceNameSizeMax + 1 + 4
        + Limits.KeyHashSize + TimestampSize;

    private static readonly SearchValues<byte> IdCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"u8);

    /// <summary>The key in the tree of the API key of that id.</summary>
    /// <param name="id">Any that a name on the wire can be.</param>
    /// <param name="buffer">At least <see cref="Prefix"/> and a name long.</param>
    public static ReadOnlySpan<byte> KeyOf(ReadOnlySpan<byte> id, Span<byte> buffer)
    {
        Check.That(id.Length <= byte.MaxValue && buffer.Length >= Prefix.Length + id.Length);
        Prefix.CopyTo(buffer);
        id.CopyTo(buffer[Prefix.Length..]);
        return buffer[..(Prefix.Length + id.Length)];
    }

    public int Create(in OperationContext context, ReadOnlySpan<byte> body, Span<byte> reply)
    {
        ErrorText error = new(reply);
        WireReader reader = new(body);
        ReadOnlySpan<byte> id = reader.Name();
        int described = reader.Position;
        if (!TryReadDescription(ref reader, id, ref error)) return error.Size;
        ReadOnlySpan<byte> key = KeyOf(id, stackalloc byte[Prefix.Length + Limits.KeyIdSizeMax]);
        if (trees.Counters.TryGet(key, out _))
        {
            error.Begin(ErrorCode.KeyExists).Text("key "u8).Name(id).Text(" exists already"u8);
            return error.Size;
        }
        ulong count = Count();
        if (count >= Limits.KeysMax)
        {
            error.Begin(ErrorCode.LimitExceeded).Text("there are "u8).Number(count)
                .Text(" keys, which is the limit; revoke one first"u8);
            return error.Size;
        }
        ReadOnlySpan<byte> description = reader.Since(described);
        Span<byte> value = stackalloc byte[ValueSizeMax];
        value = value[..(description.Length + TimestampSize)];
        description.CopyTo(value);
        BinaryPrimitives.WriteUInt64LittleEndian(value[description.Length..], context.Timestamp);
        StateGrowth growth = default;
        growth.AddKey(key.Length, value.Length);
        if (!growth.TryFit(view, trees.Forest, ref error)) return error.Size;
        trees.Counters.Put(key, value);
        SetCount(count + 1);
        WireWriter writer = new(reply);
        writer.U16((ushort)ErrorCode.Ok);
        writer.U64(context.Timestamp);
        return writer.Position;
    }

    public int List(ReadOnlySpan<byte> body, Span<byte> reply)
    {
        ErrorText error = new(reply);
        WireReader reader = new(body);
        ReadOnlySpan<byte> after = reader.Name();
        uint pageSize = reader.U32();
        if (!reader.AtEnd)
        {
            error.Malformed("list of keys"u8);
            return error.Size;
        }
        if (pageSize is 0 or > Limits.KeysMax)
        {
            error.Begin(ErrorCode.InvalidArgument).Text("page_size is "u8).Number((long)pageSize)
                .Text(", limit is 1 to "u8).Number((long)Limits.KeysMax);
            return error.Size;
        }
        WireWriter writer = new(reply);
        writer.U16((ushort)ErrorCode.Ok);
        int countAt = writer.ReserveU32();
        uint count = 0;
        bool more = false;
        ReadOnlySpan<byte> from = KeyOf(after, stackalloc byte[Prefix.Length + byte.MaxValue]);
        TreeCursor cursor = trees.Counters.Seek(from, Prefix.Length);
        if (cursor.Valid && cursor.Key.SequenceEqual(from)) cursor.Next();
        for (; cursor.Valid; cursor.Next())
        {
            ReadOnlySpan<byte> id = cursor.Key[Prefix.Length..];
            more = count == pageSize || writer.Remaining < 1 + id.Length + cursor.Value.Length + 1;
            if (more) break;
            writer.Name(id);
            writer.Bytes(cursor.Value);
            count++;
        }
        if (more && count == 0)
        {
            error.Begin(ErrorCode.ReplyTooLarge).Text("a key does not fit into a reply of "u8)
                .Number((long)reply.Length).Text(" bytes"u8);
            return error.Size;
        }
        writer.PatchU32(countAt, count);
        writer.U8(more ? (byte)1 : (byte)0);
        Check.That(!writer.Overflowed);
        return writer.Position;
    }

    public int Revoke(ReadOnlySpan<byte> body, Span<byte> reply)
    {
        ErrorText error = new(reply);
        WireReader reader = new(body);
        ReadOnlySpan<byte> id = reader.Name();
        if (!reader.AtEnd)
        {
            error.Malformed("key"u8);
            return error.Size;
        }
        if (!TryCheckId(id, ref error)) return error.Size;
        ReadOnlySpan<byte> key = KeyOf(id, stackalloc byte[Prefix.Length + Limits.KeyIdSizeMax]);
        if (!trees.Counters.TryGet(key, out _))
        {
            error.Begin(ErrorCode.KeyNotFound).Text("key "u8).Name(id).Text(" was not found"u8);
            return error.Size;
        }
        bool removed = trees.Counters.Remove(key);
        Check.That(removed);
        SetCount(Count() - 1);
        WireWriter writer = new(reply);
        writer.U16((ushort)ErrorCode.Ok);
        return writer.Position;
    }

    private ulong Count() => trees.Counters.TryGet(Counter, out ReadOnlySpan<byte> value)
        ? BinaryPrimitives.ReadUInt64LittleEndian(value)
        : 0;

    private void SetCount(ulong count)
    {
        Check.That(count <= Limits.KeysMax);
        BinaryPrimitives.WriteUInt64LittleEndian(trees.Counters.Resize(Counter, 8), count);
    }

    /// <summary>All of a new key; the reader stands behind its id.</summary>
    private static bool TryReadDescription(ref WireReader reader, ReadOnlySpan<byte> id, ref ErrorText error)
    {
        ReadOnlySpan<byte> name = reader.Name();
        ReadOnlySpan<byte> prefix = reader.Name();
        byte scopes = reader.U8();
        reader.U32();
        reader.Bytes(Limits.KeyHashSize);
        if (!reader.AtEnd) return error.Malformed("key"u8);
        if (!TryCheckId(id, ref error)) return false;
        if (name.Length > Limits.KeyNameSizeMax)
        {
            error.Begin(ErrorCode.InvalidArgument).Text("name of a key has "u8).Number((long)name.Length)
                .Text(" bytes, limit is "u8).Number((long)Limits.KeyNameSizeMax);
            return false;
        }
        if (!Utf8.IsValid(name))
        {
            error.Begin(ErrorCode.InvalidArgument).Text("name of a key is not UTF-8"u8);
            return false;
        }
        if (!NamespaceOperations.IsPrefix(prefix))
        {
            error.Begin(ErrorCode.InvalidArgument).Text("prefix of a key is "u8).Name(prefix)
                .Text(", must be [A-Za-z0-9-_.]{0,128}"u8);
            return false;
        }
        if (scopes is not 0 and <= (byte)KeyScopes.All) return true;
        error.Begin(ErrorCode.InvalidArgument).Text("scopes of a key are "u8).Number((long)scopes)
            .Text(", must be a sum of 1 (read), 2 (write) and 4 (admin)"u8);
        return false;
    }

    private static bool TryCheckId(ReadOnlySpan<byte> id, ref ErrorText error)
    {
        if (id.Length is > 0 and <= Limits.KeyIdSizeMax && !id.ContainsAnyExcept(IdCharacters)) return true;
        error.Begin(ErrorCode.InvalidArgument).Text("id of a key is "u8).Name(id)
            .Text(", must be [A-Za-z0-9]{1,32}"u8);
        return false;
    }
}
