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
    private LiveWindows _windows;
    private int _next;

    /// <param name="liveness">The tree.</param>
    /// <param name="namespaceNumber">Of the namespace.</param>
    /// <param name="nextDocument">Its next document's number.</param>
    public LiveDocuments(Tree liveness, ulong namespaceNumber, uint nextDocument)
    {
        _liveness = liveness;
        _namespace = namespaceNumber;
        _windows = new LiveWindows(liveness, namespaceNumber, nextDocument);
        _next = Limits.WindowDocuments;
        Document = 0;
    }

    public uint Document { get; private set; }

    public bool MoveNext()
    {
        Keys key = new(stackalloc byte[12]);
        while (true)
        {
            if (_next == Limits.WindowDocuments)
            {
                if (!_windows.MoveNext()) return false;
                _next = 0;
            }
            bool exists = _liveness.TryGet(
                key.Namespace(_namespace).Document(_windows.Window).Key, out ReadOnlySpan<byte> bits);
            Check.That(exists);
            int bit = FirstSet(bits, _next);
            _next = bit < 0 ? Limits.WindowDocuments : bit + 1;
            if (bit < 0) continue;
            Document = _windows.Window * Limits.WindowDocuments + (uint)bit;
            return true;
        }
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
