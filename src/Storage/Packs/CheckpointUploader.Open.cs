using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>Learns what is in the object store already, and takes the right to add to it.</summary>
public sealed partial class CheckpointUploader
{
    private readonly NativeBuffer[] _tails = new NativeBuffer[TailRequests];
    private readonly int[] _tailPacks = new int[TailRequests];
    private int _packsAt;
    private ObjectTag _catalogTag;
    private bool _catalogIsNew;

    private void StartOpening()
    {
        _table.Clear();
        _reader.Start(CheckpointChoice.Latest);
        _step = Step.Opening;
    }

    private bool TryOpen()
    {
        if (!_reader.Advance()) return false;
        PacksFailure failure = _reader.Failure;
        _catalogTag = _reader.CatalogTag;
        _catalogIsNew = failure.Problem == PacksProblem.NoCatalog;
        bool lacksCatalog = failure.Problem == PacksProblem.ObjectDamaged
            && failure.Key.Bytes.SequenceEqual(_keys.Catalog.Bytes);
        if (lacksCatalog || failure.Problem is PacksProblem.Refused or PacksProblem.TooLarge)
        {
            Stop(in failure);
            return true;
        }
        if (_catalogIsNew) _catalog.Clear();
        bool follows = _catalog.Newest < 0 || _catalog.History == _options.History || IsNewest() || _options.TakeOver;
        if (!follows)
        {
            Stop(new PacksFailure(PacksProblem.AnotherHistory));
            return true;
        }
        // Without its manifest nothing counts as uploaded, and everything is put anew.
        bool loads = _reader.IsDone && _reader.Head.BlockSize == _options.Shape.BlockSize;
        _packsAt = loads ? Manifest.HeadSize + _reader.Head.CheckpointSize : -1;
        _step = Step.Loading;
        return true;
    }

    /// <summary>Reads the indexes of all packs, several at a time.</summary>
    private bool TryLoad()
    {
        bool busy = false;
        for (int i = 0; i < TailRequests; i++)
        {
            int request = 1 + i;
            if (_requests.HasEnded(request)) TakeTail(i, _requests.Take(request));
            if (_step == Step.Stopped) return true;
            if (_requests.IsFree(request)) NextTail(i);
            busy |= !_requests.IsFree(request);
        }
        if (busy || _step != Step.Loading) return false;
        _table.TryCount(_live, out _);
        StartClaim();
        return true;
    }

    private void NextTail(int tail)
    {
        if (_packsAt < 0) return;
        WireReader packs = Manifest.Packs(_reader.Bytes, _reader.Head);
        packs.Bytes(_packsAt - packs.Position);
        if (!Manifest.NextPack(ref packs, out ManifestPack pack)) return;
        int slot = _table.Add(pack.Identity);
        if (slot < 0)
        {
            Stop(new PacksFailure(PacksProblem.TooLarge, _keys.Manifest(_reader.Entry.Sequence)));
            return;
        }
        // Until its index has come, the slot keeps the place of the pack in the manifest.
        _table[slot].BitsAt = _packsAt;
        _tailPacks[tail] = slot;
        _packsAt = packs.Position;
        _requests.Get(1 + tail, _keys.Pack(pack.Identity.Number), pack.Identity.IndexOffset,
            _tails[tail].Part(0, pack.Identity.TailSize));
    }

    private void TakeTail(int tail, in ObjectResult result)
    {
        int slot = _tailPacks[tail];
        WireReader packs = Manifest.Packs(_reader.Bytes, _reader.Head);
        packs.Bytes(_table[slot].BitsAt - packs.Position);
        bool found = Manifest.NextPack(ref packs, out ManifestPack pack);
        Check.That(found);
        ReadOnlySpan<byte> bytes = _tails[tail].Slice(0, pack.Identity.TailSize);
        GridShape shape = new(_options.Shape.Cluster, _reader.Head.BlockSize, _reader.Head.GridBlocks);
        if (result.Status is ObjectStatus.Refused) Stop(new PacksFailure(PacksProblem.Refused));
        // What is missing or damaged is put anew.
        bool sound = result.Status == ObjectStatus.Ok && result.Size == bytes.Length &&
            result.ObjectSize == pack.Identity.Size &&
            PackFile.CheckTail(bytes, pack.Identity, in shape) == ContentProblem.None;
        for (int i = 0; sound && i < pack.Identity.Entries; i++)
        {
            PackEntry entry = PackEntry.Read(bytes[(i * PackEntry.Size)..]);
            if (!pack.IsLive(i) || entry.Block.Address > (ulong)_options.Shape.Blocks) continue;
            _table.Place((long)entry.Block.Address, LiveBlocks.MarkOf(entry.Block.Checksum), slot, i, entry.Bytes);
        }
    }

    private void StartClaim()
    {
        if (_catalog.Writer == _options.Writer)
        {
            Opened();
            return;
        }
        _catalog.History = _options.History;
        _catalog.Writer = _options.Writer;
        _catalog.Epoch++;
        PutCatalog();
        _step = Step.Claiming;
    }

    private bool TryClaim()
    {
        if (!_requests.HasEnded(MainRequest)) return false;
        ObjectResult result = _requests.Take(MainRequest);
        if (result.Status == ObjectStatus.Ok)
        {
            _catalogTag = result.Tag;
            _catalogIsNew = false;
            Opened();
        }
        else if (result.Status is ObjectStatus.ConditionFailed or ObjectStatus.NotFound) StartOpening();
        else Stop(ManifestReader.FailureOf(in result, _keys.Catalog, PacksProblem.NoCatalog));
        return true;
    }

    private void Opened()
    {
        _opened = true;
        _packCount = 0;
        _commitsSinceGarbage = _options.GarbageInterval;
        if (_catalog.Newest >= 0) OpCommitted = _catalog[_catalog.Newest].Op;
        if (IsNewest() && _table.TryCount(_live, out _)) Finish();
        else StartCollecting();
    }

    private void PutCatalog()
    {
        int size = _catalog.Write(_catalogBytes.Span, _options.Shape.Cluster);
        if (_catalogIsNew) _requests.Put(MainRequest, _keys.Catalog, _catalogBytes.Part(0, size),
            PutCondition.IfAbsent, default);
        else _requests.Put(MainRequest, _keys.Catalog, _catalogBytes.Part(0, size),
            PutCondition.IfMatch, in _catalogTag);
    }
}
