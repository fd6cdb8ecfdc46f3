using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;

namespace Deterministic.Storage.Tests.Support;

/// <summary>A grid alone, on a disk in memory, with the smallest cache there is unless more is wanted. Memory that is
/// given back is overwritten.</summary>
internal sealed class GridBench : IDisposable
{
    public const int BlockSize = 64 << 10;
    public const int Blocks = 512;
    private readonly StaticMemory _memory = new();

    public GridBench(int framesExtra = 0)
    {
        _memory.PagesReturn = part =>
        {
            part.Span.Fill(0xAA);
            FramesGivenBack++;
        };
        Disk = new TestDisk((long)Blocks * BlockSize, seed: 1);
        Grid = new Grid(_memory, new GridOptions
        {
            Disk = Disk, Cluster = 7, Offset = 0, BlockSize = BlockSize, Blocks = Blocks,
            CacheFrames = Grid.FramesMin(BlockSize) + framesExtra,
        });
        _memory.Seal();
    }

    public TestDisk Disk { get; }

    public Grid Grid { get; }

    public int FramesGivenBack { get; private set; }

    /// <summary>Writes a block whose body is one byte many times.</summary>
    public BlockReference Write(byte content, int size, BlockKind kind = BlockKind.Entries)
    {
        bool reserved = Grid.Free.TryReserve(1);
        if (!reserved) throw new InvalidOperationException("the grid is full");
        int frame = Grid.TryBuild();
        Grid.Body(frame)[..size].Fill(content);
        BlockReference block = Grid.Finish(frame, Grid.Free.Acquire(), kind, op: 1, size);
        CompleteAll();
        Grid.NextEra();
        return block;
    }

    /// <summary>Asks for a block and waits for it; whether it had to be read.</summary>
    public bool Read(in BlockReference block)
    {
        long read = Grid.BlocksRead;
        Grid.Request(in block);
        CompleteAll();
        return Grid.BlocksRead > read;
    }

    public void CompleteAll()
    {
        while (!Disk.Idle) Grid.OnCompletion(Disk.Complete(), IoResult.Ok);
    }

    public void Dispose() => _memory.Dispose();
}
