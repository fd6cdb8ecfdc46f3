using System;
using System.Collections.Generic;
using Deterministic.Accel;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;
using Deterministic.Replica.Io;
using Deterministic.Replica.Objects;
using Deterministic.Storage;
using Deterministic.Storage.Packs;
using Deterministic.Vsr;
using Xunit;

namespace Deterministic.Replica.Tests.Checkpoints;

/// <summary>Puts the checkpoint of a stopped replica's data file into an object store, as packs, manifest and
/// catalog.</summary>
internal sealed class PackedCheckpoint : IDisposable
{
    private const int PackSize = 1 << 20;
    private const int PackBlocks = 32;

    private readonly StaticMemory _memory = new();
    private readonly WakeSignal _wake = new();
    private readonly DirectoryObjectStore _store;
    private readonly Catalog _catalog = new();
    private readonly PackKeys _keys = new(default);
    private ulong _packs;

    public PackedCheckpoint(string folder)
    {
        _store = DirectoryObjectStore.TryOpen(folder, _wake, out string error)!;
        Assert.Equal("", error);
    }

    /// <summary>Adds a checkpoint; returns its op and the checksum of the state in it.</summary>
    public (ulong Op, string StateChecksum) Add(string path, string name)
    {
        using DataFile file = DataFile.TryOpenExisting(path, writable: false, out _)!;
        using DataFileSource source = new(file);
        SuperblockReport report = DataFileInspection.Superblock(source);
        DataFileLayout layout = new(report.Configuration!);
        using StaticMemory memory = new();
        InspectionDisk disk = new(source);
        UInt128 cluster = report.Working.Cluster;
        StateMachine.StateMachine machine = new(memory, report.Configuration!, ComputeBackends.Select(), new()
        {
            Disk = disk, Cluster = cluster, GridOffset = layout.GridOffset, CacheSize = 64 << 20,
        });
        CheckpointState checkpoint = report.Working.Checkpoint;
        machine.OpenStart(checkpoint.Root);
        Pump(machine, disk, () => machine.OpenAdvance() == OpenResult.Opened);
        Forest forest = machine.Trees.Forest;
        LiveBlocks live = new(memory, layout.GridBlocks);
        forest.CopyLiveBlocks(live);
        ContentChecksum checksum = new(forest);
        Pump(machine, disk, checksum.TryAdvance);
        byte[] record = new byte[CheckpointRecord.Size];
        CheckpointRecord.Write(report.Working, record);
        ManifestHead head = new()
        {
            Sequence = (ulong)_catalog.Count + 1, Op = checkpoint.Op, Root = checkpoint.Root,
            BlockSize = layout.BlockSize, GridBlocks = layout.GridBlocks, LiveBlocks = live.Count,
        };
        AddEntry(PutAll(source, layout, live, cluster, head, record), cluster, record, name);
        return (checkpoint.Op, $"{checksum.Value:x32}");
    }

    public ulong LastPack => _packs;

    private (ManifestHead Head, UInt128 Checksum, int Size) PutAll(
        DataFileSource source, DataFileLayout layout, LiveBlocks live, UInt128 cluster, ManifestHead head,
        byte[] record)
    {
        List<PackIdentity> packs = [];
        PackWriter writer = new(_memory, cluster, PackSize + layout.BlockSize, PackBlocks);
        writer.Start(++_packs);
        byte[] block = new byte[layout.BlockSize];
        long liveBytes = 0;
        long packBytes = 0;
        for (long address = 1; address <= live.Blocks; address++)
        {
            if (live.Mark(address) == 0) continue;
            Assert.True(source.TryRead(layout.BlockOffset((ulong)address), block));
            Header header = Header.Read(block);
            Assert.Equal(live.Mark(address), LiveBlocks.MarkOf(header.Checksum));
            if (!writer.Fits((int)header.Size))
            {
                packs.Add(PutPack(writer));
                writer.Start(++_packs);
            }
            writer.Add(new BlockReference((ulong)address, header.Checksum), block.AsSpan(0, (int)header.Size));
            liveBytes += header.Size;
        }
        packs.Add(PutPack(writer));
        foreach (PackIdentity pack in packs) packBytes += pack.Size;
        NativeBuffer manifest = _memory.Take(Manifest.SizeMax(packs.Count, PackBlocks));
        head = new ManifestHead
        {
            Sequence = head.Sequence, Op = head.Op, Root = head.Root, BlockSize = head.BlockSize,
            GridBlocks = head.GridBlocks, LiveBlocks = head.LiveBlocks, LiveBytes = liveBytes, PackBytes = packBytes,
            Packs = packs.Count,
        };
        int at = Manifest.WriteHead(manifest.Span, cluster, in head, record);
        foreach (PackIdentity pack in packs)
        {
            int bits = Manifest.WritePack(manifest.Span, at, in pack);
            for (int i = 0; i < pack.Entries; i++) manifest.Span[bits + i / 8] |= (byte)(1 << i % 8);
            at += Manifest.PackSize(pack.Entries);
        }
        int size = Manifest.Seal(manifest.Span, at, out UInt128 checksum);
        Put(_keys.Manifest(head.Sequence), manifest.Part(0, size));
        return (head, checksum, size);
    }

    private PackIdentity PutPack(PackWriter writer)
    {
        PackIdentity pack = writer.Finish(out NativeBuffer content);
        Put(_keys.Pack(pack.Number), content);
        return pack;
    }

    private void AddEntry(
        (ManifestHead Head, UInt128 Checksum, int Size) manifest, UInt128 cluster, byte[] record, string name)
    {
        ManifestHead head = manifest.Head;
        CatalogEntry entry = new()
        {
            Sequence = head.Sequence, Op = head.Op, CheckpointId = Checksum.Of(record),
            ManifestChecksum = manifest.Checksum, ManifestSize = manifest.Size, LiveBlocks = head.LiveBlocks,
            LiveBytes = head.LiveBytes, Packs = head.Packs, PackBytes = head.PackBytes,
            Name = new ObjectKey(System.Text.Encoding.ASCII.GetBytes(name)),
        };
        Assert.True(_catalog.TryAdd(in entry));
        NativeBuffer catalog = _memory.Take(Catalog.SizeMax);
        Put(_keys.Catalog, catalog.Part(0, _catalog.Write(catalog.Span, cluster)));
    }

    private void Put(in ObjectKey key, NativeBuffer content)
    {
        _store.Put(0, in key, content, PutCondition.None, default);
        ObjectResult result;
        while (!_store.TryTakeCompletion(out _, out result)) _wake.Wait(TimeSpan.FromSeconds(1));
        Assert.Equal(ObjectStatus.Ok, result.Status);
    }

    private static void Pump(StateMachine.StateMachine machine, InspectionDisk disk, Func<bool> step)
    {
        while (!step())
        {
            Assert.True(disk.TryComplete(out uint token, out IoResult result));
            machine.OnCompletion(token, result);
        }
    }

    public void Dispose()
    {
        _store.Dispose();
        _wake.Dispose();
        _memory.Dispose();
    }
}
