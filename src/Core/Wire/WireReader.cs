using System;
using System.Buffers.Binary;

namespace Deterministic.Core.Wire;

/// <summary>Reads little-endian fields from untrusted bytes. Reading past the end sets <see cref="Failed"/> and yields
/// zeroes from then on, so a decoder checks once at its end; it never throws and never reads outside the
/// span.</summary>
public ref struct WireReader(ReadOnlySpan<byte> buffer)
{
    private readonly ReadOnlySpan<byte> _buffer = buffer;

    public int Position { get; private set; }
    public bool Failed { get; private set; }
    public readonly int Remaining => _buffer.Length - Position;
    public readonly bool AtEnd => !Failed && Position == _buffer.Length;

    public byte U8()
    {
        ReadOnlySpan<byte> from = Advance(1);
        return from.IsEmpty ? (byte)0 : from[0];
    }

    public ushort U16()
    {
        ReadOnlySpan<byte> from = Advance(2);
        return from.IsEmpty ? (ushort)0 : BinaryPrimitives.ReadUInt16LittleEndian(from);
    }

    public uint U32()
    {
        ReadOnlySpan<byte> from = Advance(4);
        return from.IsEmpty ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(from);
    }

    public ulong U64()
    {
        ReadOnlySpan<byte> from = Advance(8);
        return from.IsEmpty ? 0 : BinaryPrimitives.ReadUInt64LittleEndian(from);
    }

    public long I64() => unchecked((long)U64());

    public UInt128 U128()
    {
        ReadOnlySpan<byte> from = Advance(16);
        return from.IsEmpty ? 0 : BinaryPrimitives.ReadUInt128LittleEndian(from);
    }

    public float F32() => BitConverter.UInt32BitsToSingle(U32());

    public double F64() => BitConverter.UInt64BitsToDouble(U64());

    /// <summary>The next <paramref name="size"/> bytes, or an empty span and <see cref="Failed"/>.</summary>
    public ReadOnlySpan<byte> Bytes(long size)
    {
        if (size < 0 || size > Remaining)
        {
            Failed = true;
            return default;
        }
        return Advance((int)size);
    }

    /// <summary>A name: one length byte, then UTF-8.</summary>
    public ReadOnlySpan<byte> Name() => Bytes(U8());

    public void Fail() => Failed = true;

    /// <summary>Bytes from <paramref name="start"/>, an earlier <see cref="Position"/>, up to here.</summary>
    public readonly ReadOnlySpan<byte> Since(int start)
    {
        Check.That(start >= 0 && start <= Position);
        return _buffer[start..Position];
    }

    private ReadOnlySpan<byte> Advance(int size)
    {
        if (Failed || size > Remaining)
        {
            Failed = true;
            return default;
        }
        ReadOnlySpan<byte> from = _buffer.Slice(Position, size);
        Position += size;
        return from;
    }
}
