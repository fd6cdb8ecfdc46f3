using System;
using System.Buffers.Binary;
using Deterministic.Core;

namespace Deterministic.StateMachine.Postings;

/// <summary>Value of <see cref="TreeId.Terms"/>: u64 number of live documents with the term, u32 first document in the
/// key of the last block of its postings (<see cref="NoBlock"/>: not known, the next posting begins a block).</summary>
public static class TermEntry
{
    public const int Size = 12;

    /// <summary>No document has the number 0.</summary>
    public const uint NoBlock = 0;

    public static ulong Count(ReadOnlySpan<byte> entry)
    {
        Check.That(entry.Length == Size);
        return BinaryPrimitives.ReadUInt64LittleEndian(entry);
    }

    public static uint LastBlock(ReadOnlySpan<byte> entry) => BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]);

    public static void SetCount(Span<byte> entry, ulong count) =>
        BinaryPrimitives.WriteUInt64LittleEndian(entry, count);

    public static void SetLastBlock(Span<byte> entry, uint first) =>
        BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], first);
}
