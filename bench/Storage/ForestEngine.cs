using System;
using Deterministic.Core.Memory;
using Deterministic.Storage;

namespace Deterministic.StorageBenchmark;

/// <summary>Our engine: one tree of a forest.</summary>
internal sealed class ForestEngine : IKeyValueEngine
{
    private readonly StaticMemory _memory = new();
    private readonly Forest _forest;
    private readonly Tree _tree;

    public ForestEngine(EngineOptions options)
    {
        BenchmarkOptions benchmark = options.Benchmark;
        long entrySize = benchmark.KeySize + benchmark.ValueSize + Forest.EntryOverheadSize;
        _forest = new(_memory, treeCount: 1, Math.Max(1, options.Entries) * entrySize);
        _memory.Seal();
        _tree = _forest[0];
    }

    public string Name => "ours (memory)";

    public string Description => "forest in memory: no disk, no cache limit; reads \"on disk\" are reads in memory";

    public EngineStatistics Statistics => new(DiskBytes: 0, MemoryBytes: _forest.SizeBytes);

    public void Put(EntryBatch batch)
    {
        for (int i = 0; i < batch.Count; i++) _tree.Put(batch.Key(i), batch.Value(i));
    }

    public void Delete(EntryBatch batch)
    {
        for (int i = 0; i < batch.Count; i++) _tree.Remove(batch.Key(i));
    }

    public bool Get(ReadOnlySpan<byte> key, ref ResultHash hash)
    {
        if (!_tree.TryGet(key, out ReadOnlySpan<byte> value)) return false;
        hash.Add(value);
        return true;
    }

    public long Scan(ReadOnlySpan<byte> start, long rows, ref ResultHash hash)
    {
        long count = 0;
        TreeCursor cursor = _tree.Seek(start, prefixSize: 0);
        while (count < rows && cursor.Valid)
        {
            hash.Add(cursor.Key);
            hash.Add(cursor.Value);
            count++;
            if (count < rows) cursor.Next();
        }
        return count;
    }

    public void Settle()
    {
    }

    public void Flush()
    {
    }

    public void Dispose() => _memory.Dispose();
}
