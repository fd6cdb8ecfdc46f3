using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core.Model;
using Microsoft.Extensions.Logging;

namespace Deterministic.Gateway.Security;

/// <summary>The keys that a gateway goes by: read from the cluster again and again. While the cluster cannot be
/// reached the last ones serve on for a while. Safe to use from many threads.</summary>
internal sealed class KeyRing : IAsyncDisposable
{
    /// <summary>From the end of one reading to the next.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Since the last reading that was answered began.</summary>
    public static readonly TimeSpan AgeMax = TimeSpan.FromSeconds(30);

    private readonly Func<CancellationToken, Task<List<ApiKey>>> _read;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop = new();
    private readonly long _started;
    private readonly TaskCompletionSource _hasKeys = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _loop = Task.CompletedTask;
    private Reading? _last;
    private bool _failing;

    /// <param name="read">All keys of the cluster.</param>
    /// <param name="time">For pauses and ages.</param>
    /// <param name="logger">Is told when keys cannot be read.</param>
    public KeyRing(Func<CancellationToken, Task<List<ApiKey>>> read, TimeProvider time, ILogger logger)
    {
        _read = read;
        _time = time;
        _logger = logger;
        _started = time.GetTimestamp();
    }

    /// <summary>Null if it is not known which keys there are.</summary>
    public KeySet? Current
    {
        get
        {
            Reading? last = Volatile.Read(ref _last);
            return last is not null && _time.GetElapsedTime(last.Begun) <= AgeMax ? last.Keys : null;
        }
    }

    /// <summary>Of the last reading, good or too old.</summary>
    public int Count => Volatile.Read(ref _last)?.Keys.Count ?? 0;

    /// <summary>Since the last reading that was answered began; since the start if there was none.</summary>
    public TimeSpan Age => _time.GetElapsedTime(Volatile.Read(ref _last)?.Begun ?? _started);

    /// <summary>Completes once there has been a key.</summary>
    public Task HasKeys => _hasKeys.Task;

    /// <summary>Reads from now on.</summary>
    public void Start() => _loop = RunAsync();

    /// <summary>Reads the keys once; one call at a time.</summary>
    public async Task RefreshAsync()
    {
        long begun = _time.GetTimestamp();
        try
        {
            List<ApiKey> keys = await _read(_stop.Token).ConfigureAwait(false);
            Reading? before = _last;
            if (keys.Count == 0 && before is not { Keys.Count: 0 }) KeyLog.NoKeys(_logger);
            Volatile.Write(ref _last, new Reading(KeySet.Of(keys, before?.Keys ?? KeySet.Empty, _time), begun));
            if (keys.Count > 0) _hasKeys.TrySetResult();
            _failing = false;
        }
        catch (Exception exception) when (!_stop.IsCancellationRequested)
        {
            if (!_failing) KeyLog.NotRead(_logger, AgeMax.TotalSeconds, exception.Message);
            _failing = true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await RefreshAsync().ConfigureAwait(false);
                await Task.Delay(Interval, _time, _stop.Token).ConfigureAwait(false);
            }
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // The gateway ends.
        }
    }

    private sealed record Reading(KeySet Keys, long Begun);
}

internal static partial class KeyLog
{
    [LoggerMessage(110, LogLevel.Warning,
        "the API keys of the cluster cannot be read; those that are known are good for {Seconds} s since the last " +
        "reading, then requests are refused: {Problem}")]
    public static partial void NotRead(ILogger logger, double seconds, string problem);

    [LoggerMessage(111, LogLevel.Warning,
        "the cluster has no API keys, so every request is refused; make one with `deterministic keys create`")]
    public static partial void NoKeys(ILogger logger);

    [LoggerMessage(112, LogLevel.Warning, "not listening on {Address} yet: the cluster has no API keys, or does not " +
        "answer; make one with `deterministic keys create`")]
    public static partial void Waits(ILogger logger, string address);
}
