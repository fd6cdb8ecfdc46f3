using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;

namespace Deterministic.Storage.Packs;

/// <summary>Writes the manifest, and makes it count.</summary>
public sealed partial class CheckpointUploader
{
    private readonly NativeBuffer _manifest;
    private readonly NativeBuffer _readBack;
    private readonly NativeBuffer _catalogBytes;
    private CatalogEntry _entry;
    private NativeBuffer _manifestContent;
    private int _manifestLosses;

    private bool StartManifest()
    {
        if (!_table.TryCount(_live, out long liveBytes))
        {
            // Blocks of a checkpoint that was given up came in between.
            _cursor = 1;
            return true;
        }
        _manifestLosses = 0;
        ulong sequence = 0;
        for (int i = 0; i < _catalog.Count; i++) sequence = ulong.Max(sequence, _catalog[i].Sequence);
        PutManifest(sequence + 1, liveBytes);
        return true;
    }

    private void PutManifest(ulong sequence, long liveBytes)
    {
        int packs = 0;
        long packBytes = 0;
        for (int slot = 0; slot < _table.SlotsUsed; slot++)
        {
            if (_table[slot].Live == 0) continue;
            packs++;
            packBytes += _table[slot].Identity.Size;
        }
        int newest = _catalog.Newest;
        ManifestHead head = new()
        {
            Sequence = sequence,
            Op = _current.Op,
            Parent = newest >= 0 ? _catalog[newest].ManifestChecksum : 0,
            Root = _current.Root,
            BlockSize = _options.Shape.BlockSize,
            GridBlocks = _options.Shape.Blocks,
            LiveBlocks = _live.Count,
            LiveBytes = liveBytes,
            PackBytes = packBytes,
            Packs = packs,
            CheckpointSize = _current.Size,
        };
        int size = WriteManifest(in head, out UInt128 checksum);
        _entry = new CatalogEntry
        {
            Sequence = sequence,
            Op = _current.Op,
            CheckpointId = _current.Id,
            ManifestChecksum = checksum,
            ManifestSize = size,
            LiveBlocks = _live.Count,
            LiveBytes = liveBytes,
            Packs = packs,
            PackBytes = packBytes,
        };
        BytesPut += (ulong)size;
        _manifestContent = _manifest.Part(0, size);
        _requests.Put(
            MainRequest, _keys.Manifest(sequence), _manifestContent, PutCondition.IfAbsent, default);
        _step = Step.PuttingManifest;
    }

    private int WriteManifest(in ManifestHead head, out UInt128 checksum)
    {
        Span<byte> bytes = _manifest.Span;
        int at = Manifest.WriteHead(bytes, _options.Shape.Cluster, in head, Checkpoint);
        for (int slot = 0; slot < _table.SlotsUsed; slot++)
        {
            ref PackTable.Slot pack = ref _table[slot];
            if (pack.Live == 0) continue;
            pack.BitsAt = Manifest.WritePack(bytes, at, in pack.Identity);
            at += Manifest.PackSize(pack.Identity.Entries);
        }
        for (long address = 1; address <= _live.Blocks; address++)
        {
            if (_live.Mark(address) == 0) continue;
            int entry = _table.EntryOf(address);
            bytes[_table[_table.PackOf(address)].BitsAt + (entry >> 3)] |= (byte)(1 << (entry & 7));
        }
        return Manifest.Seal(bytes, at, out checksum);
    }

    private bool TryPutManifest()
    {
        if (!_requests.HasEnded(MainRequest)) return false;
        ObjectResult result = _requests.Take(MainRequest);
        ObjectKey key = _keys.Manifest(_entry.Sequence);
        if (result.Status is ObjectStatus.Ok or ObjectStatus.ConditionFailed)
        {
            _requests.Get(MainRequest, in key, 0, _readBack);
            _step = Step.CheckingManifest;
        }
        else Stop(ManifestReader.FailureOf(in result, in key, PacksProblem.ObjectMissing));
        return true;
    }

    private bool TryCheckManifest()
    {
        if (!_requests.HasEnded(MainRequest)) return false;
        ObjectResult result = _requests.Take(MainRequest);
        if (IsSame(in result, _readBack, _manifestContent))
        {
            StartCommit();
            return true;
        }
        if (result.Status is not (ObjectStatus.Ok or ObjectStatus.NotFound or ObjectStatus.TooLarge))
        {
            Stop(ManifestReader.FailureOf(in result, _keys.Manifest(_entry.Sequence), PacksProblem.ObjectMissing));
            return true;
        }
        // The number is another's, of a run that ended before it could commit, or the put was lost: the next number.
        if (result.Status == ObjectStatus.NotFound) PutsLost++;
        if (result.Status == ObjectStatus.NotFound && ++_manifestLosses > ReadAttemptsMax)
            Stop(new PacksFailure(PacksProblem.ObjectMissing, _keys.Manifest(_entry.Sequence)));
        else PutManifest(_entry.Sequence + 1, _entry.LiveBytes);
        return true;
    }

    /// <summary>Replaces the catalog by one that has the new checkpoint too.</summary>
    private void StartCommit()
    {
        if (_catalog.Count == Catalog.EntriesMax) _catalog.Prune(int.Max(1, _options.Keep - 1));
        if (!_catalog.TryAdd(in _entry))
        {
            Stop(new PacksFailure(PacksProblem.CatalogFull));
            return;
        }
        _catalog.Prune(_options.Keep);
        PutCatalog();
        _step = Step.Committing;
    }

    private bool TryCommit()
    {
        if (!_requests.HasEnded(MainRequest)) return false;
        ObjectResult result = _requests.Take(MainRequest);
        if (result.Status == ObjectStatus.Ok)
        {
            _catalogTag = result.Tag;
            Committed();
        }
        else if (result.Status is ObjectStatus.ConditionFailed or ObjectStatus.NotFound)
        {
            _requests.Get(MainRequest, _keys.Catalog, 0, _catalogBytes);
            _step = Step.Rereading;
        }
        else Stop(ManifestReader.FailureOf(in result, _keys.Catalog, PacksProblem.NoCatalog));
        return true;
    }

    /// <summary>Somebody has changed the catalog: snapshots, or another uploader that took over, or this one when it
    /// was not told so.</summary>
    private bool TryReread()
    {
        if (!_requests.HasEnded(MainRequest)) return false;
        ObjectResult result = _requests.Take(MainRequest);
        PacksFailure failure = ManifestReader.FailureOf(in result, _keys.Catalog, PacksProblem.NoCatalog);
        if (failure.IsNone)
        {
            ContentProblem content = _catalog.Read(_catalogBytes.Slice(0, result.Size), _options.Shape.Cluster);
            if (content != ContentProblem.None)
                failure = new PacksFailure(PacksProblem.ObjectDamaged, _keys.Catalog, content);
            else if (_catalog.Writer != _options.Writer) failure = new PacksFailure(PacksProblem.Superseded);
        }
        if (!failure.IsNone)
        {
            Stop(in failure);
            return true;
        }
        _catalogTag = result.Tag;
        int newest = _catalog.Newest;
        bool done = newest >= 0 && _catalog[newest].ManifestChecksum == _entry.ManifestChecksum;
        if (done) Committed();
        else StartCommit();
        return true;
    }

    private void Committed()
    {
        CheckpointsCommitted++;
        _table.Forget(_live);
        // Whoever asks for the newest checkpoint gets this one from now on.
        _offersDone = _current.Number;
        OpCommitted = _current.Op;
        if (++_commitsSinceGarbage >= _options.GarbageInterval) StartGarbage();
        else Finish();
    }
}
