using System;
using System.Buffers.Binary;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>One block in a pack: which it is, and where its header and body lie.</summary>
public readonly struct PackEntry(in BlockReference block, uint offset, uint size)
{
    /// <summary>Bytes in the index: address u64, checksum u128, offset u32, size u32.</summary>
    public const int Size = BlockReference.Size + 8;

    public BlockReference Block { get; } = block;

    /// <summary>From the start of the pack.</summary>
    public uint Offset { get; } = offset;

    /// <summary>Bytes of header and body.</summary>
    public uint Bytes { get; } = size;

    public void WriteTo(Span<byte> bytes)
    {
        Block.WriteTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[BlockReference.Size..], Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[(BlockReference.Size + 4)..], Bytes);
    }

    public static PackEntry Read(ReadOnlySpan<byte> bytes) => new(
        BlockReference.Read(bytes),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[BlockReference.Size..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[(BlockReference.Size + 4)..]));
}
