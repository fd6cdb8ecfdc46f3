using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Packs;

namespace Deterministic.Storage.Tests.Support;

/// <summary>A forest with an archive in an object store; whatever the forest waits for may come out of it.</summary>
internal sealed class ArchiveBench : IDisposable
{
    public const uint Keys = 3000;
    public const int ValueSize = 300;

    private StaticMemory _memory = null!;
    private FrozenObjectStore? _frozen;
    private ulong _writer;
    private ulong _checkpointOp;

    /// <param name="cacheFrames">Few, so that what was written leaves the cache.</param>
    public ArchiveBench(int cacheFrames = 420)
    {
        Sizes = new ForestBenchSizes(32 << 10, cacheFrames, Blocks: 1024);
        Forest = new ForestBench(Sizes, seed: 1);
        Store = new TestObjectStore(seed: 1, faulty: false);
        NewArchive();
        Forest.Opening = NewArchive;
        Forest.Elsewhere = TryStep;
        Forest.Foreign = token => Archive.OnCompletion(token, IoResult.Ok);
    }

    public ForestBenchSizes Sizes { get; }
    public ForestBench Forest { get; }
    public TestObjectStore Store { get; }
    public CheckpointArchive Archive { get; private set; } = null!;

    /// <summary>From the next opening on the store only answers reads of what it has now, and only when told to.
    /// </summary>
    public FrozenObjectStore Freeze() => _frozen = new FrozenObjectStore(Store.Objects);

    /// <summary>While set, the store answers nothing.</summary>
    public bool StoreIsDown { get; set; }

    /// <summary>Writes keys from one to another, in a single operation.</summary>
    public void Write(uint from, uint to, byte version) => Forest.Run(
        forest =>
        {
            for (uint i = from; i < to; i++) forest[0].Touch(ForestModel.Key(i));
        },
        forest =>
        {
            for (uint i = from; i < to; i++) forest[0].Put(ForestModel.Key(i), Value(i, version));
        });

    /// <summary>All keys, by many operations.</summary>
    public void WriteAll(byte version)
    {
        for (uint i = 0; i < Keys; i += 100) Write(i, i + 100, version);
    }

    /// <summary>Reads a key; false if the forest has a problem.</summary>
    public bool TryRead(uint key, byte version) => Forest.TryRead(
        forest => forest[0].Touch(ForestModel.Key(key)),
        forest =>
        {
            bool found = forest[0].TryGet(ForestModel.Key(key), out ReadOnlySpan<byte> value);
            if (!found || !value.SequenceEqual(Value(key, version))) throw new InvalidOperationException($"{key}");
        });

    public void Checkpoint()
    {
        Forest.Checkpoint();
        _checkpointOp = Forest.Op;
        Archive.OnCheckpoint(_checkpointOp, Forest.Root, Record());
    }

    /// <summary>Until neither uploading nor repair has anything to do.</summary>
    public void Settle()
    {
        while (TryStep() || !Forest.Disk.Idle) if (!Forest.Disk.Idle) Forest.CompleteOne();
    }

    /// <summary>Drives everything out of the cache.</summary>
    public void FillCache()
    {
        Grid grid = Forest.Forest.Grid;
        grid.NextEra();
        int[] frames = new int[grid.CacheFrames];
        for (int i = 0; i < frames.Length; i++) frames[i] = grid.TryBuild();
        foreach (int frame in frames) if (frame >= 0) grid.Abandon(frame);
        grid.NextEra();
    }

    /// <summary>Lets the scrubber pass all blocks.</summary>
    public void Scrub()
    {
        for (long cycles = Forest.Forest.Scrubber.Cycles; Forest.Forest.Scrubber.Cycles == cycles;)
        {
            Forest.Forest.Tick();
            while (!Forest.Disk.Idle) Forest.CompleteOne();
        }
        Forest.Forest.Tick();
        while (!Forest.Disk.Idle) Forest.CompleteOne();
    }

    /// <summary>The process starts again, with nothing in memory.</summary>
    public bool TryReopen()
    {
        Store.Crash();
        return Forest.TryReopen(Forest.Root, _checkpointOp) == OpenResult.Opened;
    }

    public void Damage(ulong address) => Forest.BlockOnDisk(address)[^1] ^= 0x40;

    public bool IsSound(ulong address)
    {
        if (!Forest.Forest.TryFindBlock(address, out BlockReference block)) return false;
        ReadOnlySpan<byte> bytes = Forest.Disk.Image.AsSpan(
            (int)Forest.Forest.Grid.OffsetOf(address), ForestBench.BlockSize);
        return Forest.Forest.Grid.IsSound(bytes, in block);
    }

    /// <summary>One request to the store ends, or time goes on while something is left to do.</summary>
    public bool TryStep()
    {
        Archive.Tick();
        if (_frozen is not null || Store.Idle || StoreIsDown) return !Forest.Disk.Idle;
        uint token = Store.Complete(out ObjectResult result);
        Archive.OnObject(token, in result);
        return true;
    }

    public void Dispose()
    {
        Forest.Dispose();
        _memory.Dispose();
    }

    private static byte[] Value(uint key, byte version)
    {
        byte[] value = new byte[ValueSize];
        new Random((int)key * 256 + version).NextBytes(value);
        return value;
    }

    private byte[] Record()
    {
        byte[] record = new byte[40];
        Forest.Root.WriteTo(record);
        BitConverter.TryWriteBytes(record.AsSpan(32), _checkpointOp);
        return record;
    }

    private void NewArchive()
    {
        _memory?.Dispose();
        _memory = new StaticMemory();
        Archive = new CheckpointArchive(_memory, new UploaderOptions
        {
            Store = _frozen is null ? Store : _frozen,
            Prefix = UploadBench.Prefix,
            TokenBase = 1000,
            Disk = Forest.Disk,
            GridOffset = 0,
            Shape = new GridShape(cluster: 7, ForestBench.BlockSize, Sizes.Blocks),
            History = 99,
            Writer = ++_writer,
            PackSize = 256 << 10,
            PackBlocks = 24,
            PacksMax = 200,
            ReadsMax = 4,
        }, Forest.Forest);
        _memory.Seal();
    }
}
