using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;
using Deterministic.Storage.Packs;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Deterministic.Storage.Tests.Packs;

public sealed class FormatTests
{
    private static GridShape Shape { get; } = new(cluster: 7, blockSize: 16 << 10, blocks: 1000);

    [Fact]
    public void APackHoldsItsBlocks()
    {
        byte[] bytes = NewPack(seed: 1, out PackIdentity pack);
        Assert.Equal(ContentProblem.None, PackFile.CheckAll(bytes, Shape, out PackIdentity found));
        Assert.True(found.Is(in pack));
        Assert.Equal(bytes.Length, pack.Size);
        ReadOnlySpan<byte> tail = bytes.AsSpan((int)pack.IndexOffset);
        Assert.Equal(ContentProblem.None, PackFile.CheckTail(tail, in pack, Shape));
        PackEntry entry = PackEntry.Read(tail[PackEntry.Size..]);
        Assert.True(PackFile.IsBlock(
            bytes.AsSpan((int)entry.Offset, (int)entry.Bytes), entry.Block, Shape.Cluster));
    }

    [Fact]
    public void NoByteOfAPackCanChangeUnseen() => Prop.ForAll(ArbMap.Default.ArbFor<int>(), (int seed) =>
    {
        byte[] bytes = NewPack(seed, out _);
        Random random = new(seed);
        // The last eight bytes of the header are not in use.
        int at = random.Next(bytes.Length);
        if (at is >= 40 and < PackFile.HeaderSize) return true;
        bytes[at] ^= (byte)random.Next(1, 256);
        return PackFile.CheckAll(bytes, Shape, out _) != ContentProblem.None;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void NoByteOfAManifestCanChangeUnseen() => Prop.ForAll(ArbMap.Default.ArbFor<int>(), (int seed) =>
    {
        byte[] bytes = NewManifest(seed, out ManifestHead written);
        Assert.Equal(ContentProblem.None, Manifest.Read(bytes, cluster: 7, out ManifestHead head));
        Assert.Equal(written.LiveBlocks, head.LiveBlocks);
        Assert.Equal(written.Op, head.Op);
        Assert.True(Manifest.Checkpoint(bytes, in head).SequenceEqual((ReadOnlySpan<byte>)[1, 2, 3]));
        Assert.Equal(ContentProblem.WrongCluster, Manifest.Read(bytes, cluster: 8, out _));
        Random random = new(seed);
        bytes[random.Next(bytes.Length)] ^= (byte)random.Next(1, 256);
        return Manifest.Read(bytes, cluster: 7, out _) != ContentProblem.None;
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void AManifestNamesPacksAndTheirLiveBlocks()
    {
        byte[] bytes = NewManifest(seed: 5, out ManifestHead head);
        WireReader packs = Manifest.Packs(bytes, in head);
        ulong number = 0;
        while (Manifest.NextPack(ref packs, out ManifestPack pack))
        {
            Assert.Equal(++number, pack.Identity.Number);
            Assert.True(pack.IsLive((int)number - 1));
        }
        Assert.Equal(head.Packs, (int)number);
    }

    [Fact]
    public void ACatalogTellsSnapshotsAndTheNewestCheckpoint()
    {
        Catalog catalog = NewCatalog();
        byte[] bytes = new byte[Catalog.SizeMax];
        int size = catalog.Write(bytes, cluster: 7);
        Catalog read = new();
        Assert.Equal(ContentProblem.None, read.Read(bytes.AsSpan(0, size), cluster: 7));
        Assert.Equal(4u, read[read.Newest].Sequence);
        Assert.Equal(2u, read[read.Find("before-move"u8)].Sequence);
        Assert.Equal(40u, read[read.FindOp(40)].Op);
        Assert.Equal(-1, read.Find("other"u8));
        read.Prune(keep: 1);
        Assert.Equal(2, read.Count);
        Assert.True(read.HasSequence(2) && read.HasSequence(4));
        for (int at = 0; at < size; at++)
        {
            bytes[at] ^= 64;
            Assert.NotEqual(ContentProblem.None, read.Read(bytes.AsSpan(0, size), cluster: 7));
            Assert.Equal(0, read.Count);
            bytes[at] ^= 64;
        }
        Assert.Equal(ContentProblem.WrongCluster, read.Read(bytes.AsSpan(0, size), cluster: 8));
    }

    [Theory]
    [InlineData("monday", true)]
    [InlineData("v1.2_b-3", true)]
    [InlineData("latest", false)]
    [InlineData("123", false)]
    [InlineData(".x", false)]
    [InlineData("a/b", false)]
    [InlineData("A", false)]
    [InlineData("", false)]
    public void NamesAreNeitherNumbersNorPaths(string name, bool valid) =>
        Assert.Equal(valid, CatalogEntry.IsName(System.Text.Encoding.UTF8.GetBytes(name)));

    [Fact]
    public void KeysCarryTheirNumbers()
    {
        PackKeys keys = new(new ObjectKey("cluster-7/"u8));
        Assert.Equal("cluster-7/packs/00000000000000af", keys.Pack(0xAF).ToString());
        Assert.True(PackKeys.TryNumber(keys.Packs, keys.Pack(0xAF).Bytes, out ulong number));
        Assert.Equal(0xAFu, number);
        Assert.False(PackKeys.TryNumber(keys.Packs, "cluster-7/packs/00000000000000ag"u8, out _));
        Assert.False(PackKeys.TryNumber(keys.Packs, keys.Manifest(1).Bytes, out _));
    }

    private static byte[] NewPack(int seed, out PackIdentity pack)
    {
        using StaticMemory memory = new();
        PackWriter writer = new(memory, cluster: 7, 64 << 10, entriesMax: 16);
        writer.Start(number: 3);
        Random random = new(seed);
        for (ulong address = 1; address <= 5; address++)
        {
            byte[] block = NewBlock(address, random.Next(1, 3000));
            writer.Add(new BlockReference(address, Header.Read(block).Checksum), block);
        }
        pack = writer.Finish(out NativeBuffer content);
        return content.Span.ToArray();
    }

    private static byte[] NewBlock(ulong address, int bodySize)
    {
        Header header = Header.Create(Command.Block, cluster: 7, view: 0, replica: 0, bodySize);
        header.Block.Address = address;
        header.Block.Kind = BlockKind.Root;
        byte[] bytes = new byte[header.Size];
        header.SetChecksumBody(bytes.AsSpan(Limits.HeaderSize));
        header.SetChecksum();
        header.WriteTo(bytes);
        return bytes;
    }

    private static byte[] NewManifest(int seed, out ManifestHead head)
    {
        Random random = new(seed);
        int packs = random.Next(1, 6);
        PackIdentity[] identities = new PackIdentity[packs];
        long size = 0;
        for (int i = 0; i < packs; i++)
        {
            identities[i] = new PackIdentity
            {
                Number = (ulong)i + 1, IndexOffset = 5000, Entries = random.Next(i + 1, 40), IndexChecksum = 9,
            };
            size += identities[i].Size;
        }
        head = new ManifestHead
        {
            Sequence = 4, Op = 17, Parent = 5, Root = new BlockReference(3, 4), BlockSize = 16 << 10,
            GridBlocks = 1000, LiveBlocks = packs, LiveBytes = 999, PackBytes = size, Packs = packs,
            CheckpointSize = 3,
        };
        byte[] bytes = new byte[Manifest.SizeMax(packs, PackFile.EntriesMax)];
        int at = Manifest.WriteHead(bytes, cluster: 7, in head, [1, 2, 3]);
        for (int i = 0; i < packs; i++)
        {
            int bits = Manifest.WritePack(bytes, at, in identities[i]);
            bytes[bits + i / 8] |= (byte)(1 << i % 8);
            at += Manifest.PackSize(identities[i].Entries);
        }
        return bytes[..Manifest.Seal(bytes, at, out _)];
    }

    private static Catalog NewCatalog()
    {
        Catalog catalog = new() { History = 5, Writer = 6, Epoch = 2 };
        for (ulong sequence = 1; sequence <= 4; sequence++)
        {
            CatalogEntry entry = new()
            {
                Sequence = sequence, Op = 10 * sequence, CheckpointId = 3, ManifestChecksum = 4, ManifestSize = 500,
            };
            Assert.True(catalog.TryAdd(in entry));
            if (sequence == 2) catalog.TryAdd(entry with { Name = new ObjectKey("before-move"u8) });
        }
        return catalog;
    }
}
