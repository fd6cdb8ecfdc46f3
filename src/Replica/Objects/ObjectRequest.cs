using Deterministic.Core.Memory;
using Deterministic.Core.Objects;

namespace Deterministic.Replica.Objects;

internal enum ObjectRequestKind : byte
{
    Put,
    Get,
    List,
    Delete,
    MultipartStart,
    MultipartPart,
    MultipartComplete,
    MultipartAbort,
}

/// <summary>One call of <see cref="IObjectStore"/> on its way to a thread.</summary>
internal struct ObjectRequest
{
    public ObjectRequestKind Kind { get; init; }
    public uint Token { get; init; }

    /// <summary>Of a listing: the prefix.</summary>
    public ObjectKey Key;

    /// <summary>Of a listing only.</summary>
    public ObjectKey After;
    public ObjectTag Tag;
    public NativeBuffer Buffer { get; init; }
    public PutCondition Condition { get; init; }
    public long Offset { get; init; }
    public uint Upload { get; init; }

    /// <summary>Number of a part; of a completion, how many there are.</summary>
    public int Part { get; init; }
}
