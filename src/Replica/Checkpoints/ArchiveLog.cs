using System;
using System.Diagnostics;
using Deterministic.Replica.Objects;
using Deterministic.Storage.Packs;
using Microsoft.Extensions.Logging;

namespace Deterministic.Replica.Checkpoints;

/// <summary>Tells an operator what has changed about an archive since it was looked at last.</summary>
internal sealed class ArchiveLog
{
    /// <summary>A store that gives no answer is told of so often.</summary>
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(10);

    private readonly ILogger _logger;
    private readonly ArchiveOptions _options;
    private readonly ThreadedObjectStore _store;
    private readonly CheckpointArchive _archive;
    private ulong _opCommitted;
    private ulong _committed;
    private ulong _blocksPut;
    private ulong _packsPut;
    private ulong _bytesPut;
    private ulong _abandoned;
    private ulong _retries;
    private long _retriesTold;
    private bool _heldBack;
    private bool _stopped;
    private ulong _rotFound;
    private ulong _rotRepaired;
    private ulong _rotLeft;

    public ArchiveLog(
        ILogger logger, ArchiveOptions options, ThreadedObjectStore store, CheckpointArchive archive)
    {
        _logger = logger;
        _options = options;
        _store = store;
        _archive = archive;
        ArchiveEvents.Starting(_logger, options.Address, options.Keep);
    }

    public string TextOf(in PacksFailure failure) => FailureText.Of(_options.Address, in failure, _store.Error, "");

    public void Tick(bool heldBack)
    {
        TellUploads();
        TellRetries();
        TellRot();
        if (heldBack != _heldBack && heldBack) ArchiveEvents.HeldBack(_logger, _archive.Uploader.Lag);
        if (heldBack != _heldBack && !heldBack) ArchiveEvents.LetGo(_logger, _archive.Uploader.Lag);
        _heldBack = heldBack;
    }

    private void TellUploads()
    {
        CheckpointUploader uploader = _archive.Uploader;
        if (uploader.CheckpointsCommitted != _committed)
        {
            ArchiveEvents.Uploaded(
                _logger, uploader.OpCommitted, uploader.BlocksPut - _blocksPut, uploader.PacksPut - _packsPut,
                uploader.BytesPut - _bytesPut, uploader.Lag);
            (_blocksPut, _packsPut, _bytesPut) = (uploader.BlocksPut, uploader.PacksPut, uploader.BytesPut);
        }
        else if (uploader.OpCommitted != _opCommitted) ArchiveEvents.Known(_logger, uploader.OpCommitted);
        (_committed, _opCommitted) = (uploader.CheckpointsCommitted, uploader.OpCommitted);
        if (uploader.CheckpointsAbandoned != _abandoned) ArchiveEvents.Abandoned(_logger, uploader.Lag);
        _abandoned = uploader.CheckpointsAbandoned;
        if (_stopped || uploader.Failure.IsNone) return;
        _stopped = true;
        string advice = FailureText.UploadAdvice(uploader.Failure);
        ArchiveEvents.Failed(_logger, FailureText.Of(_options.Address, uploader.Failure, _store.Error, advice));
    }

    private void TellRetries()
    {
        if (_archive.Retries == _retries) return;
        bool told = _retriesTold != 0 && Stopwatch.GetElapsedTime(_retriesTold) < RetryInterval;
        if (told) return;
        _retriesTold = Stopwatch.GetTimestamp();
        _retries = _archive.Retries;
        ArchiveEvents.Retrying(_logger, _options.Address, _store.Error, _retries, _archive.Uploader.Lag);
    }

    private void TellRot()
    {
        if (_archive.RotFound != _rotFound) ArchiveEvents.RotFound(_logger, _archive.LastRot.Address);
        if (_archive.RotRepaired != _rotRepaired) ArchiveEvents.RotRepaired(_logger, _archive.LastRot.Address);
        if (_archive.RotLeft != _rotLeft)
            ArchiveEvents.RotLeft(_logger, _archive.LastRot.Address, TextOf(_archive.LastRepairFailure));
        (_rotFound, _rotRepaired, _rotLeft) = (_archive.RotFound, _archive.RotRepaired, _archive.RotLeft);
    }
}

internal static partial class ArchiveEvents
{
    [LoggerMessage(20, LogLevel.Information, "Checkpoints go to {Store}; {Keep} are kept beside named snapshots")]
    public static partial void Starting(ILogger logger, ObjectStoreAddress store, int keep);

    [LoggerMessage(21, LogLevel.Information,
        "Checkpoint {Op} is in the object store: {Blocks} blocks in {Packs} packs, {Bytes} bytes put, {Lag} behind")]
    public static partial void Uploaded(
        ILogger logger, ulong op, ulong blocks, ulong packs, ulong bytes, ulong lag);

    [LoggerMessage(22, LogLevel.Information, "The newest checkpoint in the object store is {Op}")]
    public static partial void Known(ILogger logger, ulong op);

    [LoggerMessage(23, LogLevel.Information,
        "A checkpoint was given up, its blocks are overwritten or damaged; the object store is {Lag} behind")]
    public static partial void Abandoned(ILogger logger, ulong lag);

    [LoggerMessage(24, LogLevel.Warning,
        "{Store} gives no usable answer ({Error}); {Retries} retries so far, {Lag} checkpoints behind")]
    public static partial void Retrying(
        ILogger logger, ObjectStoreAddress store, string error, ulong retries, ulong lag);

    [LoggerMessage(25, LogLevel.Warning, "Operations wait: the object store is {Lag} checkpoints behind")]
    public static partial void HeldBack(ILogger logger, ulong lag);

    [LoggerMessage(26, LogLevel.Information, "Operations go on; the object store is {Lag} checkpoints behind")]
    public static partial void LetGo(ILogger logger, ulong lag);

    [LoggerMessage(27, LogLevel.Error, "No more checkpoints go to the object store: {Failure}")]
    public static partial void Failed(ILogger logger, string failure);

    [LoggerMessage(28, LogLevel.Warning, "Block {Address} is damaged on disk")]
    public static partial void RotFound(ILogger logger, ulong address);

    [LoggerMessage(29, LogLevel.Information, "Block {Address} is repaired")]
    public static partial void RotRepaired(ILogger logger, ulong address);

    [LoggerMessage(30, LogLevel.Error, "Block {Address} cannot be repaired: {Failure}")]
    public static partial void RotLeft(ILogger logger, ulong address, string failure);
}
