using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Packs;

namespace Deterministic.Storage.Tests.Support;

/// <summary>A forest on a disk, driven as a replica drives it: touch until all is there, change, maintain, and now and
/// then a checkpoint, from which it can be opened again.</summary>
internal sealed class ForestBench : IDisposable
{
    public const int BlockSize = 16 << 10;
    private readonly ForestBenchSizes _sizes;
    private readonly Random _random;
    private StaticMemory _memory = null!;

    public ForestBench(ForestBenchSizes sizes, int seed)
    {
        _sizes = sizes;
        _random = new Random(seed);
        Disk = new TestDisk((long)sizes.Blocks * BlockSize, seed);
        Open(default);
    }

    public TestDisk Disk { get; }

    public Forest Forest { get; private set; } = null!;

    /// <summary>How soon the disk is: operations that complete behind each operation, on average.</summary>
    public int Eagerness { get; init; }

    /// <summary>Ticks behind each operation.</summary>
    public int Ticks { get; init; }

    public ulong Op { get; private set; }

    public BlockReference Root { get; private set; }

    /// <summary>Takes disk operations that are not the forest's.</summary>
    public Action<uint>? Foreign { get; set; }

    /// <summary>Called when a forest has been made anew and is about to be opened.</summary>
    public Action? Opening { get; set; }

    /// <summary>Called while the disk is idle and the forest waits; says whether anything happened.</summary>
    public Func<bool>? Elsewhere { get; set; }

    /// <summary>Rounds of reads that the last touches needed.</summary>
    public int Rounds { get; private set; }

    /// <summary>Runs one operation: its touches, again after each round of reads, then its changes, then
    /// maintenance.</summary>
    public void Run(Action<Forest> touch, Action<Forest> change)
    {
        Op++;
        for (Rounds = 0; ; Rounds++)
        {
            Forest.PrefetchStart(Op);
            touch(Forest);
            if (Forest.PrefetchEnd()) break;
            CompleteAll();
        }
        change(Forest);
        while (!Forest.TryCompact(Op)) CompleteOne();
        for (int i = 0; i < Ticks; i++) Forest.Tick();
        for (int i = Eagerness == 0 ? 0 : _random.Next(2 * Eagerness + 1); i > 0 && !Disk.Idle; i--) CompleteOne();
    }

    /// <summary>Writes a checkpoint and lets it be durable.</summary>
    public void Checkpoint()
    {
        bool done = TryCheckpointFor(int.MaxValue);
        if (!done) throw new InvalidOperationException("no checkpoint");
    }

    /// <summary>Goes on with a checkpoint until it is durable or so many disk operations have completed.</summary>
    public bool TryCheckpointFor(int completions)
    {
        if (Op == 0) Op = 1;
        Forest.CheckpointStart(Op, [1, 2, 3]);
        BlockReference root;
        while (!Forest.TryCheckpoint(out root))
        {
            if (completions-- == 0) return false;
            CompleteOne();
        }
        Root = root;
        Forest.CheckpointDurable();
        return true;
    }

    /// <summary>Header and body of a block as they are on disk.</summary>
    public Span<byte> BlockOnDisk(ulong address)
    {
        Span<byte> block = Disk.Image.AsSpan((int)Forest.Grid.OffsetOf(address), BlockSize);
        return block[..(int)Header.At(block).Size];
    }

    /// <summary>Forgets everything in memory, and the writes under way, and opens a checkpoint.</summary>
    public void Reopen(BlockReference root, ulong op)
    {
        Disk.Crash();
        Op = op;
        Open(root);
    }

    /// <summary>The same on a disk that may be damaged; waiting means that the forest has a problem.</summary>
    public OpenResult TryReopen(BlockReference root, ulong op)
    {
        Disk.Crash();
        Op = op;
        return TryOpen(root);
    }

    /// <summary>Reads on a disk that may be damaged; false: the forest has a problem.</summary>
    public bool TryRead(Action<Forest> touch, Action<Forest> read)
    {
        Op++;
        while (true)
        {
            Forest.PrefetchStart(Op);
            touch(Forest);
            if (Forest.PrefetchEnd()) break;
            if (Disk.Idle && Elsewhere?.Invoke() != true) return false;
            if (!Disk.Idle) CompleteAll();
        }
        read(Forest);
        return true;
    }

    public void CompleteOne()
    {
        if (Disk.Idle && Elsewhere?.Invoke() == true) return;
        if (Disk.Idle) throw new InvalidOperationException($"waits for nothing: starved {Forest.Grid.Starved}, " +
            $"fault {Forest.Grid.TryFault(out BlockReference fault)} {fault.Address}, op {Op}");
        uint token = Disk.Complete();
        if ((token & CheckpointUploader.DiskTokenBits) == CheckpointUploader.DiskTokenBits) Foreign!(token);
        else Forest.OnCompletion(token, IoResult.Ok);
    }

    public void CompleteAll()
    {
        CompleteOne();
        while (!Disk.Idle) CompleteOne();
    }

    public void Dispose() => _memory.Dispose();

    private void Open(BlockReference root)
    {
        OpenResult result = TryOpen(root);
        if (result != OpenResult.Opened) throw new InvalidOperationException($"{result}, {Forest.Problem}");
    }

    private OpenResult TryOpen(BlockReference root)
    {
        _memory?.Dispose();
        _memory = new StaticMemory();
        Forest = new Forest(_memory, new ForestOptions
        {
            TreeCount = 2,
            StateSizeMax = 1L << 40,
            MemtableSize = _sizes.MemtableSize,
            OvershootSizeMax = 16 << 20,
            SessionsSizeMax = 100,
            Grid = new GridOptions
            {
                Disk = Disk,
                Cluster = 7,
                Offset = 0,
                BlockSize = BlockSize,
                Blocks = _sizes.Blocks,
                CacheFrames = _sizes.CacheFrames,
                ReadsMax = 5,
                WritesMax = 3,
            },
            ScrubTicks = 3,
            Plant = _sizes.Plant,
        });
        _memory.Seal();
        Forest.OpenStart(in root);
        OpenResult result;
        Opening?.Invoke();
        while ((result = Forest.OpenAdvance()) == OpenResult.Waiting && (!Disk.Idle || Elsewhere?.Invoke() == true))
            if (!Disk.Idle) CompleteOne();
        if (result == OpenResult.Opened) Forest.CheckpointDurable();
        return result;
    }
}

internal sealed record ForestBenchSizes(
    int MemtableSize, int CacheFrames, int Blocks, StoragePlant Plant = StoragePlant.None);
