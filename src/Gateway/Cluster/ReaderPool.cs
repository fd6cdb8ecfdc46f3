using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Client;
using Deterministic.Gateway.Http;

namespace Deterministic.Gateway.Cluster;

/// <summary>Readers to borrow, made when they are first needed. Safe to use from many threads.</summary>
/// <param name="options">Of the cluster.</param>
/// <param name="count">Reads under way at a time.</param>
/// <param name="waitingMax">Reads that may wait for a reader.</param>
/// <param name="spread">Whether each reader begins with another replica, which suits stale reads.</param>
internal sealed class ReaderPool(ClientOptions options, int count, int waitingMax, bool spread) : IDisposable
{
    private readonly SemaphoreSlim _places = new(count);
    private readonly ConcurrentStack<DeterministicReader> _idle = new();
    private int _made;
    private int _waiting;

    /// <summary>Reads that have a reader.</summary>
    public int UnderWay => count - _places.CurrentCount;

    /// <summary>Reads that wait for one.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <exception cref="RequestException">Too many wait already.</exception>
    public async Task<T> ReadAsync<T>(
        Func<DeterministicReader, CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _waiting) > waitingMax)
        {
            Interlocked.Decrement(ref _waiting);
            throw RequestException.TooMany("too many queries wait; try again later");
        }
        try
        {
            await _places.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
        DeterministicReader? reader = null;
        try
        {
            if (!_idle.TryPop(out reader)) reader = Make();
            T result = await read(reader, cancellation).ConfigureAwait(false);
            _idle.Push(reader);
            reader = null;
            return result;
        }
        catch (Exception exception) when (reader is not null
            && exception is DeterministicException or StateTooOldException)
        {
            _idle.Push(reader);
            reader = null;
            throw;
        }
        finally
        {
            // Anything else may have left half a message in its connection.
            reader?.Dispose();
            _places.Release();
        }
    }

    public void Dispose()
    {
        while (_idle.TryPop(out DeterministicReader? reader)) reader.Dispose();
        _places.Dispose();
    }

    private DeterministicReader Make()
    {
        int first = spread ? (Interlocked.Increment(ref _made) & int.MaxValue) % options.Addresses.Count : 0;
        if (first == 0) return new DeterministicReader(options);
        List<EndPoint> addresses = [];
        for (int i = 0; i < options.Addresses.Count; i++)
            addresses.Add(options.Addresses[(first + i) % options.Addresses.Count]);
        return new DeterministicReader(options with { Addresses = addresses });
    }
}
