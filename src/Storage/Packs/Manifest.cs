using System;
using System.Numerics;
using Deterministic.Core;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>Names all blocks of one checkpoint. Magic u64, version u32, size of a block u32, cluster u128, sequence
/// u64, op u64, parent u128, root (24 bytes), blocks of the grid u64, live blocks u64, live bytes u64, bytes of packs
/// u64, packs u32, size of the checkpoint u32, the checkpoint; of each pack number u64, offset of the index u32,
/// entries u32, checksum of the index u128, a bit per entry; checksum of all that u128.</summary>
public static class Manifest
{
    public const int HeadSize = 128;

    /// <summary>Largest checkpoint.</summary>
    public const int CheckpointSizeMax = 4096;
    private const ulong Magic = 0x6566_696E_616D_64;
    private const uint Version = 1;
    private const int PackHeadSize = 32;
    private const int ChecksumSize = 16;

    /// <summary>Bytes of a manifest of so many packs at most.</summary>
    public static long SizeMax(int packs, int entries) =>
        HeadSize + CheckpointSizeMax + packs * (long)PackSize(entries) + ChecksumSize;

    /// <summary>Bytes that a pack of so many blocks takes in a manifest.</summary>
    public static int PackSize(int entries) => PackHeadSize + BitsSize(entries);

    public static int BitsSize(int entries) => (entries + 7) / 8;

    /// <summary>Writes what comes before the packs and returns its size.</summary>
    public static int WriteHead(
        Span<byte> bytes, UInt128 cluster, in ManifestHead head, scoped ReadOnlySpan<byte> checkpoint)
    {
        Check.That(checkpoint.Length is > 0 and <= CheckpointSizeMax);
        WireWriter writer = new(bytes);
        writer.U64(Magic);
        writer.U32(Version);
        writer.U32((uint)head.BlockSize);
        writer.U128(cluster);
        writer.U64(head.Sequence);
        writer.U64(head.Op);
        writer.U128(head.Parent);
        writer.U64(head.Root.Address);
        writer.U128(head.Root.Checksum);
        writer.I64(head.GridBlocks);
        writer.I64(head.LiveBlocks);
        writer.I64(head.LiveBytes);
        writer.I64(head.PackBytes);
        writer.U32((uint)head.Packs);
        writer.U32((uint)checkpoint.Length);
        Check.That(writer.Position == HeadSize);
        writer.Bytes(checkpoint);
        Check.That(!writer.Overflowed);
        return writer.Position;
    }

    /// <summary>Writes one pack at an offset, no block of it live, and returns where its bits are.</summary>
    public static int WritePack(Span<byte> bytes, int at, in PackIdentity pack)
    {
        WireWriter writer = new(bytes[at..]);
        writer.U64(pack.Number);
        writer.U32(pack.IndexOffset);
        writer.U32((uint)pack.Entries);
        writer.U128(pack.IndexChecksum);
        Check.That(writer.Position == PackHeadSize && !writer.Overflowed);
        bytes.Slice(at + PackHeadSize, BitsSize(pack.Entries)).Clear();
        return at + PackHeadSize;
    }

    /// <summary>Seals what ends here and returns the size of the manifest.</summary>
    public static int Seal(Span<byte> bytes, int end, out UInt128 checksum)
    {
        checksum = Checksum.Of(bytes[..end]);
        WireWriter writer = new(bytes.Slice(end, ChecksumSize));
        writer.U128(checksum);
        return end + ChecksumSize;
    }

    /// <summary>The checksum that a manifest ends with and is named by.</summary>
    public static UInt128 ChecksumOf(ReadOnlySpan<byte> bytes)
    {
        WireReader reader = new(bytes[^ChecksumSize..]);
        return reader.U128();
    }

