using System;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>The grid that packs and manifests are of.</summary>
public readonly struct GridShape(UInt128 cluster, int blockSize, long blocks)
{
    public UInt128 Cluster { get; } = cluster;
    public int BlockSize { get; } = blockSize;
    public long Blocks { get; } = blocks;
}

/// <summary>Identity and size of a pack, as a manifest names it.</summary>
public readonly struct PackIdentity
{
    public ulong Number { get; init; }

    /// <summary>Where the index starts, which is where the blocks end.</summary>
    public uint IndexOffset { get; init; }

    /// <summary>Blocks in the pack.</summary>
    public int Entries { get; init; }
    public UInt128 IndexChecksum { get; init; }

    /// <summary>Bytes of the index and of the footer behind it.</summary>
    public int TailSize => Entries * PackEntry.Size + PackFile.FooterSize;

    /// <summary>Bytes of the whole object.</summary>
    public long Size => IndexOffset + (long)TailSize;

    public bool Is(in PackIdentity other) => Number == other.Number && IndexOffset == other.IndexOffset &&
        Entries == other.Entries && IndexChecksum == other.IndexChecksum;
}

/// <summary>Blocks in one object, none of which is ever changed. Header: magic u64, version u32, codec u32 (0: as
/// stored), cluster u128, number u64, zero. Then header and body of block after block. Then the index, one
/// <see cref="PackEntry"/> a block in the same order. Footer: magic u64, number u64, offset of the index u32, entries
/// u32, checksum of the index u128, zero u64, cluster u128, checksum of the footer so far u128.</summary>
public static class PackFile
{
    public const int HeaderSize = 64;
    public const int FooterSize = 80;

    /// <summary>Most blocks of one pack.</summary>
    public const int EntriesMax = 4096;
    private const ulong HeadMagic = 0x6B63_6170_7465_64;
    private const ulong FootMagic = 0x646E_6570_7465_64;
    private const uint Version = 1;
    private const int FooterCheckedSize = FooterSize - 16;

    public static void WriteHeader(Span<byte> bytes, UInt128 cluster, ulong number)
    {
        bytes[..HeaderSize].Clear();
        WireWriter writer = new(bytes[..HeaderSize]);
        writer.U64(HeadMagic);
        writer.U32(Version);
        writer.U32(0);
        writer.U128(cluster);
        writer.U64(number);
        Check.That(!writer.Overflowed);
    }

    public static void WriteFooter(Span<byte> bytes, UInt128 cluster, in PackIdentity pack)
    {
        WireWriter writer = new(bytes[..FooterSize]);
        writer.U64(FootMagic);
        writer.U64(pack.Number);
        writer.U32(pack.IndexOffset);
        writer.U32((uint)pack.Entries);
        writer.U128(pack.IndexChecksum);
        writer.U64(0);
        writer.U128(cluster);
        Check.That(writer.Position == FooterCheckedSize);
        writer.U128(Checksum.Of(bytes[..FooterCheckedSize]));
        Check.That(!writer.Overflowed);
    }

    /// <summary>Reads the footer of a pack of this size, and with it where the index is.</summary>
    public static ContentProblem ReadFooter(
        ReadOnlySpan<byte> footer, long packSize, UInt128 cluster, out PackIdentity pack)
    {
        pack = default;
        if (footer.Length != FooterSize || packSize < HeaderSize + FooterSize) return ContentProblem.WrongSize;
        WireReader reader = new(footer);
        if (reader.U64() != FootMagic) return ContentProblem.WrongMagic;
        ulong number = reader.U64();
        uint offset = reader.U32();
        uint entries = reader.U32();
        UInt128 checksum = reader.U128();
        ulong zero = reader.U64();
        UInt128 owner = reader.U128();
        if (reader.U128() != Checksum.Of(footer[..FooterCheckedSize])) return ContentProblem.WrongChecksum;
        if (owner != cluster) return ContentProblem.WrongCluster;
        if (zero != 0 || entries is 0 or > EntriesMax || offset < HeaderSize) return ContentProblem.WrongField;
        pack = new PackIdentity
        {
            Number = number, IndexOffset = offset, Entries = (int)entries, IndexChecksum = checksum,
        };
        return pack.Size == packSize ? ContentProblem.None : ContentProblem.WrongSize;
    }

