using System;
using System.Buffers.Binary;

namespace Deterministic.Core.Wire;

/// <summary>Where a block is and what it must hold. Whoever follows a reference verifies both.</summary>
public readonly struct BlockReference(ulong address, UInt128 checksum)
{
    /// <summary>Bytes on disk: address u64, checksum u128.</summary>
    public const int Size = 24;

    /// <summary>Number of the block in the grid, from 1; 0 is no block.</summary>
    public ulong Address { get; } = address;

    /// <summary>Checksum of the block's header, which holds that of its body.</summary>
    public UInt128 Checksum { get; } = checksum;

    public bool IsNone => Address == 0;

    public bool Is(in BlockReference other) => Address == other.Address && Checksum == other.Checksum;

    public void WriteTo(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, Address);
        BinaryPrimitives.WriteUInt128LittleEndian(bytes[8..], Checksum);
    }

    public static BlockReference Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt128LittleEndian(bytes[8..]));
}
