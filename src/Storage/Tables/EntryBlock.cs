using System;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Deterministic.Core;

namespace Deterministic.Storage.Tables;

/// <summary>Where an entry lies in its block. Its key is in a buffer of the reader.</summary>
internal struct EntryPlace
{
    /// <summary>Number of the entry in the block.</summary>
    public int Index;

    /// <summary>Offset of the entry behind it.</summary>
    public int Next;
    public int KeySize;
    public int ValueOffset;
    public int ValueSize;
    public EntryKind Kind;
}

/// <summary>View of a block of entries, see <see cref="EntryBlockWriter"/>. The bytes are verified by
/// checksum and by <see cref="IsValid"/>.</summary>
internal readonly ref partial struct EntryBlock
{
    private readonly ReadOnlySpan<byte> _body;
    private readonly ReadOnlySpan<byte> _restarts;

    public EntryBlock(ReadOnlySpan<byte> body)
    {
        Check.That(body.Length >= EntryBlockWriter.TailSize);
        Count = BinaryPrimitives.ReadInt32LittleEndian(body[^4..]);
        int restarts = BinaryPrimitives.ReadInt32LittleEndian(body[^8..]);
        Check.That(Count > 0 && restarts > 0);
        _restarts = body.Slice(body.Length - EntryBlockWriter.TailSize - 4 * restarts, 4 * restarts);
        _body = body;
    }

    /// <summary>Entries.</summary>
    public int Count { get; }

    private int Restarts => _restarts.Length / 4;

    public ReadOnlySpan<byte> Value(scoped in EntryPlace place) => _body.Slice(place.ValueOffset, place.ValueSize);

    public void First(Span<byte> key, out EntryPlace place) => Restart(0, key, out place);

    public void Last(Span<byte> key, out EntryPlace place)
    {
        Restart(Restarts - 1, key, out place);
        while (place.Index < Count - 1) Next(key, ref place);
    }

    /// <summary>Moves to the next entry; the caller has seen that there is one.</summary>
    public void Next(Span<byte> key, ref EntryPlace place)
    {
        Check.That(place.Index + 1 < Count);
        place.Index++;
        Parse(place.Next, key, ref place);
    }

    /// <summary>Moves to the entry before, reading again from its restart.</summary>
    public void Previous(Span<byte> key, ref EntryPlace place)
    {
        Check.That(place.Index > 0);
        int wanted = place.Index - 1;
        Restart(wanted / EntryBlockWriter.RestartInterval, key, out place);
        while (place.Index < wanted) Next(key, ref place);
    }

    /// <summary>The last entry whose key is not above <paramref name="target"/>; false if the first is above
    /// it.</summary>
    public bool TryFloor(ReadOnlySpan<byte> target, Span<byte> key, out EntryPlace place)
    {
        int low = 0;
        int high = Restarts;
        while (low < high)
        {
            int middle = (low + high) >> 1;
            if (RestartKey(middle).SequenceCompareTo(target) <= 0) low = middle + 1;
            else high = middle;
        }
        place = default;
        if (low == 0) return false;
        Restart(low - 1, key, out place);
        while (place.Index + 1 < Count && TryStep(target, key, ref place)) continue;
        return true;
    }

    /// <summary>Moves on unless the next key is above the target.</summary>
    private bool TryStep(ReadOnlySpan<byte> target, Span<byte> key, ref EntryPlace place)
    {
        int at = place.Next;
        int shared = (int)Varint32.Read(_body, ref at);
        int rest = (int)Varint32.Read(_body, ref at);
        uint meta = Varint32.Read(_body, ref at);
        // The key so far is not above the target, so only where they part does the next one matter.
        ReadOnlySpan<byte> start = key[..shared];
        int order = target.Length < shared
            ? start.SequenceCompareTo(target)
            : start.SequenceCompareTo(target[..shared]);
        if (order == 0) order = _body.Slice(at, rest).SequenceCompareTo(target[shared..]);
        if (order > 0) return false;
        place.Index++;
        Take(at, shared, rest, meta, key, ref place);
        return true;
    }

    private ReadOnlySpan<byte> RestartKey(int restart)
    {
        int at = BinaryPrimitives.ReadInt32LittleEndian(_restarts[(4 * restart)..]);
        uint shared = Varint32.Read(_body, ref at);
        Check.That(shared == 0);
        int rest = (int)Varint32.Read(_body, ref at);
        Varint32.Read(_body, ref at);
        return _body.Slice(at, rest);
    }

    private void Restart(int restart, Span<byte> key, out EntryPlace place)
    {
        place = default;
        place.Index = restart * EntryBlockWriter.RestartInterval;
        Parse(BinaryPrimitives.ReadInt32LittleEndian(_restarts[(4 * restart)..]), key, ref place);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Parse(int at, Span<byte> key, ref EntryPlace place)
    {
        int shared = (int)Varint32.Read(_body, ref at);
        int rest = (int)Varint32.Read(_body, ref at);
        uint meta = Varint32.Read(_body, ref at);
        Take(at, shared, rest, meta, key, ref place);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Take(int at, int shared, int rest, uint meta, Span<byte> key, ref EntryPlace place)
    {
        _body.Slice(at, rest).CopyTo(key[shared..]);
        place.KeySize = shared + rest;
        place.ValueSize = (int)(meta >> 1);
        place.ValueOffset = EntryBlockWriter.ValueOffset(at + rest, place.ValueSize);
        place.Kind = (EntryKind)(meta & 1);
        place.Next = place.ValueOffset + place.ValueSize;
    }
}
