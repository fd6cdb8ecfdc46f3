using System;
using System.Threading;
using Deterministic.Core;
using Deterministic.Core.Collections;
using Deterministic.Core.Memory;
using Deterministic.Vsr;

namespace Deterministic.Replica.Io;

/// <summary>The production disk: threads that each block in one read or write, fed by a fixed queue, and a fixed queue
/// of completions that only the event loop empties, so that no completion ever runs inside the call that asked for
/// it.</summary>
internal sealed class ThreadedDisk : IDisk, IDisposable
{
    /// <summary>More than a replica ever has in flight; overrunning it is a bug, not a load.</summary>
    private const int QueueCapacity = 1024;

    /// <summary>Neighbouring writes that go to the disk as one.</summary>
    private const int JoinedMax = 16;

    private readonly DataFile _file;
    private readonly WakeSignal _wake;
    private readonly Thread[] _threads;
    private readonly object _gate = new();
    private readonly RingBuffer<Request> _requests = new(QueueCapacity);
    private readonly RingBuffer<Completion> _completions = new(QueueCapacity);
    private bool _stopping;

    public ThreadedDisk(DataFile file, WakeSignal wake, int threads)
    {
        Check.That(threads > 0);
        _file = file;
        _wake = wake;
        _threads = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            _threads[i] = new Thread(Work) { IsBackground = true, Name = $"disk {i}" };
            _threads[i].Start();
        }
    }

    /// <summary>Text of the last write that failed.</summary>
    public string WriteError { get; private set; } = "";

    public void Read(uint token, long offset, NativeBuffer buffer) => Submit(new Request(token, offset, buffer, false));

    public void Write(uint token, long offset, NativeBuffer buffer) => Submit(new Request(token, offset, buffer, true));

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
        lock (_gate)
        {
            Check.That(_requests.Count + _completions.Count < QueueCapacity);
            Check.That(_requests.TryAdd(request));
            Monitor.Pulse(_gate);
        }
    }

    private void Work()
    {
        uint[] tokens = new uint[JoinedMax];
        NativeBuffer[] buffers = new NativeBuffer[JoinedMax];
        while (true)
        {
            Request first;
            int count;
            lock (_gate)
            {
                while (_requests.IsEmpty && !_stopping) Monitor.Wait(_gate);
                if (!_requests.TryTake(out first)) return;
                count = TakeAdjacent(first, tokens, buffers);
            }
            IoResult result = Run(first, buffers.AsSpan(0, count));
            lock (_gate)
            {
                for (int i = 0; i < count; i++)
                    Check.That(_completions.TryAdd(new Completion(tokens[i], result)));
            }
            _wake.Set();
        }
    }

    /// <summary>Takes the writes from the front of the queue that go on where the one before ends: one durable write
    /// of many blocks costs little more than one of one.</summary>
    private int TakeAdjacent(in Request first, uint[] tokens, NativeBuffer[] buffers)
    {
        tokens[0] = first.Token;
        buffers[0] = first.Buffer;
        int count = 1;
        long end = first.Offset + first.Buffer.Length;
        while (first.IsWrite && count < JoinedMax && !_requests.IsEmpty)
        {
            Request next = _requests[0];
            if (!next.IsWrite || next.Offset != end) break;
            _requests.TryTake(out _);
            tokens[count] = next.Token;
            buffers[count++] = next.Buffer;
            end += next.Buffer.Length;
        }
        return count;
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
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }
        foreach (Thread thread in _threads) thread.Join();
    }

    private readonly record struct Request(uint Token, long Offset, NativeBuffer Buffer, bool IsWrite);

    private readonly record struct Completion(uint Token, IoResult Result);
}
