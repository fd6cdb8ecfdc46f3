using System;
using System.Buffers.Binary;
using Deterministic.Core;

namespace Deterministic.Storage.Tables;

/// <summary>Fills the body of a block with entries in ascending order. An entry: size of the part of its key that it
/// shares with the key before (varint), size of the rest (varint), value size and tombstone bit (varint), rest of the
/// key, value. A value of <see cref="AlignedSizeMin"/> or more begins at a multiple of <see cref="Alignment"/>, for the
/// vector kernels. Every <see cref="RestartInterval"/> entries one shares nothing: a restart. At the end: offsets of
/// the restarts (u32 each), number of restarts u32, number of entries u32.</summary>
internal ref struct EntryBlockWriter
{
    public const int RestartInterval = 16;
    public const int TailSize = 8;
    public const int Alignment = 64;
    public const int AlignedSizeMin = 1024;
    private const int RestartSize = 4;
    private const int HeadSizeMax = 3 * Varint32.SizeMax + Alignment - 1;

    private readonly Span<byte> _body;
    private readonly Span<byte> _lastKey;
    private EntryBlockState _state;

    /// <param name="body">The body of the block.</param>
    /// <param name="lastKey">Room for a key, kept by the caller from call to call.</param>
    /// <param name="state">Where the last call left off.</param>
    public EntryBlockWriter(Span<byte> body, Span<byte> lastKey, EntryBlockState state)
    {
        Check.That(lastKey.Length >= Tree.KeySizeMax + 1);
        _body = body;
        _lastKey = lastKey;
        _state = state;
    }

    public readonly EntryBlockState State => _state;

    /// <summary>Bytes that a block needs to hold one such entry alone.</summary>
    public static int SizeAlone(int keySize, int valueSize) =>
        HeadSizeMax + keySize + valueSize + RestartSize + TailSize;

    public readonly bool Fits(int keySize, int valueSize) => _state.Entries == 0 ||
        _body.Length >=
            _state.Used + HeadSizeMax + keySize + valueSize + (_state.Restarts + 1) * RestartSize + TailSize;

    public void Add(scoped ReadOnlySpan<byte> key, scoped ReadOnlySpan<byte> value, EntryKind kind)
    {
        Check.That(Fits(key.Length, value.Length));
        ReadOnlySpan<byte> last = _lastKey[.._state.LastKeySize];
        Check.That(_state.Entries == 0 || last.SequenceCompareTo(key) < 0);
        bool restart = _state.Entries % RestartInterval == 0;
        int shared = restart ? 0 : last.CommonPrefixLength(key);
        // Restarts gather at the end of the body, the last in front, and are turned round at the finish.
        if (restart)
            BinaryPrimitives.WriteInt32LittleEndian(_body[^(RestartSize * ++_state.Restarts)..], _state.Used);
        int at = _state.Used;
        at += Varint32.Write(_body[at..], (uint)shared);
        at += Varint32.Write(_body[at..], (uint)(key.Length - shared));
        at += Varint32.Write(_body[at..], (uint)value.Length << 1 | (uint)kind);
        key[shared..].CopyTo(_body[at..]);
        int place = ValueOffset(at + key.Length - shared, value.Length);
        _body[(at + key.Length - shared)..place].Clear();
        at = place;
        value.CopyTo(_body[at..]);
        _state.Used = at + value.Length;
        key[shared..].CopyTo(_lastKey[shared..]);
        _state.LastKeySize = key.Length;
        _state.Entries++;
    }

    /// <summary>Where a value begins behind a key that ends at <paramref name="keyEnd"/>.</summary>
    public static int ValueOffset(int keyEnd, int valueSize) =>
        valueSize < AlignedSizeMin ? keyEnd : (keyEnd + Alignment - 1) / Alignment * Alignment;

    /// <summary>Writes the tail and returns the size of the body.</summary>
    public int Finish()
    {
        Check.That(_state.Entries > 0);
        Span<int> restarts = stackalloc int[(_state.Entries + RestartInterval - 1) / RestartInterval];
        Check.That(restarts.Length == _state.Restarts);
        for (int i = 0; i < restarts.Length; i++)
            restarts[i] = BinaryPrimitives.ReadInt32LittleEndian(_body[^(RestartSize * (i + 1))..]);
        int at = _state.Used;
        foreach (int restart in restarts)
        {
            BinaryPrimitives.WriteInt32LittleEndian(_body[at..], restart);
            at += RestartSize;
        }
        BinaryPrimitives.WriteInt32LittleEndian(_body[at..], _state.Restarts);
        BinaryPrimitives.WriteInt32LittleEndian(_body[(at + 4)..], _state.Entries);
        return at + TailSize;
    }
}

/// <summary>How far a block of entries has been filled.</summary>
internal struct EntryBlockState
{
    public int Used;
    public int Restarts;
    public int Entries;
    public int LastKeySize;
}
