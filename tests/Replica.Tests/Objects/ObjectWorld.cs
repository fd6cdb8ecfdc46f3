using System;
using System.Threading;
using Deterministic.Core.Objects;
using Deterministic.Replica.Io;
using Deterministic.Replica.Objects;

namespace Deterministic.Replica.Tests.Objects;

/// <summary>A store and what makes its requests end.</summary>
internal abstract class ObjectWorld : IDisposable
{
    public abstract IObjectStore Store { get; }

    /// <summary>Waits until one request has ended.</summary>
    public abstract uint Next(out ObjectResult result);

    public abstract void Dispose();
}

/// <summary>A store with threads.</summary>
internal sealed class ThreadedWorld(ThreadedObjectStore store, WakeSignal wake) : ObjectWorld
{
    public override IObjectStore Store => store;

    public string Error => store.Error;

    public (long Ended, long Failed) Counts => store.Counts;

    public override uint Next(out ObjectResult result)
    {
        uint token;
        while (!store.TryTakeCompletion(out token, out result)) wake.Wait(Timeout.InfiniteTimeSpan);
        return token;
    }

    public override void Dispose()
    {
        store.Dispose();
        wake.Dispose();
    }
}
