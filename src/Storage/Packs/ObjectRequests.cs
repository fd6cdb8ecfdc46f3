using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;

namespace Deterministic.Storage.Packs;

/// <summary>A fixed number of requests to an object store, sent again with growing pauses while the store is busy or
/// in doubt. One that has ended stays until its owner has taken it.</summary>
internal sealed class ObjectRequests
{
    /// <summary>Longest pause.</summary>
    private const ulong PauseTicksMax = 64;
    private readonly IObjectStore _store;
    private readonly uint _tokenBase;
    private readonly Request[] _requests;
    private ulong _now;

    /// <param name="store">Where to.</param>
    /// <param name="tokenBase">Tokens are this and the number of the request.</param>
    /// <param name="count">Requests under way at a time.</param>
    public ObjectRequests(IObjectStore store, uint tokenBase, int count)
    {
        Check.That(count is > 0 and <= IObjectStore.RequestsMax);
        _store = store;
        _tokenBase = tokenBase;
        _requests = new Request[count];
    }

    public int Count => _requests.Length;

    /// <summary>Requests that are under way or wait for their pause to end.</summary>
    public int Busy { get; private set; }

    /// <summary>Times that the store was busy or in doubt.</summary>
    public ulong Retries { get; private set; }

    public bool IsFree(int request) => _requests[request].State == State.Free;

    public bool HasEnded(int request) => _requests[request].State == State.Ended;

    public void Get(int request, in ObjectKey key, long offset, NativeBuffer into) =>
        Start(request, new Request { Kind = Kind.Get, Key = key, Offset = offset, Buffer = into });

    public void Put(
        int request, in ObjectKey key, NativeBuffer content, PutCondition condition, in ObjectTag tag) =>
        Start(request, new Request
        {
            Kind = Kind.Put, Key = key, Buffer = content, Condition = condition, Tag = tag,
        });

    public void List(int request, in ObjectKey prefix, in ObjectKey after, NativeBuffer into) =>
        Start(request, new Request { Kind = Kind.List, Key = prefix, After = after, Buffer = into });

    public void Delete(int request, in ObjectKey key) =>
        Start(request, new Request { Kind = Kind.Delete, Key = key });

    /// <summary>Takes the end of a request, which is free then.</summary>
    /// <param name="request">Its number.</param>
    /// <param name="inDoubt">It may have taken effect before it failed on its condition.</param>
    public ObjectResult Take(int request, out bool inDoubt)
    {
        ref Request each = ref _requests[request];
        Check.That(each.State == State.Ended);
        each.State = State.Free;
        inDoubt = each.InDoubt;
        return each.Result;
    }

    public ObjectResult Take(int request) => Take(request, out _);

    public bool Owns(uint token) => token >= _tokenBase && token - _tokenBase < (uint)_requests.Length;

    public void OnObject(uint token, in ObjectResult result)
    {
        Check.That(Owns(token));
        ref Request request = ref _requests[(int)(token - _tokenBase)];
        Check.That(request.State == State.UnderWay);
        if (result.Status is ObjectStatus.Throttled or ObjectStatus.Unknown)
        {
            request.InDoubt |= result.Status == ObjectStatus.Unknown;
            request.State = State.Pausing;
            request.Due = _now + request.Pause;
            request.Pause = request.Pause * 2 < PauseTicksMax ? request.Pause * 2 : PauseTicksMax;
            Retries++;
            return;
        }
        request.State = State.Ended;
        request.Result = result;
        Busy--;
    }

    /// <summary>Time goes on by one tick; what waited long enough is sent again.</summary>
    public void Tick()
    {
        _now++;
        if (Busy == 0) return;
        for (int i = 0; i < _requests.Length; i++)
            if (_requests[i].State == State.Pausing && _requests[i].Due <= _now) Send(i);
    }

    private void Start(int request, in Request what)
    {
        Check.That(IsFree(request));
        _requests[request] = what;
        _requests[request].Pause = 1;
        Busy++;
        Send(request);
    }

    private void Send(int number)
    {
        ref Request request = ref _requests[number];
        request.State = State.UnderWay;
        uint token = _tokenBase + (uint)number;
        switch (request.Kind)
        {
            case Kind.Get:
                _store.Get(token, in request.Key, request.Offset, request.Buffer);
                break;
            case Kind.Put:
                _store.Put(token, in request.Key, request.Buffer, request.Condition, in request.Tag);
                break;
            case Kind.List:
                _store.List(token, in request.Key, in request.After, request.Buffer);
                break;
            default:
                _store.Delete(token, in request.Key);
                break;
        }
    }

    private enum Kind : byte
    {
        Get,
        Put,
        List,
        Delete,
    }

    private enum State : byte
    {
        Free,
        UnderWay,
        Pausing,
        Ended,
    }

    private struct Request
    {
        public Kind Kind;
        public State State;
        public PutCondition Condition;
        public bool InDoubt;
        public ObjectKey Key;
        public ObjectKey After;
        public ObjectTag Tag;
        public NativeBuffer Buffer;
        public long Offset;
        public ulong Due;
        public ulong Pause;
        public ObjectResult Result;
    }
}
