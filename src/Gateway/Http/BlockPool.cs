using System;
using System.Buffers;
using System.Collections.Concurrent;
using System.Threading;
using Microsoft.AspNetCore.Connections;

namespace Deterministic.Gateway.Http;

/// <summary>Blocks that the server receives into and sends from. Its own are of 4 KiB, and it asks the kernel for one
/// block at a time: a body of 1 MiB took hundreds of calls. Safe to use from many threads.</summary>
internal sealed class BlockPool : MemoryPool<byte>
{
    public const int BlockSize = 32 << 10;

    /// <summary>Blocks that are kept when nobody needs them.</summary>
    public const int KeptMax = 256;

    private readonly ConcurrentStack<Block> _kept = new();
    private int _keptCount;

    public override int MaxBufferSize => BlockSize;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockSize);
        if (!_kept.TryPop(out Block? block)) return new Block(this);
        Interlocked.Decrement(ref _keptCount);
        block.IsRented = true;
        return block;
    }

    protected override void Dispose(bool disposing)
    {
        // Blocks are memory of the runtime, and those still lent may come back later.
    }

    private void Return(Block block)
    {
        if (Interlocked.Increment(ref _keptCount) <= KeptMax) _kept.Push(block);
        else Interlocked.Decrement(ref _keptCount);
    }

    /// <summary>Makes a pool for each part of the server that asks for one.</summary>
    internal sealed class Factory : IMemoryPoolFactory<byte>
    {
        public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new BlockPool();
    }

    private sealed class Block(BlockPool pool) : IMemoryOwner<byte>
    {
        /// <summary>Pinned, since the kernel writes into it.</summary>
        private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(BlockSize, pinned: true);

        public bool IsRented { get; set; } = true;

        public Memory<byte> Memory => _bytes;

        public void Dispose()
        {
            if (!IsRented) return;
            IsRented = false;
            pool.Return(this);
        }
    }
}
