using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage.Levels;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage.Tests.Support;

/// <summary>A forest whose levels are filled by hand, table by table.</summary>
internal sealed class TableBench : IDisposable
{
    public const int MemtableSize = 64 << 10;
    private const int TableBlocksMax = 1000;
    private readonly StaticMemory _memory = new();
    private readonly TableWriter _writer;

    public TableBench()
    {
        Bench = new ForestBench(new ForestBenchSizes(MemtableSize, CacheFrames: 1500, Blocks: 4096), seed: 1);
        _writer = new TableWriter(_memory, Forest.Grid, Forest.Tables, TableBlocksMax);
    }

    public ForestBench Bench { get; }

    public Forest Forest => Bench.Forest;

    public LevelSet Levels => Forest.Levels;

    public TableStore Tables => Forest.Tables;

    /// <summary>Key of an entry of tree 0 as tables hold it.</summary>
    public static byte[] Key(uint number) => [0, .. ForestModel.Key(number)];

    /// <summary>Adds a table with the keys from <paramref name="first"/> on to a level; on level 0 to the newest
    /// run.</summary>
    public int Add(byte level, uint first, uint count, int valueSize, uint step = 1)
    {
        bool reserved = Forest.Grid.Free.TryReserve(1000);
        Check.That(reserved);
        _writer.Op = 1;
        ulong run = level == 0 ? Levels[0].Number : 0;
        _writer.Start(level, run);
        for (uint i = 0; i < count; i++)
            while (!_writer.TryAdd(Key(first + i * step), ForestModel.Value(i, valueSize), EntryKind.Value)) Wait();
        while (!_writer.TryCut()) Wait();
        Check.That(_writer.MadeCount == 1);
        int table = _writer.Made[0];
        Tables[table].State = TableState.Live;
        (level == 0 ? Levels[0] : Levels.Level(level)).Insert(table);
        Forest.Grid.Free.Forfeit(1000 - _writer.BlocksAcquired);
        return table;
    }

    /// <summary>Runs operations that change nothing, so that maintenance goes on.</summary>
    public void Beat(int operations)
    {
        for (; operations > 0; operations--) Bench.Run(_ => { }, _ => { });
    }

    public void Dispose()
    {
        Bench.Dispose();
        _memory.Dispose();
    }

    private void Wait()
    {
        Bench.CompleteAll();
        Forest.Grid.NextEra();
    }
}
