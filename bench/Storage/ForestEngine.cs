using System;
using System.IO;
using Deterministic.Core.Memory;
using Deterministic.Storage;
using Deterministic.Storage.Blocks;

namespace Deterministic.StorageBenchmark;

/// <summary>Our engine: one tree of a forest on a file of its own. A put reads what it replaces, because the tree
/// counts entries and bytes.</summary>
internal sealed class ForestEngine : IKeyValueEngine
{
    /// <summary>Blocks that a key to be written may need: all of them stay in the cache until the operation is
    /// over.</summary>
    private const int BlocksPerKeyMax = 10;

    private readonly StaticMemory _memory = new();
    private readonly DirectDisk _disk;
    private readonly Forest _forest;
    private readonly Tree _tree;
    private readonly int _blockSize;
    private readonly int _operationEntries;
    private readonly long _cacheBytes;
    private ulong _op;

    public ForestEngine(EngineOptions options)
    {
        BenchmarkOptions benchmark = options.Benchmark;
        _blockSize = benchmark.BlockSize;
        long entrySize = benchmark.KeySize + benchmark.ValueSize + Forest.EntryOverheadSize;
        long blocks = (8 * Math.Max(1, options.Entries) * entrySize + 64 * benchmark.MemtableBytes) / _blockSize;
        int frames = Math.Max(Grid.FramesMin(_blockSize), (int)(benchmark.CacheBytes / _blockSize));
        _cacheBytes = (long)frames * _blockSize;
        _operationEntries = Math.Max(1, frames / BlocksPerKeyMax);
        _disk = new DirectDisk(Path.Combine(options.Directory, "forest"));
        _forest = new Forest(_memory, new ForestOptions
        {
            TreeCount = 1,
            StateSizeMax = long.MaxValue,
            MemtableSize = benchmark.MemtableBytes,
            OvershootSizeMax = benchmark.MemtableBytes,
            SessionsSizeMax = 1,
            Grid = new GridOptions
            {
                Disk = _disk,
                Cluster = 1,
                Offset = 0,
                BlockSize = _blockSize,
                Blocks = blocks,
                CacheFrames = frames,
            },
        });
        _memory.Seal();
        _tree = _forest[0];
    }

    public string Name => "ours";

    public string Description =>
        $"blocks of {_blockSize >> 10} KiB, checksums verified, block cache {Sizes.Text(_cacheBytes)}, "
        + $"{_operationEntries} entries an operation at most, " + (_disk.IsDirect ? "direct IO" : "BUFFERED IO");

    public EngineStatistics Statistics => new(
        DiskBytes: _forest.Grid.Free.AcquiredCount * _blockSize, MemoryBytes: _memory.TakenBytes - _cacheBytes);

    public void Put(EntryBatch batch)
    {
        for (int start = 0; start < batch.Count; start += _operationEntries)
        {
            int end = Math.Min(batch.Count, start + _operationEntries);
            Fetch(batch, start, end);
            for (int i = start; i < end; i++) _tree.Put(batch.Key(i), batch.Value(i));
            Compact();
        }
    }

    public void Delete(EntryBatch batch)
    {
        for (int start = 0; start < batch.Count; start += _operationEntries)
        {
            int end = Math.Min(batch.Count, start + _operationEntries);
            Fetch(batch, start, end);
            for (int i = start; i < end; i++) _tree.Remove(batch.Key(i));
            Compact();
        }
    }

    public bool Get(ReadOnlySpan<byte> key, ref ResultHash hash)
    {
        _op++;
        while (true)
        {
            _forest.PrefetchStart(_op);
            _tree.Touch(key);
            if (_forest.PrefetchEnd()) break;
            _disk.Wait(_forest);
        }
        if (!_tree.TryGet(key, out ReadOnlySpan<byte> value)) return false;
        hash.Add(value);
        return true;
    }

    /// <summary>In operations of as many rows as some blocks hold, so that a scan of all fits the cache.</summary>
    public long Scan(ReadOnlySpan<byte> start, long rows, ref ResultHash hash)
    {
        const int rowsPerOperation = 1000;
        long count = 0;
        byte[] key = new byte[start.Length + 1];
        start.CopyTo(key);
        int keySize = start.Length;
        while (count < rows)
        {
            int wanted = (int)Math.Min(rows - count, rowsPerOperation);
            TreeCursor cursor = Seek(key.AsSpan(0, keySize), wanted);
            for (int i = 0; i < wanted; i++)
            {
                if (!cursor.Valid) return count;
                hash.Add(cursor.Key);
                hash.Add(cursor.Value);
                count++;
                if (i + 1 < wanted) cursor.Next();
            }
            if (count == rows) return count;
            // The least key above the last one.
            cursor.Key.CopyTo(key);
            key[cursor.Key.Length] = 0;
            keySize = cursor.Key.Length + 1;
        }
        return count;
    }

    public void Settle()
    {
    }

    /// <summary>Makes a checkpoint.</summary>
    public void Flush()
    {
        _op++;
        _forest.CheckpointStart(_op, []);
        while (!_forest.TryCheckpoint(out _)) _disk.Wait(_forest);
        _forest.CheckpointDurable();
    }

    public void Dispose()
    {
        // The threads write from the memory.
        _disk.Dispose();
        _memory.Dispose();
    }

    private TreeCursor Seek(ReadOnlySpan<byte> key, int rows)
    {
        _op++;
        while (true)
        {
            _forest.PrefetchStart(_op);
            _tree.TouchFirst(key, prefixSize: 0, rows);
            if (_forest.PrefetchEnd()) return _tree.Seek(key, prefixSize: 0);
            _disk.Wait(_forest);
        }
    }

    private void Fetch(EntryBatch batch, int start, int end)
    {
        _op++;
        while (true)
        {
            _forest.PrefetchStart(_op);
            for (int i = start; i < end; i++) _tree.Touch(batch.Key(i));
            if (_forest.PrefetchEnd()) return;
            do _disk.Wait(_forest);
            while (_forest.IsReading(_op));
        }
    }

    private void Compact()
    {
        while (!_forest.TryCompact(_op)) _disk.Wait(_forest);
        _disk.Start(_forest);
    }
}
