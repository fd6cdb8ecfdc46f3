using System;
using System.IO;

namespace Deterministic.StorageBenchmark;

/// <summary>Both engines, opened empty and alike; or ours alone where RocksDB is not here.</summary>
internal sealed class EnginePair : IDisposable
{
    private readonly IKeyValueEngine?[] _engines;
    private readonly string[] _directories;
    private readonly BenchmarkOptions _options;
    private readonly long _entries;

    /// <param name="count">1: ours; 2: RocksDB too.</param>
    public EnginePair(BenchmarkOptions options, long entries, int count)
    {
        _options = options;
        _entries = entries;
        _engines = new IKeyValueEngine?[count];
        _directories = new string[count];
        for (int engine = 0; engine < count; engine++)
            _directories[engine] = Path.Combine(_options.Directory, "storage-bench-" + Path.GetRandomFileName());
    }

    public IKeyValueEngine this[int engine] => _engines[engine] ?? Renew(engine);

    /// <summary>Closes the engine, forgets its data and opens it empty.</summary>
    public IKeyValueEngine Renew(int engine)
    {
        Close(engine);
        Directory.CreateDirectory(_directories[engine]);
        EngineOptions options = new(_options, _entries, _directories[engine]);
        IKeyValueEngine opened = engine == 0 ? new ForestEngine(options) : new RocksEngine(options);
        _engines[engine] = opened;
        return opened;
    }

    public void Dispose()
    {
        for (int engine = 0; engine < _engines.Length; engine++) Close(engine);
    }

    private void Close(int engine)
    {
        _engines[engine]?.Dispose();
        _engines[engine] = null;
        if (Directory.Exists(_directories[engine])) Directory.Delete(_directories[engine], recursive: true);
    }
}
