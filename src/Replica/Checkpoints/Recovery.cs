using System;
using System.Diagnostics;
using System.IO;
using System.Threading;
using Deterministic.Core;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;
using Deterministic.Replica.Hosting;
using Deterministic.Replica.Io;
using Deterministic.Storage.Packs;
using Deterministic.Vsr;

namespace Deterministic.Replica.Checkpoints;

/// <summary>Makes a data file out of a checkpoint in an object store. Blocks come from several packs at a time, each is
/// verified and written to its place; the superblock comes last, so that a file that was cut short does not
/// open.</summary>
/// <param name="session">The object store.</param>
/// <param name="path">Of the file.</param>
/// <param name="replica">Whose file it is to be; null: of the replica that put the checkpoint there.</param>
internal sealed class Recovery(ObjectStoreSession session, string path, byte? replica = null)
{
    private long _blocks;
    private long _blocksDone;
    private CheckpointRestorer? _restorer;

    /// <summary>Part of the blocks that are in their places; other threads may ask.</summary>
    public double Progress
    {
        get
        {
            long blocks = Volatile.Read(ref _blocks);
            return blocks == 0 ? 0 : (double)Volatile.Read(ref _blocksDone) / blocks;
        }
    }

    public long BlocksDone => Volatile.Read(ref _blocksDone);

    /// <summary>What was restored; set after success.</summary>
    public ManifestHead Head { get; private set; }
    public long FileSize { get; private set; }

    /// <summary>False and why if there is no file in the end.</summary>
    public bool TryRun(in CheckpointChoice choice, out string error)
    {
        CheckpointRestorer restorer = new(session.Memory, new RestorerOptions
        {
            Store = session.Store, Prefix = default, Cluster = session.Cluster,
        });
        _restorer = restorer;
        restorer.Start(in choice);
        if (!TryPump(static restorer => restorer.IsOpen, out error)) return false;
        StopReason reason = CheckpointRecord.Read(restorer.Checkpoint, out SuperblockCopy superblock);
        if (reason == StopReason.None && !IsSame(in superblock, restorer.Head))
            reason = StopReason.SuperblockConfigurationInvalid;
        if (reason != StopReason.None)
        {
            error = $"checkpoint {restorer.Head.Op}: {StopReasons.Text(reason)}";
            return false;
        }
        if (replica >= superblock.ReplicaCount)
        {
            error = $"--replica: the checkpoint is of {superblock.ReplicaCount} replicas, which count from 0";
            return false;
        }
        superblock.ReplicaIndex = replica ?? superblock.ReplicaIndex;
        DataFileLayout layout = new(superblock.Configuration()!);
        using DataFile? file = DataFile.TryCreate(path, layout.Size, out error);
        if (file is null) return false;
        FileSize = layout.Size;
        Volatile.Write(ref _blocks, restorer.Head.LiveBlocks);
        if (TryFill(file, layout, in superblock, out error))
        {
            Head = restorer.Head;
            return true;
        }
        File.Delete(path);
        return false;
    }

    private bool TryFill(DataFile file, DataFileLayout layout, in SuperblockCopy superblock, out string error)
    {
        try
        {
            FormatSink sink = new(file);
            DataFileFormat.StartRecovery(in superblock, ref sink);
            bool done = TryPump(
                restorer =>
                {
                    while (restorer.TryTake(out BlockReference block, out ReadOnlySpan<byte> bytes))
                    {
                        file.WriteBuffered(layout.BlockOffset(block.Address), bytes);
                        Volatile.Write(ref _blocksDone, restorer.BlocksDone);
                    }
                    return restorer.IsDone;
                },
                out error);
            if (done) DataFileFormat.FinishRecovery(in superblock, ref sink, DataFileIdentity.NewNonce());
            return done;
        }
        catch (IOException exception)
        {
            error = $"{path}: {exception.Message}";
            return false;
        }
    }

    private static bool IsSame(in SuperblockCopy superblock, in ManifestHead head) =>
        superblock.Checkpoint.Op == head.Op && superblock.Checkpoint.RootAddress == head.Root.Address &&
        superblock.Checkpoint.RootChecksum == head.Root.Checksum &&
        superblock.BlockSize == head.BlockSize && superblock.Configuration()!.GridBlocks == head.GridBlocks;

    /// <summary>Passes on what the store answers until the step is done; false and why if it cannot be.</summary>
    private bool TryPump(Func<CheckpointRestorer, bool> step, out string error)
    {
        CheckpointRestorer restorer = _restorer!;
        long answered = Stopwatch.GetTimestamp();
        long tick = answered;
        error = "";
        while (!step(restorer))
        {
            if (!restorer.Failure.IsNone)
            {
                error = session.TextOf(restorer.Failure);
                return false;
            }
            bool any = false;
            while (session.Store.TryTakeCompletion(out uint token, out ObjectResult result))
            {
                Check.That(restorer.Owns(token));
                if (result.Status is not (ObjectStatus.Throttled or ObjectStatus.Unknown))
                    answered = Stopwatch.GetTimestamp();
                restorer.OnObject(token, in result);
                any = true;
            }
            if (Stopwatch.GetElapsedTime(answered) > ObjectStoreSession.Patience)
            {
                error = session.NoAnswerText();
                return false;
            }
            if (Stopwatch.GetElapsedTime(tick) >= ObjectStoreSession.TickInterval)
            {
                tick = Stopwatch.GetTimestamp();
                restorer.Tick();
            }
            else if (!any)
            {
                session.Wake.Wait(ObjectStoreSession.TickInterval);
            }
        }
        return true;
    }
}
