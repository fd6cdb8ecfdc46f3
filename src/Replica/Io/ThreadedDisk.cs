using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Deterministic.Core;
using Deterministic.Core.Collections;
using Deterministic.Core.Memory;
using Deterministic.Vsr;

namespace Deterministic.Replica.Io;

/// <summary>The production disk: threads that each block in one read or write, fed by a fixed queue, and a fixed queue
/// of completions that only the event loop empties, so that no completion ever runs inside the call that asked for
/// it. To hand an operation over and back costs as much as a quick disk does, so an event loop that has nothing else to
/// do runs one itself (<see cref="EndTurn"/>).</summary>
internal sealed class ThreadedDisk : IDisk, IDisposable
{
    /// <summary>More than a replica ever has in flight; overrunning it is a bug, not a load.</summary>
    private const int QueueCapacity = 1024;

    /// <summary>Neighbouring writes that go to the disk as one.</summary>
    private const int JoinedMax = 16;

    /// <summary>A disk that takes longer would keep the event loop from what others say.</summary>
    private static readonly long _quick = Stopwatch.Frequency / 2_500;

    /// <summary>By so much what is known of the disk changes with one operation. Three times as much upwards, so that
    /// of four operations three are no slower than it says, and a single long one does not count for many.</summary>
    private static readonly long _step = Stopwatch.Frequency / 50_000;

    /// <summary>An event loop that takes longer to the end of its turn would keep the disk waiting.</summary>
    private static readonly long _soon = Stopwatch.Frequency / 20_000;

    /// <summary>Turns of the event loop that an average is over.</summary>
    private const int TurnsAveraged = 16;

    private readonly DataFile _file;
    private readonly WakeSignal _wake;
    private readonly Thread[] _threads;

    /// <summary>For each thread an eventfd that it waits for.</summary>
    private readonly int[] _wakes;

    /// <summary>Threads that wait; the last one is woken first.</summary>
    private readonly int[] _idle;
    private int _idleCount;
    private readonly object _gate = new();
    private readonly RingBuffer<Request> _requests = new(QueueCapacity);
    private readonly RingBuffer<Completion> _completions = new(QueueCapacity);
    private readonly Batch _own = new();
    private bool _stopping;

    /// <summary>How long an operation takes.</summary>
    private long _operationTime = _quick;

    /// <summary>How long the event loop's turn lasted lately after it had asked for an operation.</summary>
    private long _turnTime;

    /// <summary>When it has asked for the first one of this turn; 0: not yet.</summary>
    private long _asked;

    /// <summary>Requests of this turn that no thread has been woken for.</summary>
    private int _held;

    public ThreadedDisk(DataFile file, WakeSignal wake, int threads)
    {
        Check.That(threads > 0);
        _file = file;
        _wake = wake;
        _threads = new Thread[threads];
        _wakes = new int[threads];
        _idle = new int[threads];
        for (int i = 0; i < threads; i++)
        {
            int index = i;
            _wakes[i] = Epoll.NewEvent(0, Epoll.CloseOnExec);
            if (_wakes[i] < 0) throw new IOException(Marshal.GetLastPInvokeErrorMessage());
            _threads[i] = new Thread(() => Work(index)) { IsBackground = true, Name = $"disk {i}" };
        }
        foreach (Thread thread in _threads) thread.Start();
    }

    /// <summary>Text of the last write that failed.</summary>
    public string WriteError { get; private set; } = "";

    public void Read(uint token, long offset, NativeBuffer buffer) => Submit(new Request(token, offset, buffer, false));

    public void Write(uint token, long offset, NativeBuffer buffer) => Submit(new Request(token, offset, buffer, true));

    /// <summary>Something waits for the end of the turn, and it might be run there.</summary>
    public bool MayRun => _held > 0 && Volatile.Read(ref _operationTime) < _quick;

    /// <summary>The event loop has done what there was to do.</summary>
    /// <param name="idle">Nothing else has come meanwhile: it may as well run an operation as wait for one.</param>
    public void EndTurn(bool idle)
    {
        if (_asked == 0) return;
        _turnTime += (Stopwatch.GetTimestamp() - _asked - _turnTime) / TurnsAveraged;
        _asked = 0;
        bool runs = idle && MayRun;
        if (runs)
            lock (_gate) runs = _completions.IsEmpty && TryTake(_own);
        HandOver(_held - (runs ? _own.Count : 0));
        _held = 0;
        if (runs) Run(_own);
    }

