using System;
using System.IO;
using System.Runtime.InteropServices;

namespace Deterministic.StorageBenchmark;

/// <summary>RocksDB's C interface, as far as it is used. Handles are opaque pointers; errors are strings that the
/// library allocates. Calls that are made per row or value go without a transition of the garbage collector, which
/// would cost more than they do: nothing else in this process waits for one.</summary>
internal static unsafe partial class RocksLibrary
{
    private const string Library = "rocksdb";

    /// <summary>Where eng/rocksdb puts the library and what it needs.</summary>
    private static string CacheFolder
    {
        get
        {
            string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            return Path.Combine(string.IsNullOrEmpty(cache) ? Path.Combine(home, ".cache") : cache,
                "deterministic", "rocksdb");
        }
    }

    /// <summary>Null when the library is not here; else its file with the version.</summary>
    public static string? Load()
    {
        nint library = LoadFrom(CacheFolder, out string? file);
        if (library == 0) return null;
        NativeLibrary.SetDllImportResolver(typeof(RocksLibrary).Assembly,
            (name, _, _) => name == Library ? library : 0);
        return file;
    }

    /// <summary>The libraries that RocksDB needs come first: the loader takes what is loaded already by name.</summary>
    private static nint LoadFrom(string folder, out string? file)
    {
        file = null;
        if (!Directory.Exists(folder)) return 0;
        string[] files = Directory.GetFiles(folder, "lib*.so.*");
        Array.Sort(files, StringComparer.Ordinal);
        foreach (string path in files)
        {
            if (Path.GetFileName(path).StartsWith("librocksdb.", StringComparison.Ordinal)) file = path;
            else NativeLibrary.TryLoad(path, out _);
        }
        return file is not null && NativeLibrary.TryLoad(file, out nint library) ? library : 0;
    }

    public static void ThrowIfError(nint error)
    {
        if (error == 0) return;
        string message = Marshal.PtrToStringUTF8(error)!;
        Free(error);
        throw new IOException("RocksDB: " + message);
    }

    /// <summary>Takes over a string that the library allocated.</summary>
    public static string TakeString(nint text)
    {
        if (text == 0) return "";
        string taken = Marshal.PtrToStringUTF8(text)!;
        Free(text);
        return taken;
    }

