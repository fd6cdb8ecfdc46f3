using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Randomness;
using Deterministic.Core.Tracing;

namespace Deterministic.Simulator.World;

/// <summary>Rates of a simulated object store; times in nanoseconds.</summary>
internal readonly struct ObjectFaults(ulong latencyMin, ulong latencyMax)
{
    public ulong LatencyMin { get; } = latencyMin;
    public ulong LatencyMax { get; } = latencyMax;

    /// <summary>Chance that a request ends with Throttled, without effect.</summary>
    public Ratio Throttled { get; init; } = Ratio.Never;

    /// <summary>Chance that a request ends with Unknown: without effect, after it, or before it.</summary>
    public Ratio Unknown { get; init; } = Ratio.Never;

    /// <summary>How long after its Unknown, or after the end of its client, a request may still take effect.</summary>
    public ulong LateMax { get; init; }

    /// <summary>How long listings may show what was before, key by key.</summary>
    public ulong ListingLagMax { get; init; }
}

/// <summary>A store of objects that is only as good as its contract. A request takes effect at a drawn instant before
/// its answer, and in doubt after it; nothing acknowledged is lost; listings lag. It outlives its client: what the
/// client had under way when it stopped may still take effect, and its unfinished uploads stay.</summary>
internal sealed partial class SimulatedObjectStore(ObjectFaults faults, Tape tape, Trace trace, Plant plant)
    : IObjectStore
{
    private const ulong LatencyHealedMax = 20_000_000;

    private readonly TapeStream _choices = tape.Stream(TapeConsumer.ObjectStore);
    private readonly TapeStream _order = tape.Stream(TapeConsumer.Schedule);

    /// <summary>In the order of the calls.</summary>
    private readonly List<Operation> _pending = [];

    public ulong Now { get; set; }

    /// <summary>While set, no request fails, no listing lags, and answers come soon.</summary>
    public bool Healed { get; set; }

    /// <summary>Requests that ended with Throttled or Unknown.</summary>
    public ulong Failures { get; private set; }

    /// <summary>Requests that the client waits for.</summary>
    public int UnderWay
    {
        get
        {
            int count = 0;
            foreach (Operation operation in _pending) count += operation.Ended ? 0 : 1;
            return count;
        }
    }

    /// <summary>When the next request ends; the greatest number if none is under way.</summary>
    public ulong NextDue
    {
        get
        {
            ulong next = ulong.MaxValue;
            foreach (Operation operation in _pending)
            {
                if (!operation.Ended) next = ulong.Min(next, operation.Due);
            }
            return next;
        }
    }

    public void Put(uint token, in ObjectKey key, NativeBuffer content, PutCondition condition, in ObjectTag tag)
    {
        Check.That(!key.IsEmpty);
        Check.That(tag.IsEmpty == (condition != PutCondition.IfMatch));
        Submit(new Operation(Kind.Put, token)
        {
            Key = key.ToString(), Content = content.Span.ToArray(), Condition = condition, Tag = tag,
        });
    }

    public void Get(uint token, in ObjectKey key, long offset, NativeBuffer into)
    {
        Check.That(!key.IsEmpty && offset >= 0 && !into.IsEmpty);
        Submit(new Operation(Kind.Get, token) { Key = key.ToString(), Offset = offset, Into = into });
    }

    public void List(uint token, in ObjectKey prefix, in ObjectKey after, NativeBuffer into)
    {
        Check.That(!into.IsEmpty);
        Submit(new Operation(Kind.List, token) { Key = prefix.ToString(), After = after.ToString(), Into = into });
    }

    public void Delete(uint token, in ObjectKey key)
    {
        Check.That(!key.IsEmpty);
        Submit(new Operation(Kind.Delete, token) { Key = key.ToString() });
    }

    public void MultipartStart(uint token, in ObjectKey key)
    {
        Check.That(!key.IsEmpty);
        Submit(new Operation(Kind.Start, token) { Key = key.ToString() });
    }

    public void MultipartPart(uint token, uint upload, int part, NativeBuffer content)
    {
        Check.That(part is > 0 and <= IObjectStore.PartsMax && !content.IsEmpty);
        Submit(new Operation(Kind.Part, token) { Upload = upload, Part = part, Content = content.Span.ToArray() });
    }

    public void MultipartComplete(uint token, uint upload, int parts, PutCondition condition)
    {
        Check.That(parts is > 0 and <= IObjectStore.PartsMax);
        Check.That(condition != PutCondition.IfMatch);
        Submit(new Operation(Kind.Complete, token) { Upload = upload, Part = parts, Condition = condition });
    }

    public void MultipartAbort(uint token, uint upload) => Submit(new Operation(Kind.Abort, token) { Upload = upload });

    private void Submit(Operation operation)
    {
        Check.That(UnderWay < IObjectStore.RequestsMax);
        ulong latencyMax = Healed ? ulong.Min(LatencyHealedMax, faults.LatencyMax) : faults.LatencyMax;
        ulong latencyMin = ulong.Min(latencyMax, faults.LatencyMin);
        operation.Due = Now + latencyMin + _choices.Below(latencyMax - latencyMin + 1);
        operation.EffectDue = Now + _choices.Below(operation.Due - Now + 1);
        if (!Healed && _choices.Chance(faults.Throttled)) operation.Fail(ObjectStatus.Throttled);
        else if (!Healed && _choices.Chance(faults.Unknown)) DrawUnknown(operation);
        _pending.Add(operation);
    }

    private void DrawUnknown(Operation operation)
    {
        operation.Fail(ObjectStatus.Unknown);
        int fate = _choices.Below(3);
        operation.IsVoid = fate == 0;
        if (fate == 2) operation.EffectDue = operation.Due + _choices.Below(faults.LateMax + 1);
    }

    /// <summary>Ends one request that is due, the drawn one among several; false if none is.</summary>
    public bool TryComplete(out uint token, out ObjectResult result)
    {
        token = 0;
        result = default;
        Settle();
        int due = 0;
        foreach (Operation operation in _pending) due += operation.IsDue(Now) ? 1 : 0;
        if (due == 0) return false;
        int chosen = _order.Below(due);
        foreach (Operation operation in _pending)
        {
            if (!operation.IsDue(Now) || chosen-- > 0) continue;
            operation.Ended = true;
            token = operation.Token;
            result = operation.Result;
            Forget();
            if (result.Status is ObjectStatus.Throttled or ObjectStatus.Unknown) Failures++;
            trace.Add(
                TraceCode.ObjectRequestEnded, 0, (ulong)operation.Kind | (ulong)result.Status << 8, operation.Token);
            return true;
        }
        Check.Unreachable();
        return false;
    }

    /// <summary>The client stops: no answer reaches it any more, and what had no effect yet has it late or
    /// never.</summary>
    public void Crash()
    {
        Settle();
        foreach (Operation operation in _pending)
        {
            if (operation.Ended) continue;
            operation.Ended = true;
            // The buffers go with the client.
            operation.IsVoid |= operation.Reads || _choices.Boolean();
            operation.EffectDue += _choices.Below(faults.LateMax + 1);
        }
        Forget();
    }

    /// <summary>Carries out what has taken effect by now, in the order of time.</summary>
    private void Settle()
    {
        while (true)
        {
            Operation? next = null;
            foreach (Operation operation in _pending)
            {
                bool open = !operation.IsDone && operation.EffectDue <= Now;
                if (open && (next is null || operation.EffectDue < next.EffectDue)) next = operation;
            }
            if (next is null) return;
            next.IsDone = true;
            if (!next.IsVoid) Apply(next);
            Forget();
        }
    }

    private void Forget() => _pending.RemoveAll(static operation => operation is { Ended: true, IsDone: true });

    private enum Kind : byte
    {
        Put,
        Get,
        List,
        Delete,
        Start,
        Part,
        Complete,
        Abort,
    }

    private sealed class Operation(Kind kind, uint token)
    {
        public Kind Kind { get; } = kind;
        public uint Token { get; } = token;

        /// <summary>Of a listing: the prefix.</summary>
        public string Key { get; init; } = "";
        public string After { get; init; } = "";

        /// <summary>Taken at the call.</summary>
        public byte[] Content { get; init; } = [];
        public NativeBuffer Into { get; init; }
        public PutCondition Condition { get; init; }
        public ObjectTag Tag { get; init; }
        public long Offset { get; init; }
        public uint Upload { get; init; }
        public int Part { get; init; }

        /// <summary>When the client is answered.</summary>
        public ulong Due { get; set; }
        public ulong EffectDue { get; set; }

        /// <summary>It never takes effect.</summary>
        public bool IsVoid { get; set; }

        /// <summary>It has had its effect, or its chance of one.</summary>
        public bool IsDone { get; set; }

        /// <summary>The client was answered, or is no more.</summary>
        public bool Ended { get; set; }
        public bool HasFailed { get; private set; }
        public ObjectResult Result { get; private set; }

        public bool Reads => Kind is Kind.Get or Kind.List;

        public bool IsDue(ulong now) => !Ended && Due <= now;

        public void Fail(ObjectStatus status)
        {
            HasFailed = true;
            IsVoid = status == ObjectStatus.Throttled;
            Result = new ObjectResult { Status = status };
        }

        /// <summary>What really happened, which a failed request never tells.</summary>
        public void Succeed(in ObjectResult result)
        {
            if (!HasFailed) Result = result;
        }
    }
}
