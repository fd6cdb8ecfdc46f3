using System;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Numerics;

namespace Deterministic.StorageBenchmark;

/// <summary>Folds results in their order. In timed turns only the ends of keys and values go in, so that the
/// consumer costs next to nothing and yet touches them; in checks every byte does.</summary>
internal struct ResultHash(bool everyByte)
{
    public ulong Value { get; private set; }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (everyByte) Value = XxHash3.HashToUInt64(bytes, (long)Value) + (ulong)bytes.Length;
        else if (bytes.Length >= 8) Value = Fold(Fold(Value, bytes), bytes[^8..]);
        else Value = Value * 31 + (ulong)bytes.Length;
    }

    public void AddMissing() => Value = BitOperations.RotateLeft(Value, 7) + 1;

    private static ulong Fold(ulong value, ReadOnlySpan<byte> bytes) =>
        BitOperations.RotateLeft(value, 5) ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes);
}
