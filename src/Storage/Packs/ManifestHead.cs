using System;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>One checkpoint as its manifest tells it, but for the list of packs.</summary>
public readonly struct ManifestHead
{
    public ulong Sequence { get; init; }

    /// <summary>The operation after which the checkpoint was made.</summary>
    public ulong Op { get; init; }

    /// <summary>Checksum of the manifest that this one follows; 0 for the first.</summary>
    public UInt128 Parent { get; init; }
    public BlockReference Root { get; init; }
    public int BlockSize { get; init; }

    /// <summary>Blocks of the grid.</summary>
    public long GridBlocks { get; init; }

    /// <summary>Blocks that the checkpoint needs, and their bytes.</summary>
    public long LiveBlocks { get; init; }
    public long LiveBytes { get; init; }

    /// <summary>Bytes of all packs that it needs.</summary>
    public long PackBytes { get; init; }
    public int Packs { get; init; }

    /// <summary>Bytes of the checkpoint as its owner knows it.</summary>
    public int CheckpointSize { get; init; }
}

/// <summary>A pack in a manifest: which of its blocks the checkpoint needs is told by one bit each.</summary>
public readonly ref struct ManifestPack(scoped in PackIdentity pack, ReadOnlySpan<byte> live)
{
    public PackIdentity Identity { get; } = pack;

    /// <summary>Bit i: entry i of the pack's index is needed.</summary>
    public ReadOnlySpan<byte> Live { get; } = live;

    public bool IsLive(int entry) => (Live[entry >> 3] >> (entry & 7) & 1) != 0;
}
