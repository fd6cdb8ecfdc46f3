using System;
using Deterministic.Core;
using Deterministic.Core.Memory;
using Deterministic.Core.Objects;

namespace Deterministic.Storage.Packs;

/// <summary>Gives kept checkpoints names and takes names away, beside an uploader at work: the catalog is replaced only
/// if it is as it was read, else all is done again on what is there now.</summary>
public sealed class SnapshotEditor
{
    private const int Request = 0;

    private enum Step : byte
    {
        Idle,
        Reading,
        Writing,
        Done,
    }

    private readonly RestorerOptions _options;
    private readonly ObjectRequests _requests;
    private readonly ObjectKey _key;
    private readonly NativeBuffer _bytes;
    private CheckpointChoice _choice;
    private ObjectKey _name;
    private bool _deletes;
    private Step _step;

    public SnapshotEditor(StaticMemory memory, RestorerOptions options)
    {
        _options = options;
        _requests = new ObjectRequests(options.Store, options.TokenBase, count: 1);
        _key = new PackKeys(options.Prefix).Catalog;
        _bytes = memory.Take(Catalog.SizeMax);
    }

    /// <summary>As it is after the change.</summary>
    public Catalog Catalog { get; } = new();

    public bool IsDone => _step == Step.Done;

    public PacksFailure Failure { get; private set; }

    public bool Owns(uint token) => _requests.Owns(token);

    /// <summary>Only reads the catalog, for a list of what there is.</summary>
    public void List() => Start(CheckpointChoice.Latest, default, deletes: false);

    /// <summary>Keeps a checkpoint under a name; again under the same name is as once.</summary>
    public void Create(in CheckpointChoice choice, ReadOnlySpan<byte> name)
    {
        Check.That(CatalogEntry.IsName(name));
        Start(in choice, new ObjectKey(name), deletes: false);
    }

    public void Delete(ReadOnlySpan<byte> name)
    {
        Check.That(CatalogEntry.IsName(name));
        Start(CheckpointChoice.Latest, new ObjectKey(name), deletes: true);
    }

    public void OnObject(uint token, in ObjectResult result)
    {
        _requests.OnObject(token, in result);
        if (!_requests.HasEnded(Request)) return;
        ObjectResult ended = _requests.Take(Request);
        if (_step == Step.Reading) OnRead(in ended);
        else OnWritten(in ended);
    }

    public void Tick() => _requests.Tick();

    private void Start(in CheckpointChoice choice, ObjectKey name, bool deletes)
    {
        Check.That(_requests.Busy == 0);
        _choice = choice;
        _name = name;
        _deletes = deletes;
        Failure = default;
        Read();
    }

    private void Read()
    {
        _step = Step.Reading;
        _requests.Get(Request, in _key, 0, _bytes);
    }

    private void OnRead(in ObjectResult result)
    {
        Failure = ManifestReader.FailureOf(in result, in _key, PacksProblem.NoCatalog);
        if (Failure.IsNone)
        {
            ContentProblem content = Catalog.Read(_bytes.Slice(0, result.Size), _options.Cluster);
            if (content != ContentProblem.None)
                Failure = new PacksFailure(PacksProblem.ObjectDamaged, _key, content);
        }
        if (!Failure.IsNone) return;
        bool changed = !_name.IsEmpty && (_deletes ? Remove() : Add());
        if (!Failure.IsNone) return;
        if (!changed)
        {
            _step = Step.Done;
            return;
        }
        _step = Step.Writing;
        int size = Catalog.Write(_bytes.Span, _options.Cluster);
        _requests.Put(Request, in _key, _bytes.Part(0, size), PutCondition.IfMatch, result.Tag);
    }

    private void OnWritten(in ObjectResult result)
    {
        if (result.Status == ObjectStatus.Ok) _step = Step.Done;
        else if (result.Status is ObjectStatus.ConditionFailed or ObjectStatus.NotFound) Read();
        else Failure = ManifestReader.FailureOf(in result, in _key, PacksProblem.NoCatalog);
    }

    private bool Remove()
    {
        int entry = Catalog.Find(_name.Bytes);
        if (entry < 0) return false;
        Catalog.Remove(entry);
        return true;
    }

    private bool Add()
    {
        int from = _choice.FindIn(Catalog);
        int there = Catalog.Find(_name.Bytes);
        if (there >= 0)
        {
            bool same = from >= 0 && Catalog[there].Sequence == Catalog[from].Sequence;
            if (!same) Failure = new PacksFailure(PacksProblem.NameTaken);
            return false;
        }
        if (from < 0) Failure = new PacksFailure(PacksProblem.NoCheckpoint);
        else if (!Catalog.TryAdd(Catalog[from] with { Name = _name }))
            Failure = new PacksFailure(PacksProblem.CatalogFull);
        return Failure.IsNone;
    }
}
