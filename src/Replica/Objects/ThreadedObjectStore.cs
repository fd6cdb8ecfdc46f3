using System;
using System.Threading;
using Deterministic.Core;
using Deterministic.Core.Collections;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Replica.Io;

namespace Deterministic.Replica.Objects;

/// <summary>What the real stores share: threads that each carry out one request at a time, fed by a fixed queue, and a
/// fixed queue of completions that only the owner's loop empties, so that no completion ever runs inside the call that
/// asked for it.</summary>
internal abstract class ThreadedObjectStore : IObjectStore, IDisposable
{
    private readonly WakeSignal _wake;
    private readonly Thread[] _threads;
    private readonly object _gate = new();
    private readonly RingBuffer<ObjectRequest> _requests = new(IObjectStore.RequestsMax);
    private readonly RingBuffer<Completion> _completions = new(IObjectStore.RequestsMax);
    private readonly CancellationTokenSource _stopping = new();
    private string _error = "";
    private int _underWay;
    private long _ended;
    private long _failed;

    protected ThreadedObjectStore(WakeSignal wake, int threads)
    {
        Check.That(threads > 0);
        _wake = wake;
        _threads = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            // A thread touches nothing of the store proper before a first request, which its constructor precedes.
            _threads[i] = new Thread(Work) { IsBackground = true, Name = $"objects {i}" };
            _threads[i].Start();
        }
    }

    /// <summary>For a person: why the last request failed that was refused or got no usable answer.</summary>
    public string Error => Volatile.Read(ref _error);

    /// <summary>Requests that have ended, and those of them that the store throttled, refused or did not answer. That a
    /// key is not there, or a condition does not hold, is an answer.</summary>
    public (long Ended, long Failed) Counts
    {
        get
        {
            lock (_gate) return (_ended, _failed);
        }
    }

    /// <summary>Set when the store is being closed; what waits should stop waiting.</summary>
    protected CancellationToken Stopping => _stopping.Token;

    public void Put(uint token, in ObjectKey key, NativeBuffer content, PutCondition condition, in ObjectTag tag)
    {
        Check.That(!key.IsEmpty);
        Check.That(content.Length <= int.MaxValue);
        Check.That(tag.IsEmpty == (condition != PutCondition.IfMatch));
        Submit(new ObjectRequest
        {
            Kind = ObjectRequestKind.Put, Token = token, Key = key, Buffer = content, Condition = condition, Tag = tag,
        });
    }

    public void Get(uint token, in ObjectKey key, long offset, NativeBuffer into)
    {
        Check.That(!key.IsEmpty && offset >= 0);
        Check.That(into.Length is > 0 and <= int.MaxValue);
        Submit(new ObjectRequest
        {
            Kind = ObjectRequestKind.Get, Token = token, Key = key, Offset = offset, Buffer = into,
        });
    }

    public void List(uint token, in ObjectKey prefix, in ObjectKey after, NativeBuffer into)
    {
        Check.That(into.Length is > 0 and <= int.MaxValue);
        Submit(new ObjectRequest
        {
            Kind = ObjectRequestKind.List, Token = token, Key = prefix, After = after, Buffer = into,
        });
    }

    public void Delete(uint token, in ObjectKey key)
    {
        Check.That(!key.IsEmpty);
        Submit(new ObjectRequest { Kind = ObjectRequestKind.Delete, Token = token, Key = key });
    }

    public void MultipartStart(uint token, in ObjectKey key)
    {
        Check.That(!key.IsEmpty);
        Submit(new ObjectRequest { Kind = ObjectRequestKind.MultipartStart, Token = token, Key = key });
    }

    public void MultipartPart(uint token, uint upload, int part, NativeBuffer content)
    {
        Check.That(part is > 0 and <= IObjectStore.PartsMax);
        Check.That(content.Length is > 0 and <= int.MaxValue);
        Submit(new ObjectRequest
        {
            Kind = ObjectRequestKind.MultipartPart, Token = token, Upload = upload, Part = part, Buffer = content,
        });
    }

    public void MultipartComplete(uint token, uint upload, int parts, PutCondition condition)
    {
        Check.That(parts is > 0 and <= IObjectStore.PartsMax);
        Check.That(condition != PutCondition.IfMatch);
        Submit(new ObjectRequest
        {
            Kind = ObjectRequestKind.MultipartComplete, Token = token, Upload = upload, Part = parts,
            Condition = condition,
        });
    }

    public void MultipartAbort(uint token, uint upload) => Submit(
        new ObjectRequest { Kind = ObjectRequestKind.MultipartAbort, Token = token, Upload = upload });

    /// <summary>The oldest completion not yet taken; called by the owner's loop.</summary>
    public bool TryTakeCompletion(out uint token, out ObjectResult result)
    {
        lock (_gate)
        {
            bool any = _completions.TryTake(out Completion completion);
            if (any) _underWay--;
            token = completion.Token;
            result = completion.Result;
            return any;
        }
    }

    /// <summary>Carries out one request on a thread of the store. Never throws for what the world does.</summary>
    protected abstract ObjectResult Run(in ObjectRequest request);

    protected ObjectResult Fail(ObjectStatus status, string error)
    {
        Check.That(status != ObjectStatus.Ok);
        Volatile.Write(ref _error, error);
        return new ObjectResult { Status = status };
    }

    private void Submit(in ObjectRequest request)
    {
        lock (_gate)
        {
            Check.That(_underWay < IObjectStore.RequestsMax);
            _underWay++;
            Check.That(_requests.TryAdd(request));
            Monitor.Pulse(_gate);
        }
    }

    private void Work()
    {
        while (true)
        {
            ObjectRequest request;
            lock (_gate)
            {
                while (_requests.IsEmpty && !_stopping.IsCancellationRequested) Monitor.Wait(_gate);
                if (_stopping.IsCancellationRequested) return;
                Check.That(_requests.TryTake(out request));
            }
            ObjectResult result = Run(request);
            bool hasFailed = result.Status is ObjectStatus.Throttled or ObjectStatus.Unknown or ObjectStatus.Refused;
            lock (_gate)
            {
                _ended++;
                if (hasFailed) _failed++;
                Check.That(_completions.TryAdd(new Completion(request.Token, result)));
            }
            _wake.Set();
        }
    }

    /// <summary>Lets what is under way end and forgets what is queued; after that no buffer is touched.</summary>
    public void Dispose()
    {
        _stopping.Cancel();
        lock (_gate) Monitor.PulseAll(_gate);
        foreach (Thread thread in _threads) thread.Join();
        Close();
        _stopping.Dispose();
    }

    /// <summary>Gives back what the store holds; no thread of it runs any more.</summary>
    protected abstract void Close();

    private readonly record struct Completion(uint Token, ObjectResult Result);
}
