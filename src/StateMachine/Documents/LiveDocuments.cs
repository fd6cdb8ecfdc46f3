using System;
using System.Buffers.Binary;
using System.Numerics;
using Deterministic.Core;
using Deterministic.Storage;

namespace Deterministic.StateMachine.Documents;

/// <summary>Walks the live documents of a namespace in the order of their numbers. Other trees than
/// <see cref="TreeId.Liveness"/> may change meanwhile.</summary>
public struct LiveDocuments
{
    private readonly Tree _liveness;
    private readonly ulong _namespace;
    private readonly uint _windowLast;
    private uint _next;

    public LiveDocuments(Tree liveness, ulong namespaceNumber)
    {
        Check.That(namespaceNumber > 0);
        _liveness = liveness;
        _namespace = namespaceNumber;
        Keys key = new(stackalloc byte[12]);
        key.Namespace(namespaceNumber).Document(uint.MaxValue);
        bool any = liveness.TryFloor(key.Key, 8, out ReadOnlySpan<byte> found, out _);
        _windowLast = any ? BinaryPrimitives.ReadUInt32BigEndian(found[8..]) : 0;
        _next = 0;
        Document = 0;
    }

    public uint Document { get; private set; }

    public bool MoveNext()
    {
        Keys key = new(stackalloc byte[12]);
        for (uint window = _next / Limits.WindowDocuments; window <= _windowLast; window++)
        {
            key.Namespace(_namespace).Document(window);
            int from = window == _next / Limits.WindowDocuments ? (int)(_next % Limits.WindowDocuments) : 0;
            if (!_liveness.TryGet(key.Key, out ReadOnlySpan<byte> bits)) continue;
            int bit = FirstSet(bits, from);
            if (bit < 0) continue;
            Document = window * Limits.WindowDocuments + (uint)bit;
            _next = Document + 1;
            return true;
        }
        return false;
    }

    private static int FirstSet(ReadOnlySpan<byte> bits, int from)
    {
        for (int word = from / 64; word < Limits.WindowDocuments / 64; word++)
        {
            ulong set = BinaryPrimitives.ReadUInt64LittleEndian(bits[(8 * word)..]);
            if (word == from / 64) set &= ulong.MaxValue << (from % 64);
            if (set != 0) return 64 * word + BitOperations.TrailingZeroCount(set);
        }
        return -1;
    }
}