    /// <summary>Whether these bytes are the index and footer of the pack that a manifest names.</summary>
    public static ContentProblem CheckTail(ReadOnlySpan<byte> tail, in PackIdentity pack, in GridShape shape)
    {
        if (tail.Length != pack.TailSize) return ContentProblem.WrongSize;
        ReadOnlySpan<byte> index = tail[..^FooterSize];
        ContentProblem problem = ReadFooter(tail[^FooterSize..], pack.Size, shape.Cluster, out PackIdentity found);
        if (problem != ContentProblem.None) return problem;
        return found.Is(in pack) ? CheckIndex(index, in pack, in shape) : ContentProblem.WrongIdentity;
    }

    /// <summary>Whether every block of an index lies in its pack and belongs into the grid.</summary>
    public static ContentProblem CheckIndex(ReadOnlySpan<byte> index, in PackIdentity pack, in GridShape shape)
    {
        if (index.Length != pack.Entries * PackEntry.Size) return ContentProblem.WrongSize;
        if (Checksum.Of(index) != pack.IndexChecksum) return ContentProblem.WrongChecksum;
        for (int i = 0; i < pack.Entries; i++)
        {
            PackEntry entry = PackEntry.Read(index[(i * PackEntry.Size)..]);
            if (entry.Block.IsNone || entry.Block.Address > (ulong)shape.Blocks) return ContentProblem.WrongField;
            if (entry.Bytes < Limits.HeaderSize || entry.Bytes > (uint)shape.BlockSize)
                return ContentProblem.WrongField;
            if (entry.Offset < HeaderSize || entry.Offset + (long)entry.Bytes > pack.IndexOffset)
                return ContentProblem.WrongField;
        }
        return ContentProblem.None;
    }

    /// <summary>Checks a whole pack, blocks included.</summary>
    public static ContentProblem CheckAll(ReadOnlySpan<byte> bytes, in GridShape shape, out PackIdentity pack)
    {
        pack = default;
        if (bytes.Length < HeaderSize + FooterSize) return ContentProblem.WrongSize;
        ContentProblem problem = ReadFooter(bytes[^FooterSize..], bytes.Length, shape.Cluster, out pack);
        if (problem != ContentProblem.None) return problem;
        problem = CheckHeader(bytes[..HeaderSize], shape.Cluster, pack.Number);
        if (problem != ContentProblem.None) return problem;
        ReadOnlySpan<byte> index = bytes[(int)pack.IndexOffset..^FooterSize];
        problem = CheckIndex(index, in pack, in shape);
        for (int i = 0; problem == ContentProblem.None && i < pack.Entries; i++)
        {
            PackEntry entry = PackEntry.Read(index[(i * PackEntry.Size)..]);
            if (!IsBlock(bytes.Slice((int)entry.Offset, (int)entry.Bytes), entry.Block, shape.Cluster))
                problem = ContentProblem.WrongChecksum;
        }
        return problem;
    }

    /// <summary>Whether header and body, without what fills the block up, are the block that is referred to.</summary>
    public static bool IsBlock(ReadOnlySpan<byte> bytes, in BlockReference block, UInt128 cluster) =>
        bytes.Length >= Limits.HeaderSize && Header.Read(bytes).Size == (uint)bytes.Length &&
        Blocks.Grid.IsSound(bytes, in block, cluster);

    private static ContentProblem CheckHeader(ReadOnlySpan<byte> bytes, UInt128 cluster, ulong number)
    {
        WireReader reader = new(bytes);
        if (reader.U64() != HeadMagic) return ContentProblem.WrongMagic;
        if (reader.U32() != Version || reader.U32() != 0) return ContentProblem.WrongVersion;
        if (reader.U128() != cluster) return ContentProblem.WrongCluster;
        return reader.U64() == number ? ContentProblem.None : ContentProblem.WrongIdentity;
    }
}
