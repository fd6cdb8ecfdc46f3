using System;
using System.Globalization;
using System.IO;
using System.Threading;

namespace Deterministic.StorageBenchmark;

/// <summary>RocksDB, set up as our engine is: nothing compressed, checksums verified on every read, no log of its own
/// (ours is outside the storage engine too), direct IO so that its block cache is the only cache.</summary>
internal sealed unsafe class RocksEngine : IKeyValueEngine
{
    private const int NoCompression = 0;
    private const double BloomBitsPerKey = 10;

    /// <summary>RocksDB's own default ratio between the first sorted level and the memtable.</summary>
    private const int LevelBaseMemtables = 4;

    private static readonly string[] BackgroundWork =
    [
        "rocksdb.mem-table-flush-pending", "rocksdb.num-running-flushes", "rocksdb.compaction-pending",
        "rocksdb.num-running-compactions",
    ];

    private readonly string _directory;
    private readonly BenchmarkOptions _benchmark;
    private readonly nint _options = RocksLibrary.OptionsCreate();
    private readonly nint _cache;
    private readonly nint _writeOptions = RocksLibrary.WriteOptionsCreate();
    private readonly nint _readOptions = RocksLibrary.ReadOptionsCreate();
    private readonly nint _flushOptions = RocksLibrary.FlushOptionsCreate();
    private readonly nint _batch = RocksLibrary.BatchCreate();
    private readonly nint _database;
    private readonly bool _direct = true;

    public RocksEngine(EngineOptions options)
    {
        _directory = options.Directory;
        _benchmark = options.Benchmark;
        _cache = RocksLibrary.CacheCreate((nuint)_benchmark.CacheBytes);
        Configure();
        RocksLibrary.WriteOptionsDisableLog(_writeOptions, 1);
        RocksLibrary.ReadOptionsSetVerifyChecksums(_readOptions, 1);
        _database = RocksLibrary.Open(_options, _directory, out nint error);
        if (_database == 0 && IsDirectRefused(ref error))
        {
            _direct = false;
            SetDirect();
            _database = RocksLibrary.Open(_options, _directory, out error);
        }
        RocksLibrary.ThrowIfError(error);
    }

    public string Name => "RocksDB";

    public string Description =>
        $"no compression, bloom filter {BloomBitsPerKey} bits, checksums verified, log off, LRU block cache "
        + $"{Sizes.Text(_benchmark.CacheBytes)}, memtables 2 x {Sizes.Text(_benchmark.MemtableBytes)}, one background "
        + (_direct ? "job, direct IO" : "job, BUFFERED IO: the file system refuses direct IO");

    /// <summary>In memory: index and filter blocks, which RocksDB by its defaults keeps beside the block cache, and
    /// memtables.</summary>
    public EngineStatistics Statistics
    {
        get
        {
            long disk = 0;
            foreach (FileInfo file in new DirectoryInfo(_directory).EnumerateFiles()) disk += file.Length;
            return new EngineStatistics(disk,
                Property("rocksdb.estimate-table-readers-mem") + Property("rocksdb.size-all-mem-tables"));
        }
    }

    public void Put(EntryBatch batch)
    {
        fixed (byte* keys = batch.Keys, values = batch.Values)
        {
            for (int i = 0; i < batch.Count; i++)
            {
                RocksLibrary.BatchPut(_batch, keys + i * batch.KeySize, (nuint)batch.KeySize,
                    values + i * batch.ValueSize, (nuint)batch.ValueSize);
            }
        }
        Write();
    }

    public void Delete(EntryBatch batch)
    {
        fixed (byte* keys = batch.Keys)
        {
            for (int i = 0; i < batch.Count; i++)
                RocksLibrary.BatchDelete(_batch, keys + i * batch.KeySize, (nuint)batch.KeySize);
        }
        Write();
    }

    public bool Get(ReadOnlySpan<byte> key, ref ResultHash hash)
    {
        nint error = 0;
        nint slice;
        fixed (byte* keyPointer = key)
            slice = RocksLibrary.GetPinned(_database, _readOptions, keyPointer, (nuint)key.Length, &error);
        RocksLibrary.ThrowIfError(error);
        if (slice == 0) return false;
        nuint size;
        byte* value = RocksLibrary.PinnedValue(slice, &size);
        hash.Add(new ReadOnlySpan<byte>(value, (int)size));
        RocksLibrary.PinnedDestroy(slice);
        return true;
    }

