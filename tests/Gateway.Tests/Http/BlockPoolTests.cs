using System;
using System.Buffers;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Deterministic.Gateway.Http;
using Xunit;

namespace Deterministic.Gateway.Tests.Http;

public sealed class BlockPoolTests
{
    [Fact]
    public void ABlockThatComesBackIsLentAgain()
    {
        using BlockPool pool = new();
        IMemoryOwner<byte> first = pool.Rent();
        byte[] bytes = BytesOf(first);
        Assert.Equal(BlockPool.BlockSize, bytes.Length);
        first.Dispose();
        using IMemoryOwner<byte> second = pool.Rent(1);
        Assert.Same(bytes, BytesOf(second));
    }

    [Fact]
    public void ABlockThatComesBackTwiceIsLentOnce()
    {
        using BlockPool pool = new();
        IMemoryOwner<byte> block = pool.Rent();
        block.Dispose();
        block.Dispose();
        using IMemoryOwner<byte> second = pool.Rent();
        using IMemoryOwner<byte> third = pool.Rent();
        Assert.NotSame(BytesOf(second), BytesOf(third));
    }

    [Fact]
    public void MoreThanABlockIsRefused()
    {
        using BlockPool pool = new();
        Assert.Equal(BlockPool.BlockSize, pool.MaxBufferSize);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(BlockPool.BlockSize + 1));
    }

    [Fact]
    public void WhatManyConnectionsNeededAtOnceIsNotAllKept()
    {
        using BlockPool pool = new();
        List<IMemoryOwner<byte>> blocks = [.. Enumerable.Range(0, BlockPool.KeptMax + 1).Select(_ => pool.Rent())];
        HashSet<byte[]> before = [.. blocks.Select(BytesOf)];
        foreach (IMemoryOwner<byte> block in blocks) block.Dispose();
        blocks = [.. Enumerable.Range(0, BlockPool.KeptMax + 1).Select(_ => pool.Rent())];
        Assert.Equal(BlockPool.KeptMax, blocks.Select(BytesOf).Count(before.Contains));
    }

    private static byte[] BytesOf(IMemoryOwner<byte> block)
    {
        Assert.True(MemoryMarshal.TryGetArray(block.Memory, out ArraySegment<byte> segment));
        return segment.Array!;
    }
}
