using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;

namespace Deterministic.Storage.Packs;

/// <summary>Reads the catalog and then the manifest of one checkpoint, and checks both.</summary>
internal sealed class ManifestReader
{
    private enum Step : byte
    {
        Idle,
        Catalog,
        Manifest,
        Done,
        Failed,
    }

    private readonly ObjectRequests _requests;
    private readonly PackKeys _keys;
    private readonly UInt128 _cluster;
    private readonly NativeBuffer _catalogBytes;
    private readonly NativeBuffer _manifest;
    private readonly int _request;
    private CheckpointChoice _choice;
    private Step _step;

    public ManifestReader(
        StaticMemory memory, ObjectRequests requests, int request, PackKeys keys, UInt128 cluster, long manifestSizeMax)
    {
        _requests = requests;
        _request = request;
        _keys = keys;
        _cluster = cluster;
        _catalogBytes = memory.Take(Catalog.SizeMax);
        _manifest = memory.Take(manifestSizeMax);
    }

    public Catalog Catalog { get; } = new();

    /// <summary>Of the catalog as it was read.</summary>
    public ObjectTag CatalogTag { get; private set; }

    public CatalogEntry Entry { get; private set; }

    public ManifestHead Head { get; private set; }

    /// <summary>The manifest, once it was read.</summary>
    public ReadOnlySpan<byte> Bytes => _manifest.Slice(0, Entry.ManifestSize);

    public PacksFailure Failure { get; private set; }

    public bool IsDone => _step == Step.Done;

    public void Start(in CheckpointChoice choice)
    {
        Check.That(_step is Step.Idle or Step.Done or Step.Failed);
        _choice = choice;
        Failure = default;
        _step = Step.Catalog;
        _requests.Get(_request, _keys.Catalog, 0, _catalogBytes);
    }

    /// <summary>Goes on after completions; true once it is done or has failed.</summary>
    public bool Advance()
    {
        if (_step == Step.Catalog && _requests.HasEnded(_request)) ReadCatalog(_requests.Take(_request));
        if (_step == Step.Manifest && _requests.HasEnded(_request)) ReadManifest(_requests.Take(_request));
        return _step is Step.Done or Step.Failed;
    }

    private void ReadCatalog(in ObjectResult result)
    {
        CatalogTag = result.Tag;
        PacksFailure failure = FailureOf(in result, _keys.Catalog, PacksProblem.NoCatalog);
        if (failure.IsNone)
        {
            ContentProblem content = Catalog.Read(_catalogBytes.Slice(0, result.Size), _cluster);
            if (content != ContentProblem.None)
                failure = new PacksFailure(PacksProblem.ObjectDamaged, _keys.Catalog, content);
        }
        int entry = failure.IsNone ? _choice.FindIn(Catalog) : -1;
        if (failure.IsNone && entry < 0) failure = new PacksFailure(PacksProblem.NoCheckpoint);
        if (failure.IsNone && Catalog[entry].ManifestSize > _manifest.Length)
            failure = new PacksFailure(PacksProblem.TooLarge, _keys.Manifest(Catalog[entry].Sequence));
        if (!failure.IsNone)
        {
            Fail(in failure);
            return;
        }
        Entry = Catalog[entry];
        _step = Step.Manifest;
        _requests.Get(_request, _keys.Manifest(Entry.Sequence), 0, _manifest);
    }

    private void ReadManifest(in ObjectResult result)
    {
        ObjectKey key = _keys.Manifest(Entry.Sequence);
        PacksFailure failure = FailureOf(in result, in key, PacksProblem.ObjectMissing);
        if (failure.IsNone)
        {
            ContentProblem content = Examine(_manifest.Slice(0, result.Size), result.ObjectSize);
            if (content != ContentProblem.None) failure = new PacksFailure(PacksProblem.ObjectDamaged, key, content);
        }
        if (failure.IsNone) _step = Step.Done;
        else Fail(in failure);
    }

    private ContentProblem Examine(ReadOnlySpan<byte> bytes, long objectSize)
    {
        if (objectSize != bytes.Length || bytes.Length != Entry.ManifestSize) return ContentProblem.WrongSize;
        ContentProblem content = Manifest.Read(bytes, _cluster, out ManifestHead head);
        if (content != ContentProblem.None) return content;
        bool named = Manifest.ChecksumOf(bytes) == Entry.ManifestChecksum && head.Sequence == Entry.Sequence &&
            head.Op == Entry.Op && Checksum.Of(Manifest.Checkpoint(bytes, in head)) == Entry.CheckpointId;
        if (!named) return ContentProblem.WrongIdentity;
        Head = head;
        return ContentProblem.None;
    }

    private void Fail(in PacksFailure failure)
    {
        Failure = failure;
        _step = Step.Failed;
    }

    /// <summary>What a read that has ended means, its content aside.</summary>
    public static PacksFailure FailureOf(in ObjectResult result, in ObjectKey key, PacksProblem missing) =>
        result.Status switch
        {
            ObjectStatus.Ok => default,
            ObjectStatus.NotFound => new PacksFailure(missing, key),
            ObjectStatus.TooLarge => new PacksFailure(PacksProblem.TooLarge, key),
            _ => new PacksFailure(PacksProblem.Refused, key),
        };
}
