using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;
using Deterministic.Core.Wire;

namespace Deterministic.Storage.Packs;

/// <summary>Removes what no kept checkpoint needs: first manifests that the catalog does not name, then packs that no
/// manifest names. Only what the catalog says counts, as it was put last; listings merely propose. Packs of later
/// epochs are another's, and none of this run's is on its way.</summary>
public sealed partial class CheckpointUploader
{
    private const int ListingSize = 64 << 10;

    private readonly NativeBuffer _listing;
    private readonly ulong[] _needed;
    private int _neededCount;
    private int _commitsSinceGarbage;
    private int _garbageEntry;
    private bool _garbagePacks;
    private bool _neededUnknown;
    private int _listingAt;
    private int _listingEnd;
    private ObjectKey _listedLast;

    private static int NeededMax(UploaderOptions options) => 4 * options.PacksLimit;

    private void StartGarbage()
    {
        _commitsSinceGarbage = 0;
        _neededCount = 0;
        _neededUnknown = false;
        _garbageEntry = -1;
        _step = Step.GarbageManifests;
        NextKept();
    }

    /// <summary>Asks for the manifest of the next checkpoint that is kept.</summary>
    private void NextKept()
    {
        _garbageEntry++;
        while (_garbageEntry < _catalog.Count && IsRepeated(_garbageEntry)) _garbageEntry++;
        if (_garbageEntry < _catalog.Count)
        {
            _requests.Get(MainRequest, _keys.Manifest(_catalog[_garbageEntry].Sequence), 0, _readBack);
            return;
        }
        _needed.AsSpan(0, _neededCount).Sort();
        _garbagePacks = false;
        _listedLast = default;
        StartListing();
    }

    private bool IsRepeated(int entry)
    {
        for (int i = 0; i < entry; i++) if (_catalog[i].Sequence == _catalog[entry].Sequence) return true;
        return false;
    }

    private bool TryGarbageManifests()
    {
        if (!_requests.HasEnded(MainRequest)) return false;
        ObjectResult result = _requests.Take(MainRequest);
        ReadOnlySpan<byte> bytes = _readBack.Slice(0, result.Size);
        ref readonly CatalogEntry entry = ref _catalog[_garbageEntry];
        bool sound = result.Status == ObjectStatus.Ok && result.Size == entry.ManifestSize &&
            Manifest.ChecksumOf(bytes) == entry.ManifestChecksum &&
            Manifest.Read(bytes, _options.Shape.Cluster, out ManifestHead head) == ContentProblem.None &&
            TryNeed(bytes, in head);
        // What a checkpoint needs that cannot be read is not known, so no pack is removed.
        if (!sound) _neededUnknown = true;
        NextKept();
        return true;
    }

    private bool TryNeed(ReadOnlySpan<byte> manifest, in ManifestHead head)
    {
        WireReader packs = Manifest.Packs(manifest, in head);
        while (Manifest.NextPack(ref packs, out ManifestPack pack))
        {
            if (_neededCount == _needed.Length) Compact();
            if (_neededCount == _needed.Length) return false;
            _needed[_neededCount++] = pack.Identity.Number;
        }
        return true;
    }

    /// <summary>Drops repeated numbers.</summary>
    private void Compact()
    {
        _needed.AsSpan(0, _neededCount).Sort();
        int kept = 0;
        for (int i = 0; i < _neededCount; i++)
            if (kept == 0 || _needed[kept - 1] != _needed[i]) _needed[kept++] = _needed[i];
        _neededCount = kept;
    }

    private ObjectKey GarbageFolder => _garbagePacks ? _keys.Packs : _keys.Manifests;

    private void StartListing()
    {
        _requests.List(MainRequest, GarbageFolder, in _listedLast, _listing);
        _step = Step.GarbageListing;
    }

    private bool TryGarbageListing()
    {
        if (!_requests.HasEnded(MainRequest)) return false;
        ObjectResult result = _requests.Take(MainRequest);
        if (result.Status == ObjectStatus.Ok && result.Size > 0)
        {
            _listingAt = 0;
            _listingEnd = result.Size;
            NextListed();
        }
        else if (_garbagePacks || _neededUnknown || result.Status != ObjectStatus.Ok) Finish();
        else
        {
            _garbagePacks = true;
            _listedLast = default;
            StartListing();
        }
        return true;
    }

    /// <summary>Removes the next object listed that nothing needs, or asks for further ones.</summary>
    private void NextListed()
    {
        ReadOnlySpan<byte> rest = _listing.Slice(_listingAt, _listingEnd - _listingAt);
        while (ObjectListing.TryTake(ref rest, out ReadOnlySpan<byte> key))
        {
            _listingAt = _listingEnd - rest.Length;
            _listedLast = new ObjectKey(key);
            ObjectKey folder = GarbageFolder;
            if (!PackKeys.TryNumber(in folder, key, out ulong number) || !IsGarbage(number)) continue;
            _requests.Delete(MainRequest, in _listedLast);
            _step = Step.GarbageDeleting;
            return;
        }
        StartListing();
    }

    private bool IsGarbage(ulong number) => _garbagePacks
        ? number >> 32 <= _catalog.Epoch && _needed.AsSpan(0, _neededCount).BinarySearch(number) < 0
        : number < _entry.Sequence && !_catalog.HasSequence(number);

    private bool TryGarbageDeleting()
    {
        if (!_requests.HasEnded(MainRequest)) return false;
        ObjectResult result = _requests.Take(MainRequest);
        if (result.Status == ObjectStatus.Ok)
        {
            ObjectsDeleted++;
            NextListed();
        }
        // An operator's matter, and none that uploading has to wait for.
        else Finish();
        return true;
    }
}