    [LibraryImport(Library, EntryPoint = "rocksdb_free")]
    private static partial void Free(nint memory);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_create")]
    public static partial nint OptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_options_destroy")]
    public static partial void OptionsDestroy(nint options);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_create_if_missing")]
    public static partial void OptionsSetCreateIfMissing(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_compression")]
    public static partial void OptionsSetCompression(nint options, int compression);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_write_buffer_size")]
    public static partial void OptionsSetWriteBufferSize(nint options, nuint bytes);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_target_file_size_base")]
    public static partial void OptionsSetTargetFileSizeBase(nint options, ulong bytes);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_max_bytes_for_level_base")]
    public static partial void OptionsSetMaxBytesForLevelBase(nint options, ulong bytes);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_max_background_jobs")]
    public static partial void OptionsSetMaxBackgroundJobs(nint options, int jobs);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_allow_concurrent_memtable_write")]
    public static partial void OptionsSetAllowConcurrentMemtableWrite(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_use_direct_reads")]
    public static partial void OptionsSetUseDirectReads(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_use_direct_io_for_flush_and_compaction")]
    public static partial void OptionsSetUseDirectIoForFlushAndCompaction(nint options, byte value);

    [LibraryImport(Library, EntryPoint = "rocksdb_options_set_block_based_table_factory")]
    public static partial void OptionsSetBlockBasedTableFactory(nint options, nint tableOptions);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_create")]
    public static partial nint TableOptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_destroy")]
    public static partial void TableOptionsDestroy(nint tableOptions);

    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_set_block_cache")]
    public static partial void TableOptionsSetBlockCache(nint tableOptions, nint cache);

    /// <summary>The table options own the policy from then on.</summary>
    [LibraryImport(Library, EntryPoint = "rocksdb_block_based_options_set_filter_policy")]
    public static partial void TableOptionsSetFilterPolicy(nint tableOptions, nint policy);

    [LibraryImport(Library, EntryPoint = "rocksdb_filterpolicy_create_bloom_full")]
    public static partial nint BloomFilterCreate(double bitsPerKey);

    [LibraryImport(Library, EntryPoint = "rocksdb_cache_create_lru")]
    public static partial nint CacheCreate(nuint bytes);

    [LibraryImport(Library, EntryPoint = "rocksdb_cache_destroy")]
    public static partial void CacheDestroy(nint cache);

    [LibraryImport(Library, EntryPoint = "rocksdb_open", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint Open(nint options, string directory, out nint error);

    [LibraryImport(Library, EntryPoint = "rocksdb_close")]
    public static partial void Close(nint database);

    [LibraryImport(Library, EntryPoint = "rocksdb_property_value", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint PropertyValue(nint database, string property);

    [LibraryImport(Library, EntryPoint = "rocksdb_flushoptions_create")]
    public static partial nint FlushOptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_flushoptions_destroy")]
    public static partial void FlushOptionsDestroy(nint flushOptions);

    [LibraryImport(Library, EntryPoint = "rocksdb_flush")]
    public static partial void Flush(nint database, nint flushOptions, out nint error);

    [LibraryImport(Library, EntryPoint = "rocksdb_writeoptions_create")]
    public static partial nint WriteOptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_writeoptions_destroy")]
    public static partial void WriteOptionsDestroy(nint writeOptions);

    [LibraryImport(Library, EntryPoint = "rocksdb_writeoptions_disable_WAL")]
    public static partial void WriteOptionsDisableLog(nint writeOptions, int value);

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_create")]
    public static partial nint BatchCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_destroy")]
    public static partial void BatchDestroy(nint batch);

    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_clear")]
    public static partial void BatchClear(nint batch);

    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_put")]
    public static partial void BatchPut(nint batch, byte* key, nuint keySize, byte* value, nuint valueSize);

    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rocksdb_writebatch_delete")]
    public static partial void BatchDelete(nint batch, byte* key, nuint keySize);

    [LibraryImport(Library, EntryPoint = "rocksdb_write")]
    public static partial void Write(nint database, nint writeOptions, nint batch, out nint error);

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_create")]
    public static partial nint ReadOptionsCreate();

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_destroy")]
    public static partial void ReadOptionsDestroy(nint readOptions);

    [LibraryImport(Library, EntryPoint = "rocksdb_readoptions_set_verify_checksums")]
    public static partial void ReadOptionsSetVerifyChecksums(nint readOptions, byte value);

    /// <summary>Zero when the key is not there.</summary>
    [LibraryImport(Library, EntryPoint = "rocksdb_get_pinned")]
    public static partial nint GetPinned(
        nint database, nint readOptions, byte* key, nuint keySize, nint* error);

    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rocksdb_pinnableslice_value")]
    public static partial byte* PinnedValue(nint slice, nuint* size);

    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rocksdb_pinnableslice_destroy")]
    public static partial void PinnedDestroy(nint slice);

    [LibraryImport(Library, EntryPoint = "rocksdb_create_iterator")]
    public static partial nint IteratorCreate(nint database, nint readOptions);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_destroy")]
    public static partial void IteratorDestroy(nint iterator);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_seek")]
    public static partial void IteratorSeek(nint iterator, byte* key, nuint keySize);

    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rocksdb_iter_next")]
    public static partial void IteratorNext(nint iterator);

    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rocksdb_iter_valid")]
    public static partial byte IteratorValid(nint iterator);

    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rocksdb_iter_key")]
    public static partial byte* IteratorKey(nint iterator, nuint* size);

    [SuppressGCTransition]
    [LibraryImport(Library, EntryPoint = "rocksdb_iter_value")]
    public static partial byte* IteratorValue(nint iterator, nuint* size);

    [LibraryImport(Library, EntryPoint = "rocksdb_iter_get_error")]
    public static partial void IteratorError(nint iterator, out nint error);
}
