using System;
using System.Buffers.Binary;
using System.IO.Hashing;
using Deterministic.Core;

namespace Deterministic.Storage;

/// <summary>Hands out a forest as bytes. Entries in order of tree and key: tree u8, key size u16, value size u32,
/// key, value.
/// Then the end: <see cref="EndMark"/> u8, entries u64, size of the state u64, checksum u128 of all bytes before
/// it.</summary>
internal sealed class CheckpointWriter(Forest forest)
{
    public const byte EndMark = 0xFF;
    public const int EntryHeaderSize = 1 + 2 + 4;
    public const int EndSize = 1 + 8 + 8 + 16;
    public const int ChecksumSize = 16;

    private readonly XxHash128 _hash = new();
    private readonly byte[] _staged = new byte[EntryHeaderSize + Tree.KeySizeMax];
    private TreeCursor _cursor;
    private int _tree;
    private int _stagedSize;
    private int _stagedAt;
    private int _valueAt;
    private bool _ended;
    private ulong _entries;

    public UInt128 Checksum { get; private set; }

    public void Start()
    {
        _hash.Reset();
        _tree = 0;
        _entries = 0;
        _ended = false;
        _cursor = forest[0].SeekFirst();
        Stage();
    }

    public int Read(Span<byte> part)
    {
        Check.That(part.Length > 0);
        int written = 0;
        while (written < part.Length)
        {
            if (_stagedAt < _stagedSize)
            {
                written += Copy(_staged.AsSpan(_stagedAt, _stagedSize - _stagedAt), part[written..], ref _stagedAt);
                continue;
            }
            if (_ended) break;
            ReadOnlySpan<byte> value = _cursor.Value;
            if (_valueAt < value.Length)
            {
                written += Copy(value[_valueAt..], part[written..], ref _valueAt);
                continue;
            }
            _cursor.Next();
            Stage();
        }
        return written;
    }

    private static int Copy(ReadOnlySpan<byte> from, Span<byte> to, ref int at)
    {
        int size = from.Length < to.Length ? from.Length : to.Length;
        from[..size].CopyTo(to);
        at += size;
        return size;
    }

    private void Stage()
    {
        while (!_cursor.Valid)
        {
            if (++_tree == forest.TreeCount)
            {
                StageEnd();
                return;
            }
            _cursor = forest[_tree].SeekFirst();
        }
        ReadOnlySpan<byte> key = _cursor.Key;
        ReadOnlySpan<byte> value = _cursor.Value;
        _staged[0] = (byte)_tree;
        BinaryPrimitives.WriteUInt16LittleEndian(_staged.AsSpan(1), (ushort)key.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(_staged.AsSpan(3), (uint)value.Length);
        key.CopyTo(_staged.AsSpan(EntryHeaderSize));
        _stagedSize = EntryHeaderSize + key.Length;
        _stagedAt = 0;
        _valueAt = 0;
        _entries++;
        _hash.Append(_staged.AsSpan(0, _stagedSize));
        _hash.Append(value);
    }

    private void StageEnd()
    {
        _staged[0] = EndMark;
        BinaryPrimitives.WriteUInt64LittleEndian(_staged.AsSpan(1), _entries);
        BinaryPrimitives.WriteUInt64LittleEndian(_staged.AsSpan(9), (ulong)forest.SizeBytes);
        _hash.Append(_staged.AsSpan(0, EndSize - ChecksumSize));
        Checksum = _hash.GetCurrentHashAsUInt128();
        BinaryPrimitives.WriteUInt128LittleEndian(_staged.AsSpan(EndSize - ChecksumSize), Checksum);
        _stagedSize = EndSize;
        _stagedAt = 0;
        _ended = true;
    }
}
