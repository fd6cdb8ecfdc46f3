using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Deterministic.Core.Wire;

namespace Deterministic.TestSupport;

/// <summary>One change of a checkpoint in <see cref="Size"/> bytes: kind of block u8, which of them u8, offset u16,
/// what to do u8, a byte, other offset u16. Any bytes are a change.</summary>
public static class CheckpointEdit
{
    public const int Size = 8;

    private static readonly ulong[] Numbers =
    [
        0, 1, 2, 3, 5, 7, 8, 24, 63, 64, 255, 256, 511, 512, 513, 545, 546, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
        0x1_0000_0000, 0x4000_0000_0000_0000, 0x7FFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF_FFFF_FFFF,
    ];

    public static void Apply(ReadOnlySpan<byte> edit, ForgedCheckpoint checkpoint)
    {
        int block = Choose(checkpoint, (BlockKind)(edit[0] % 8), edit[1]);
        Span<byte> room = checkpoint.Body(block);
        int size = checkpoint.SizeOf(block);
        int offset = size == 0 ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(edit[2..]) % size;
        int other = size == 0 ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(edit[6..]) % size;
        ulong number = Numbers[edit[5] % Numbers.Length];
        // Room behind the content, so that no field is cut off.
        int word = int.Min(offset & ~3, room.Length - 8);
        switch (edit[4] % 8)
        {
            case 0: room[offset] ^= (byte)(edit[5] | 1); break;
            case 1: BinaryPrimitives.WriteUInt32LittleEndian(room[word..], unchecked((uint)number)); break;
            case 2: BinaryPrimitives.WriteUInt64LittleEndian(room[word..], number); break;
            case 3:
                uint old = BinaryPrimitives.ReadUInt32LittleEndian(room[word..]);
                BinaryPrimitives.WriteUInt32LittleEndian(room[word..], unchecked(old + (uint)(sbyte)edit[5]));
                break;
            case 4:
                int moved = int.Min(edit[5], size - int.Max(offset, other));
                if (moved > 0) room.Slice(other, moved).CopyTo(room[offset..]);
                break;
            case 5: checkpoint.Resize(block, edit[5] % 2 == 0 ? offset : int.Min(size + edit[5], room.Length)); break;
            case 6: checkpoint.SetKind(block, (BlockKind)(1 + edit[5] % 6)); break;
            default:
                int from = BinaryPrimitives.ReadUInt16LittleEndian(edit[6..]) % checkpoint.Count;
                checkpoint.Body(from).CopyTo(room);
                checkpoint.Resize(block, checkpoint.SizeOf(from));
                break;
        }
        checkpoint.Seal(block);
    }

    /// <summary>A block of a kind; of any if there is none of it.</summary>
    private static int Choose(ForgedCheckpoint checkpoint, BlockKind kind, byte which)
    {
        List<int> blocks = [];
        for (int block = 0; block < checkpoint.Count; block++) if (checkpoint.KindOf(block) == kind) blocks.Add(block);
        return blocks.Count == 0 ? which % checkpoint.Count : blocks[which % blocks.Count];
    }
}
