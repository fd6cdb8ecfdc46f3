using System;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Whose a part of a group is.</summary>
[StructLayout(LayoutKind.Explicit, Size = Size)]
public struct GroupMember
{
    public const int Size = 48;

    [FieldOffset(0)] public UInt128 Client;
    [FieldOffset(16)] public UInt128 RequestChecksum;
    [FieldOffset(32)] public uint RequestNumber;
    [FieldOffset(36)] public uint Reserved0;
    [FieldOffset(40)] public ulong Reserved1;
}

/// <summary>The body of an entry that holds requests of several clients: first a batch as the state machine runs it
/// (u16 count, then per part operation u8, three zero bytes, size u32, body), then the members, one for each
/// part.</summary>
public static class GroupBody
{
    private const int CountSize = 2;
    private const int PartHeadSize = 8;

    /// <summary>Makes a batch of one part out of a request's body that stands at the start.</summary>
    /// <returns>Size of the batch.</returns>
    public static int Begin(Span<byte> body, Operation operation, int size)
    {
        Check.That(size > 0 && size <= body.Length - CountSize - PartHeadSize);
        body[..size].CopyTo(body[(CountSize + PartHeadSize)..]);
        BinaryPrimitives.WriteUInt16LittleEndian(body, 1);
        WriteHead(body[CountSize..], operation, size);
        return CountSize + PartHeadSize + size;
    }

    /// <param name="body">Of the entry.</param>
    /// <param name="used">Size of the batch so far.</param>
    /// <param name="operation">Of the next part.</param>
    /// <param name="request">Its body.</param>
    /// <returns>Size of the batch with it.</returns>
    public static int Add(Span<byte> body, int used, Operation operation, ReadOnlySpan<byte> request)
    {
        ushort count = BinaryPrimitives.ReadUInt16LittleEndian(body);
        Check.That(count > 0 && used > CountSize);
        BinaryPrimitives.WriteUInt16LittleEndian(body, checked((ushort)(count + 1)));
        WriteHead(body[used..], operation, request.Length);
        request.CopyTo(body[(used + PartHeadSize)..]);
        return used + PartHeadSize + request.Length;
    }

    /// <summary>Size of the whole body if one more part is added.</summary>
    public static int SizeWith(int used, int members, int requestSize) =>
        used + PartHeadSize + requestSize + (members + 1) * GroupMember.Size;

    /// <returns>Size of the whole body.</returns>
    public static int End(Span<byte> body, int used, ReadOnlySpan<GroupMember> members)
    {
        Check.That(members.Length == BinaryPrimitives.ReadUInt16LittleEndian(body));
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(members);
        bytes.CopyTo(body[used..]);
        return used + bytes.Length;
    }

    /// <summary>Takes an entry's body apart; false if it is no group.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> body, out ReadOnlySpan<byte> batch, out ReadOnlySpan<GroupMember> members)
    {
        batch = [];
        members = [];
        if (body.Length < CountSize) return false;
        int count = BinaryPrimitives.ReadUInt16LittleEndian(body);
        int batchSize = body.Length - count * GroupMember.Size;
        if (count == 0 || batchSize < CountSize + count * PartHeadSize) return false;
        batch = body[..batchSize];
        members = MemoryMarshal.Cast<byte, GroupMember>(body[batchSize..]);
        GroupParts parts = new(batch);
        for (int i = 0; i < count; i++)
        {
            ref readonly GroupMember member = ref members[i];
            bool named = member.Client != 0 && member.RequestChecksum != 0 && member.RequestNumber != 0;
            if (!named || member.Reserved0 != 0 || member.Reserved1 != 0) return false;
            if (!parts.TryNext(out Operation operation) || operation < Operation.Write) return false;
        }
        return parts.AtEnd;
    }

    private static void WriteHead(Span<byte> head, Operation operation, int size)
    {
        head[..PartHeadSize].Clear();
        head[0] = (byte)operation;
        BinaryPrimitives.WriteUInt32LittleEndian(head[4..], (uint)size);
    }
}

/// <summary>Goes through the parts of a group's batch.</summary>
public ref struct GroupParts(ReadOnlySpan<byte> batch)
{
    private WireReader _reader = new(batch[2..]);

    public readonly bool AtEnd => _reader.AtEnd;

    public bool TryNext(out Operation operation)
    {
        operation = (Operation)_reader.U8();
        bool zero = !_reader.Bytes(3).ContainsAnyExcept((byte)0);
        _reader.Bytes(_reader.U32());
        return zero && !_reader.Failed;
    }
}

/// <summary>Goes through the answers to the parts of a group's batch: u16 zero, u16 count, then per part size u32 and
/// its body.</summary>
internal ref struct GroupReplies
{
    private WireReader _reader;

    public GroupReplies(ReadOnlySpan<byte> reply, int count)
    {
        _reader = new WireReader(reply);
        Check.That(_reader.U16() == 0 && _reader.U16() == count, "a group is a batch that can be run");
    }

    public readonly bool AtEnd => _reader.AtEnd;

    public ReadOnlySpan<byte> Next()
    {
        ReadOnlySpan<byte> reply = _reader.Bytes(_reader.U32());
        Check.That(!_reader.Failed && reply.Length <= Limits.SharedReplySizeMax);
        return reply;
    }
}
