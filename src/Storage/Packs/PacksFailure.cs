using Deterministic.Core.Objects;

namespace Deterministic.Storage.Packs;

/// <summary>Why work on checkpoints in an object store cannot go on.</summary>
public enum PacksProblem : byte
{
    None = 0,

    /// <summary>There are no checkpoints under the prefix.</summary>
    NoCatalog,

    /// <summary>No checkpoint that is kept is the one asked for.</summary>
    NoCheckpoint,

    /// <summary>A manifest or pack that is needed is not there.</summary>
    ObjectMissing,

    /// <summary>An object is not what it should be.</summary>
    ObjectDamaged,

    /// <summary>A block is in none of the packs.</summary>
    NoBlock,

    /// <summary>The store refuses for good.</summary>
    Refused,

    /// <summary>Something is larger than the memory set aside for it, or than the store takes.</summary>
    TooLarge,

    /// <summary>The checkpoints there are of a state that this one does not follow.</summary>
    AnotherHistory,

    /// <summary>Another uploader has taken over.</summary>
    Superseded,

    /// <summary>The name is that of another snapshot, or as many checkpoints are kept as can be.</summary>
    NameTaken,
    CatalogFull,

    /// <summary>A block on this disk is not what its reference says.</summary>
    BlockCorrupt,
}

/// <summary>A problem, and the object that it is about if it is about one.</summary>
public readonly struct PacksFailure(PacksProblem problem, ObjectKey key = default, ContentProblem content = default)
{
    public PacksProblem Problem { get; } = problem;
    public ObjectKey Key { get; } = key;

    /// <summary>What is wrong with the object.</summary>
    public ContentProblem Content { get; } = content;

    public bool IsNone => Problem == PacksProblem.None;

    /// <summary>For people.</summary>
    public string Text => Problem switch
    {
        PacksProblem.None => "",
        PacksProblem.NoCatalog => "the object store holds no checkpoints under this prefix",
        PacksProblem.NoCheckpoint => "the object store does not keep this checkpoint",
        PacksProblem.ObjectMissing => "an object that the checkpoint needs is missing",
        PacksProblem.ObjectDamaged => "an object that the checkpoint needs is damaged",
        PacksProblem.NoBlock => "the block is in none of the packs",
        PacksProblem.Refused => "the object store refuses: check credentials, bucket and rights",
        PacksProblem.TooLarge => "an object is larger than the memory set aside for it or than the store takes",
        PacksProblem.AnotherHistory => "the checkpoints in the object store are of another history",
        PacksProblem.Superseded => "another uploader has taken over this prefix",
        PacksProblem.NameTaken => "there is a snapshot of this name already",
        PacksProblem.CatalogFull => "as many checkpoints and snapshots are kept as can be",
        _ => "a block on disk is damaged",
    };
}
