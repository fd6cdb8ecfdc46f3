using System;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Vsr;

/// <summary>Verifies blocks of a checkpoint's stream.</summary>
public static class CheckpointBlock
{
    /// <summary>Whether <paramref name="bytes"/> (a whole block's room) are the block at <paramref name="address"/>
    /// that follows the one with the checksum <paramref name="previous"/>.</summary>
    public static bool IsSound(
        ReadOnlySpan<byte> bytes, UInt128 cluster, in CheckpointState checkpoint, ulong address, UInt128 previous)
    {
        Check.That(bytes.Length > Limits.HeaderSize);
        Header header = Header.Read(bytes);
        if (!header.ValidChecksum() || header.Invalid(bytes.Length) is not null) return false;
        if (header.Command != Command.Block || header.Cluster != cluster) return false;
        if (header.Block.Address != address || header.Block.Snapshot != checkpoint.Op) return false;
        return header.Block.Previous == previous &&
            header.ValidChecksumBody(bytes[Limits.HeaderSize..(int)header.Size]);
    }
}
