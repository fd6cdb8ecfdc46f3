using System;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Tests.Process;
using Deterministic.Storage.Blocks;
using Xunit;

namespace Deterministic.Replica.Tests.Hosting;

/// <summary>`start --memory`: too little is refused with what would do; otherwise the block cache has what the rest of
/// the process leaves.</summary>
public sealed class MemoryLimitTests
{
    private const int BlockSize = 64 << 10;
    private const int MarginDivisor = 32;

    [Fact]
    public async Task TooLittleIsRefusedWithTheLeastThatWouldDo()
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "64MiB");
        CommandResult start = await CommandResult.RunAsync("start", "--memory", "100MiB", replica.DataFile);
        Assert.NotEqual(0, start.ExitCode);
        string least = SizeText.Format(MemoryLimit.Least(ReplicaConfiguration(64L << 20)));
        Assert.Contains($"--memory: 100 MiB is too little for this data file, it needs at least {least}", start.Errors,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--memory", "12 elephants")]
    [InlineData("--cache", "much")]
    public async Task WhatIsNoSizeIsRefusedByName(string option, string value)
    {
        CommandResult start = await CommandResult.RunAsync("start", option, value, "unused");
        Assert.Equal(2, start.ExitCode);
        Assert.Contains($"{option}: \"{value}\" is not a size", start.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CacheAndMemoryExcludeEachOther()
    {
        CommandResult start =
            await CommandResult.RunAsync("start", "--memory", "1GiB", "--cache", "1GiB", "unused");
        Assert.Equal(2, start.ExitCode);
        Assert.Contains("--cache and --memory", start.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AReplicaServesWithTheLeast()
    {
        await using ChildReplica replica = await ChildReplica.FormatAsync(null, "64MiB");
        long least = MemoryLimit.Least(ReplicaConfiguration(64L << 20));
        await replica.StartAsync("--memory", least.ToString(System.Globalization.CultureInfo.InvariantCulture));
        await using DeterministicClient client = Documents.Connect(replica);
        await client.WriteAsync(Documents.Write(3, 500));
        (long version, ulong count) = await Documents.ReadAsync(client);
        Assert.Equal(3, version);
        Assert.Equal(500UL, count);
        Assert.InRange(replica.PeakMemory, 1, least);
    }

    [Fact]
    public void TheCacheHasWhatTheRestLeaves()
    {
        using StaticMemory memory = new();
        MemoryLimit limit = new(512L << 20);
        Grid grid = NewGrid(memory, (int)(limit.CacheSizeMax / BlockSize));
        long target = limit.Limit - limit.Limit / MarginDivisor;
        limit.Apply(grid, 200L << 20);
        Assert.Equal((target - (200L << 20)) / BlockSize, grid.CacheFramesUsable);
        // Frames in use are part of what the process has in use.
        for (int i = 0; i < 1000; i++) Assert.True(grid.TryBuild() >= 0);
        limit.Apply(grid, (200L << 20) + 1000 * BlockSize);
        Assert.Equal((target - (200L << 20)) / BlockSize, grid.CacheFramesUsable);
        limit.Apply(grid, (300L << 20) + 1000 * BlockSize);
        Assert.Equal((target - (300L << 20)) / BlockSize, grid.CacheFramesUsable);
        limit.Apply(grid, 1L << 40);
        Assert.Equal(Grid.FramesMin(BlockSize), grid.CacheFramesUsable);
        limit.Apply(grid, 1);
        Assert.Equal(grid.CacheFrames, grid.CacheFramesUsable);
    }

    [Fact]
    public void MemoryInUseIsRead()
    {
        using ResidentMemory resident = new();
        long before = resident.Read();
        byte[] touched = new byte[64 << 20];
        touched.AsSpan().Fill(1);
        long after = resident.Read();
        GC.KeepAlive(touched);
        if (OperatingSystem.IsLinux()) Assert.InRange(after - before, 32L << 20, 128L << 20);
        else Assert.Equal(0, after);
    }

    private static Configuration ReplicaConfiguration(long stateSize)
    {
        Configuration production = Configuration.Production;
        return new Configuration(
            production.MessageSizeMax, production.JournalSlots, production.PipelineMax, production.SessionsMax,
            production.BarOps, production.JournalWritesMax, production.JournalReadsMax, stateSize,
            production.BlockSize, production.MemtableSize);
    }

    private static Grid NewGrid(StaticMemory memory, int frames) => new(memory, new GridOptions
    {
        Disk = new NoDisk(), Cluster = 1, Offset = 0, BlockSize = BlockSize, Blocks = 1 << 16, CacheFrames = frames,
    });

    private sealed class NoDisk : IDisk
    {
        public void Read(uint token, long offset, NativeBuffer buffer) => throw new NotSupportedException();

        public void Write(uint token, long offset, NativeBuffer buffer) => throw new NotSupportedException();
    }
}
