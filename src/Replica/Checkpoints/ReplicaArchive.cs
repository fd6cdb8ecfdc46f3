using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Objects;
using Deterministic.Storage;
using Deterministic.Storage.Packs;
using Deterministic.Vsr;
using Microsoft.Extensions.Logging;

namespace Deterministic.Replica.Checkpoints;

/// <summary>The archive of a running replica: its object store, what is passed between the two, and what an operator is
/// told of it.</summary>
internal sealed class ReplicaArchive : IDisposable
{
    private readonly ThreadedObjectStore _store;
    private readonly ArchiveLog _log;

    public ReplicaArchive(
        StaticMemory memory, ArchiveOptions options, ThreadedObjectStore store, IDisk disk, ReplicaOptions replica,
        UInt128 history, Forest forest, ILogger logger)
    {
        _store = store;
        DataFileLayout layout = new(replica.Configuration);
        Archive = new CheckpointArchive(memory, new UploaderOptions
        {
            Store = store,
            Prefix = default,
            Disk = disk,
            GridOffset = layout.GridOffset,
            Shape = new GridShape(replica.Cluster, layout.BlockSize, layout.GridBlocks),
            History = history,
            Writer = DataFileIdentity.NewNonce(),
            TakeOver = options.TakeOver,
            Keep = options.Keep,
            LagCheckpointsMax = options.LagMax ?? int.MaxValue,
        }, forest);
        _log = new ArchiveLog(logger, options, store, Archive);
    }

    public CheckpointArchive Archive { get; }

    /// <summary>For a person: why a block could not be had from here; empty if none was missed.</summary>
    public string RepairFailure => Archive.LastRepairFailure.IsNone
        ? "" : _log.TextOf(Archive.LastRepairFailure);

    /// <summary>Of requests to the object store, ended and failed.</summary>
    public (long Ended, long Failed) Counts => _store.Counts;

    /// <summary>Passes on what the store has answered; whether anything was there.</summary>
    public bool Pump()
    {
        bool any = false;
        while (_store.TryTakeCompletion(out uint token, out ObjectResult result))
        {
            Archive.OnObject(token, in result);
            any = true;
        }
        return any;
    }

    /// <param name="heldBack">Whether operations of the log wait for the archive.</param>
    public void Tick(bool heldBack)
    {
        Archive.Tick();
        _log.Tick(heldBack);
    }

    public void Dispose() => _store.Dispose();
}
