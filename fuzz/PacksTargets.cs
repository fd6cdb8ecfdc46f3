using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Randomness;
using Deterministic.Core.Wire;
using Deterministic.Storage.Packs;

namespace Deterministic.Fuzz;

/// <summary>What is read back from an object store: packs, manifests, catalogs. Each input is looked at as it is, and
/// with right checksums, so that damaged fields get to be looked at too.</summary>
internal static class PacksTargets
{
    private const int ChecksumSize = 16;
    private const int Cluster = 77;

    private static GridShape Shape { get; } = new(Cluster, Limits.BlockSizeMin, blocks: 50);

    public static byte[] GeneratePack(TapeStream tape)
    {
        using StaticMemory memory = new();
        PackWriter writer = new(memory, Cluster, sizeMax: 16 << 10, entriesMax: 16);
        writer.Start((ulong)tape.Range(1, 5));
        for (int i = tape.Range(1, 9); i > 0; i--)
        {
            byte[] body = new byte[tape.Below(200)];
            tape.Bytes(body);
            Header header = Header.Create(Command.Block, Cluster, view: 0, replica: 0, body.Length);
            header.Block.Address = (ulong)tape.Range(1, tape.Chance(Ratio.OneIn(20)) ? 60 : 50);
            header.Block.Kind = BlockKind.Root;
            header.SetChecksumBody(body);
            header.SetChecksum();
            byte[] block = new byte[header.Size];
            header.WriteTo(block);
            body.CopyTo(block.AsSpan(Limits.HeaderSize));
            writer.Add(new BlockReference(header.Block.Address, header.Checksum), block);
        }
        writer.Finish(out NativeBuffer content);
        return content.Span.ToArray();
    }

    public static void Pack(ReadOnlySpan<byte> input, Tally tally)
    {
        Examine(input, tally);
        if (input.Length < PackFile.HeaderSize + PackFile.FooterSize) return;
        byte[] sealedAgain = input.ToArray();
        Span<byte> footer = sealedAgain.AsSpan(^PackFile.FooterSize);
        uint offset = BinaryPrimitives.ReadUInt32LittleEndian(footer[16..]);
        if (offset <= sealedAgain.Length - PackFile.FooterSize)
        {
            UInt128 index = Checksum.Of(sealedAgain.AsSpan((int)offset..^PackFile.FooterSize));
            BinaryPrimitives.WriteUInt128LittleEndian(footer[24..], index);
        }
        Seal(footer);
        Examine(sealedAgain, tally);
    }

    public static byte[] GenerateManifest(TapeStream tape)
    {
        PackIdentity[] packs = new PackIdentity[tape.Below(5)];
        long size = 0;
        for (int i = 0; i < packs.Length; i++)
        {
            packs[i] = new PackIdentity
            {
                Number = tape.U64(), IndexOffset = (uint)tape.Range(64, 5000), Entries = tape.Range(1, 40),
                IndexChecksum = tape.U64(),
            };
            size += packs[i].Size;
        }
        byte[] checkpoint = new byte[tape.Range(1, 600)];
        ManifestHead head = new()
        {
            Sequence = (ulong)tape.Range(1, 9), Op = (ulong)tape.Range(1, 9), Root = new BlockReference(3, 4),
            BlockSize = Limits.BlockSizeMin, GridBlocks = 50, LiveBlocks = packs.Length, PackBytes = size,
            Packs = packs.Length, CheckpointSize = checkpoint.Length,
        };
        byte[] bytes = new byte[Manifest.SizeMax(packs.Length, PackFile.EntriesMax)];
        int at = Manifest.WriteHead(bytes, Cluster, in head, checkpoint);
        foreach (PackIdentity pack in packs)
        {
            bytes[Manifest.WritePack(bytes, at, in pack)] |= 1;
            at += Manifest.PackSize(pack.Entries);
        }
        return bytes[..Manifest.Seal(bytes, at, out _)];
    }

    public static void ReadManifest(ReadOnlySpan<byte> input, Tally tally)
    {
        ExamineManifest(input, tally);
        if (input.Length < ChecksumSize) return;
        byte[] sealedAgain = input.ToArray();
        Seal(sealedAgain);
        ExamineManifest(sealedAgain, tally);
    }

    public static byte[] GenerateCatalog(TapeStream tape)
    {
        Catalog catalog = new() { History = tape.U64(), Writer = tape.U64(), Epoch = (uint)tape.Below(9) };
        ulong sequence = 0;
        for (int i = tape.Below(6); i > 0; i--)
        {
            sequence += (ulong)tape.Range(1, 3);
            CatalogEntry entry = new()
            {
                Sequence = sequence, Op = (ulong)tape.Range(1, 9), CheckpointId = tape.U64(),
                ManifestChecksum = tape.U64(), ManifestSize = tape.Range(Manifest.HeadSize, 9999),
                LiveBlocks = tape.Below(99), LiveBytes = tape.Below(99), Packs = tape.Below(99),
                PackBytes = tape.Below(99),
            };
            if (tape.Boolean()) entry = entry with { Name = new ObjectKey([(byte)('a' + i)]) };
            catalog.TryAdd(in entry);
        }
        byte[] bytes = new byte[Catalog.SizeMax];
        return bytes[..catalog.Write(bytes, Cluster)];
    }

    public static void ReadCatalog(ReadOnlySpan<byte> input, Tally tally)
    {
        ExamineCatalog(input, tally);
        if (input.Length < ChecksumSize) return;
        byte[] sealedAgain = input.ToArray();
        Seal(sealedAgain);
        ExamineCatalog(sealedAgain, tally);
    }

    private static void Examine(ReadOnlySpan<byte> bytes, Tally tally)
    {
        bool accepted = PackFile.CheckAll(bytes, Shape, out PackIdentity pack) == ContentProblem.None;
        tally.Count(accepted);
        if (!accepted) return;
        Check.That(pack.Size == bytes.Length);
        ReadOnlySpan<byte> tail = bytes[(int)pack.IndexOffset..];
        Check.That(PackFile.CheckTail(tail, in pack, Shape) == ContentProblem.None);
    }

    private static void ExamineManifest(ReadOnlySpan<byte> bytes, Tally tally)
    {
        bool accepted = Manifest.Read(bytes, Cluster, out ManifestHead head) == ContentProblem.None;
        tally.Count(accepted);
        if (!accepted) return;
        Check.That(Manifest.Checkpoint(bytes, in head).Length == head.CheckpointSize);
        WireReader packs = Manifest.Packs(bytes, in head);
        int count = 0;
        long live = 0;
        while (Manifest.NextPack(ref packs, out ManifestPack pack))
        {
            count++;
            for (int entry = 0; entry < pack.Identity.Entries; entry++) live += pack.IsLive(entry) ? 1 : 0;
        }
        Check.That(count == head.Packs && live == head.LiveBlocks);
    }

    private static void ExamineCatalog(ReadOnlySpan<byte> bytes, Tally tally)
    {
        Catalog catalog = new();
        bool accepted = catalog.Read(bytes, Cluster) == ContentProblem.None;
        tally.Count(accepted);
        Check.That(accepted || catalog.Count == 0);
        if (!accepted) return;
        byte[] again = new byte[Catalog.SizeMax];
        Check.That(again.AsSpan(0, catalog.Write(again, Cluster)).SequenceEqual(bytes));
    }

    private static void Seal(Span<byte> bytes) => BinaryPrimitives.WriteUInt128LittleEndian(
        bytes[^ChecksumSize..], Checksum.Of(bytes[..^ChecksumSize]));
}