    /// <summary>Wakes a thread for each request, as far as threads wait: those that work look for more before they
    /// wait.</summary>
    private void HandOver(int requests)
    {
        for (; requests > 0; requests--)
        {
            int thread;
            lock (_gate)
            {
                if (_idleCount == 0) return;
                thread = _idle[--_idleCount];
            }
            Wake(thread);
        }
    }

    private unsafe void Wake(int thread)
    {
        ulong one = 1;
        _ = Epoll.Write(_wakes[thread], &one, sizeof(ulong));
    }

    /// <summary>The oldest completion not yet taken; called by the event loop.</summary>
    public bool TryTakeCompletion(out uint token, out IoResult result)
    {
        lock (_gate)
        {
            bool any = _completions.TryTake(out Completion completion);
            token = completion.Token;
            result = completion.Result;
            return any;
        }
    }

    private void Submit(Request request)
    {
        if (_asked == 0) _asked = Stopwatch.GetTimestamp();
        lock (_gate)
        {
            Check.That(_requests.Count + _completions.Count < QueueCapacity);
            Check.That(_requests.TryAdd(request));
        }
        if (_turnTime > _soon) HandOver(1);
        else _held++;
    }

    private unsafe void Work(int thread)
    {
        Batch batch = new();
        while (true)
        {
            bool any;
            lock (_gate)
            {
                any = TryTake(batch);
                if (!any && _stopping) return;
                if (!any) _idle[_idleCount++] = thread;
            }
            if (any)
            {
                Run(batch);
                _wake.Set();
                continue;
            }
            ulong one;
            while (Epoll.Read(_wakes[thread], &one, sizeof(ulong)) < 0)
            {
                // A signal came first.
            }
        }
    }

    /// <summary>Takes the oldest request, and those writes behind it that go on where the one before ends: one durable
    /// write of many blocks costs little more than one of one.</summary>
    private bool TryTake(Batch batch)
    {
        if (!_requests.TryTake(out batch.First)) return false;
        batch.Tokens[0] = batch.First.Token;
        batch.Buffers[0] = batch.First.Buffer;
        batch.Count = 1;
        long end = batch.First.Offset + batch.First.Buffer.Length;
        while (batch.First.IsWrite && batch.Count < JoinedMax && !_requests.IsEmpty)
        {
            Request next = _requests[0];
            if (!next.IsWrite || next.Offset != end) break;
            _requests.TryTake(out _);
            batch.Tokens[batch.Count] = next.Token;
            batch.Buffers[batch.Count++] = next.Buffer;
            end += next.Buffer.Length;
        }
        return true;
    }

    /// <summary>Runs what was taken, to its end.</summary>
    private void Run(Batch batch)
    {
        long started = Stopwatch.GetTimestamp();
        IoResult result = Run(in batch.First, batch.Buffers.AsSpan(0, batch.Count));
        long time = Stopwatch.GetTimestamp() - started;
        lock (_gate)
        {
            _operationTime += time > _operationTime ? 3 * _step : -_step;
            for (int i = 0; i < batch.Count; i++)
                Check.That(_completions.TryAdd(new Completion(batch.Tokens[i], result)));
        }
    }

    private IoResult Run(in Request first, ReadOnlySpan<NativeBuffer> buffers)
    {
        if (!first.IsWrite)
            return _file.TryRead(first.Offset, first.Buffer) ? IoResult.Ok : IoResult.ReadFailed;
        string error;
        bool written = buffers.Length == 1
            ? _file.TryWrite(first.Offset, first.Buffer, out error)
            : _file.TryWriteMany(first.Offset, buffers, out error);
        if (written) return IoResult.Ok;
        WriteError = error;
        return IoResult.WriteFailed;
    }

    /// <summary>Lets what is queued finish, then ends the threads.</summary>
    public void Dispose()
    {
        lock (_gate) _stopping = true;
        for (int i = 0; i < _threads.Length; i++) Wake(i);
        foreach (Thread thread in _threads) thread.Join();
        foreach (int wake in _wakes) _ = Libc.Close(wake);
    }

    private readonly record struct Request(uint Token, long Offset, NativeBuffer Buffer, bool IsWrite);

    private readonly record struct Completion(uint Token, IoResult Result);

    /// <summary>What one thread does at a time.</summary>
    private sealed class Batch
    {
        public readonly uint[] Tokens = new uint[JoinedMax];
        public readonly NativeBuffer[] Buffers = new NativeBuffer[JoinedMax];
        public Request First;
        public int Count;
    }
}
