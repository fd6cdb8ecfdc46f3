using System;
using System.Buffers.Binary;

namespace Deterministic.Core.Wire;

/// <summary>Writes little-endian fields into a fixed span. Running out of room is an operating error, not a bug:
/// <see cref="Overflowed"/> turns true, nothing more is written, and the caller answers with a clear error.</summary>
public ref struct WireWriter(Span<byte> buffer)
{
    private readonly Span<byte> _buffer = buffer;

    public int Position { get; private set; }
    public bool Overflowed { get; private set; }
    public readonly int Remaining => _buffer.Length - Position;
    public readonly ReadOnlySpan<byte> Written => _buffer[..Position];

    public void U8(byte value)
    {
        Span<byte> to = Advance(1);
        if (!to.IsEmpty) to[0] = value;
    }

    public void U16(int value)
    {
        Check.That(value is >= 0 and <= ushort.MaxValue);
        Span<byte> to = Advance(2);
        if (!to.IsEmpty) BinaryPrimitives.WriteUInt16LittleEndian(to, (ushort)value);
    }

    public void U32(uint value)
    {
        Span<byte> to = Advance(4);
        if (!to.IsEmpty) BinaryPrimitives.WriteUInt32LittleEndian(to, value);
    }

    public void U64(ulong value)
    {
        Span<byte> to = Advance(8);
        if (!to.IsEmpty) BinaryPrimitives.WriteUInt64LittleEndian(to, value);
    }

    public void I64(long value) => U64(unchecked((ulong)value));

    public void U128(UInt128 value)
    {
        Span<byte> to = Advance(16);
        if (!to.IsEmpty) BinaryPrimitives.WriteUInt128LittleEndian(to, value);
    }

    public void F32(float value) => U32(BitConverter.SingleToUInt32Bits(value));

    public void F64(double value) => U64(BitConverter.DoubleToUInt64Bits(value));

    public void Bytes(scoped ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return;
        Span<byte> to = Advance(bytes.Length);
        if (!to.IsEmpty) bytes.CopyTo(to);
    }

    /// <summary>A name: one length byte, then UTF-8.</summary>
    public void Name(scoped ReadOnlySpan<byte> name)
    {
        Check.That(name.Length <= byte.MaxValue);
        U8((byte)name.Length);
        Bytes(name);
    }

    /// <summary>Leaves room for a count that is known later; give the result to the matching <c>Patch</c>.</summary>
    public int ReserveU32()
    {
        int at = Position;
        U32(0);
        return at;
    }

    public int ReserveU16()
    {
        int at = Position;
        U16(0);
        return at;
    }

    public readonly void PatchU32(int at, uint value)
    {
        if (Overflowed) return;
        Check.That(at + 4 <= Position);
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer[at..], value);
    }

    public readonly void PatchU16(int at, int value)
    {
        if (Overflowed) return;
        Check.That(at + 2 <= Position);
        Check.That(value is >= 0 and <= ushort.MaxValue);
        BinaryPrimitives.WriteUInt16LittleEndian(_buffer[at..], (ushort)value);
    }

    /// <summary>Takes back everything written after <paramref name="position"/>.</summary>
    public void Rewind(int position)
    {
        Check.That(position >= 0 && position <= Position);
        Position = position;
        Overflowed = false;
    }

    private Span<byte> Advance(int size)
    {
        if (Overflowed || size > Remaining)
        {
            Overflowed = true;
            return default;
        }
        Span<byte> to = _buffer.Slice(Position, size);
        Position += size;
        return to;
    }
}
