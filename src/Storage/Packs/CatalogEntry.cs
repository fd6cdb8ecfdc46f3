using System;
using Deterministic.Core;
using Deterministic.Core.Objects;

namespace Deterministic.Storage.Packs;

/// <summary>One checkpoint that is kept.</summary>
public readonly struct CatalogEntry
{
    /// <summary>Longest name of a snapshot.</summary>
    public const int NameSizeMax = 64;

    public ulong Sequence { get; init; }
    public ulong Op { get; init; }

    /// <summary>Checksum of the checkpoint as its owner knows it.</summary>
    public UInt128 CheckpointId { get; init; }
    public UInt128 ManifestChecksum { get; init; }
    public int ManifestSize { get; init; }

    /// <summary>Blocks that the checkpoint needs and their bytes; the packs they lie in and their bytes.</summary>
    public long LiveBlocks { get; init; }
    public long LiveBytes { get; init; }
    public int Packs { get; init; }
    public long PackBytes { get; init; }

    /// <summary>Of a named snapshot; empty for one of the last checkpoints.</summary>
    public ObjectKey Name { get; init; }

    public bool IsNamed => !Name.IsEmpty;

    /// <summary>Names that come from outside: one segment of a key, not one that means something else.</summary>
    public static bool IsName(ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or > NameSizeMax || !ObjectKey.IsValid(name) || name.Contains((byte)'/')) return false;
        if (name.SequenceEqual("latest"u8)) return false;
        return name.ContainsAnyExceptInRange((byte)'0', (byte)'9');
    }
}
