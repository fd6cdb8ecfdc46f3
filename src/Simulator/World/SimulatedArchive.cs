using System;
using System.Collections.Generic;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Randomness;
using Deterministic.Simulator.Oracle;
using Deterministic.Storage;
using Deterministic.Storage.Packs;

namespace Deterministic.Simulator.World;

/// <summary>The production archive of checkpoints over a simulated object store, which outlives each of
/// its runs.</summary>
/// <param name="parameters">What is kept.</param>
/// <param name="store">Where.</param>
/// <param name="disk">Of the replica.</param>
/// <param name="shape">Of its grid.</param>
/// <param name="gridOffset">Where the grid begins on the disk.</param>
/// <param name="kind">Under which all that is met is counted.</param>
/// <param name="coverage">Counts it.</param>
/// <param name="plant">Bugs under test.</param>
internal sealed class SimulatedArchive(
    ArchiveParameters parameters, SimulatedObjectStore store, SimulatedDisk disk, GridShape shape, long gridOffset,
    string kind, Coverage coverage, Plant plant)
{
    private CheckpointArchive? _archive;
    private uint _runs;

    /// <summary>Data files so far.</summary>
    private uint _files = 1;

    /// <summary>The run before ended in the middle of an upload.</summary>
    private bool _interrupted;

    public static ObjectKey Prefix { get; } = new("simulated/"u8);

    public SimulatedObjectStore Store => store;
    public string CoverageKind => kind;

    /// <summary>Objects were damaged at rest: the archive may stop, and restores may fail, if they say so.</summary>
    public bool Damaged { get; private set; }
    public GridShape Shape => shape;
    public CheckpointUploader? Uploader => _archive?.Uploader;

    /// <summary>Neither uploading nor repairing.</summary>
    public bool Idle => _archive is null || (_archive.Uploader.IsIdle && !_archive.IsRepairing);

    public CheckpointArchive Start(StaticMemory memory, Forest forest)
    {
        Check.That(_archive is null);
        _runs++;
        _archive = new CheckpointArchive(memory, new UploaderOptions
        {
            Store = store,
            Prefix = Prefix,
            Disk = disk,
            GridOffset = gridOffset,
            Shape = shape,
            History = _files,
            Writer = _runs,
            TakeOver = _files > 1,
            Keep = parameters.Keep,
            LagCheckpointsMax = parameters.Lag,
            PackBlocks = parameters.PackBlocks,
            PackSize = (parameters.PackBlocks + 2) * shape.BlockSize,
            ReadsMax = 4,
            GarbageInterval = parameters.GarbageInterval,
        }, forest);
        _archive.Uploader.Plant = plant.Storage;
        return _archive;
    }

    /// <summary>The replica is gone, and the archive with it.</summary>
    public void Crash()
    {
        if (_archive is null) return;
        Count(_archive);
        _interrupted = _archive.Uploader.IsWorking && _archive.Uploader.PacksPut > 0;
        _archive = null;
        store.Crash();
    }

    /// <summary>There is another file, and its operator lets it go on with the checkpoints of the lost one.</summary>
    public void ChangeFile()
    {
        Check.That(_archive is null);
        _files++;
    }

    /// <summary>Lets a request to the store end that is due.</summary>
    public void CompleteOne()
    {
        bool ended = store.TryComplete(out uint token, out ObjectResult result);
        Check.That(ended && _archive is not null);
        _archive.OnObject(token, in result);
    }

    public void Tick() => _archive?.Tick();

    public void OnCompletion(uint token, IoResult result) => _archive!.OnCompletion(token, result);

    /// <summary>What must hold after every step.</summary>
    /// <param name="heldBack">The replica has entries that it does not run.</param>
    public void Judge(bool heldBack)
    {
        if (_archive is null) return;
        bool stopped = !_archive.Uploader.Failure.IsNone;
        Check.That(!stopped || Damaged, $"uploading stopped: {_archive.Uploader.Failure.Problem}");
        if (!heldBack) return;
        Check.That(
            _archive.Uploader.Lag >= (ulong)parameters.Lag, "commits were delayed though the store was near enough");
        coverage.Hit(kind, "commits held back");
    }

    private void Count(CheckpointArchive archive)
    {
        CheckpointUploader uploader = archive.Uploader;
        coverage.Add(kind, "upload finished", uploader.CheckpointsCommitted);
        coverage.Add(kind, "upload abandoned", uploader.CheckpointsAbandoned);
        bool resumed = _interrupted && uploader.CheckpointsCommitted > 0;
        coverage.Add(kind, "upload resumed after a crash", resumed ? 1u : 0);
        coverage.Add(kind, "garbage collected", uploader.ObjectsDeleted);
        coverage.Add(kind, "block repaired from the store", archive.RotRepaired);
        coverage.Add(kind, "block left damaged", archive.RotLeft);
        coverage.Add(kind, "put again", uploader.PutsLost);
        if (!uploader.Failure.IsNone) coverage.Hit($"{kind} stopped", uploader.Failure.Problem.ToString());
    }

    /// <summary>Damages one bit of one object.</summary>
    public void Damage(TapeStream tape)
    {
        List<string> keys = store.Keys();
        if (keys.Count == 0) return;
        byte[] content = store.Find(keys[tape.Below(keys.Count)])!;
        if (content.Length == 0) return;
        content[tape.Below(content.Length)] ^= (byte)(1 << tape.Below(8));
        Damaged = true;
    }
}
