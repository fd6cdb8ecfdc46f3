using System;
using Deterministic.Core;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;
using Xunit;

namespace Deterministic.Storage.Tests.Support;

/// <summary>One log run by two forests whose disks, caches and crashes differ. At each checkpoint their grids are
/// compared block by block.</summary>
internal sealed class ForestPair : IDisposable
{
    public const int Blocks = 8192;

    /// <summary>What the operations of the script need at once.</summary>
    private const int FramesMin = 360;
    private readonly ForestScript _script;
    private readonly Random _random;
    private readonly ForestBench[] _benches = new ForestBench[2];
    private readonly bool[] _crashes = new bool[2];

    private ForestPair(int seed)
    {
        _script = new ForestScript(seed);
        _random = new Random(unchecked(seed * 17 + 1));
        for (int i = 0; i < 2; i++)
        {
            int frames = _random.Next(4) == 0 ? 5000 : _random.Next(FramesMin, 900);
            ForestBenchSizes sizes = new(_script.MemtableSize, frames, Blocks);
            _benches[i] = new ForestBench(sizes, _random.Next()) { Eagerness = _random.Next(4) };
            _crashes[i] = _random.Next(2) == 0;
        }
    }

    /// <summary>Blocks compared.</summary>
    public long Compared { get; private set; }

    public long Crashes { get; private set; }

    /// <summary>Runs as many operations, and returns how many blocks were compared.</summary>
    public static long Run(int seed, ulong operations)
    {
        using ForestPair pair = new(seed);
        for (ulong op = pair._script.Interval; op <= operations; op += pair._script.Interval)
        {
            for (int i = 0; i < 2; i++) pair.AdvanceTo(i, op);
            pair.Compare();
        }
        return pair.Compared;
    }

    public void Dispose()
    {
        foreach (ForestBench bench in _benches) bench.Dispose();
    }

    private void AdvanceTo(int number, ulong op)
    {
        ForestBench bench = _benches[number];
        ulong saved = bench.Op;
        int crashesLeft = _crashes[number] ? 2 : 0;
        int crashChance = (int)(op - saved) * 2 + 1;
        while (true)
        {
            while (bench.Op < op)
            {
                if (_random.Next(8) == 0) ResizeCache(bench.Forest.Grid);
                if (crashesLeft > 0 && _random.Next(crashChance) == 0) Crash(bench, saved, ref crashesLeft);
                _script.Run(bench);
            }
            if (crashesLeft == 0 || _random.Next(3) > 0) break;
            if (bench.TryCheckpointFor(_random.Next(30))) return;
            Crash(bench, saved, ref crashesLeft);
        }
        bench.Checkpoint();
    }

    /// <summary>A host that holds its memory at a limit does this at any time.</summary>
    private void ResizeCache(Grid grid) => grid.CacheFramesUsable = _random.Next(FramesMin, grid.CacheFrames + 1);

    private void Crash(ForestBench bench, ulong saved, ref int crashesLeft)
    {
        bench.Reopen(bench.Root, saved);
        crashesLeft--;
        Crashes++;
    }

    private void Compare()
    {
        (ForestBench first, ForestBench second) = (_benches[0], _benches[1]);
        Assert.Equal(first.Root.Address, second.Root.Address);
        for (ulong address = 1; address <= Blocks; address++)
        {
            bool acquired = first.Forest.Grid.Free.IsAcquired(address);
            Assert.Equal(acquired, second.Forest.Grid.Free.IsAcquired(address));
            if (!acquired) continue;
            Assert.True(first.BlockOnDisk(address).SequenceEqual(second.BlockOnDisk(address)),
                $"block {address} differs after operation {first.Op}");
            Compared++;
        }
        Assert.Equal(first.Root.Checksum, second.Root.Checksum);
        Assert.Equal(first.Forest.SizeBytes, second.Forest.SizeBytes);
    }
}
