using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;
using Deterministic.Storage.Packs;
using Xunit;

namespace Deterministic.Storage.Tests.Support;

/// <summary>A forest whose checkpoints go into an object store, both of which may stop at any time.</summary>
internal sealed class UploadBench : IDisposable
{
    public static ForestBenchSizes Sizes { get; } = new(32 << 10, CacheFrames: 420, Blocks: 1024);

    private readonly Random _random;
    private readonly int _keep;
    private readonly SortedDictionary<ulong, UInt128> _contents = [];
    private StaticMemory _memory = new();
    private ulong _writer;
    private ulong _checkpointOp;

    /// <param name="seed">Of all that is drawn.</param>
    /// <param name="faulty">Whether requests to the store fail now and then.</param>
    /// <param name="keep">Checkpoints kept.</param>
    public UploadBench(int seed, bool faulty, int keep = 3)
    {
        _keep = keep;
        _random = new Random(seed);
        Forest = new ForestBench(Sizes, seed);
        Store = new TestObjectStore(seed, faulty);
        Uploader = NewUploader();
    }

    public ForestBench Forest { get; }
    public TestObjectStore Store { get; }
    public CheckpointUploader Uploader { get; private set; }
    public UInt128 History { get; set; } = 99;

    /// <summary>Completions of object requests and of the uploader's reads so far.</summary>
    public int Completions { get; private set; }

    public static ObjectKey Prefix { get; } = new("cluster-7/"u8);

    /// <summary>Writes so many entries, in one operation.</summary>
    public void Write(int entries, int keySpace, int valueSize = 300)
    {
        List<(byte[] Key, byte[] Value)> changes = [];
        for (; entries > 0; entries--)
        {
            byte[] value = new byte[valueSize];
            _random.NextBytes(value);
            changes.Add((ForestModel.Key((uint)_random.Next(keySpace)), value));
        }
        Forest.Run(
            forest =>
            {
                foreach (var (key, _) in changes) forest[0].Touch(key);
            },
            forest =>
            {
                foreach (var (key, value) in changes) forest[0].Put(key, value);
            });
    }

    /// <summary>Makes a checkpoint and offers it.</summary>
    public void Checkpoint()
    {
        Forest.Checkpoint();
        _checkpointOp = Forest.Op;
        CheckLive();
        Offer();
        _contents[Forest.Op] = ContentOf(Forest);
    }

    public void Offer()
    {
        byte[] checkpoint = new byte[40];
        Forest.Root.WriteTo(checkpoint);
        BitConverter.TryWriteBytes(checkpoint.AsSpan(32), _checkpointOp);
        Uploader.Offer(_checkpointOp, Forest.Root, checkpoint, Forest.Forest);
    }

    /// <summary>Lets one thing happen that the uploader may wait for.</summary>
    public void Step()
    {
        Completions++;
        if (!Store.Idle && (Forest.Disk.Idle || _random.Next(2) == 0))
        {
            uint token = Store.Complete(out ObjectResult result);
            Uploader.OnObject(token, in result);
        }
        else if (!Forest.Disk.Idle) Forest.CompleteOne();
        Uploader.Tick();
    }

    public void Settle()
    {
        for (int left = 200_000; !Uploader.IsIdle; left--)
        {
            Assert.True(left > 0, "the uploader does not come to an end");
            Step();
        }
    }

    /// <summary>The process ends and starts again from its checkpoint.</summary>
    public void Crash()
    {
        Store.Crash();
        Forest.Reopen(Forest.Root, _checkpointOp == 0 ? 1 : _checkpointOp);
        Uploader = NewUploader();
        if (_checkpointOp > 0) Offer();
    }

    /// <summary>Every checkpoint that the catalog names can be restored, and is what it was; says how many.</summary>
    public int CheckAll()
    {
        Catalog catalog = new();
        if (!Store.Objects.TryGetValue("cluster-7/catalog", out byte[]? bytes)) return 0;
        Assert.Equal(ContentProblem.None, catalog.Read(bytes, cluster: 7));
        for (int i = 0; i < catalog.Count; i++)
        {
            CheckpointChoice.TryParse(
                System.Text.Encoding.ASCII.GetBytes($"{catalog[i].Op}"), out CheckpointChoice choice);
            Assert.Equal(_contents[catalog[i].Op], Restore(choice, out _));
        }
        return catalog.Count;
    }

    /// <summary>Restores into a new file and gives the checksum of what is in it; 0 and why if that fails.</summary>
    public UInt128 Restore(CheckpointChoice choice, out PacksFailure failure)
    {
        using StaticMemory memory = new();
        TestObjectStore store = new(seed: 1, faulty: false, Store.Objects);
        CheckpointRestorer restorer = new(memory, Options(store));
        using ForestBench restored = new(Sizes, seed: 5);
        restorer.Start(in choice);
        while (!restorer.IsDone && restorer.Failure.IsNone)
        {
            while (restorer.TryTake(out BlockReference block, out ReadOnlySpan<byte> bytes))
                bytes.CopyTo(restored.Disk.Image.AsSpan((int)(block.Address - 1) * ForestBench.BlockSize));
            if (restorer.IsDone || !restorer.Failure.IsNone) break;
            uint token = store.Complete(out ObjectResult result);
            restorer.OnObject(token, in result);
        }
        failure = restorer.Failure;
        if (!failure.IsNone) return 0;
        restored.Reopen(restorer.Head.Root, restorer.Head.Op);
        return ContentOf(restored);
    }

    public static RestorerOptions Options(TestObjectStore store) => new()
    {
        Store = store, Prefix = Prefix, Cluster = 7, Lanes = 3, PieceSize = 64 << 10, ManifestSizeMax = 1 << 20,
    };

    public void Dispose()
    {
        Forest.Dispose();
        _memory.Dispose();
    }

    /// <summary>After a checkpoint its blocks are exactly those in use.</summary>
    private void CheckLive()
    {
        using StaticMemory memory = new();
        LiveBlocks live = new(memory, Sizes.Blocks);
        Forest.Forest.CopyLiveBlocks(live);
        for (int address = 1; address <= Sizes.Blocks; address++)
            Assert.Equal(Forest.Forest.Grid.Free.IsAcquired((ulong)address), live.Mark(address) != 0);
    }

    private static UInt128 ContentOf(ForestBench bench)
    {
        ContentChecksum checksum = new(bench.Forest);
        while (!checksum.TryAdvance()) bench.CompleteOne();
        return checksum.Value;
    }

    private CheckpointUploader NewUploader()
    {
        _memory.Dispose();
        _memory = new StaticMemory();
        CheckpointUploader uploader = new(_memory, new UploaderOptions
        {
            Store = Store,
            Prefix = Prefix,
            Disk = Forest.Disk,
            GridOffset = 0,
            Shape = new GridShape(cluster: 7, ForestBench.BlockSize, Sizes.Blocks),
            History = History,
            Writer = ++_writer,
            Keep = _keep,
            PackSize = 256 << 10,
            PackBlocks = 24,
            PacksMax = 200,
            ReadsMax = 4,
            GarbageInterval = 2,
        });
        _memory.Seal();
        Forest.Foreign = token => Uploader.OnCompletion(token, IoResult.Ok);
        return uploader;
    }
}
