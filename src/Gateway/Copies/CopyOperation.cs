using System;
using System.Threading;
using System.Threading.Tasks;
using Deterministic.Gateway.Http;

namespace Deterministic.Gateway.Copies;

/// <summary>A copy that was begun, and what has become of it. Safe to use from many threads.</summary>
/// <param name="number">Of this process's copies.</param>
/// <param name="token">By which those ask for it who do not wait.</param>
/// <param name="source">Is copied.</param>
/// <param name="destination">Takes the rows.</param>
/// <param name="startedAt">Since when.</param>
internal sealed class CopyOperation(
    ulong number, string token, string source, string destination, DateTimeOffset startedAt) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong _rows;

    public ulong Number => number;
    public string Token => token;
    public string Source => source;
    public string Destination => destination;
    public DateTimeOffset StartedAt => startedAt;

    /// <summary>Rows that are in the destination by now.</summary>
    public ulong Rows => Volatile.Read(ref _rows);

    /// <summary>Ends with the operation, and never with an error.</summary>
    public Task Ended => _ended.Task;

    public DateTimeOffset EndedAt { get; private set; }

    /// <summary>Null before the end, and if there is an error.</summary>
    public CopyOutcome? Outcome { get; private set; }

    /// <summary>Why it did not come to an outcome.</summary>
    public Refusal Error { get; private set; }

    /// <summary>Requests that wait for the end. The registry guards it.</summary>
    public int Waiting { get; set; }

    /// <summary>Whether somebody may still ask for it by its token. The registry guards it.</summary>
    public bool IsKnown { get; set; }

    /// <summary>Told to end early.</summary>
    public CancellationToken Stop => _stop.Token;

    public void Report(ulong rows) => Volatile.Write(ref _rows, rows);

    /// <summary>Nothing that follows from it happens within the call: the caller holds a lock.</summary>
    public void BreakOff() => _ = _stop.CancelAsync();

    public void End(CopyOutcome? outcome, Refusal error, DateTimeOffset now)
    {
        Outcome = outcome;
        Error = error;
        EndedAt = now;
        _ended.SetResult();
    }

    public void Dispose() => _stop.Dispose();
}
