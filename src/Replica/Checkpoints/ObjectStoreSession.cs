using System;
using System.Diagnostics;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Replica.Io;
using Deterministic.Replica.Objects;
using Deterministic.Storage.Packs;

namespace Deterministic.Replica.Checkpoints;

/// <summary>An object store as a command uses it: one thread that waits for what it asks.</summary>
internal sealed class ObjectStoreSession : IDisposable
{
    public static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a store may give no usable answer before the command gives up.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private const uint Token = 0;

    private readonly ObjectStoreAddress _address;
    private readonly NativeBuffer _catalogBytes;

    private ObjectStoreSession(ObjectStoreAddress address, ThreadedObjectStore store, WakeSignal wake)
    {
        _address = address;
        Store = store;
        Wake = wake;
        _catalogBytes = Memory.Take(Catalog.SizeMax);
    }

    public StaticMemory Memory { get; } = new();
    public WakeSignal Wake { get; }
    public ThreadedObjectStore Store { get; }
    public UInt128 Cluster { get; private set; }
    public Catalog Catalog { get; } = new();

    /// <summary>Opens a store and reads what checkpoints there are. Null and an error text if it cannot.</summary>
    public static ObjectStoreSession? TryOpen(string text, out string error)
    {
        ObjectStoreAddress? address = ObjectStoreAddress.TryParse(text, out error);
        if (address is null) return null;
        WakeSignal wake = new();
        ThreadedObjectStore? store = address.TryOpen(wake, out error);
        if (store is null)
        {
            wake.Dispose();
            return null;
        }
        ObjectStoreSession session = new(address, store, wake);
        if (session.TryReadCatalog(out error)) return session;
        session.Dispose();
        return null;
    }

    /// <summary>A failure as a line for people, with what to do.</summary>
    public string TextOf(in PacksFailure failure)
    {
        string advice = failure.Problem switch
        {
            PacksProblem.NoCatalog => "check the address, or start a replica with it first",
            PacksProblem.NoCheckpoint => $"`deterministic inspect --object-store {_address}` lists those there are",
            PacksProblem.NameTaken => "choose another name, or delete that snapshot first",
            PacksProblem.CatalogFull => "delete a snapshot first",
            PacksProblem.ObjectMissing or PacksProblem.ObjectDamaged => "choose another checkpoint, which may not " +
                "need it, or restore the object from a copy of the store",
            _ => "",
        };
        return FailureText.Of(_address, in failure, Store.Error, advice);
    }

    public string NoAnswerText() =>
        $"{_address}: no usable answer for {Patience.TotalSeconds:0} s ({Store.Error}); check address and network";

    /// <summary>Reads an object, waiting for it; only one request may be under way. False and the reason if it cannot
    /// be had.</summary>
    public bool TryGet(in ObjectKey key, NativeBuffer into, PacksProblem missing, out int size, out string error)
    {
        long started = Stopwatch.GetTimestamp();
        size = 0;
        while (true)
        {
            Store.Get(Token, in key, 0, into);
            ObjectResult result;
            while (!Store.TryTakeCompletion(out _, out result)) Wake.Wait(TickInterval);
            bool busy = result.Status is ObjectStatus.Throttled or ObjectStatus.Unknown;
            if (busy && Stopwatch.GetElapsedTime(started) < Patience)
            {
                Wake.Wait(TickInterval);
                continue;
            }
            size = result.Size;
            PacksProblem problem = result.Status switch
            {
                ObjectStatus.Ok => result.ObjectSize > into.Length ? PacksProblem.TooLarge : PacksProblem.None,
                ObjectStatus.NotFound => missing,
                ObjectStatus.TooLarge => PacksProblem.TooLarge,
                _ => PacksProblem.Refused,
            };
            error = busy ? NoAnswerText() : problem == PacksProblem.None ? "" : TextOf(new PacksFailure(problem, key));
            return error.Length == 0;
        }
    }

    private bool TryReadCatalog(out string error)
    {
        ObjectKey key = new PackKeys(default).Catalog;
        if (!TryGet(in key, _catalogBytes, PacksProblem.NoCatalog, out int size, out error)) return false;
        ReadOnlySpan<byte> bytes = _catalogBytes.Slice(0, size);
        Cluster = Catalog.ClusterOf(bytes);
        ContentProblem content = Catalog.Read(bytes, Cluster);
        if (content == ContentProblem.None) return true;
        error = TextOf(new PacksFailure(PacksProblem.ObjectDamaged, key, content));
        return false;
    }

    public void Dispose()
    {
        Store.Dispose();
        Wake.Dispose();
        Memory.Dispose();
    }
}