    public long Scan(ReadOnlySpan<byte> start, long rows, ref ResultHash hash)
    {
        nint iterator = RocksLibrary.IteratorCreate(_database, _readOptions);
        fixed (byte* key = start) RocksLibrary.IteratorSeek(iterator, key, (nuint)start.Length);
        long count = 0;
        while (count < rows && RocksLibrary.IteratorValid(iterator) != 0)
        {
            nuint size;
            byte* bytes = RocksLibrary.IteratorKey(iterator, &size);
            hash.Add(new ReadOnlySpan<byte>(bytes, (int)size));
            bytes = RocksLibrary.IteratorValue(iterator, &size);
            hash.Add(new ReadOnlySpan<byte>(bytes, (int)size));
            count++;
            if (count < rows) RocksLibrary.IteratorNext(iterator);
        }
        RocksLibrary.IteratorError(iterator, out nint error);
        RocksLibrary.IteratorDestroy(iterator);
        RocksLibrary.ThrowIfError(error);
        return count;
    }

    public void Settle()
    {
        while (Array.Exists(BackgroundWork, property => Property(property) > 0)) Thread.Sleep(1);
    }

    public void Flush()
    {
        RocksLibrary.Flush(_database, _flushOptions, out nint error);
        RocksLibrary.ThrowIfError(error);
        Settle();
    }

    public void Dispose()
    {
        RocksLibrary.Close(_database);
        RocksLibrary.BatchDestroy(_batch);
        RocksLibrary.FlushOptionsDestroy(_flushOptions);
        RocksLibrary.ReadOptionsDestroy(_readOptions);
        RocksLibrary.WriteOptionsDestroy(_writeOptions);
        RocksLibrary.OptionsDestroy(_options);
        RocksLibrary.CacheDestroy(_cache);
    }

    private static bool IsDirectRefused(ref nint error)
    {
        string message = RocksLibrary.TakeString(error);
        error = 0;
        if (message.Contains("Direct I/O", StringComparison.OrdinalIgnoreCase)) return true;
        throw new IOException("RocksDB: " + message);
    }

    private void Configure()
    {
        RocksLibrary.OptionsSetCreateIfMissing(_options, 1);
        RocksLibrary.OptionsSetCompression(_options, NoCompression);
        RocksLibrary.OptionsSetWriteBufferSize(_options, (nuint)_benchmark.MemtableBytes);
        RocksLibrary.OptionsSetTargetFileSizeBase(_options, (ulong)_benchmark.MemtableBytes);
        RocksLibrary.OptionsSetMaxBytesForLevelBase(_options, (ulong)_benchmark.MemtableBytes * LevelBaseMemtables);
        RocksLibrary.OptionsSetMaxBackgroundJobs(_options, 1);
        RocksLibrary.OptionsSetAllowConcurrentMemtableWrite(_options, 0);
        SetDirect();
        nint table = RocksLibrary.TableOptionsCreate();
        RocksLibrary.TableOptionsSetBlockCache(table, _cache);
        RocksLibrary.TableOptionsSetFilterPolicy(table, RocksLibrary.BloomFilterCreate(BloomBitsPerKey));
        RocksLibrary.OptionsSetBlockBasedTableFactory(_options, table);
        RocksLibrary.TableOptionsDestroy(table);
    }

    private void SetDirect()
    {
        RocksLibrary.OptionsSetUseDirectReads(_options, _direct ? (byte)1 : (byte)0);
        RocksLibrary.OptionsSetUseDirectIoForFlushAndCompaction(_options, _direct ? (byte)1 : (byte)0);
    }

    private void Write()
    {
        RocksLibrary.Write(_database, _writeOptions, _batch, out nint error);
        RocksLibrary.ThrowIfError(error);
        RocksLibrary.BatchClear(_batch);
    }

    private long Property(string name)
    {
        string value = RocksLibrary.TakeString(RocksLibrary.PropertyValue(_database, name));
        return long.TryParse(value, CultureInfo.InvariantCulture, out long number) ? number : 0;
    }
}
