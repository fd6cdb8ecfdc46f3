using System;
using System.Collections.Generic;
using System.IO;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Storage;
using Deterministic.Storage.Blocks;
using Microsoft.Win32.SafeHandles;

namespace Deterministic.StorageBenchmark;

/// <summary>Our engine: one tree of a forest on a file of its own.</summary>
internal sealed class ForestEngine : IKeyValueEngine
{
    private const int BlockSize = 64 << 10;

    private readonly StaticMemory _memory = new();
    private readonly FileDisk _disk;
    private readonly Forest _forest;
    private readonly Tree _tree;
    private ulong _op;

    public ForestEngine(EngineOptions options)
    {
        BenchmarkOptions benchmark = options.Benchmark;
        long entrySize = benchmark.KeySize + benchmark.ValueSize + Forest.EntryOverheadSize;
        long blocks = (8 * Math.Max(1, options.Entries) * entrySize + 64 * benchmark.MemtableBytes) / BlockSize;
        _disk = new FileDisk(Path.Combine(options.Directory, "forest"));
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
                BlockSize = BlockSize,
                Blocks = blocks,
                CacheFrames = Math.Max(Grid.FramesMin(BlockSize), (int)(benchmark.CacheBytes / BlockSize)),
            },
        });
        _memory.Seal();
        _tree = _forest[0];
    }

    public string Name => "ours";

    public string Description => $"blocks of {BlockSize >> 10} KiB, checksums verified, reads through the page cache";

    public EngineStatistics Statistics => new(
        DiskBytes: _forest.Grid.Free.AcquiredCount * BlockSize, MemoryBytes: _memory.TakenBytes);

    public void Put(EntryBatch batch)
    {
        Fetch(batch);
        for (int i = 0; i < batch.Count; i++) _tree.Put(batch.Key(i), batch.Value(i));
        Pump(() => _forest.TryCompact(_op));
    }

    public void Delete(EntryBatch batch)
    {
        Fetch(batch);
        for (int i = 0; i < batch.Count; i++) _tree.Remove(batch.Key(i));
        Pump(() => _forest.TryCompact(_op));
    }

    public bool Get(ReadOnlySpan<byte> key, ref ResultHash hash)
    {
        _op++;
        while (true)
        {
            _forest.PrefetchStart(_op);
            _tree.Touch(key);
            if (_forest.PrefetchEnd()) break;
            _disk.CompleteAll(_forest);
        }
        if (!_tree.TryGet(key, out ReadOnlySpan<byte> value)) return false;
        hash.Add(value);
        return true;
    }

    public long Scan(ReadOnlySpan<byte> start, long rows, ref ResultHash hash)
    {
        _op++;
        while (true)
        {
            _forest.PrefetchStart(_op);
            _tree.TouchFirst(start, prefixSize: 0, (int)Math.Min(rows, int.MaxValue));
            if (_forest.PrefetchEnd()) break;
            _disk.CompleteAll(_forest);
        }
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

    /// <summary>Makes a checkpoint.</summary>
    public void Flush()
    {
        _op++;
        _forest.CheckpointStart(_op, []);
        Pump(() => _forest.TryCheckpoint(out _));
        _forest.CheckpointDurable();
    }

    public void Dispose()
    {
        _memory.Dispose();
        _disk.Dispose();
    }

    private void Fetch(EntryBatch batch)
    {
        _op++;
        while (true)
        {
            _forest.PrefetchStart(_op);
            for (int i = 0; i < batch.Count; i++) _tree.Touch(batch.Key(i));
            if (_forest.PrefetchEnd()) break;
            _disk.CompleteAll(_forest);
        }
    }

    private void Pump(Func<bool> step)
    {
        while (!step()) _disk.CompleteAll(_forest);
    }

    /// <summary>Reads and writes at once, and tells later.</summary>
    private sealed class FileDisk(string path) : IDisk, IDisposable
    {
        private readonly SafeFileHandle _file = File.OpenHandle(
            path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
        private readonly Queue<uint> _done = new();

        public void Read(uint token, long offset, NativeBuffer buffer)
        {
            int read = RandomAccess.Read(_file, buffer.Span, offset);
            buffer.Span[read..].Clear();
            _done.Enqueue(token);
        }

        public void Write(uint token, long offset, NativeBuffer buffer)
        {
            RandomAccess.Write(_file, buffer.Span, offset);
            _done.Enqueue(token);
        }

        public void CompleteAll(Forest forest)
        {
            if (_done.Count == 0) throw new InvalidOperationException("the forest waits for nothing");
            while (_done.TryDequeue(out uint token)) forest.OnCompletion(token, IoResult.Ok);
        }

        public void Dispose() => _file.Dispose();
    }
}