    /// <summary>Checks a whole manifest; only then may its packs be walked.</summary>
    public static ContentProblem Read(ReadOnlySpan<byte> bytes, UInt128 cluster, out ManifestHead head)
    {
        head = default;
        if (bytes.Length < HeadSize + ChecksumSize) return ContentProblem.WrongSize;
        WireReader reader = new(bytes[..^ChecksumSize]);
        if (reader.U64() != Magic) return ContentProblem.WrongMagic;
        if (reader.U32() != Version) return ContentProblem.WrongVersion;
        if (Checksum.Of(bytes[..^ChecksumSize]) != ChecksumOf(bytes)) return ContentProblem.WrongChecksum;
        uint blockSize = reader.U32();
        if (reader.U128() != cluster) return ContentProblem.WrongCluster;
        ManifestHead read = new()
        {
            BlockSize = blockSize is >= Limits.BlockSizeMin and <= Limits.BlockSizeMax ? (int)blockSize : 0,
            Sequence = reader.U64(),
            Op = reader.U64(),
            Parent = reader.U128(),
            Root = new BlockReference(reader.U64(), reader.U128()),
            GridBlocks = reader.I64(),
            LiveBlocks = reader.I64(),
            LiveBytes = reader.I64(),
            PackBytes = reader.I64(),
            Packs = unchecked((int)reader.U32()),
            CheckpointSize = unchecked((int)reader.U32()),
        };
        if (read.Sequence == 0 || read.Op == 0 || read.BlockSize == 0) return ContentProblem.WrongField;
        if (read.GridBlocks is <= 0 or >= int.MaxValue || read.Packs < 0) return ContentProblem.WrongField;
        if (read.CheckpointSize is <= 0 or > CheckpointSizeMax) return ContentProblem.WrongField;
        reader.Bytes(read.CheckpointSize);
        ContentProblem problem = ReadPacks(ref reader, in read);
        if (problem == ContentProblem.None) head = read;
        return problem;
    }

    /// <summary>The checkpoint in a manifest that was read.</summary>
    public static ReadOnlySpan<byte> Checkpoint(ReadOnlySpan<byte> bytes, scoped in ManifestHead head) =>
        bytes.Slice(HeadSize, head.CheckpointSize);

    /// <summary>The packs of a manifest that was read, to be walked with <see cref="NextPack"/>.</summary>
    public static WireReader Packs(ReadOnlySpan<byte> bytes, scoped in ManifestHead head)
    {
        WireReader reader = new(bytes[..^ChecksumSize]);
        reader.Bytes(HeadSize + head.CheckpointSize);
        return reader;
    }

    /// <summary>False after the last pack.</summary>
    public static bool NextPack(ref WireReader packs, out ManifestPack pack)
    {
        pack = default;
        if (packs.Remaining == 0) return false;
        PackIdentity identity = new()
        {
            Number = packs.U64(),
            IndexOffset = packs.U32(),
            Entries = unchecked((int)packs.U32()),
            IndexChecksum = packs.U128(),
        };
        if (identity.Entries is <= 0 or > PackFile.EntriesMax) packs.Fail();
        ReadOnlySpan<byte> live = packs.Failed ? default : packs.Bytes(BitsSize(identity.Entries));
        if (packs.Failed) return false;
        pack = new ManifestPack(in identity, live);
        return true;
    }

    private static ContentProblem ReadPacks(ref WireReader reader, in ManifestHead head)
    {
        long live = 0;
        long bytes = 0;
        int packs = 0;
        while (NextPack(ref reader, out ManifestPack pack))
        {
            int bits = 0;
            foreach (byte each in pack.Live) bits += BitOperations.PopCount(each);
            int spare = pack.Live.Length * 8 - pack.Identity.Entries;
            if (pack.Identity.IndexOffset < PackFile.HeaderSize) return ContentProblem.WrongField;
            if (bits == 0 || spare > 0 && pack.Live[^1] >> (8 - spare) != 0) return ContentProblem.WrongField;
            live += bits;
            bytes += pack.Identity.Size;
            packs++;
        }
        bool whole = reader.AtEnd && packs == head.Packs && live == head.LiveBlocks && bytes == head.PackBytes;
        return whole && head.LiveBytes >= 0 ? ContentProblem.None : ContentProblem.WrongField;
    }
}
