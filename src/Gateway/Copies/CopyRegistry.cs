using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Core;
using Deterministic.Gateway.Http;
using Deterministic.Gateway.Routes;
using Microsoft.Extensions.Logging;

namespace Deterministic.Gateway.Copies;

/// <summary>The copies that this process has begun: those under way, and the last ones that have ended, for whoever
/// asks how they went. None is begun twice: who asks again for the same copy waits for the one that is under way. Safe
/// to use from many threads.</summary>
/// <param name="time">Says how long ago copies have ended.</param>
/// <param name="logger">Is told of copies that end early without anybody who waits.</param>
internal sealed class CopyRegistry(TimeProvider time, ILogger logger)
{
    public const int UnderWayMax = 16;

    /// <summary>Copies that have ended and are still known, for so long at most.</summary>
    public const int EndedMax = 1024;
    public static readonly TimeSpan KeptFor = TimeSpan.FromHours(1);

    private const string Unknown = "operation was not found: this process of the gateway has not begun it. If " +
        "another one has, or this one before it was started again, then ask that one, or look what is in the " +
        "namespace: a copy ends with the process that makes it";

    private const string Forgotten =
        "operation has ended, but its outcome is not kept any more; look what is in the namespace";

    private readonly object _gate = new();
    private readonly CopyTokens _tokens = new();
    private readonly SortedDictionary<ulong, CopyOperation> _known = [];
    private readonly Queue<ulong> _ended = new();
    private readonly SortedDictionary<string, CopyOperation> _underWay = new(StringComparer.Ordinal);
    private ulong _last;
    private bool _isClosed;

    /// <summary>Makes the rows of the source those of the destination, tells how far it is, and stops when told
    /// to.</summary>
    public delegate Task<CopyOutcome> Run(Action<ulong> copied, CancellationToken stop);

    public long UnderWay
    {
        get
        {
            lock (_gate) return _underWay.Count;
        }
    }

    /// <summary>Begins a copy, or finds it if it is under way. The caller waits for it with <see cref="WaitAsync"/>, or
    /// tells its token (<see cref="Tell"/>).</summary>
    /// <exception cref="RequestException">Another copy to the same destination, or too many, are under way, or the
    /// gateway is about to stop.</exception>
    public CopyOperation Begin(string source, string destination, Run run)
    {
        CopyOperation operation;
        lock (_gate)
        {
            if (_underWay.TryGetValue(destination, out CopyOperation? same))
            {
                if (same.Source != source || same.Stop.IsCancellationRequested)
                {
                    throw RequestException.Invalid(
                        $"copy_from_namespace needs an empty destination, but a copy to '{destination}' is under way");
                }
                same.Waiting++;
                return same;
            }
            if (_isClosed) throw new RequestException(503, "the gateway is about to stop and begins no copy");
            if (_underWay.Count == UnderWayMax)
                throw RequestException.TooMany($"{UnderWayMax} copies are under way; try again later");
            Forget();
            ulong number = ++_last;
            string token = _tokens.Make(number, destination);
            operation = new CopyOperation(number, token, source, destination, time.GetUtcNow()) { Waiting = 1 };
            _known.Add(number, operation);
            _underWay.Add(destination, operation);
        }
        _ = Task.Run(() => RunAsync(operation, run));
        return operation;
    }

    /// <summary>Waits for the end, for so long at most; true if it is there. If who waits goes away, and nobody else
    /// waits or knows the token, the copy is broken off: nobody could ever learn of it.</summary>
    public async Task<bool> WaitAsync(CopyOperation operation, TimeSpan patience, CancellationToken gone)
    {
        try
        {
            await operation.Ended.WaitAsync(patience, gone).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            lock (_gate)
            {
                operation.Waiting--;
                operation.IsKnown = true;
            }
            return false;
        }
        catch (OperationCanceledException)
        {
            lock (_gate)
            {
                operation.Waiting--;
                if (operation.Waiting == 0 && !operation.IsKnown && !operation.Ended.IsCompleted) operation.BreakOff();
            }
            throw;
        }
    }

    /// <summary>Somebody gets the token instead of waiting.</summary>
    public void Tell(CopyOperation operation)
    {
        lock (_gate) operation.IsKnown = true;
    }

    /// <summary>One that this process has begun.</summary>
    /// <param name="name">The namespace that the token has to be for: who may ask has been judged by it.</param>
    /// <param name="token">As it was told.</param>
    /// <exception cref="RequestException">There is none, which says why.</exception>
    public CopyOperation Find(string name, string token)
    {
        if (!_tokens.TryRead(token, name, out ulong number)) throw new RequestException(404, Unknown);
        lock (_gate)
        {
            Forget();
            return _known.TryGetValue(number, out CopyOperation? operation)
                ? operation : throw new RequestException(404, Forgotten);
        }
    }

    /// <summary>No further copy is begun.</summary>
    public void Close()
    {
        lock (_gate) _isClosed = true;
    }

    /// <summary>Waits for the copies that are under way, for so long at most; then breaks them off.</summary>
    public async Task EndAsync(TimeSpan patience)
    {
        Close();
        CopyOperation[] left;
        lock (_gate) left = [.. _underWay.Values];
        Task all = Task.WhenAll(left.Select(static operation => operation.Ended));
        await Task.WhenAny(all, Task.Delay(patience)).ConfigureAwait(false);
        lock (_gate)
        {
            foreach (CopyOperation operation in _underWay.Values) operation.BreakOff();
        }
        await all.ConfigureAwait(false);
    }

    private async Task RunAsync(CopyOperation operation, Run run)
    {
        CopyOutcome? outcome = null;
        Refusal error = default;
        try
        {
            outcome = await run(operation.Report, operation.Stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            error = new Refusal(503, $"the copy was broken off after {operation.Rows} rows, which are in " +
                $"'{operation.Destination}'; delete that and copy again");
            CopyLog.BrokenOff(logger, operation.Source, operation.Destination, operation.Rows);
        }
        catch (Exception exception)
        {
            Refusal? foreseen = Refusal.Of(exception, operation.Destination);
            if (foreseen is null)
                CopyLog.Unforeseen(logger, operation.Source, operation.Destination, exception);
            error = foreseen ?? new Refusal(500, "an error of this server that its log describes");
        }
        lock (_gate)
        {
            bool was = _underWay.Remove(operation.Destination);
            Check.That(was);
            _ended.Enqueue(operation.Number);
            operation.End(outcome, error, time.GetUtcNow());
            Forget();
        }
    }

    /// <summary>Of those that have ended, what is too many or too old. They have ended in the order of the
    /// queue.</summary>
    private void Forget()
    {
        while (_ended.TryPeek(out ulong oldest)
            && (_ended.Count > EndedMax || time.GetUtcNow() - _known[oldest].EndedAt > KeptFor))
        {
            _ended.Dequeue();
            _known.Remove(oldest, out CopyOperation? operation);
            operation!.Dispose();
        }
    }
}

internal static partial class CopyLog
{
    [LoggerMessage(130, LogLevel.Warning,
        "the copy of {Source} to {Destination} was broken off after {Rows} rows, which are there")]
    public static partial void BrokenOff(ILogger logger, string source, string destination, ulong rows);

    [LoggerMessage(131, LogLevel.Error,
        "the copy of {Source} to {Destination} ended in an error that was not foreseen")]
    public static partial void Unforeseen(ILogger logger, string source, string destination, Exception exception);
}
