using System;
using System.Buffers.Binary;

namespace Deterministic.Storage.Tables;

internal readonly ref partial struct EntryBlock
{
    /// <summary>Whether bytes that somebody has given the right checksum are the block that the index of its table
    /// describes; only then may a view be made of them.</summary>
    /// <param name="body">The body of the block.</param>
    /// <param name="count">Entries.</param>
    /// <param name="first">Key of the first entry.</param>
    /// <param name="bound">What the keys end at.</param>
    /// <param name="reached">The last key is the bound; else it is below.</param>
    public static bool IsValid(
        ReadOnlySpan<byte> body, int count, ReadOnlySpan<byte> first, ReadOnlySpan<byte> bound, bool reached)
    {
        if (body.Length < EntryBlockWriter.TailSize || count <= 0 || count > body.Length) return false;
        if (BinaryPrimitives.ReadInt32LittleEndian(body[^4..]) != count) return false;
        int restarts = (count + EntryBlockWriter.RestartInterval - 1) / EntryBlockWriter.RestartInterval;
        if (BinaryPrimitives.ReadInt32LittleEndian(body[^8..]) != restarts) return false;
        int end = body.Length - EntryBlockWriter.TailSize - 4 * restarts;
        if (end < 0) return false;
        Span<byte> key = stackalloc byte[Tree.KeySizeMax + 1];
        int keySize = 0;
        int at = 0;
        for (int i = 0; i < count; i++)
        {
            bool restart = i % EntryBlockWriter.RestartInterval == 0;
            ReadOnlySpan<byte> offset = body[(end + 4 * (i / EntryBlockWriter.RestartInterval))..];
            if (restart && BinaryPrimitives.ReadInt32LittleEndian(offset) != at) return false;
            if (!TryPass(body[..end], restart, key, ref keySize, ref at)) return false;
            if (i == 0 && !key[..keySize].SequenceEqual(first)) return false;
        }
        int order = key[..keySize].SequenceCompareTo(bound);
        return at == end && (reached ? order == 0 : order < 0);
    }

    /// <summary>Goes past one entry and takes its key, which must be above the key before.</summary>
    private static bool TryPass(ReadOnlySpan<byte> entries, bool restart, Span<byte> key, ref int keySize, ref int at)
    {
        if (!TryReadSizes(entries, ref at, out uint shared, out uint rest, out uint meta)) return false;
        if (shared > (restart ? 0 : (uint)keySize)) return false;
        if (rest == 0 || rest > (uint)key.Length - shared || rest > (uint)(entries.Length - at)) return false;
        ReadOnlySpan<byte> tail = entries.Slice(at, (int)rest);
        // Both keys begin with what they share, so what follows decides: mostly its first byte, as all is shared that
        // can be.
        int order = shared < (uint)keySize ? tail[0] - key[(int)shared] : 1;
        if (order == 0) order = tail.SequenceCompareTo(key[(int)shared..keySize]);
        if (order <= 0) return false;
        tail.CopyTo(key[(int)shared..]);
        keySize = (int)(shared + rest);
        int valueSize = (int)(meta >> 1);
        bool tombstone = (meta & 1) == (uint)EntryKind.Tombstone;
        if (valueSize > entries.Length || (tombstone && valueSize > 0)) return false;
        at = EntryBlockWriter.ValueOffset(at + (int)rest, valueSize) + valueSize;
        return at <= entries.Length;
    }

    private static bool TryReadSizes(
        ReadOnlySpan<byte> entries, ref int at, out uint shared, out uint rest, out uint meta)
    {
        if (at <= entries.Length - 3 && ((entries[at] | entries[at + 1] | entries[at + 2]) & 0x80) == 0)
        {
            shared = entries[at];
            rest = entries[at + 1];
            meta = entries[at + 2];
            at += 3;
            return true;
        }
        rest = 0;
        meta = 0;
        return Varint32.TryRead(entries, ref at, out shared) && Varint32.TryRead(entries, ref at, out rest) &&
            Varint32.TryRead(entries, ref at, out meta);
    }
}
