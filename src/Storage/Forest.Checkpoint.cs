using System;
using System.Buffers.Binary;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Wire;
using Deterministic.Storage.Blocks;
using Deterministic.Storage.Checkpoints;
using Deterministic.Storage.Compactions;
using Deterministic.Storage.Tables;

namespace Deterministic.Storage;

/// <summary>A checkpoint: memtables flushed, the tables and what else is needed written as trailers, and a root block
/// that names them. Nothing that the checkpoint before needs is overwritten.</summary>
public sealed partial class Forest
{
    private const ulong RootMagic = 0x746F_6F72_7465_64;
    private const int RootHeadSize = 64;

    private enum CheckpointStep : byte
    {
        None,
        Empty,
        Tables,
        Sessions,
        FreeSet,
        FreeSetPages,
        Root,
        Writes,
    }

    private readonly Trailer _tablesTrailer;
    private readonly Trailer _mergeTrailer;
    private readonly Trailer _sessionsTrailer;
    private readonly Trailer _freeTrailer;
    private readonly Trailer[] _trailers;
    private CheckpointStep _step;
    private BlockReference _root;
    private ulong _rootAddress;
    private ulong _checkpointOp;

    private StoragePlant _plant;

    internal StoragePlant Plant
    {
        set
        {
            _plant = value;
            _compactor.Plant = value;
            Grid.Free.FreesEarly = (value & StoragePlant.FreesEarly) != 0;
            Grid.ServesRot = (value & StoragePlant.ServesRot) != 0;
        }
    }

    /// <summary>What <see cref="TryCheckpoint"/> keeps for its caller: the client sessions of the log.</summary>
    public ReadOnlySpan<byte> Sessions => _sessionsTrailer.Bytes;

    /// <summary>Blocks that a checkpoint takes at most, beside those of the memtables: trailers, the root, and what it
    /// costs a merge to be interrupted.</summary>
    private long TrailerBlocksMax => Merge.CutBlocksMax + _tablesTrailer.Pages + 8 +
        _sessionsTrailer.PagesMax + _mergeTrailer.Pages + 8 + _freeTrailer.PagesMax + 1;

    /// <summary>Starts a checkpoint after an operation and its maintenance.</summary>
    /// <param name="op">The operation.</param>
    /// <param name="sessions">Kept for the caller.</param>
    public void CheckpointStart(ulong op, ReadOnlySpan<byte> sessions)
    {
        Check.That(op > 0 && _step == CheckpointStep.None);
        _checkpointOp = op;
        sessions.CopyTo(_sessionsTrailer.Room);
        _sessionsTrailer.Start(sessions.Length);
        _step = CheckpointStep.Empty;
        Grid.NextEra();
    }

    /// <summary>True once every block of the checkpoint is on disk, with its root; false: call again after a
    /// completion.</summary>
    public bool TryCheckpoint(out BlockReference root)
    {
        Check.That(_step != CheckpointStep.None);
        Moment++;
        Grid.Scanning = true;
        do
        {
            if (Grid.Starved) Grid.NextEra();
            while (TryCheckpointStep(_checkpointOp)) continue;
        }
        while (Grid.IsStuck);
        Grid.Scanning = false;
        root = _root;
        bool early = (_plant & StoragePlant.SignsEarly) != 0;
        if (_step != CheckpointStep.Writes || !(Grid.WritesIdle || early)) return false;
        _step = CheckpointStep.None;
        return true;
    }

    /// <summary>The last checkpoint, made or opened, is durable: blocks that only the one before needed are
    /// free.</summary>
    public void CheckpointDurable() => Grid.Free.FreeReleased();

    private bool TryCheckpointStep(ulong op)
    {
        switch (_step)
        {
            case CheckpointStep.Empty:
                return TryEmpty(op);
            case CheckpointStep.Tables:
                return _tablesTrailer.TryWrite(op) && _mergeTrailer.TryWrite(op) && Go(CheckpointStep.Sessions);
            case CheckpointStep.Sessions:
                return _sessionsTrailer.TryWrite(op) && Go(CheckpointStep.FreeSet);
            case CheckpointStep.FreeSet:
                StartFreeSet();
                return Go(CheckpointStep.FreeSetPages);
            case CheckpointStep.FreeSetPages:
                return _freeTrailer.TryWrite(op) && Go(CheckpointStep.Root);
            case CheckpointStep.Root:
                return TryWriteRoot(op) && Go(CheckpointStep.Writes);
            default:
                return false;
        }
    }

    private bool Go(CheckpointStep step)
    {
        _step = step;
        return true;
    }

    private bool TryEmpty(ulong op)
    {
        if (!_compactor.TryEmpty(op) || GridFull) return false;
        ReadOnlySpan<byte> tables = _store.Bytes;
        tables.CopyTo(_tablesTrailer.Room);
        _tablesTrailer.Start(tables.Length);
        _mergeTrailer.Start(_compactor.Merge.WriteTo(_mergeTrailer.Room));
        return Go(CheckpointStep.Tables);
    }

    private void StartFreeSet()
    {
        if (!_root.IsNone) Grid.Free.Release(_root.Address);
        bool early = (_plant & StoragePlant.SavesFreeSetEarly) != 0;
        if (early) WriteFreeSet();
        _freeTrailer.AcquireAnew(Grid.Free.SizeBytes);
        bool reserved = Grid.Free.TryReserve(1);
        Check.That(reserved, "the grid has no room for a checkpoint");
        _rootAddress = Grid.Free.Acquire();
        if (!early) WriteFreeSet();
        _freeTrailer.Start(Grid.Free.SizeBytes);
    }

    private void WriteFreeSet()
    {
        Grid.Free.AwaitCheckpoint();
        Grid.Free.WriteTo(_freeTrailer.Room[..Grid.Free.SizeBytes]);
    }

    private bool TryWriteRoot(ulong op)
    {
        int frame = Grid.TryBuild();
        if (frame < 0) return false;
        int size = RootHeadSize + sizeof(long) * _trees.Length;
        foreach (Trailer trailer in _trailers) size += trailer.ReferencesSize;
        _rootBytes += Grid.SizeOnDisk(size);
        Span<byte> body = Grid.Body(frame);
        body[..RootHeadSize].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(body, RootMagic);
        BinaryPrimitives.WriteInt64LittleEndian(body[8..], SizeBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(body[16..], _compactor.NextRun);
        BinaryPrimitives.WriteInt64LittleEndian(body[24..], BytesPut);
        BinaryPrimitives.WriteInt64LittleEndian(body[32..], BytesFlushed);
        BinaryPrimitives.WriteInt64LittleEndian(body[40..], BytesMerged);
        BinaryPrimitives.WriteInt64LittleEndian(body[48..], BytesOfCheckpoints);
        int at = RootHeadSize;
        foreach (Tree tree in _trees)
        {
            BinaryPrimitives.WriteInt64LittleEndian(body[at..], tree.Count);
            at += sizeof(long);
        }
        foreach (Trailer trailer in _trailers)
        {
            trailer.WriteReferences(body[at..]);
            at += trailer.ReferencesSize;
        }
        Check.That(at == size);
        _root = Grid.Finish(frame, _rootAddress, BlockKind.Root, op, at);
        return true;
    }
}
